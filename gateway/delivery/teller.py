"""Tells those who look at an application what its timeline has come to be."""

import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

import structlog

from gateway.delivery.storage.database import DatabaseError

_log = structlog.get_logger(__name__)


class Teller:
    """Tells those who look at an application its timeline, when it may have changed.

    ``watched`` says whether anybody looks; ``show`` takes a key and the changes, the newest first. Several changes in
    a short time are told once.
    """

    def __init__(
        self,
        tell: Callable[[str], Any],
        *,
        watched: Callable[[str], bool],
        show: Callable[[str, list[dict[str, Any]]], None],
    ) -> None:
        self._tell = tell
        self._watched = watched
        self._show = show
        self._wanted: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def look(self, keys: Iterable[str]) -> None:
        """The timelines of these may have changed, or somebody began to look."""
        self._wanted.update(dict.fromkeys(key for key in keys if self._watched(key)))
        if self._wanted and self._task is None:
            self._task = asyncio.create_task(self._tell_all(), name="timelines", context=Context())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell_all(self) -> None:
        try:
            while self._wanted:
                key = next(iter(self._wanted))
                del self._wanted[key]
                try:
                    self._show(key, await self._tell(key))
                except DatabaseError:
                    return
                except Exception:  # noqa: BLE001 - one that can't be told keeps no other from being told
                    _log.exception("delivery.timeline_broke", key=key)
        finally:
            self._task = None
