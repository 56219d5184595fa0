"""Does what the desk says, and reports what came of it. A change of state never spans an ``await``.

A fault here never reaches the reflector, whose state all else depends on: it is logged, and the detail stays as it was.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from typing import Any

import structlog

from gateway.detail import messages as m
from gateway.detail.attendance import Attendance
from gateway.detail.desk import Desk
from gateway.hub.feed import Feed
from gateway.model.delta import Change
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.inspector import Inspector, name_reason
from gateway.upstream.manifest import Manifest

MANIFESTS_AT_ONCE = 4
"""Requests for manifests under way at the same time: for each Argo CD asks the application's cluster."""

_log = structlog.get_logger(__name__)


class Clerk:
    """Runs a desk in the running event loop. ``feed`` is of the desk's log, ``clock`` returns Unix time."""

    def __init__(self, desk: Desk, feed: Feed, inspector: Inspector, *, clock: Callable[[], float]) -> None:
        self.desk = desk
        self.feed = feed
        self._inspector = inspector
        self._clock = clock
        self._streams: dict[int, asyncio.Task[None]] = {}
        self._requests: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._manifests = asyncio.Semaphore(MANIFESTS_AT_ONCE)
        self._attendance = Attendance(desk)
        self._followers: list[Callable[[m.RolloutEnded], None]] = []

    async def close(self) -> None:
        """Let go of everything that is under way."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._streams.values(), *self._requests]
        self._streams.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def looking(self, key: str) -> Iterator[None]:
        """Let somebody look at an application while the block runs. Raises OverloadedError."""
        self.desk.enter(key, self._clock())
        self._carry_out()
        try:
            yield
        finally:
            self.desk.leave(key, self._clock())
            self._carry_out()

    def look(self) -> None:
        """The store may have changed."""
        if self.desk.watched:
            self._guard(self._step)

    def follow_rollouts(self, follower: Callable[[m.RolloutEnded], None]) -> None:
        """Have a function called when a rollout ends, or is found to have ended."""
        self._followers.append(follower)

    def attend(self, changes: Sequence[Change]) -> None:
        """Look at what changed for the sake of those who follow rollouts, though nobody else may."""
        if self._followers:
            self._guard(lambda: self._attendance.see(changes, self._clock()))

    def _step(self) -> None:
        now = self._clock()
        self._attendance.step(now)
        self.desk.step(now)

    def contribute(self, key: str, name: str, value: Any) -> None:
        """Show a field of another part's in a detail that somebody looks at; None removes it."""
        self.desk.contribute(key, name, value)
        self.look()

    def _report(self, report: m.Report) -> None:
        if not self._closed:
            self._guard(lambda: self.desk.handle(report, self._clock()))

    def _guard(self, step: Callable[[], bool | None]) -> None:
        """Do something, and what follows from it, unless it says that nothing does."""
        nothing = False
        try:
            nothing = step() is False
        except Exception:  # noqa: BLE001 - a detail that breaks must not take the list with it
            _log.exception("detail.broke")
        if not nothing:
            self._carry_out()

    def _carry_out(self) -> None:
        for command in self.desk.take():
            if not self._closed:
                self._do(command)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        deadlines = (self.desk.deadline(now), self._attendance.deadline())
        deadline = min((at for at in deadlines if at is not None), default=None)
        if not self._closed and deadline is not None:
            # Timers may fire a little early; a millisecond later is never too early.
            delay = max(0.0, deadline - now) + 0.001
            self._timer = asyncio.get_running_loop().call_later(delay, self.look, context=Context())

    def _do(self, command: m.Command) -> None:
        match command:
            case m.OpenTree():
                self._streams[command.stream] = asyncio.create_task(
                    self._follow(command), name="tree", context=Context()
                )
            case m.CloseTree():
                if (task := self._streams.pop(command.stream, None)) is not None:
                    task.cancel()
                    self._keep(task)
            case m.FetchTree():
                self._ask(command.request, self._inspector.tree(command.target))
            case m.FetchInventory():
                self._ask(command.request, self._inspector.inventory(command.target))
            case m.FetchCommit():
                self._ask(command.request, self._inspector.commit(command.target, command.revision))
            case m.FetchManifest():
                self._ask(command.request, self._read(command))
            case m.RolloutEnded():
                for follower in self._followers:
                    follower(command)
            case m.PartFailed():
                _log.info("detail.part_failed", key=command.key, part=command.part, reason=command.reason)

    async def _follow(self, command: m.OpenTree) -> None:
        stream, reason = command.stream, "ended"
        try:
            await self._inspector.follow_tree(
                command.target, lambda line: self._report(m.TreeRead(stream=stream, line=line))
            )
        except ArgoCDError as error:
            reason = name_reason(error)
        except Exception:  # noqa: BLE001 - whatever a stream does to us, the desk hears of it
            _log.exception("detail.stream_broke")
            reason = "answered-badly"
        if self._streams.pop(stream, None) is not None:
            self._report(m.TreeEnded(stream=stream, reason=reason))

    async def _read(self, command: m.FetchManifest) -> Manifest:
        async with self._manifests:
            return await self._inspector.manifest(command.target, command.resource)

    def _ask(self, request: int, asking: Coroutine[Any, Any, Any]) -> None:
        async def ask() -> None:
            report: m.Report
            try:
                report = m.Fetched(request=request, answer=await asking)
            except ArgoCDError as error:
                report = m.FetchFailed(request=request, reason=name_reason(error))
            except Exception:  # noqa: BLE001 - whatever an answer does to us, the desk hears of it
                _log.exception("detail.request_broke")
                report = m.FetchFailed(request=request, reason="answered-badly")
            self._report(report)

        self._keep(asyncio.create_task(ask()))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
