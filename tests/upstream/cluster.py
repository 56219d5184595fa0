"""A model of Argo CD as the reflector meets it: replicas that lag, streams that lose, lists from anywhere.

Pure and small: an application is its key, its version and its project. Nothing here knows the reflector; who opens,
reads and asks is `test_reflection`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from gateway.model.application import ApplicationStatus
from gateway.upstream.raw import RawApplication, RawEvent, RawMetadata, RawSpec

REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Version:
    """One application at one version; `born` is the version at which its life began."""

    key: str
    project: str
    version: int
    born: int


@dataclass(frozen=True, slots=True)
class Happened:
    kind: str
    what: Version
    at: float


def told(document: ApplicationStatus) -> tuple[int, int]:
    """Return the version that a document is of, and the version at which its life began."""
    version, _, born = (document.created_at or "").partition("/")
    return int(version), int(born)


@cache
def raw(kind: str, what: Version) -> RawEvent:
    """Return the event; every version is another document, for in place of a time of creation it tells itself."""
    namespace, name = what.key.split("/")
    metadata = RawMetadata(
        name=name,
        namespace=namespace,
        resource_version=str(what.version),
        creation_timestamp=f"{what.version}/{what.born}",
    )
    return RawEvent(type=kind, application=RawApplication(metadata=metadata, spec=RawSpec(project=what.project)))


@dataclass(slots=True)
class Stream:
    """A watch: its burst is taken when it begins; it subscribes only when the burst was sent."""

    replica: int
    burst: list[Version]
    began: float
    position: int | None
    """The next of what happened that is to be sent; None until it has subscribed."""
    opened: bool = False


@dataclass(slots=True)
class Cluster:
    """What exists, what happened, and how far each replica knows of it."""

    version: int = 0
    existing: dict[str, Version] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)
    positions: list[int] = field(default_factory=lambda: [0] * REPLICAS)
    denied: frozenset[str] = frozenset()

    # What happens

    def put(self, key: str, project: str, now: float) -> None:
        self.version += 1
        before = self.existing.get(key)
        born = before.born if before else self.version
        self.existing[key] = what = Version(key, project, self.version, born)
        self.happened.append(Happened("MODIFIED" if before else "ADDED", what, now))

    def delete(self, key: str, now: float) -> None:
        self.version += 1
        gone = self.existing.pop(key)
        self.happened.append(Happened("DELETED", Version(key, gone.project, self.version, gone.born), now))

    def restore(self, version: int) -> None:
        """Bring back the backup of that moment: what happened since never did, and versions are used again."""
        self.happened = [one for one in self.happened if one.what.version <= version]
        self.version = version
        self.existing = self.known(len(self.happened))
        self.positions = [len(self.happened)] * REPLICAS

    # Replicas

    def catch_up(self, replica: int, steps: int) -> None:
        self.positions[replica] = min(self.positions[replica] + steps, len(self.happened))

    def catch_up_to(self, moment: float) -> None:
        """Let all replicas know what happened before the moment."""
        old = sum(one.at <= moment for one in self.happened)
        self.positions = [max(position, old) for position in self.positions]

    def known(self, position: int) -> dict[str, Version]:
        state: dict[str, Version] = {}
        for one in self.happened[:position]:
            if one.kind == "DELETED":
                state.pop(one.what.key, None)
            else:
                state[one.what.key] = one.what
        return state

    # Requests

    def list_names(self, replica: int) -> tuple[dict[str, str | None], int]:
        position = self.positions[replica]
        shown = filter(self.shows, self.known(position).values())
        return {one.key: one.project for one in shown}, self.happened[position - 1].what.version if position else 0

    def begin_watch(self, *, burst: bool, replica: int, now: float) -> Stream:
        position = self.positions[replica]
        known = sorted(self.known(position).items()) if burst else []
        return Stream(replica, [one for _, one in known], now, None if burst else position)

    def send(self, stream: Stream, most: int) -> list[RawEvent]:
        """Take up to so many events from a stream."""
        sent: list[RawEvent] = []
        while len(sent) < most and stream.burst:
            if self.shows(first := stream.burst.pop(0)):
                sent.append(raw("ADDED", first))
        if stream.burst:
            return sent
        if stream.position is None:
            stream.position = self.positions[stream.replica]
        while len(sent) < most and stream.position < self.positions[stream.replica]:
            one = self.happened[stream.position]
            stream.position += 1
            if self.shows(one.what):
                sent.append(raw(one.kind, one.what))
        return sent

    def lose(self, stream: Stream) -> None:
        """Drop the next event, as a full buffer does."""
        if stream.position is not None and stream.position < self.positions[stream.replica]:
            stream.position += 1

    def owes(self, stream: Stream, since: float) -> bool:
        """Whether a stream hasn't sent what it could have sent at that moment."""
        if stream.burst:
            return stream.began < since
        due = self.happened[stream.position or 0 : self.positions[stream.replica]]
        return bool(due) and due[0].at < since

    def shows(self, what: Version) -> bool:
        return what.project not in self.denied
