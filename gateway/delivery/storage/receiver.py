"""Hears what other gateways on the same database tell: one connection that listens, made again whenever it breaks.

That it gets through is proved by a notice to itself: behind a pooler that hands connections around, LISTEN is accepted
and nothing ever comes. Then whoever is told hears every few seconds that something may have changed.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any

import structlog

from gateway.delivery.storage import notices
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.dialling import DatabaseError
from gateway.delivery.storage.notices import Lost, Notice, Ping

PING_INTERVAL, PONG_WITHIN = 30.0, 10.0
"""Seconds between two notices to itself, and until one has to have come."""

LOOK_INTERVAL = 10.0
"""Seconds after which everything may have changed, where notices don't get through."""

RETRY, RETRY_MAX = 1.0, 30.0
"""Seconds until a connection is tried again, at first and at most."""

_log = structlog.get_logger(__name__)


class Receiver:
    """Hears notices; ``by`` is the name of this process, whose own ones are left out."""

    def __init__(self, database: Database, *, by: str, hear: Callable[[Notice], None]) -> None:
        self.listening = False
        """Whether notices get through."""
        self._database = database
        self._by = by
        self._hear = hear
        self._pongs: set[str] = set()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled."""
        wait, told = RETRY, False
        while True:
            try:
                await self._listen()
            except DatabaseError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - the driver isn't always installed, so its errors have no names
                reason = type(error).__name__
            if self.listening:
                wait, told = RETRY, False
            self.listening = False
            if not told:
                # Said once, until it was well again.
                _log.warning("delivery.notices_lost", reason=reason, advice="others' deliveries are looked for instead")
                told = True
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX, 2 * wait)

    async def _listen(self) -> None:
        """Listen until that ends, and raise why."""
        connection = await self._database.make_dial()()
        try:
            connection.add_termination_listener(lambda _: self._moved.set())
            await connection.add_listener(notices.CHANNEL, self._take)
            while True:
                gets_through = await self._ping(connection)
                if gets_through and not self.listening:
                    # What was told before is missed.
                    self.listening = True
                    self._hear(Lost())
                elif not gets_through:
                    if self.listening:
                        raise DatabaseError("a notice to itself didn't come")
                    self._hear(Lost())
                await self._wait(connection, PING_INTERVAL if gets_through else LOOK_INTERVAL)
        finally:
            connection.terminate()

    async def _ping(self, connection: Any) -> bool:
        mark = secrets.token_hex(4)
        content = notices.write(Ping(mark), by=self._by)
        await connection.execute("SELECT pg_notify($1, $2)", notices.CHANNEL, content)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PONG_WITHIN):
                while mark not in self._pongs:
                    await self._wait(connection, None)
        arrived = mark in self._pongs
        self._pongs.clear()
        return arrived

    async def _wait(self, connection: Any, seconds: float | None) -> None:
        """Wait for a notice to itself, or for so long. Raises DatabaseError if the connection ends."""
        self._moved.clear()
        with contextlib.suppress(TimeoutError):
            if not connection.is_closed():
                async with asyncio.timeout(seconds):
                    await self._moved.wait()
        if connection.is_closed():
            raise DatabaseError("PostgreSQL closed the connection")

    def _take(self, _connection: Any, _process: int, _channel: str, content: str) -> None:
        by, notice = notices.read(content)
        if isinstance(notice, Ping):
            if by == self._by:
                self._pongs.add(notice.mark)
                self._moved.set()
        elif by != self._by:
            self._hear(notice)
