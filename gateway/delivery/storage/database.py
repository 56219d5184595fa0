"""The database: short transactions of writing, and reading beside them.

SQLite (WAL) is the embedded default, with one transaction of writing at a time; without a URL it is in memory, and ends
with the process. What is committed there survives the end of the process, and with ``synchronous=FULL`` that of the
machine (sqlite.org/pragma.html). PostgreSQL is *shared*: several gateways use it at the same time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from gateway.delivery.storage.dialling import ANSWER_WITHIN, CONNECT_WITHIN, DatabaseError, Dial, explain, make_dial
from gateway.delivery.storage.migrations import NewerShapeError, judge_shape, upgrade

__all__ = ["IN_MEMORY", "Database", "DatabaseError", "blames_data", "insert", "upsert"]

IN_MEMORY = "sqlite+aiosqlite://"

BUSY_TIMEOUT = 10_000
"""Milliseconds to wait while another process (an export) holds the file."""

POOL = 6
"""Connections to a server, where the settings don't say."""

FOR_WRITING = 2
"""Connections that no reader may take: a delivery doesn't wait for those who look at charts."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT}",
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
)

T = TypeVar("T")
P = ParamSpec("P")


class Database:
    """Opens, migrates and guards a database. ``url`` names an async driver; None is in memory.

    ``pool`` is how many connections to a server there may be.
    """

    def __init__(self, url: str | None = None, *, pool: int = POOL) -> None:
        self.in_memory = url is None
        self.shared = url is not None and url.startswith("postgresql")
        """Whether other gateways may use it as well."""
        self._url = url or IN_MEMORY
        self._pool = pool
        self._engine: AsyncEngine | None = None
        self._writing: AbstractAsyncContextManager[Any] = nullcontext() if self.shared else asyncio.Lock()
        # In memory there is one connection: whoever reads would see, and end, the transaction of whoever writes.
        self._reading: AbstractAsyncContextManager[Any] = self._writing if self.in_memory else nullcontext()
        if self.shared:
            self._reading = asyncio.Semaphore(max(1, pool - FOR_WRITING))
        self._working: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Database {'in memory' if self.in_memory else self._url.partition('+')[0]}>"

    async def open(self, *, migrate: bool = True) -> None:
        """Connect, and bring the tables to today's shape. Raises DatabaseError, and of that UnreachableError."""
        try:
            self._engine = self._make_engine()
            async with self._begin_patiently() as connection:
                await connection.run_sync(upgrade if migrate else judge_shape)
        except DatabaseError:
            await self.close()
            raise
        except NewerShapeError as error:
            await self.close()
            raise DatabaseError(str(error)) from error
        except (SQLAlchemyError, OSError) as error:
            await self.close()
            if self.shared:
                raise explain(_find_cause(error)) from error
            reason = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
            raise DatabaseError(f"the database can't be used ({reason}); check GATEWAY_DATABASE_URL") from error

    @asynccontextmanager
    async def _begin_patiently(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that may take long: a step over many rows, or one that waits for another's."""
        if not self.shared:
            async with self._connected().begin() as connection:
                yield connection
            return
        dial = make_dial(self._url, answer_within=None)
        engine = create_async_engine("postgresql+asyncpg://", async_creator=dial, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                yield connection
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Disconnect."""
        engine, self._engine = self._engine, None
        if self._working:
            await asyncio.wait(self._working)
        if engine is not None:
            await engine.dispose()

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Do all of ``work`` in one transaction, or nothing of it; alone, where the database isn't shared.

        Whoever is cancelled meanwhile goes away; the work is done all the same. The same is true of ``read``. Raises
        SQLAlchemyError, or DatabaseError where there is no connection.
        """

        async def write() -> T:
            async with self._writing, self._connect() as connection, connection.begin():
                return await connection.run_sync(work, *args, **more)

        return await self._finish(write())

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs) -> T:
        """Do ``work``, which only reads."""

        async def read() -> T:
            async with self._reading, self._connect() as connection:
                return await connection.run_sync(work, *args, **more)

        return await self._finish(read())

    def make_dial(self) -> Dial:
        """Return what opens a connection outside the pool, to a server."""
        return make_dial(self._url)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[AsyncConnection]:
        async with self._connected().connect() as connection:
            try:
                yield connection
            except OSError as error:
                # What was under way may still be: this connection is of no use to others.
                await connection.invalidate()
                raise explain(error) from error

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
        if self.shared:
            engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=make_dial(self._url),
                pool_size=self._pool,
                max_overflow=0,
                pool_timeout=CONNECT_WITHIN + ANSWER_WITHIN,
            )
            event.listen(engine.sync_engine, "checkout", _refuse_closed)
            return engine
        try:
            engine = create_async_engine(self._url, **({"poolclass": StaticPool} if self.in_memory else {}))
        except ArgumentError:
            raise DatabaseError("GATEWAY_DATABASE_URL isn't the URL of a database") from None
        event.listen(engine.sync_engine, "connect", _prepare)
        return engine


def _find_cause(error: BaseException) -> BaseException:
    """Return the driver's own error."""
    orig = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return orig.__cause__ or orig


def blames_data(error: BaseException) -> bool:
    """Whether what was to be kept is at fault, and not the database: to try again is of no use."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    orig = getattr(error, "orig", None)
    state = getattr(orig, "sqlstate", None) or ""
    # asyncpg's own objections have no state.
    return state.startswith(("22", "23")) or type(getattr(orig, "__cause__", None)).__name__ == "DataError"


def _refuse_closed(connection: Any, *_: object) -> None:
    """Let all connections be made anew where the server has closed one: no question to it is needed for that."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


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
    statement = insert(connection, table)
    others = [name for name in given[0] if name not in {column.name for column in key}]
    if keep or not others:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        new = {name: statement.excluded[name] for name in others}
        statement = statement.on_conflict_do_update(index_elements=key, set_=new)
    connection.execute(statement, given)


def insert(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an INSERT that knows of conflicts."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
