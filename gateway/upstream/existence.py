"""What lists of names prove: which applications are gone although no DELETED event came.

An application is gone when two lists, ``confirm_after`` seconds apart, both lack it, each at least as new as what we
held when it was asked for. One list proves nothing: it may come from a replica that lags or has just started.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.application import Observed, Tombstone
from gateway.upstream.messages import NamesFetched
from gateway.upstream.requests import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class NameList:
    """A list of names, and the circumstances in which it was asked for.

    ``held_version`` is the newest version that we held when we asked; ``projects`` the ones asked for, all if empty.
    """

    names: Mapping[str, str | None]
    version: int
    asked_at: float
    answered_at: float
    held_version: int
    projects: frozenset[str] = frozenset()

    @classmethod
    def answered(cls, report: NamesFetched, asked: Asked, now: float) -> "NameList":
        """Return a list as its request and its answer make it."""
        return cls(
            names=report.names,
            version=report.version,
            asked_at=asked.at,
            answered_at=now,
            held_version=asked.held_version,
            projects=frozenset(asked.projects),
        )

    @property
    def fresh(self) -> bool:
        """Whether the list is at least as new as what we held when we asked for it."""
        return self.version >= self.held_version


class Existence:
    """The evidence of absence, gathered over several lists."""

    def __init__(self, *, confirm_after: float) -> None:
        self._confirm_after = confirm_after
        self._absent: dict[str, float] = {}
        self._contradicted: dict[str, float] = {}

    @property
    def in_doubt(self) -> frozenset[str]:
        """The applications that a list lacked, not confirmed yet."""
        return frozenset(self._absent)

    def seen(self, key: str) -> None:
        """An event showed the application alive, or its removal is decided: the evidence is void."""
        self._absent.pop(key, None)

    def forget(self) -> None:
        """Drop all evidence: versions began anew."""
        self._absent.clear()
        self._contradicted.clear()

    def judge(self, names: NameList, held: Mapping[str, Observed]) -> tuple[list[str], list[str]]:
        """Take a list; return the applications newly in doubt, and those now proved gone."""
        if not names.fresh:
            return [], []
        doubted, gone = [], []
        for key in [key for key in self._absent if key in names.names or key not in held]:
            del self._absent[key]
        for key, observed in held.items():
            if key in names.names or (names.projects and observed.document.project not in names.projects):
                continue
            if observed.version > names.version:
                # It showed itself after the list was made.
                continue
            first = self._absent.get(key)
            if first is None:
                self._absent[key] = names.answered_at
                doubted.append(key)
            elif names.asked_at >= first + self._confirm_after:
                gone.append(key)
        return doubted, gone

    def contradicted(self, names: NameList, tombstones: Mapping[str, Tombstone]) -> list[str]:
        """Return the deletions that two such lists contradict: the names are there."""
        if not names.fresh:
            return []
        listed = names.names.keys() & tombstones.keys()
        wrong = [
            key
            for key in listed
            if names.asked_at >= self._contradicted.setdefault(key, names.answered_at) + self._confirm_after
        ]
        self._contradicted = {key: at for key, at in self._contradicted.items() if key in listed and key not in wrong}
        return sorted(wrong)


def projects_at_stake(gone: Iterable[str], held: Mapping[str, Observed]) -> tuple[str, ...]:
    """Return the projects to ask permission for before these applications are called gone.

    All of a project, or half of everything, at once looks the same whether it was deleted or our permission was. For
    fewer, none.
    """
    lost = set(gone) & held.keys()
    if not lost:
        return ()
    affected = {project_of(held[key]) for key in lost}
    survivors = {project_of(observed) for key, observed in held.items() if key not in lost}
    if len(lost) * 2 >= len(held):
        return tuple(sorted(affected))
    return tuple(sorted(affected - survivors))


def project_of(observed: Observed) -> str:
    """Return the project to ask permission for; ``*`` where it is unknown."""
    return observed.document.project or "*"
