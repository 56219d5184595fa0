"""One process's copy of the shared log: the state, and as much of the history as its ring holds.

It is fed with what was read, in the order in which it was written, and shows nothing that Redis hasn't taken. What
doesn't follow on what it holds is refused: then the whole is loaded again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from gateway.log.entries import Entry
from gateway.log.memory import MemoryLog
from gateway.log.ring import Dated
from gateway.model.application import ApplicationStatus, Observed, Tombstone
from gateway.model.delta import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An entry with its offset, in its epoch."""

    epoch: str
    offset: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that is stored at one position: the state, and the end of the history that led there."""

    epoch: str
    top: int
    begun_at: float
    """When the epoch began (Unix time)."""
    held: dict[str, Observed]
    graves: dict[str, Tombstone]
    history: tuple[Numbered, ...] = ()


class Replica:
    """The copy; ``log`` is its face to the hub. Until something was loaded it has no epoch."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.loaded = False
        """Whether there is anything to show."""
        self._held: dict[str, Observed] = {}
        self._graves: dict[str, Tombstone] = {}
        self._newest_at = 0.0

    def __repr__(self) -> str:
        return f"<Replica at {self.log.position}: {len(self._held)} applications>"

    @property
    def held(self) -> Mapping[str, Observed]:
        """Every application, by key."""
        return MappingProxyType(self._held)

    @property
    def graves(self) -> Mapping[str, Tombstone]:
        """The tombstones, by key."""
        return MappingProxyType(self._graves)

    def follows(self, numbered: Numbered, *, behind: int = 0) -> bool:
        """Whether an entry is the next one, ``behind`` so many that are to be taken before."""
        next_offset = self.log.ring.top + behind + 1
        return self.loaded and numbered.epoch == self.log.epoch and numbered.offset == next_offset

    def load(self, stored: Stored) -> None:
        """Hold what is stored, whatever was held before."""
        self._held, self._graves = dict(stored.held), dict(stored.graves)
        self.loaded = True
        history = list(_join(stored.history))
        dated_from = stored.begun_at
        if history and history[0].offset > 1:
            dated_from = history[0].at
        self._newest_at = history[-1].at if history else stored.begun_at
        documents = {key: observed.document for key, observed in self._held.items()}
        self.log.reset(stored.epoch, documents, top=stored.top, history=history, dated_from=dated_from)

    def take(self, numbered: Sequence[Numbered]) -> list[Change]:
        """Take the next entries; return what changed. Each has to follow on the one before."""
        changes = []
        first = self.log.ring.top + 1
        for place, each in enumerate(numbered):
            assert each.epoch == self.log.epoch
            assert each.offset == first + place
            entry = each.entry
            held = self._held.get(entry.key)
            changes.append(Change(entry.key, held.document if held else None, entry.after))
            if entry.observed is None:
                self._held.pop(entry.key, None)
            else:
                self._held[entry.key] = entry.observed
                self._graves.pop(entry.key, None)
            if entry.grave is not None:
                self._graves[entry.key] = entry.grave
            self._newest_at = max(self._newest_at, entry.at)
        self.log.append(changes, at=self._newest_at)
        return changes

    def renew(self, observed: Observed) -> None:
        """Take what is newer of an application whose document is the same."""
        held = self._held.get(observed.document.key)
        if held is not None and held.document == observed.document:
            # The document stays the same object: whoever compares by identity is right to see no change.
            self._held[observed.document.key] = msgspec.structs.replace(observed, document=held.document)


def _join(history: Iterable[Numbered]) -> Iterator[Dated]:
    """Yield a history whose changes share their documents, where one begins as the one before ended."""
    last: dict[str, ApplicationStatus | None] = {}
    newest = 0.0
    for each in history:
        entry = each.entry
        known = last.get(entry.key, entry.before)
        before = known if known == entry.before else entry.before
        newest = max(newest, entry.at)
        yield Dated(each.offset, newest, Change(entry.key, before, entry.after))
        last[entry.key] = entry.after
