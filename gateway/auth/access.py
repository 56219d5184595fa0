"""The access file: groups, users and the anonymous, each with rules; and the grant that follows for an identity.

Pure: a text in, everything wrong with it out at once, each with its line. Nothing is granted that isn't written.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.glob import find_problem
from gateway.auth.grant import HIDEABLE, VERBS, Grant, Place, Rule
from gateway.auth.identity import Identity
from gateway.auth.lines import Fault, FileError, Lines, Path, read_toml
from gateway.model.labels import LabelSelectorError, Requirement, parse_labels

MAX_VALUES = 100
"""Names that one rule may list of a kind."""

_TOP = ("groups", "users", "anonymous")
_RULE = ("projects", "namespaces", "labels", "verbs", "hide")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """What the file says of one user: groups beside those that the credentials name, and rules of their own."""

    groups: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who gets which rules. What the anonymous may, everybody may."""

    groups: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    anonymous: tuple[Rule, ...] = ()
    _made: dict[tuple[str, frozenset[str]], Grant] = field(default_factory=dict, repr=False, compare=False)

    def grant_of(self, identity: Identity) -> Grant:
        """Return what somebody may; the same object for those with the same groups and rules."""
        subject = identity.subject if identity.subject in self.users and not identity.anonymous else ""
        groups = self._groups_of(identity).intersection(self.groups)
        if (grant := self._made.get((subject, groups))) is None:
            rules = [*self.anonymous, *(rule for group in sorted(groups) for rule in self.groups[group])]
            grant = Grant([*rules, *(self.users[subject].rules if subject else ())])
            self._made[subject, groups] = grant
        return grant

    def explain(self, identity: Identity, place: Place | None = None) -> list[str]:
        """Return, in lines for people, what somebody may and why; of one application, if one is given."""
        groups = sorted(self._groups_of(identity))
        shown = [group if group in self.groups else f"{group} (has no rules)" for group in groups]
        lines = [f"{identity.name} ({identity.method}) is in {', '.join(shown) if shown else 'no group'}."]
        grant = self.grant_of(identity)
        if not grant.rules:
            return [*lines, "No rule applies, so nothing may be seen or done."]
        for rule in grant.rules:
            mark = "" if place is None else "applies: " if rule.covers(place) else "doesn't apply: "
            lines.append(f"  {mark}{rule.origin}: {describe(rule)}")
        return lines if place is None else [*lines, _conclude(grant, place)]

    def _groups_of(self, identity: Identity) -> frozenset[str]:
        if identity.anonymous:
            return frozenset()
        user = self.users.get(identity.subject)
        return identity.groups | (user.groups if user is not None else frozenset())


NO_ACCESS = Access()
"""Nothing for anybody."""


def parse_access(text: str) -> Access:
    """Read an access file. Raises FileError with every fault of it."""
    content, lines = read_toml(text)
    return _Reader(lines).read(content)


def describe(rule: Rule) -> str:
    """Return what a rule gives, in words."""
    verbs = "every right" if "admin" in rule.verbs else ", ".join(verb for verb in VERBS if verb in rule.verbs)
    criteria = [
        f"{name} {' or '.join(values)}"
        for name, values in (("projects", rule.projects), ("namespaces", rule.namespaces))
        if values
    ]
    criteria += [f"labels {','.join(map(str, rule.labels))}"] if rule.labels else []
    hidden = f", without {' and '.join(sorted(rule.hide))}" if rule.hide else ""
    return f"{verbs} in {', '.join(criteria) or 'everything'}{hidden}"


def _conclude(grant: Grant, place: Place) -> str:
    allowed = [verb for verb in VERBS if grant.allows(verb, place)]
    if "view" not in allowed:
        rest = f" (but {', '.join(allowed)} may be done)" if allowed else ""
        return f"So it isn't seen{rest}."
    hidden = sorted(grant.hidden(place))
    return (
        f"So it is seen{f', without {chr(32).join(hidden)}' if hidden else ', whole'}; allowed: {', '.join(allowed)}."
    )


class _Reader:
    """Reads the content of the file, and gathers what is wrong with it."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._faults: list[Fault] = []

    def read(self, content: Mapping[str, Any]) -> Access:
        self._expect_keys(content, _TOP, ())
        groups = {
            name: self._rules(table, ("groups", name)) for name, table in self._tables(content, "groups", ("rules",))
        }
        users = {}
        for name, table in self._tables(content, "users", ("groups", "rules")):
            own = self._texts(table, "groups", ("users", name), lambda _: None)
            self._expect_known(own, groups, ("users", name, "groups"), "group")
            rules = self._rules(table, ("users", name)) if "rules" in table or not own else ()
            users[name] = User(groups=frozenset(own), rules=rules)
        anonymous: tuple[Rule, ...] = ()
        if isinstance(table := content.get("anonymous", {}), dict):
            self._expect_keys(table, ("rules",), ("anonymous",))
            anonymous = self._rules(table, ("anonymous",)) if "anonymous" in content else ()
        else:
            self._object(("anonymous",), "write its rules as tables [[anonymous.rules]]")
        if self._faults:
            raise FileError(self._faults)
        return Access(groups=groups, users=users, anonymous=anonymous)

    def _tables(
        self, content: Mapping[str, Any], kind: str, known: Sequence[str]
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        tables = content.get(kind, {})
        if not isinstance(tables, dict):
            self._object((kind,), f"write each as a table of its own, such as [[{kind}.NAME.rules]]")
            return
        for name, table in tables.items():
            if not isinstance(table, dict):
                self._object((kind, name), f"write it as a table, such as [[{kind}.{name}.rules]]")
                continue
            self._expect_keys(table, known, (kind, name))
            yield name, table

    def _rules(self, table: Mapping[str, Any], path: Path) -> tuple[Rule, ...]:
        where = ".".join(map(str, path))
        rules = table.get("rules")
        if not isinstance(rules, list) or not rules or not all(isinstance(each, dict) for each in rules):
            self._object((*path, "rules"), f"{where} has no rules; write each as a table [[{where}.rules]]")
            return ()
        read = [self._rule(each, (*path, "rules", index), where) for index, each in enumerate(rules)]
        return tuple(rule for rule in read if rule is not None)

    def _rule(self, table: Mapping[str, Any], path: Path, where: str) -> Rule | None:
        before = len(self._faults)
        self._expect_keys(table, _RULE, path)
        projects = self._texts(table, "projects", path, find_problem)
        namespaces = self._texts(table, "namespaces", path, find_problem)
        verbs = self._texts(table, "verbs", path, lambda _: None) if "verbs" in table else ("view",)
        hide = self._texts(table, "hide", path, lambda _: None)
        self._expect_known(verbs, VERBS, (*path, "verbs"), "verb")
        self._expect_known(hide, HIDEABLE, (*path, "hide"), "thing that can be hidden")
        labels = self._labels(table, path)
        if not any(name in table for name in ("projects", "namespaces", "labels")):
            self._object(path, 'say what the rule is about: projects, namespaces or labels; projects = ["*"] is all')
        if hide and verbs and set(verbs) <= {"webhooks", "refresh"}:
            self._object((*path, "hide"), "the rule lets nothing be seen, so there is nothing to hide; leave this out")
        if len(self._faults) > before:
            return None
        origin = f"{where}, line {self._lines.find(path)}"
        known_verbs = frozenset(verb for verb in VERBS if verb in verbs)
        known_hide = frozenset(each for each in HIDEABLE if each in hide)
        return Rule(
            projects=projects,
            namespaces=namespaces,
            labels=labels,
            verbs=known_verbs,
            hide=known_hide,
            origin=origin,
        )

    def _labels(self, table: Mapping[str, Any], path: Path) -> tuple[Requirement, ...]:
        text = table.get("labels", "")
        if not isinstance(text, str) or ("labels" in table and not text.strip()):
            self._object((*path, "labels"), 'write labels as for kubectl, such as labels = "team=shop,tier in (a,b)"')
            return ()
        try:
            return parse_labels(text)
        except LabelSelectorError as error:
            self._object((*path, "labels"), f"labels: {error}")
            return ()

    def _texts(
        self, table: Mapping[str, Any], key: str, path: Path, problem_of: Callable[[str], str | None]
    ) -> tuple[str, ...]:
        if key not in table:
            return ()
        values, path = table[key], (*path, key)
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            self._object(path, f'write {key} as a list of texts with at least one, such as {key} = ["a", "b"]')
            return ()
        if len(values) > MAX_VALUES:
            self._object(path, f"{key} lists {len(values)}; at most {MAX_VALUES} are allowed, add another rule")
            return ()
        for value in values:
            if (problem := problem_of(value)) is not None:
                self._object(path, f"{key}: {_show(value)} {problem}")
        return tuple(values)

    def _expect_keys(self, table: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for key in table:
            if key not in known:
                where = f" of {'.'.join(map(str, path))}" if path else ""
                self._object((*path, key), f"{_show(key)} is no key{where}.{_suggest(key, known)}")

    def _expect_known(self, values: Iterable[str], known: Iterable[str], path: Path, what: str) -> None:
        known = tuple(known)
        for value in values:
            if value not in known:
                self._object(path, f"{_show(value)} is no {what} of this file.{_suggest(value, known)}")

    def _object(self, path: Path, message: str) -> None:
        self._faults.append(Fault(self._lines.find(path), message))


def _suggest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{hint} Known are {', '.join(known)}" if known else f"{hint} There is none"


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
