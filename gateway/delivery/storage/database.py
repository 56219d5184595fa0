"""The database: one transaction of writing at a time, and reading beside it.

SQLite (WAL) is the embedded default; without a URL it is in memory, and ends with the process. What is committed there
survives the end of the process, and with ``synchronous=FULL`` that of the machine (sqlite.org/pragma.html).
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import nullcontext
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from gateway.delivery.storage.migrations import upgrade
from gateway.errors import GatewayError

IN_MEMORY = "sqlite+aiosqlite://"

BUSY_TIMEOUT = 10_000
"""Milliseconds to wait while another process (an export) holds the file."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT}",
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
)

T = TypeVar("T")
P = ParamSpec("P")


class DatabaseError(GatewayError):
    """The database can't be used; the message says why and what to do, without its URL."""


class Database:
    """Opens, migrates and guards a database. ``url`` names an async driver; None is in memory."""

    def __init__(self, url: str | None = None) -> None:
        self.in_memory = url is None
        self._url = url or IN_MEMORY
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()
        self._working: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Database {'in memory' if self.in_memory else self._url.partition('+')[0]}>"

    async def open(self) -> None:
        """Connect, and bring the tables to today's shape. Raises DatabaseError."""
        try:
            self._engine = self._make_engine()
            async with self._engine.begin() as connection:
                await connection.run_sync(upgrade)
        except ImportError as error:
            raise DatabaseError("the driver for this database isn't installed; PostgreSQL needs asyncpg") from error
        except (SQLAlchemyError, OSError) as error:
            await self.close()
            reason = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
            raise DatabaseError(f"the database can't be used ({reason}); check GATEWAY_DATABASE_URL") from error

    async def close(self) -> None:
        """Disconnect."""
        engine, self._engine = self._engine, None
        if self._working:
            await asyncio.wait(self._working)
        if engine is not None:
            await engine.dispose()

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Do all of ``work`` in one transaction, after those that were asked for before, or nothing of it.

        Whoever is cancelled meanwhile goes away; the work is done all the same. The same is true of ``read``.
        """

        async def write() -> T:
            async with self._writing, self._connected().begin() as connection:
                return await connection.run_sync(work, *args, **more)

        return await self._finish(write())

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Do ``work``, which only reads."""

        async def read() -> T:
            # In memory there is one connection: whoever reads would see, and end, the transaction of whoever writes.
            async with self._writing if self.in_memory else nullcontext(), self._connected().connect() as connection:
                return await connection.run_sync(work, *args, **more)

        return await self._finish(read())

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that nobody may interrupt: a connection left in the midst of something is of no use to others."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._working.discard(task)
        if not task.cancelled():
            # Who asked may be gone, and doesn't want to know any more.
            task.exception()

    def _connected(self) -> AsyncEngine:
        if self._engine is None:
            raise DatabaseError("the database isn't open")
        return self._engine

    def _make_engine(self) -> AsyncEngine:
        try:
            engine = create_async_engine(self._url, **({"poolclass": StaticPool} if self.in_memory else {}))
        except ArgumentError:
            raise DatabaseError("GATEWAY_DATABASE_URL isn't the URL of a database") from None
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare)
        return engine


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def upsert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]], *, keep: bool = False) -> None:
    """Insert rows; where a row of that primary key is there, replace it, or ``keep`` it."""
    given = list(rows)
    if not given:
        return
    key = list(table.primary_key.columns)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    others = [name for name in given[0] if name not in {column.name for column in key}]
    if keep or not others:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        new = {name: statement.excluded[name] for name in others}
        statement = statement.on_conflict_do_update(index_elements=key, set_=new)
    connection.execute(statement, given)
