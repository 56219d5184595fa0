"""What Argo CD last said of each application, and the changes that follow from what it says next.

Order guarantees: of one application, changes come out with rising versions; each ``before`` equals the ``after`` that
came out last; nothing comes out twice; nothing comes out before ``publish`` was called.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType

import msgspec

from gateway.model.application import ApplicationStatus, Observed, Sync, Tombstone
from gateway.model.delta import Change
from gateway.model.naming import Naming
from gateway.model.upstream import rfc3339


class Outcome(Enum):
    """What an event was worth."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    """Newer, but nothing that the document shows."""
    OLD = "old"
    """Older than what we hold: a replica that lags, or a repetition."""
    BURIED = "buried"
    """Not newer than a deletion that we saw."""


class Sighting(msgspec.Struct, frozen=True):
    """An application as Argo CD just showed it, at a Unix time; ``live`` if that was announced, and not found.

    Without an application, versions went back: what comes now counts as newer, whatever its version.
    """

    observed: Observed | None
    at: float
    live: bool


class Store:
    """The state of one Argo CD's applications.

    Until ``publish`` is called, what comes in is gathered and nothing comes out: no subscriber sees a part of a fleet.
    Everything that comes in, a stored state too, gets its service, environment and team by the rules of ``naming``.
    """

    def __init__(self, naming: Naming | None = None) -> None:
        self._naming = naming or Naming()
        self._held: dict[str, Observed] = {}
        self._tombstones: dict[str, Tombstone] = {}
        self._visible: dict[str, ApplicationStatus] = {}
        self._unpublished: set[str] = set()
        self._changes: list[Change] = []
        self._sightings: list[Sighting] | None = None
        self._unseen: set[str] = set()
        """Restored, and not shown by Argo CD since."""
        self._touched: set[str] = set()
        self.published = False
        self.emitted = 0
        """How many changes have come out."""

    def __repr__(self) -> str:
        state = "published" if self.published else "gathering"
        return f"<Store {state}: {len(self._held)} applications, {len(self._tombstones)} tombstones>"

    @property
    def held(self) -> Mapping[str, Observed]:
        """Every application that we hold, by key."""
        return MappingProxyType(self._held)

    def shown(self) -> list[Observed]:
        """Return every application that Argo CD has shown, and that isn't only restored."""
        return [observed for key, observed in self._held.items() if key not in self._unseen]

    @property
    def tombstones(self) -> Mapping[str, Tombstone]:
        """Deletions that late events must not undo, by key."""
        return MappingProxyType(self._tombstones)

    @property
    def newest_version(self) -> int:
        """The highest version that we hold."""
        return max((observed.version for observed in self._held.values()), default=0)

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects of the applications that we hold, sorted."""
        return tuple(sorted({o.document.project for o in self._held.values() if o.document.project is not None}))

    def restore(self, applications: Iterable[Observed], tombstones: Mapping[str, Tombstone]) -> None:
        """Begin with a stored state. It comes out at once, for it was published before; what follows waits."""
        assert not self._held
        for observed in applications:
            # The rules may be others than those that it was stored with.
            document = self._naming.name(observed.document)
            key = document.key
            self._held[key] = msgspec.structs.replace(observed, document=document)
            self._visible[key] = document
            self._unseen.add(key)
            self._changes.append(Change(key, None, document))
        self._tombstones.update(tombstones)

    def take_over(self, applications: Iterable[Observed], tombstones: Mapping[str, Tombstone]) -> None:
        """Go on where another process ended: this is shown already, so what follows comes out at once."""
        assert not self._held
        self.published = True
        for observed in applications:
            document = self._naming.name(observed.document)
            key = document.key
            self._held[key] = msgspec.structs.replace(observed, document=document)
            self._visible[key] = observed.document
            self._unseen.add(key)
            # The rules may be others than those of the process before.
            self._emit(key)
        self._tombstones.update(tombstones)

    def upsert(self, observed: Observed, *, now: float, live: bool) -> Outcome:
        """Take an application as an ADDED or MODIFIED event shows it; the newest version wins.

        ``live`` says that the event was just announced, so that what it changes began now; otherwise it was found.
        """
        key = observed.document.key
        held = self._held.get(key)
        tombstone = self._tombstones.get(key)
        if tombstone is not None and observed.version <= tombstone.version:
            return Outcome.BURIED
        if held is not None and observed.version < held.version:
            return Outcome.OLD
        document = self._remember(observed.document, held.document if held else None, now=now, live=live)
        self._held[key] = msgspec.structs.replace(observed, document=document)
        if self._sightings is not None and (held is None or held.version != observed.version or key in self._unseen):
            self._sightings.append(Sighting(self._held[key], now, live))
        self._unseen.discard(key)
        self._tombstones.pop(key, None)
        if held is not None and held.document == document:
            self._touched.add(key)
            return Outcome.UNCHANGED
        self._emit(key)
        return Outcome.CHANGED

    def delete(self, key: str, version: int, *, now: float) -> Outcome:
        """Take a DELETED event. It leaves a tombstone, against late events of that version or older."""
        held = self._held.get(key)
        if held is not None and version < held.version:
            return Outcome.OLD
        buried = self._tombstones.get(key)
        if buried is None or buried.version < version:
            self._tombstones[key] = Tombstone(version, now)
        if held is None:
            return Outcome.UNCHANGED
        del self._held[key]
        self._emit(key)
        return Outcome.CHANGED

    def remove(self, key: str) -> None:
        """Remove an application that lists of names proved gone. No tombstone: it may come back unannounced."""
        if self._held.pop(key, None) is not None:
            self._emit(key)

    def exhume(self, key: str) -> None:
        """Forget a tombstone that the lists of names contradict."""
        self._tombstones.pop(key, None)

    def forget_versions(self) -> None:
        """Let any version count as newer, after versions went back: Kubernetes' etcd was restored from a backup."""
        self._held = {key: msgspec.structs.replace(observed, version=0) for key, observed in self._held.items()}
        self._tombstones.clear()
        if self._sightings is not None:
            self._sightings.append(Sighting(None, 0.0, False))

    def expire_tombstones(self, *, before: float) -> None:
        """Drop the tombstones made before a moment: no replica lags as long as that."""
        self._tombstones = {key: stone for key, stone in self._tombstones.items() if stone.at >= before}

    def publish(self) -> None:
        """Let changes out from now on, beginning with all that was gathered."""
        self.published = True
        for key in sorted(self._unpublished):
            self._emit(key)
        self._unpublished.clear()

    def take(self) -> list[Change]:
        """Return the changes since the last call, in order."""
        changes, self._changes = self._changes, []
        return changes

    def take_touched(self) -> set[str]:
        """Return the applications of which something else than the document is newer since the last call."""
        touched, self._touched = self._touched, set()
        return touched

    def watch_sightings(self) -> None:
        """Gather from now on what Argo CD shows, in order, for ``take_sightings``."""
        self._sightings = []

    def take_sightings(self) -> list[Sighting]:
        """Return each newer version that was shown since the last call, also where no change came of it."""
        if not self._sightings:
            return []
        sightings, self._sightings = self._sightings, []
        return sightings

    def _emit(self, key: str) -> None:
        held = self._held.get(key)
        before, after = self._visible.get(key), held.document if held else None
        if not self.published:
            self._unpublished.add(key)
        elif before != after:
            if after is None:
                del self._visible[key]
            else:
                self._visible[key] = after
            self._changes.append(Change(key, before, after))
            self.emitted += 1

    def _remember(
        self, document: ApplicationStatus, held: ApplicationStatus | None, *, now: float, live: bool
    ) -> ApplicationStatus:
        """Add what only the gateway knows: names, since when the sync status holds, a project that wasn't told."""
        if document.project is None and held is not None and held.project is not None:
            document = msgspec.structs.replace(document, project=held.project)
        names = self._naming.find(document, held)
        sync = document.sync
        if sync is None or sync.status is None:
            return msgspec.structs.replace(document, **names)
        known = held.sync if held is not None else None
        if known is not None and known.status == sync.status:
            since, at_least = known.since, known.at_least
        else:
            since, at_least = rfc3339(now), not live
        stamped = Sync(status=sync.status, revisions=sync.revisions, since=since, at_least=at_least)
        return msgspec.structs.replace(document, sync=stamped, **names)
