"""Plays the timetable on a loopback port: an Argo CD for one gateway, as long as the demo runs."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from gateway.demo.cluster import Cluster
from gateway.demo.happening import Happening
from gateway.demo.server import make_server
from gateway.demo.timetable import Timetable

CLOSING_TIME = 0.5
"""Seconds for the last bytes, at the end."""


class Player:
    """An Argo CD that plays. Its address and token are known from the beginning; it serves as a context manager.

    ``clock`` tells Unix time and has to pass as the event loop's does. Each of ``hearers`` is called with whatever
    happens, after the cluster, and doesn't wait. If playing fails, the error is raised when the context ends.
    """

    def __init__(
        self, timetable: Timetable, *, clock: Callable[[], float], hearers: Iterable[Callable[[Happening], None]] = ()
    ) -> None:
        self.cluster = Cluster()
        self.token = secrets.token_urlsafe()
        self.times_told = 0
        """How often the story has come to its end."""
        self._timetable = timetable
        self._clock = clock
        self._hearers = [self.cluster.take, *hearers]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._runner: web.AppRunner | None = None
        self._playing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return "http://127.0.0.1:{1}".format(*self._socket.getsockname())

    @property
    def length(self) -> float:
        """How long the story takes, in seconds."""
        return self._timetable.length

    def when_over(self, call: Callable[[], None]) -> None:
        """Have something called once nothing is played any more, which only a failure brings about before the end."""
        assert self._playing is not None
        self._playing.add_done_callback(lambda _: call())

    def close(self) -> None:
        """Give back the address, served or not."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        for happening in self._timetable.open(self._clock()):
            self._hear(happening)
        app = make_server(self.cluster, token=self.token)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=CLOSING_TIME)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self._playing = asyncio.create_task(self._play(), name="demo")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        assert self._playing is not None
        self._playing.cancel()
        await self._runner.cleanup()
        (outcome,) = await asyncio.gather(self._playing, return_exceptions=True)
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome

    async def _play(self) -> None:
        while True:
            await self._happen(self._timetable.tell(self._clock()))
            self.times_told += 1
            await self._happen(self._timetable.bring_back(self._clock()))
            await asyncio.sleep(self._timetable.intermission)

    async def _happen(self, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            await asyncio.sleep(max(0.0, happening.at - self._clock()))
            self._hear(happening)

    def _hear(self, happening: Happening) -> None:
        for hear in self._hearers:
            hear(happening)
