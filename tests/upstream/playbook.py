"""A reflector, its store and a clock in a test's hands: the test tells what Argo CD does and sees what comes of it.

    book = Playbook().live(application("core"))     # a first content of this, complete, its bridge closed
    book.send(book.live_stream, modified(application("core", health="Degraded", version=2)))
    book.wait_for(FetchNames)                       # passes time from deadline to deadline
    book.list_names(application("core"))                  # answers what was asked
    assert book.keys == {"argocd/core"}

Time passes only by `wait` and `wait_for`, never in reality. Meanwhile open streams whose headers came give their
keep-alives, and `/healthz` answers: both end with `alive = False`, the former alone with `beating = False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

import orjson

from gateway.model.application import Observed, Tombstone
from gateway.model.delta import Change
from gateway.store.state import Store
from gateway.upstream import messages as m
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.raw import RawError, RawEvent
from gateway.upstream.reflector import Reflector
from gateway.upstream.timing import Timing
from gateway.upstream.wire import Undecodable, decode
from tests.fakes.applications import Application, key_of, project_of

START = 1_795_000_000.0
KEEPALIVE = 15.0
LATEST = 1_000_000
"""A resourceVersion of a list that is newer than anything that a test holds."""

Event = RawEvent | RawError | Undecodable
C = TypeVar("C", bound=m.Command)


def event(kind: str, application: Application) -> RawEvent:
    """Return an event as it comes off the wire."""
    decoded = decode(b"data: " + orjson.dumps({"result": {"type": kind, "application": application}}) + b" ")
    assert isinstance(decoded, RawEvent)
    return decoded


def added(application: Application) -> RawEvent:
    return event("ADDED", application)


def modified(application: Application) -> RawEvent:
    return event("MODIFIED", application)


def deleted(application: Application) -> RawEvent:
    return event("DELETED", application)


def failure(kind: Kind) -> Failure:
    return Failure(kind, kind.value)


class Playbook:
    """One reflector from its first moment on. `jitter` is what the dice always say."""

    def __init__(
        self,
        timing: Timing | None = None,
        *,
        jitter: float = 0.5,
        stored: Iterable[Observed] = (),
        tombstones: dict[str, Tombstone] | None = None,
    ) -> None:
        self.now = START
        self.store = Store()
        self.store.restore(stored, tombstones or {})
        self.reflector = Reflector(store=self.store, timing=timing or Timing(), now=self.now, jitter=lambda: jitter)
        self.alive = True
        self.beating = (timing or Timing()).keepalive
        """Whether streams give keep-alives while `alive`."""
        self.commands: list[tuple[float, m.Command]] = []
        """Everything that the reflector wanted done, with the seconds since the start."""
        self.changes: list[Change] = []
        self.open: dict[int, bool] = {}
        """The watches that are open, in the order of their opening, and whether they are with a burst."""
        self._headed: set[int] = set()
        self._begun: set[int] = set()
        self._beat_at = self.now + KEEPALIVE
        self._asked: dict[int, m.Command] = {}

    # What Argo CD does

    def tell(self, report: m.Report) -> list[m.Command]:
        """Hand in a report now; return what the reflector wants done."""
        commands = self.reflector.handle(report, self.now)
        self.changes += self.store.take()
        for command in commands:
            self.commands.append((self.now - START, command))
            match command:
                case m.OpenWatch():
                    self.open[command.stream] = command.burst
                case m.CloseWatch():
                    self.open.pop(command.stream, None)
                    self._headed.discard(command.stream)
                case m.FetchHealth() if self.alive:
                    self.tell(m.HealthFetched(request=command.request))
                case m.FetchNames() | m.FetchHealth() | m.FetchPermissions():
                    self._asked[command.request] = command
        return commands

    def send(self, stream: int, *events: Event, oversized: int = 0) -> list[m.Command]:
        """Let a stream bring events; its headers come first, as they do."""
        if stream not in self._headed:
            self._headed.add(stream)
            self.tell(m.StreamOpened(stream=stream))
        return self.tell(m.StreamRead(stream=stream, events=events, oversized=oversized))

    def end(self, stream: int, kind: Kind = Kind.ENDED) -> list[m.Command]:
        self.open.pop(stream, None)
        self._headed.discard(stream)
        return self.tell(m.StreamEnded(stream=stream, failure=failure(kind)))

    def list_names(self, *applications: Application, version: int = LATEST) -> list[m.Command]:
        """Answer the list of names that was asked for."""
        names: dict[str, str | None] = {key_of(one): project_of(one) for one in applications}
        return self.tell(m.NamesFetched(request=self._answer_to(m.FetchNames).request, names=names, version=version))

    def permit(self, *, denied: Iterable[str] = (), logged_in: bool = True) -> list[m.Command]:
        """Answer the question for permissions."""
        request = self._answer_to(m.FetchPermissions).request
        return self.tell(m.PermissionsFetched(request=request, logged_in=logged_in, denied=frozenset(denied)))

    def fail(self, kind: type[m.FetchNames | m.FetchHealth | m.FetchPermissions], how: Kind) -> list[m.Command]:
        """Let what was asked for fail."""
        return self.tell(m.RequestFailed(request=self._answer_to(kind).request, failure=failure(how)))

    def forget(self, kind: type[m.Command]) -> None:
        """Leave what was asked so far without an answer."""
        self._asked = {number: asked for number, asked in self._asked.items() if not isinstance(asked, kind)}

    # Time

    def wait(self, seconds: float) -> list[m.Command]:
        """Let time pass, from deadline to deadline; return what the reflector wanted done."""
        seen = len(self.commands)
        self._pass(self.now + seconds, until=lambda: False)
        return [command for _, command in self.commands[seen:]]

    def wait_for(self, kind: type[C], *, within: float = 1_000.0) -> C:
        """Let time pass until the reflector wants such a thing done, or an answer is due to one, and return that."""
        if waiting := self.waiting(kind):
            return waiting[-1]
        seen = len(self.commands)

        def found() -> list[m.Command]:
            return [command for _, command in self.commands[seen:] if isinstance(command, kind)]

        self._pass(self.now + within, until=lambda: bool(found()))
        assert found(), f"no {kind.__name__} within {within} s: {self.reflector!r}"
        wanted = found()[0]
        assert isinstance(wanted, kind)
        return wanted

    def _pass(self, end: float, until: Callable[[], bool]) -> None:
        idle = 0
        while not until():
            deadline = self.reflector.deadline(self.now)
            moment = min(end, self._beat_at, end if deadline is None else max(deadline, self.now))
            idle = idle + 1 if moment == self.now else 0
            assert idle < 20, f"busy loop: {self.reflector!r}"
            self.now = moment
            if moment >= self._beat_at:
                self._beat_at += KEEPALIVE
                if self.alive and self.beating:
                    for stream in self._headed & self.open.keys():
                        self.send(stream)
            self.tell(m.TimePassed())
            if moment >= end and (deadline is None or deadline > end or idle):
                return

    # Whole passages

    def start(self) -> Self:
        """Begin: the bridge is opened, a second later the content, and the names are asked for."""
        self.tell(m.TimePassed())
        self.content()
        return self

    def live(self, *applications: Application) -> Self:
        """Bring up a first content of these applications, and let its bridge be closed."""
        self.start()
        self.send(self.newest_stream, *map(added, applications))
        self.list_names(*applications)
        self.wait(5)
        assert self.state == "live"
        self.changes.clear()
        return self

    def content(self) -> int:
        """Return the stream of the content that has just begun, or else wait for the next; its names are asked for."""
        new = [stream for stream, burst in self.open.items() if burst and stream not in self._begun]
        while not new:
            opened = self.wait_for(m.OpenWatch, within=1_000_000)
            new = [opened.stream] if opened.burst else []
        self._begun.add(new[0])
        return new[0]

    def reconcile(self, *applications: Application, version: int = LATEST) -> Self:
        """Wait for the next content and let it consist of these applications."""
        self.send(self.content(), *map(added, applications))
        self.list_names(*applications, version=version)
        return self

    # What is seen

    @property
    def newest_stream(self) -> int:
        return list(self.open)[-1]

    @property
    def live_stream(self) -> int:
        """The only open watch."""
        (stream,) = self.open
        return stream

    @property
    def state(self) -> str:
        return self.reflector.upstream(self.now).state

    @property
    def reason(self) -> str | None:
        return self.reflector.upstream(self.now).reason

    @property
    def keys(self) -> set[str]:
        return set(self.store.held)

    @property
    def changed_keys(self) -> list[str]:
        """The keys of what came out of the store since the last look."""
        changes, self.changes = self.changes, []
        return [change.key for change in changes]

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.reflector.counts)

    def waiting(self, kind: type[C]) -> list[C]:
        """What was asked for and not answered yet."""
        return [asked for asked in self._asked.values() if isinstance(asked, kind)]

    def noted(self, name: str) -> list[dict[str, Any]]:
        """The fields of all notes of this name."""
        return [one.fields for _, one in self.commands if isinstance(one, m.Note) and one.event == name]

    def _answer_to(self, kind: type[Any]) -> Any:
        number = max(number for number, asked in self._asked.items() if isinstance(asked, kind))
        return self._asked.pop(number)
