"""Kubernetes label selectors: their grammar, their meaning, and one canonical text for each.

The grammar is that of ``labels.Parse`` (k8s.io/apimachinery pkg/labels/selector.go), the rules for keys and values are
those of pkg/util/validation. Nothing here knows applications or query parameters (that is ``selector``).

Two inputs are judged differently from Kubernetes, whose parser trips over them: ``a in (x,,)`` is accepted, as
``a in (x,)`` is by both, and a NUL character is an error instead of the end of the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
"""Kubernetes' own words. ``=`` and ``==`` are In with one value, ``!=`` is NotIn with one."""

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!<>(),]|[^ \t\r\n=!<>(),]+|\Z)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,63}")
_INT64 = range(-(2**63), 2**63)

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = "letters, digits, '-', '_' and '.', a letter or digit at both ends, at most 63 characters"


class LabelSelectorError(ValueError):
    """A text is no label selector; the message says what was found where, and what is allowed there."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Requirement:
    """One condition on one label, as ``parse_labels`` makes it.

    ``values`` are sorted, each once; Exists and DoesNotExist have none, Gt and Lt have one, an integer.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()
    _wanted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wanted", frozenset(self.values))
        object.__setattr__(self, "values", tuple(sorted(self._wanted)))

    def __str__(self) -> str:
        """Return the canonical text: Kubernetes' own, with ``=`` and ``!=`` wherever there is one value."""
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case "Gt":
                return f"{self.key}>{self.values[0]}"
            case "Lt":
                return f"{self.key}<{self.values[0]}"
            case "In" | "NotIn" if len(self.values) != 1:
                return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"
            case "In":
                return f"{self.key}={self.values[0]}"
            case "NotIn":
                return f"{self.key}!={self.values[0]}"

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Say whether the labels meet the condition. An absent label meets NotIn and DoesNotExist alone."""
        value = labels.get(self.key) if labels else None
        match self.operator:
            case "In":
                return value in self._wanted
            case "NotIn":
                return value not in self._wanted
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                number = None if value is None else _parse_int64(value)
                if number is None:
                    return False
                bound = int(self.values[0])
                return number > bound if self.operator == "Gt" else number < bound


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a label selector, sorted, each once; all of them must match.

    An empty text has none, as in Kubernetes. Raises LabelSelectorError.
    """
    reader = _Reader(text)
    if reader.at_end:
        return ()
    requirements = {_read_requirement(reader)}
    while not reader.at_end:
        if not reader.accepts(","):
            raise reader.expected("',' or the end")
        requirements.add(_read_requirement(reader))
    return tuple(sorted(requirements))


class _Reader:
    """The words and symbols of a text, one after the other. The end is an empty token, and stays."""

    def __init__(self, text: str) -> None:
        self._tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self._next = 0

    @property
    def token(self) -> str:
        return self._tokens[self._next][0]

    @property
    def at_end(self) -> bool:
        return not self.token

    @property
    def at_value_end(self) -> bool:
        return self.token in ("", ",", ")")

    def take(self) -> str:
        token = self.token
        self._next += 1
        return token

    def accepts(self, symbol: str) -> bool:
        if self.token != symbol:
            return False
        self._next += 1
        return True

    def take_word(self, what: str) -> str:
        if self.at_end or self.token[0] in "=!<>(),":
            raise self.expected(what)
        return self.take()

    def expected(self, what: str) -> LabelSelectorError:
        found = _show(self.token) if self.token else "the end"
        return LabelSelectorError(f"found {found} at character {self._tokens[self._next][1] + 1}, expected {what}")


def _read_requirement(reader: _Reader) -> Requirement:
    if reader.accepts("!"):
        return Requirement(key=_read_key(reader, "a label key after '!'"), operator="DoesNotExist")
    key = _read_key(reader, "a label key or '!'")
    match reader.token:
        case "" | ",":
            return Requirement(key=key, operator="Exists")
        case "=" | "==":
            reader.take()
            return Requirement(key=key, operator="In", values=(_read_value(reader, key),))
        case "!=":
            reader.take()
            return Requirement(key=key, operator="NotIn", values=(_read_value(reader, key),))
        case "in":
            reader.take()
            return Requirement(key=key, operator="In", values=_read_values(reader, key))
        case "notin":
            reader.take()
            return Requirement(key=key, operator="NotIn", values=_read_values(reader, key))
        case ">":
            reader.take()
            return Requirement(key=key, operator="Gt", values=(_read_integer(reader, key),))
        case "<":
            reader.take()
            return Requirement(key=key, operator="Lt", values=(_read_integer(reader, key),))
    raise reader.expected(f"one of =, ==, !=, in, notin, >, <, ',' or the end after the key {_show(key)}")


def _read_key(reader: _Reader, what: str) -> str:
    key = reader.take_word(what)
    prefix, slash, name = key.rpartition("/")
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise LabelSelectorError(f"{_show(key)} is no label key: the name has {_NAME_RULE}")
    if slash and (len(prefix) > 253 or not _DNS_SUBDOMAIN.fullmatch(prefix)):
        raise LabelSelectorError(
            f"{_show(key)} is no label key: before the '/' stands a DNS name in lower case, at most 253 characters"
        )
    return key


def _read_value(reader: _Reader, key: str) -> str:
    value = "" if reader.at_value_end else reader.take_word(f"a value of {_show(key)}")
    if value and (len(value) > 63 or not _NAME.fullmatch(value)):
        raise LabelSelectorError(f"{_show(value)} is no label value: it is empty or has {_NAME_RULE}")
    return value


def _read_values(reader: _Reader, key: str) -> tuple[str, ...]:
    if not reader.accepts("("):
        raise reader.expected(f"'(' before the values of {_show(key)}")
    values = [_read_value(reader, key)]
    while not reader.accepts(")"):
        if not reader.accepts(","):
            raise reader.expected(f"',' or ')' after a value of {_show(key)}")
        values.append(_read_value(reader, key))
    return tuple(values)


def _read_integer(reader: _Reader, key: str) -> str:
    value = _read_value(reader, key)
    if (number := _parse_int64(value)) is None:
        raise LabelSelectorError(f"{_show(key)} is compared with {_show(value)}, which is no integer of 64 bits")
    return str(number)


def _parse_int64(text: str) -> int | None:
    if _INTEGER.fullmatch(text) and (number := int(text)) in _INT64:
        return number
    return None


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
