"""The desk: which applications are looked at, by how many, and the documents that come of it.

One inspection serves all who look at an application. It begins with the first of them and is dropped some seconds after
the last, so that a reload finds it as it was. Pure: the shell (``clerk``) tells the time and does the requests.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from gateway.detail import messages as m
from gateway.detail.inspection import Inspection
from gateway.detail.log import DetailLog
from gateway.detail.revisions import Revisions, Wish
from gateway.hub.hub import OverloadedError
from gateway.model.application import Observed
from gateway.upstream.parts import Commit

LINGER = 10.0
"""Seconds for which an inspection is kept when nobody looks any more."""

MAX_WATCHED = 200
"""Applications that may be looked at at once: each is a stream of Argo CD's."""


class Desk:
    """Holds the inspections.

    ``held`` are the store's applications, ``jitter`` returns 0 ≤ x < 1, ``public_url`` is where people find Argo CD.
    Commands are gathered until ``take``.

    Other parts of the gateway add fields of their own to a detail by ``contribute``, while ``watched`` has its key;
    ``follow`` tells them when to look.
    """

    def __init__(
        self,
        *,
        log: DetailLog,
        held: Callable[[], Mapping[str, Observed]],
        jitter: Callable[[], float],
        public_url: str | None = None,
        max_watched: int = MAX_WATCHED,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``fetch_tree``, ``fetch_resources``, ``fetch_revision``, ``failure_tree``, …"""
        self.revisions = Revisions()
        self._log = log
        self._held = held
        self._jitter = jitter
        self._public_url = public_url
        self._max_watched = max_watched
        self._inspections: dict[str, Inspection] = {}
        self._viewers: Counter[str] = Counter()
        self._left_at: dict[str, float] = {}
        self._lacking: dict[str, None] = {}
        """The keys of details that show revisions of which nothing is known."""
        self._numbers = count(1)
        self._streams: dict[int, Inspection] = {}
        self._commands: list[m.Command] = []
        self._followers: list[Callable[[str], None]] = []

    def __repr__(self) -> str:
        return f"<Desk: {len(self._inspections)} watched by {self._viewers.total()}, {self.revisions!r}>"

    @property
    def watched(self) -> Mapping[str, Inspection]:
        """The inspections, by their applications' keys."""
        return self._inspections

    def follow(self, follower: Callable[[str], None]) -> None:
        """Have a function called with the key of each detail that came, changed or went."""
        self._followers.append(follower)

    def contribute(self, key: str, name: str, value: Any) -> None:
        """Show a field of another part's in the detail of an application; None removes it.

        Does nothing while nobody looks. The field is forgotten with the inspection.
        """
        if (inspection := self._inspections.get(key)) is None or inspection.contributed.get(name) == value:
            return
        if value is None:
            del inspection.contributed[name]
        else:
            inspection.contributed[name] = value
        inspection.dirty = True

    # Coming and going.

    def enter(self, key: str, now: float) -> None:
        """Somebody begins to look at an application. Raises OverloadedError."""
        if key not in self._inspections:
            self._make_room(now)
            self._inspections[key] = Inspection(key, numbers=self._numbers, jitter=self._jitter)
        self._viewers[key] += 1
        self._left_at.pop(key, None)
        self._inspections[key].resume(now)
        self.step(now)

    def leave(self, key: str, now: float) -> None:
        """Somebody who entered looks no more."""
        self._viewers[key] -= 1
        if self._viewers[key] <= 0:
            del self._viewers[key]
            self._left_at[key] = now
            self._inspections[key].rest()

    def _make_room(self, now: float) -> None:
        if len(self._inspections) < self._max_watched:
            return
        if not self._left_at:
            raise OverloadedError("details")
        self._drop(min(self._left_at, key=lambda key: self._left_at[key]))
        self.step(now)

    def _drop(self, key: str) -> None:
        inspection = self._inspections.pop(key)
        del self._left_at[key]
        self._lacking.pop(key, None)
        self._do(inspection, inspection.close())
        self._show(key, None)

    # Moving on.

    def handle(self, report: m.Report, now: float) -> None:
        """Take what came of a command."""
        match report:
            case m.TreeRead():
                if (inspection := self._streams.get(report.stream)) is not None and inspection.take_line(report.line):
                    self._advance(inspection, now)
                return
            case m.TreeEnded():
                if (inspection := self._streams.pop(report.stream, None)) is not None:
                    self._do(inspection, inspection.lose_stream(report.reason, now))
                    self._advance(inspection, now)
            case m.Fetched(answer=Commit() as commit):
                if (wish := self.revisions.succeed(report.request, commit)) is not None:
                    self._touch(wish.identity)
            case m.Fetched():
                if (inspection := self._owner(report.request)) is not None:
                    inspection.fetched(report, now)
                    self._advance(inspection, now)
            case m.FetchFailed():
                if (wish := self.revisions.fail(report.request, report.reason, now)) is not None:
                    self.counts["failure_revisions"] += 1
                    self._touch(wish.identity)
                elif (inspection := self._owner(report.request)) is not None:
                    self._do(inspection, inspection.failed(report, now))
                    self._advance(inspection, now)
        self.step(now)

    def step(self, now: float) -> None:
        """Look at what the store holds, and do what is due."""
        for key in [key for key, left_at in self._left_at.items() if now - left_at >= LINGER]:
            self._drop(key)
        held = self._held()
        for key, inspection in self._inspections.items():
            due = inspection.due is not None and inspection.due <= now
            if inspection.observed is not held.get(key) or inspection.dirty or due:
                self._do(inspection, inspection.see(held.get(key), now))
                self._advance(inspection, now)
        if self._lacking:
            self._ask_for_revisions(now)

    def take(self) -> list[m.Command]:
        """Return the commands since the last call."""
        commands, self._commands = self._commands, []
        return commands

    def deadline(self, now: float) -> float | None:
        """Return when to ``step`` next, if nothing else happens; None while nothing is planned."""
        times = [inspection.due for inspection in self._inspections.values()]
        times += [left_at + LINGER for left_at in self._left_at.values()]
        times.append(self.revisions.deadline(self._wishes(), now) if self._lacking else None)
        return min((at for at in times if at is not None), default=None)

    # Inside.

    def _advance(self, inspection: Inspection, now: float) -> None:
        """Do what is due for one application, and show what came of it."""
        self._do(inspection, inspection.step(now))
        if inspection.dirty:
            lacks = any(self.revisions.get(wish) is None for wish in inspection.wishes)
            self._lacking.pop(inspection.key, None)
            if lacks:
                self._lacking[inspection.key] = None
            document = inspection.make_document(self.revisions, public_url=self._public_url, now=now)
            self._show(inspection.key, document)
        inspection.plan()

    def _wishes(self) -> Iterator[Wish]:
        return (wish for key in self._lacking for wish in self._inspections[key].wishes)

    def _ask_for_revisions(self, now: float) -> None:
        for wish in self.revisions.choose(self._wishes(), now):
            request = next(self._numbers)
            self.revisions.begin(request, wish)
            self.counts["fetch_revisions"] += 1
            self._commands.append(m.FetchCommit(request=request, target=wish.target, revision=wish.revision))

    def _touch(self, identity: tuple[str, str]) -> None:
        for inspection in self._inspections.values():
            if any(wish.identity == identity for wish in inspection.wishes):
                inspection.dirty = True

    def _owner(self, request: int) -> Inspection | None:
        return next((each for each in self._inspections.values() if each.owns(request)), None)

    def _do(self, inspection: Inspection, commands: Iterator[m.Command]) -> None:
        for command in commands:
            match command:
                case m.OpenTree():
                    self._streams[command.stream] = inspection
                case m.CloseTree():
                    self._streams.pop(command.stream, None)
                case m.FetchTree():
                    self.counts["fetch_tree"] += 1
                case m.FetchInventory():
                    self.counts["fetch_resources"] += 1
                case m.FetchManifest():
                    self.counts["fetch_rollouts"] += 1
                case m.PartFailed():
                    self.counts[f"failure_{command.part}"] += 1
            self._commands.append(command)

    def _show(self, key: str, document: Mapping[str, Any] | None) -> None:
        before = self._log.ring.top
        self._log.put(key, document)
        if self._log.ring.top != before:
            for follower in self._followers:
                follower(key)
