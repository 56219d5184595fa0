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


async def sweep(repository: Repository, *, clock: Callable[[], float], retention: float) -> None:
    """Sweep until cancelled."""
    while True:
        try:
            if gone := await repository.sweep(now=clock(), retention=retention):
                _log.info("delivery.swept", rows=gone)
        except (SQLAlchemyError, DatabaseError) as error:
            _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=SWEEP_INTERVAL)
        await asyncio.sleep(SWEEP_INTERVAL)
