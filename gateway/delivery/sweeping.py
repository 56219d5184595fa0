"""Deletes what is older than its retention, again and again, a few rows at a time."""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.repository import Repository

SWEEP_INTERVAL = 3_600.0
"""Seconds between looks for what is older than its retention."""

_log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeps while it is asked to. ``clock`` returns Unix time; ``retention`` is in seconds."""

    def __init__(self, repository: Repository, *, clock: Callable[[], float], retention: float) -> None:
        self._repository = repository
        self._clock = clock
        self._retention = retention
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep from now on."""
        sweeping = sweep(self._repository, clock=self._clock, retention=self._retention)
        self._sweeping = asyncio.create_task(sweeping, name="sweeping")

    async def stop(self) -> None:
        """Sweep no more."""
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)


async def sweep(repository: Repository, *, clock: Callable[[], float], retention: float) -> None:
    """Sweep until cancelled."""
    while True:
        try:
            if gone := await repository.sweep(now=clock(), retention=retention):
                _log.info("delivery.swept", rows=gone)
        except (SQLAlchemyError, DatabaseError) as error:
            _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=SWEEP_INTERVAL)
        await asyncio.sleep(SWEEP_INTERVAL)
