"""A planned change of leaders: whoever leads goes on until another listens to Argo CD, too.

Argo CD repeats nothing. What happens between two watches is found only by looking through everything, and that takes
many seconds where there are many applications. So a leader that is about to end says so; each of the others opens a
watch, without the lease, keeps what it brings, and says when it is ready. Then the lease is given back, and whoever
takes it has missed nothing: what it heard twice, versions tell apart.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.line import Line
from gateway.upstream.timing import BRIDGE_LEAD

PATIENCE = 3.0
"""Seconds for which a leader waits until another is ready: longer than that takes, where there is another."""

READY_FOR = 10.0
"""Seconds for which a watch is kept by one that doesn't come to lead."""

_log = structlog.get_logger(__name__)


class Succession:
    """Both sides of it. ``say`` says something to all replicas, and returns whether it was heard."""

    def __init__(self, line: Line, *, name: str, say: Callable[[str, bytes], Awaitable[bool]]) -> None:
        self._line = line
        self._name = name
        self._say = say
        self._found = asyncio.Event()
        self._preparing: asyncio.Task[None] | None = None

    async def find_heir(self, *, hurry: asyncio.Event) -> None:
        """Wait until another is ready to lead, or until ``hurry`` is set, but not for long."""
        self._found.clear()
        if not await self._say("leaving", self._name.encode()):
            return
        waiting = [asyncio.create_task(event.wait()) for event in (self._found, hurry)]
        try:
            await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def found(self) -> None:
        """Another is ready."""
        self._found.set()

    def prepare(self) -> None:
        """Be ready soon, for the leader is about to end."""
        if self._preparing is not None:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(self._prepare(), name="succession")

    def close(self) -> None:
        """Be ready no more."""
        if self._preparing is not None:
            self._preparing.cancel()
        self._line.unprepare()

    async def _prepare(self) -> None:
        self._line.prepare()
        # Nothing says when a watch is subscribed: its headers come with its first event.
        await asyncio.sleep(BRIDGE_LEAD)
        if self._line.prepared:
            _log.info("lease.ready")
            await self._say("ready", self._name.encode())
        await asyncio.sleep(READY_FOR)
        self._line.unprepare()
