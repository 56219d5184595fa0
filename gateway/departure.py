"""How a gateway leaves: when it is asked, and so that whoever is served by it hardly notices."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from gateway.hub.hub import Hub
from gateway.settings.environment import Settings

_log = structlog.get_logger(__name__)


class Departure:
    """Leaves when asked. ``clock`` returns Unix time.

    ``retire``, where other replicas may be, has one of them lead; it waits for that until the event is set.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        retire: Callable[[asyncio.Event], Coroutine[Any, Any, None]] | None,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._retire = retire
        self._clock = clock
        self._drain_asked = asyncio.Event()
        self._stop_asked = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether nobody new should come."""
        return self._drain_asked.is_set()

    def drain(self) -> None:
        """Leave gently: not ready at once, but serving and accepting for a while; then streams end, spread out.

        Asked twice, leave at once.
        """
        if self._drain_asked.is_set():
            self._stop_asked.set()
        self._drain_asked.set()

    def stop(self) -> None:
        """Leave at once."""
        self._stop_asked.set()
        self._drain_asked.set()

    async def run(self, stop_listening: Callable[[], Awaitable[None]]) -> None:
        """Wait until asked; return when everybody has left, or has had the time to."""
        await self._drain_asked.wait()
        _log.info("gateway.draining", subscribers=len(self._hub))
        async with asyncio.TaskGroup() as group:
            if self._retire is not None:
                group.create_task(self._retire(self._stop_asked), name="succession")
            await self._pause(self._settings.drain_delay)
            await stop_listening()
            self._hub.drain(self._settings.drain)
            end = self._clock() + self._settings.drain + 1.0
            while len(self._hub) and self._clock() < end and not self._stop_asked.is_set():
                await self._pause(0.1)

    async def _pause(self, seconds: float) -> None:
        """Let time pass, unless we are asked to leave at once."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop_asked.wait(), seconds)
