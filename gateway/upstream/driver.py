"""Does what the reflector says, and reports what came of it. A change of state never spans an ``await``."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from gateway.upstream import messages as m
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.inspector import Inspector, Target
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.prepared import PreparedWatch
from gateway.upstream.reflector import Reflector
from gateway.upstream.token import Token

TOKEN_LOOK_INTERVAL = 1.0
"""Seconds between looks at the token file while the token in it is refused."""

_UNTRACED = contextlib.nullcontext()

_log = structlog.get_logger(__name__)


class Driver:
    """Runs a reflector on a client. ``moved`` is called after each step: the store or upstream may have changed.

    A ``prepared`` watch is the first bridge.
    """

    def __init__(
        self,
        *,
        reflector: Reflector,
        client: ArgoCD,
        token: Token,
        clock: Callable[[], float],
        moved: Callable[[], None],
        prepared: PreparedWatch | None = None,
    ) -> None:
        self._prepared = prepared
        self._reflector = reflector
        self._client = client
        self._trace = client.trace
        self._inspector = Inspector(client)
        self._token = token
        self._clock = clock
        self._moved = moved
        self._watches: dict[int, asyncio.Task[None]] = {}
        self._requests: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._broken: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises whatever breaks the reflector: then nothing that is shown can be trusted."""
        self._broken = asyncio.get_running_loop().create_future()
        try:
            self._report(m.TimePassed())
            await self._broken
        finally:
            if self._prepared is not None:
                self._prepared.close()
            if self._timer is not None:
                self._timer.cancel()
            tasks = [*self._watches.values(), *self._requests]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def look_again(self, key: str) -> None:
        """Have one application read again: somebody says that it changed."""
        if self._broken is not None and not self._broken.done():
            self._report(m.ChangeTold(key=key))

    def _report(self, report: m.Report) -> None:
        try:
            with self._step("store"):
                commands = self._reflector.handle(report, self._clock())
            for command in commands:
                self._do(command)
            with self._step("log"):
                self._moved()
            self._arm()
        except Exception as error:
            if self._broken is None or self._broken.done():
                raise
            self._broken.set_exception(error)

    def _step(self, name: str) -> contextlib.AbstractContextManager[None]:
        return _UNTRACED if self._trace is None else self._trace.step(name)

    def _arm(self) -> None:
        """Have the timer go off by when something is due; where it does sooner, it is set anew then."""
        now = self._clock()
        deadline = self._reflector.deadline(now)
        waiting = self._reflector.waits_for_token
        if waiting:
            deadline = min(now + TOKEN_LOOK_INTERVAL, deadline or now + TOKEN_LOOK_INTERVAL)
        if self._timer is not None:
            if deadline is None or self._timer_at <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            # Timers may fire a little early; a millisecond later is never too early.
            delay = max(0.0, deadline - now) + 0.001
            self._timer, self._timer_at = asyncio.get_running_loop().call_later(delay, self._wake), deadline

    def _wake(self) -> None:
        self._timer = None
        waiting = self._reflector.waits_for_token
        self._report(m.TokenChanged() if waiting and self._token.changed() else m.TimePassed())

    def _do(self, command: m.Command) -> None:
        match command:
            case m.OpenWatch():
                task = asyncio.create_task(self._watch(command), name=f"watch {command.stream}")
                self._watches[command.stream] = task
            case m.CloseWatch():
                if (open_task := self._watches.pop(command.stream, None)) is not None:
                    open_task.cancel()
            case m.FetchNames():
                self._ask(command.request, self._names(command))
            case m.FetchHealth():
                self._ask(command.request, self._health(command))
            case m.FetchPermissions():
                self._ask(command.request, self._permissions(command))
            case m.FetchApplication():
                self._ask(command.request, self._application(command))
            case m.Note():
                write = _log.warning if command.warning else _log.info
                write(command.event, **(self._trace.names() if self._trace else {}), **command.fields)

    async def _watch(self, command: m.OpenWatch) -> None:
        stream = command.stream
        if not command.burst:
            # A new connection may meet another version.
            self._client.ask_version_again = True

        def opened() -> None:
            self._report(m.StreamOpened(stream=stream))

        def read(events: tuple[Any, ...], oversized: int) -> None:
            self._read(stream, events, oversized)

        prepared = None
        if not command.burst:
            prepared, self._prepared = self._prepared, None
        try:
            if prepared is not None and not prepared.over:
                failure = await prepared.follow(opened=opened, read=read)
            else:
                failure = await self._client.watch(burst=command.burst, opened=opened, read=read)
        except Exception as error:  # noqa: BLE001 - whatever a stream does to us, the reflector hears of it
            _log.exception("upstream.stream_broke")
            failure = Failure(Kind.ANSWERED_BADLY, type(error).__name__)
        if self._watches.pop(stream, None) is not None:
            self._report(m.StreamEnded(stream=stream, failure=failure))

    def _read(self, stream: int, events: tuple[Any, ...], oversized: int) -> None:
        if stream in self._watches:
            self._report(m.StreamRead(stream=stream, events=events, oversized=oversized))

    def _ask(self, request: int, asking: Coroutine[Any, Any, m.Answer]) -> None:
        async def ask() -> None:
            try:
                answer = await asking
            except ArgoCDError as error:
                answer = m.RequestFailed(request=request, failure=error.failure)
            except Exception as error:  # noqa: BLE001 - whatever an answer does to us, the reflector hears of it
                _log.exception("upstream.request_broke")
                answer = m.RequestFailed(request=request, failure=Failure(Kind.ANSWERED_BADLY, type(error).__name__))
            self._report(answer)

        task = asyncio.create_task(ask())
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _names(self, command: m.FetchNames) -> m.Answer:
        names, version = await self._client.names(command.projects)
        return m.NamesFetched(request=command.request, names=names, version=version)

    async def _health(self, command: m.FetchHealth) -> m.Answer:
        await self._client.health()
        return m.HealthFetched(request=command.request)

    async def _permissions(self, command: m.FetchPermissions) -> m.Answer:
        logged_in, denied = await self._client.permissions(command.projects, command.examples)
        return m.PermissionsFetched(request=command.request, logged_in=logged_in, denied=denied)

    async def _application(self, command: m.FetchApplication) -> m.Answer:
        namespace, _, name = command.key.partition("/")
        target = Target(name=name, namespace=namespace, project=command.project)
        return m.ApplicationFetched(request=command.request, application=await self._inspector.application(target))
