"""The delivery history as JSON lines: one fact or deployment each, read beside a gateway that may be running."""

from collections.abc import Callable

from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.repository import Repository

TABLES = ("facts", "deployments")


async def write_lines(url: str, *, since: float, write: Callable[[str], object]) -> None:
    """Write what happened since a moment, Unix time, line by line. Raises DatabaseError."""
    database = Database(url)
    await database.open()
    try:
        repository = Repository(database, TagPatterns())
        for table in TABLES:
            async for payload in repository.export(table, since):
                write(f'{{"table":"{table}",{payload[1:].decode()}')
    finally:
        await database.close()
