"""Grants: what somebody may see and do, as rules; compiled into questions to a document.

A rule covers applications by project, namespace and labels, and gives rights over them. Rights add up: what any rule
gives is given, and what none gives isn't. So a rule that hides something hides it only where no other shows it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import quote

from gateway.auth.glob import ANYTHING, compile_globs, covers, is_exact, normalise
from gateway.auth.redaction import Hideable, redact, redact_change, redact_detail
from gateway.model.application import ApplicationStatus
from gateway.model.labels import Requirement

Verb = Literal["view", "webhooks", "refresh", "admin"]
"""``view`` is to see; ``webhooks`` to see what CI systems sent, and to have it taken in again; ``refresh`` to have Argo
CD compare again; ``admin`` is all of these, and to see how the gateway itself is."""

VERBS: tuple[Verb, ...] = ("view", "webhooks", "refresh", "admin")
HIDEABLE: tuple[Hideable, ...] = ("messages", "initiators")

_SHOWN = frozenset(HIDEABLE)
_MAX_BOXES = 400
"""Beyond so many, a grant is written as it was given: to compare each with each takes too long."""


class Place(Protocol):
    """What a rule looks at."""

    @property
    def project(self) -> str | None:
        """The Argo CD project; None where it isn't known."""

    @property
    def namespace(self) -> str:
        """The namespace that the Application itself is in."""

    @property
    def labels(self) -> Mapping[str, str] | None:
        """The labels of the Application."""


UNKNOWN_LABELS: Mapping[str, str] = MappingProxyType({})
"""The labels of what is gone: no rule that asks for any covers it, not even by what they must not be."""


class Spot(NamedTuple):
    """A place by itself: what is left of a document where only that is known."""

    project: str | None
    namespace: str
    labels: Mapping[str, str] | None = None


def spot(detail: Mapping[str, Any]) -> Spot:
    """Return the place of a document in wire form."""
    return Spot(detail.get("project"), detail.get("namespace", ""), detail.get("labels"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rights over the applications that meet every criterion given, each by any of its values.

    ``projects`` and ``namespaces`` are globs; an application whose project isn't known is covered by ``*`` alone.
    ``labels`` have to be met all; one whose labels aren't known is covered by rules without any. ``hide`` is what the
    rule leaves out of what it lets see. ``origin`` says where the rule stands, for people.
    """

    projects: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: tuple[Requirement, ...] = ()
    verbs: frozenset[Verb] = frozenset({"view"})
    hide: frozenset[Hideable] = frozenset()
    origin: str = field(default="", compare=False)

    rights: frozenset[str] = field(init=False, repr=False, compare=False)
    """The verbs that it gives, and what it shows beside the rest."""

    covers: Callable[[Place], bool] = field(init=False, repr=False, compare=False)
    """Say whether the rule is about an application."""

    def __post_init__(self) -> None:
        verbs = frozenset(VERBS) if "admin" in self.verbs else self.verbs
        rights = verbs | (_SHOWN - self.hide if "view" in verbs else frozenset())
        object.__setattr__(self, "rights", rights)
        object.__setattr__(self, "covers", _compile(self))


class Grant:
    """What somebody may see and do: all that any of its rules gives. Without a rule, nothing."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(dict.fromkeys(rules))
        self._view = tuple(rule for rule in self.rules if "view" in rule.rights)

    def __repr__(self) -> str:
        return f"<Grant {self.canonical or 'of nothing'}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grant) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    @cached_property
    def canonical(self) -> str:
        """The same text for the same grant, and for no other."""
        return _write(self.rules, (*VERBS, *HIDEABLE))

    @cached_property
    def scope(self) -> str:
        """The same, of what may be seen alone: those who see the same share it, whatever else they may do."""
        return _write(self._view, ("view", *HIDEABLE))

    @cached_property
    def everything(self) -> bool:
        """Whether all may be seen, whole: nothing has to be looked at."""
        return self.scope == EVERYTHING.scope

    @cached_property
    def hides(self) -> bool:
        """Whether anything may have to be left out of what is seen."""
        texts = {_write(self._view, (right,)).partition(":")[2] for right in ("view", *HIDEABLE)}
        return len(texts) > 1

    @property
    def nothing(self) -> bool:
        """Whether there is nothing at all that it gives."""
        return not any(rule.rights for rule in self.rules)

    def sees(self, place: Place) -> bool:
        """Whether an application may be seen."""
        for rule in self._view:  # noqa: SIM110 - a loop is twice as fast as any() with a generator
            if rule.covers(place):
                return True
        return False

    def allows(self, verb: Verb, place: Place | None = None) -> bool:
        """Whether a verb may be done to an application; without one, whether to any."""
        return any(verb in rule.rights and (place is None or rule.covers(place)) for rule in self.rules)

    def hidden(self, place: Place) -> frozenset[Hideable]:
        """Return what has to be left out of an application that may be seen."""
        hidden = _SHOWN
        for rule in self._view:
            if hidden and rule.covers(place):
                hidden = hidden - rule.rights
        return hidden

    def show(self, document: ApplicationStatus) -> ApplicationStatus:
        """Return what may be seen of a document that may be seen; the same one where that is all of it."""
        return redact(document, self.hidden(document)) if self.hides else document

    def show_detail(self, detail: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what may be seen of a detail, in wire form."""
        return redact_detail(detail, self.hidden(spot(detail))) if self.hides else detail

    def show_change(self, change: Mapping[str, Any], places: Iterable[Place]) -> Mapping[str, Any]:
        """Return what may be seen of a change of the delivery history, at all the places that it belongs to."""
        return redact_change(change, frozenset().union(*map(self.hidden, places))) if self.hides else change

    def show_checklist(self, checklist: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what may be seen of a checklist that is about applications which may be seen, at whatever places."""
        if not self.hides:
            return checklist
        items = [{name: item[name] for name in ("item", "state") if name in item} for item in checklist["items"]]
        return {**checklist, "items": [{**item, "why": "the reason may not be seen"} for item in items]}


def combine(grants: Iterable[Grant]) -> Grant:
    """Return the grant of what any of these gives."""
    return Grant(rule for grant in grants for rule in grant.rules)


def _compile(rule: Rule) -> Callable[[Place], bool]:
    in_project, in_namespace = _compile_names(rule.projects), _compile_names(rule.namespaces)
    requirements = rule.labels
    if in_project is None and in_namespace is None and not requirements:
        return lambda _: True

    def check(place: Place) -> bool:
        if in_project is not None and not in_project(place.project or ""):
            return False
        if in_namespace is not None and not in_namespace(place.namespace):
            return False
        if requirements and place.labels is UNKNOWN_LABELS:
            return False
        return all(requirement.matches(place.labels) for requirement in requirements)

    return check


def _compile_names(globs: Iterable[str]) -> Callable[[str], bool] | None:
    """Return what says whether a name is meant; None where every one is."""
    globs = [normalise(glob) for glob in globs]
    if not globs or ANYTHING in globs:
        return None
    exact = frozenset(filter(is_exact, globs))
    others = [glob for glob in globs if glob not in exact]
    if not others:
        return exact.__contains__
    match = compile_globs(others).match
    # A glob such as [!a]* needs a name to match; what has none isn't meant by any but *.
    return lambda name: name in exact or (name != "" and match(name) is not None)


# Writing a grant down.


class _Box(NamedTuple):
    """The smallest piece of a grant: one glob each, and the labels that have to be met."""

    project: str
    namespace: str
    labels: tuple[str, ...]

    def within(self, other: "_Box") -> bool:
        return (
            set(other.labels) <= set(self.labels)
            and covers(other.project, self.project)
            and covers(other.namespace, self.namespace)
        )

    def __str__(self) -> str:
        return f"{quote(self.project, '*')}/{quote(self.namespace, '*')}/{quote('&'.join(self.labels), '')}"


def _write(rules: Iterable[Rule], rights: Iterable[str]) -> str:
    """Write down the rules as the rights that they give, each over the fewest boxes."""
    rules = list(rules)
    parts = []
    for right in rights:
        boxes = {box for rule in rules if right in rule.rights for box in _boxes(rule)}
        if boxes:
            parts.append(f"{right}:{','.join(sorted(map(str, _widest(boxes))))}")
    return " ".join(parts)


def _boxes(rule: Rule) -> Iterable[_Box]:
    labels = tuple(sorted({str(requirement) for requirement in rule.labels}))
    for project in map(normalise, rule.projects or (ANYTHING,)):
        for namespace in map(normalise, rule.namespaces or (ANYTHING,)):
            yield _Box(project, namespace, labels)


def _widest(boxes: set[_Box]) -> Iterable[_Box]:
    """Return the boxes that aren't within another."""
    if len(boxes) > _MAX_BOXES:
        return boxes
    ordered = sorted(boxes)
    return [
        box
        for box in ordered
        if not any(box.within(other) and (other < box or not other.within(box)) for other in ordered if other != box)
    ]


NOTHING = Grant()
"""What is granted where nothing is said."""

EVERYTHING = Grant((Rule(verbs=frozenset({"admin"}), origin="everything is open"),))
"""Every right over every application."""
