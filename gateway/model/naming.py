"""Which service, environment and team an application belongs to: ordered rules over what its document says anyway.

A rule looks at one thing (a label, the name, the ApplicationSet, …), matches it against a pattern, and yields a value;
the first rule that yields one wins, and what no rule knows stays absent. Never belongs here: where rules come from
(``variables``), or any guess that isn't written as a rule.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

import msgspec

from gateway.model.application import ApplicationStatus
from gateway.model.labels import LabelSelectorError, parse_labels

NamedField = Literal["service", "environment", "team"]
"""What rules find, each a field of the status document."""

ENVIRONMENTS = (
    *("dev", "develop", "development", "int", "integration", "test", "testing", "qa", "uat", "stage", "staging", "stg"),
    *("sandbox", "preview", "pre", "preprod", "perf", "prod", "production", "prd", "live"),
)
"""What ``{environment}`` stands for in a pattern, unless the pattern lists words of its own."""

DEFAULT_RULES: Mapping[NamedField, str] = {
    "service": "name:{service}-{environment}",
    "environment": "label:environment, label:env, name:{service}-{environment}, namespace:*-{environment}",
    "team": "label:team",
}

MAX_RULES = 20
MAX_LENGTH = 253

Read = Callable[[ApplicationStatus], Iterable[str | None]]

_RULE = re.compile(r"(?P<source>[a-z]+)(?:\s*:\s*(?P<pattern>.*?))?(?:\s*=>\s*(?P<value>.*))?", re.DOTALL)
_LABEL = re.compile(r"(?P<key>[^\s={}<>!]+)(?:\s*=\s*(?P<pattern>.+))?")
_PIECE = re.compile(r"\{([^{}]*)\}|(\*)|([^{}*]+)")
_MAX_OPEN = 2
"""Pieces of a pattern that match any text: with more, a long name would cost more than an event may."""


class RuleError(ValueError):
    """A text is no list of rules; the message says which rule, why, and what could be written. It never repeats it."""


class Rule(msgspec.Struct, frozen=True):
    """One rule: from what it reads, the pattern that this has to match, and the value, if it isn't found there.

    ``text`` is the rule as it is written. Without a ``value``, the pattern's group is what the rule yields.
    """

    text: str
    source: str
    label: str | None
    pattern: re.Pattern[str] | None
    value: str | None

    def find(self, document: ApplicationStatus) -> str | None:
        """Return the value that the rule yields for a document; None if it yields none."""
        if self.label is not None:
            labels = document.labels
            texts: Iterable[str | None] = (labels.get(self.label),) if labels else ()
        else:
            texts = _SOURCES[self.source](document)
        for text in texts:
            if not text:
                continue
            if self.pattern is None:
                return self.value or text
            if (match := self.pattern.fullmatch(text)) is not None:
                return self.value or match[match.lastgroup or 0]
        return None


class Rules(msgspec.Struct, frozen=True):
    """Rules for one field, in order."""

    rules: tuple[Rule, ...] = ()

    def __str__(self) -> str:
        return ", ".join(rule.text for rule in self.rules) or "none"

    def find(self, document: ApplicationStatus) -> str | None:
        """Return the value of the first rule that yields one."""
        for rule in self.rules:
            if (value := rule.find(document)) is not None:
                return value
        return None


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """The rules for all fields. Without any, nothing is named."""

    service: Rules = Rules()
    environment: Rules = Rules()
    team: Rules = Rules()

    def find(self, document: ApplicationStatus, known: ApplicationStatus | None = None) -> dict[str, str | None]:
        """Return the value of each field for a document, None where no rule knows it.

        ``known`` is the same application as these rules named it before: where nothing that rules look at is another,
        neither are the names.
        """
        if (
            known is not None
            and known.labels == document.labels
            and known.destination == document.destination
            and known.sources == document.sources
            and known.project == document.project
            and known.owner == document.owner
        ):
            return {"service": known.service, "environment": known.environment, "team": known.team}
        return {
            "service": self.service.find(document),
            "environment": self.environment.find(document),
            "team": self.team.find(document),
        }

    def name(self, document: ApplicationStatus) -> ApplicationStatus:
        """Return the document with the names that the rules find."""
        return msgspec.structs.replace(document, **self.find(document))


def parse_rules(field: NamedField, text: str) -> Rules:
    """Return the rules that a text lists, separated by commas; ``none`` lists none. Raises RuleError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts == ["none"]:
        return Rules()
    if not parts:
        raise RuleError(f"list rules, such as {DEFAULT_RULES[field]}, or write none")
    if len(parts) > MAX_RULES:
        raise RuleError(f"{len(parts)} rules are too many: {MAX_RULES} are allowed")
    return Rules(tuple(_parse_rule(field, part, number) for number, part in enumerate(parts, start=1)))


def default_naming() -> Naming:
    """Return the naming by the default rules."""
    return Naming(**{field: parse_rules(field, text) for field, text in DEFAULT_RULES.items()})


def _parse_rule(field: NamedField, text: str, number: int) -> Rule:
    try:
        return _read_rule(field, text)
    except ValueError as error:
        raise RuleError(f"rule {number}: {error}") from None


def _read_rule(field: NamedField, text: str) -> Rule:
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError(f"write at most {MAX_LENGTH} printable characters")
    match = _RULE.fullmatch(text)
    if match is None or (match["source"] != "label" and match["source"] not in _SOURCES):
        known = ", ".join(("label", *_SOURCES))
        raise ValueError(f"begin it with what it looks at, one of {known}; such as {_example(field)}")
    source, pattern, value = match["source"], match["pattern"], match["value"]
    if value == "":
        raise ValueError("a value has to follow =>; such as namespace:pay-* => payments")
    if pattern == "":
        raise ValueError(f"a pattern has to follow the colon; such as {_example(field)}")
    label = None
    if source == "label":
        label, pattern = _read_label(pattern)
    compiled = None if pattern is None else _compile(field, pattern, has_value=value is not None)
    return Rule(text=text, source=source, label=label, pattern=compiled, value=value)


def _read_label(text: str | None) -> tuple[str, str | None]:
    match = _LABEL.fullmatch(text or "")
    try:
        is_key = match is not None and [str(each) for each in parse_labels(match["key"])] == [match["key"]]
    except LabelSelectorError:
        is_key = False
    if match is None or not is_key:
        raise ValueError("name a label by its key; such as label:team, label:app.example.org/team or label:tier=prod-*")
    return match["key"], match["pattern"]


def _compile(field: NamedField, pattern: str, *, has_value: bool) -> re.Pattern[str]:
    """Return the pattern as a regular expression, in which a group is what the rule yields."""
    pieces = list(_PIECE.finditer(pattern))
    if "".join(piece[0] for piece in pieces) != pattern:
        raise ValueError("a { or } stands alone; write a placeholder such as {service}")
    placeholders: list[str] = []
    expressions: list[str] = []
    open_pieces = 0
    for piece in pieces:
        expression, own = _compile_piece(field, piece, placeholders)
        open_pieces += expression.endswith((".+", ".*"))
        expressions.append(f"(?P<{field}>{expression})" if own and not has_value else f"(?:{expression})")
    if open_pieces > _MAX_OPEN:
        raise ValueError(f"at most {_MAX_OPEN} of its pieces may match any text: * and placeholders without words")
    if placeholders and field not in placeholders and not has_value:
        raise ValueError(f"nothing in it says which part is the {field}; such as {_example(field)}")
    return re.compile("".join(expressions), re.DOTALL)


def _compile_piece(field: NamedField, piece: re.Match[str], placeholders: list[str]) -> tuple[str, bool]:
    """Return a piece's expression, and whether it is what the rule yields; notes the placeholder that it is."""
    inside, star, literal = piece.groups()
    if star:
        return ".*", False
    if literal:
        return re.escape(literal), False
    name, equals, listed = inside.partition("=")
    words = [word.strip() for word in listed.split("|")] if equals else []
    if name not in get_args(NamedField):
        raise ValueError(
            "its placeholders are {service}, {environment} and {team}, such as name:{service}-{environment}"
        )
    if name in placeholders:
        raise ValueError("each placeholder may come once; write * for a part that doesn't matter")
    if not all(words):
        raise ValueError("a placeholder lists its words so: {environment=lab|live}")
    placeholders.append(name)
    if name == "environment" and not words:
        words = list(ENVIRONMENTS)
    expression = "|".join(map(re.escape, sorted(words, key=len, reverse=True))) if words else ".+"
    return expression, name == field


def _example(field: NamedField) -> str:
    return {"team": "label:team or project"}.get(field, f"label:{field} or name:{{service}}-{{environment}}")


def _owner_set(document: ApplicationStatus) -> tuple[str | None]:
    owner = document.owner
    return (owner.name if owner is not None and owner.kind == "ApplicationSet" else None,)


def _namespace(document: ApplicationStatus) -> tuple[str | None]:
    return (document.destination.namespace if document.destination else None,)


def _cluster(document: ApplicationStatus) -> tuple[str | None]:
    destination = document.destination
    return (destination.name or destination.server if destination else None,)


_SOURCES: dict[str, Any] = {
    "name": lambda document: (document.name,),
    "appset": _owner_set,
    "namespace": _namespace,
    "cluster": _cluster,
    "project": lambda document: (document.project,),
    "path": lambda document: [source.path for source in document.sources],
}
"""What a rule may look at, besides labels; ``namespace`` and ``cluster`` are those that are deployed to."""
