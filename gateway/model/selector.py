"""What a subscriber asks to see: a selector, read from query parameters, compiled into one question to a document.

What someone *may* see is a grant (``auth``), not a selector; routes, status codes and cursors belong to ``web``.
"""

import difflib
import fnmatch
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote

from gateway.model.application import ApplicationStatus
from gateway.model.delta import Sees
from gateway.model.labels import LabelSelectorError, Requirement, parse_labels

HEALTH = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""Argo CD's words, from best to worst (gitops-engine pkg/health/health.go)."""

SYNC = ("Synced", "OutOfSync", "Unknown")
"""Argo CD's words (argo-cd pkg/apis/application/v1alpha1/types.go)."""

PARAMETERS = {
    "projects": "every project",
    "namespaces": "every namespace",
    "names": "every name",
    "selector": "all labels",
    "health": "every health",
    "sync": "every sync status",
}
"""Each query parameter, and what is seen without it."""

MAX_VALUES = 100
MAX_VALUE_LENGTH = 253
MAX_WILDCARDS = 50
"""Of `*`, `?` and `[`, in all names together: each may be tried at every character of every name, which adds up."""

MAX_REQUIREMENTS = 20
MAX_SELECTOR_LENGTH = 2_000

_FORMAT = "selector/1"
_WORDS = {"health": {word.lower(): word for word in HEALTH}, "sync": {word.lower(): word for word in SYNC}}
# Possessive throughout: a hostile text can't make it try twice. As in fnmatch, a ']' that comes first is a member.
_CLOSED_BRACKETS = re.compile(r"(?:[^\[]|\[!?+\]?+[^\]]*+\])*+")


class SelectorError(ValueError):
    """A query asks for no selector; ``problems`` are all its problems, each with its parameter and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def sees_everything(_: ApplicationStatus) -> bool:
    """See every document: ``sees`` of the selector without a criterion."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which applications are seen: those that meet every criterion given, each by any of its values.

    ``selector`` alone asks for all of its requirements. ``names`` may be globs (fnmatch, case-sensitive); one with a
    ``/`` is matched against the key. An application without health or sync counts as Unknown, one without a project
    has none that could be asked for. Values are kept sorted, each once, so that equal wishes are equal selectors.
    """

    projects: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    selector: tuple[Requirement, ...] = ()
    health: tuple[str, ...] = ()
    sync: tuple[str, ...] = ()

    show: ClassVar[None] = None
    """Nothing is left out of what is seen."""

    sees: Sees = field(init=False, repr=False, compare=False)
    """Say whether the selector sees a document."""

    covers: Sees | None = field(init=False, repr=False, compare=False)
    """Say whether it can see a document, as far as name, project, namespace and labels say; None where they don't."""

    canonical: str = field(init=False, repr=False, compare=False)
    """The same text for the same selector, and for no other; as a query string it is read back as this selector."""

    view_id: str = field(init=False, repr=False, compare=False)
    """12 hex digits for cursors. Short enough to be forged: what is shared goes by ``canonical``, never by this."""

    def __post_init__(self) -> None:
        for parameter in PARAMETERS:
            object.__setattr__(self, parameter, tuple(sorted(set(getattr(self, parameter)))))
        placed, standing = _compile_place(self), _compile_standing(self)
        object.__setattr__(self, "sees", _all_of(standing + placed))
        object.__setattr__(self, "covers", _all_of(placed) if placed else None)
        object.__setattr__(self, "canonical", _write(self))
        digest = hashlib.sha256(f"{_FORMAT} {self.canonical}".encode()).hexdigest()
        object.__setattr__(self, "view_id", digest[:12])


def parse_selector(query: Iterable[tuple[str, str]], *, besides: Sequence[str] = ()) -> Selector:
    """Return the selector that the query parameters ask for.

    Values are separated by commas, parameters may repeat. ``besides`` names those that the caller has taken out, for
    what is said of unknown ones. Raises SelectorError with every problem of the query.
    """
    given: dict[str, list[str]] = {}
    for parameter, text in query:
        given.setdefault(parameter, []).append(text)
    problems = [_explain_unknown(parameter, besides) for parameter in given if parameter not in PARAMETERS]
    values = {
        parameter: _read_values(parameter, given[parameter], problems)
        for parameter in PARAMETERS
        if parameter in given and parameter != "selector"
    }
    requirements = _read_requirements(given.get("selector", ()), problems)
    if problems:
        raise SelectorError(problems)
    return Selector(**values, selector=requirements)


def _compile_place(selector: Selector) -> list[Sees]:
    """Return what is asked of where a document belongs, and of its labels."""
    checks = [
        compile_check(values)
        for values, compile_check in (
            (selector.projects, _compile_projects),
            (selector.namespaces, _compile_namespaces),
            (selector.names, _compile_names),
        )
        if values
    ]
    return checks + [_compile_requirement(requirement) for requirement in selector.selector]


def _compile_standing(selector: Selector) -> list[Sees]:
    """Return what is asked of how a document is."""
    asked = ((selector.health, _compile_health), (selector.sync, _compile_sync))
    return [compile_check(values) for values, compile_check in asked if values]


def _all_of(checks: list[Sees]) -> Sees:
    match checks:
        case []:
            return sees_everything
        case [check]:
            return check

    def sees(document: ApplicationStatus) -> bool:
        for check in checks:  # noqa: SIM110 - a loop is twice as fast as all() with a generator
            if not check(document):
                return False
        return True

    return sees


def _compile_projects(values: Iterable[str]) -> Sees:
    projects = frozenset(values)
    return lambda document: document.project in projects


def _compile_namespaces(values: Iterable[str]) -> Sees:
    namespaces = frozenset(values)
    return lambda document: document.namespace in namespaces


def _compile_health(values: Iterable[str]) -> Sees:
    words = frozenset(values)
    return lambda document: ((document.health and document.health.status) or "Unknown") in words


def _compile_sync(values: Iterable[str]) -> Sees:
    words = frozenset(values)
    return lambda document: ((document.sync and document.sync.status) or "Unknown") in words


def _compile_names(values: Iterable[str]) -> Sees:
    globs = [value for value in values if any(wildcard in value for wildcard in "*?[")]
    exact = frozenset(values).difference(globs)
    match_name = _compile_globs(glob for glob in globs if "/" not in glob)
    match_key = _compile_globs(glob for glob in globs if "/" in glob)

    def sees(document: ApplicationStatus) -> bool:
        name, key = document.name, document.key
        return name in exact or key in exact or match_name(name) is not None or match_key(key) is not None

    return sees


def _compile_globs(globs: Iterable[str]) -> Callable[[str], re.Match[str] | None]:
    # fnmatch.translate puts all between two stars into an atomic group: no glob can backtrack across a star.
    return re.compile("|".join(map(fnmatch.translate, globs)) or r"(?!)").match


def _compile_requirement(requirement: Requirement) -> Sees:
    matches = requirement.matches
    return lambda document: matches(document.labels)


def _write(selector: Selector) -> str:
    # Each value is quoted by itself: whatever it holds, no two selectors are written alike.
    return "&".join(
        f"{parameter}={','.join(quote(str(value), safe='/*?[]!=<>()') for value in values)}"
        for parameter in PARAMETERS
        if (values := getattr(selector, parameter))
    )


def _read_values(parameter: str, texts: Sequence[str], problems: list[str]) -> tuple[str, ...]:
    values = [value.strip() for text in texts for value in text.split(",")]
    if len(values) > MAX_VALUES:
        problems.append(f"{parameter}: {len(values)} values, {MAX_VALUES} are allowed")
        return ()
    words = _WORDS.get(parameter, {})
    values = list(dict.fromkeys(words.get(value.lower(), value) for value in values))
    wildcards = sum(value.count(wildcard) for value in values for wildcard in "*?[") if parameter == "names" else 0
    if wildcards > MAX_WILDCARDS:
        problems.append(f"{parameter}: {wildcards} of *, ? and [, {MAX_WILDCARDS} are allowed in all")
        return ()
    problems += [f"{parameter}: {problem}" for value in values if (problem := _find_problem(parameter, value))]
    return tuple(values)


def _find_problem(parameter: str, value: str) -> str | None:
    if not value:
        return f"a value is empty; leave the parameter out to see {PARAMETERS[parameter]}"
    if len(value) > MAX_VALUE_LENGTH:
        return f"{_show(value)} has {len(value)} characters, {MAX_VALUE_LENGTH} are allowed"
    if not value.isprintable():
        return f"{_show(value)} holds a character that can't be printed, only printable ones are allowed"
    match parameter:
        case "names" if not _CLOSED_BRACKETS.fullmatch(value):
            return f"{_show(value)} lacks the ']' of a '['; a comma always parts values, 'a or b' is [ab]"
        case "projects" | "namespaces" if any(wildcard in value for wildcard in "*?["):
            return f"{_show(value)} is a glob; only whole {parameter} are allowed (globs are understood in names)"
        case "health" | "sync" if value not in (words := _WORDS[parameter].values()):
            return f"{_show(value)} is unknown; allowed are {', '.join(words)}"
    return None


def _read_requirements(texts: Sequence[str], problems: list[str]) -> tuple[Requirement, ...]:
    # Spaces don't count, for the canonical text may have one where the given text has none.
    length = sum(len(text.replace(" ", "")) for text in texts) + len(texts) - 1
    if length > MAX_SELECTOR_LENGTH:
        problems.append(f"selector: {length} characters besides spaces, {MAX_SELECTOR_LENGTH} are allowed")
        return ()
    requirements: set[Requirement] = set()
    for text in texts:
        try:
            read = parse_labels(text)
        except LabelSelectorError as error:
            problems.append(f"selector: {error}")
        else:
            requirements.update(read)
            if not read:
                problems.append(f"selector: a value is empty; leave the parameter out to see {PARAMETERS['selector']}")
    if len(requirements) > MAX_REQUIREMENTS:
        problems.append(f"selector: {len(requirements)} requirements, {MAX_REQUIREMENTS} are allowed")
    return tuple(requirements)


def _explain_unknown(parameter: str, besides: Sequence[str]) -> str:
    known = [*PARAMETERS, *besides]
    near = difflib.get_close_matches(parameter.lower(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{_show(parameter)} is no parameter.{hint} Allowed are {', '.join(known)}"


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
