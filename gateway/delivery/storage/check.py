"""Looks at a database without changing it: whether it can be used, and what a start would do to it."""

from sqlalchemy import Connection, text

from gateway.delivery.storage.database import Database, DatabaseError
from gateway.delivery.storage.migrations import Standing, judge_shape


async def describe(url: str) -> str:
    """Return what a database is. Raises DatabaseError, which says what to do."""
    database = Database(url)
    await database.open(migrate=False)
    try:
        return await database.read(_describe)
    finally:
        await database.close()


def _describe(connection: Connection) -> str:
    name = "SQLite"
    if connection.dialect.name == "postgresql":
        name = "PostgreSQL " + str(connection.execute(text("SHOW server_version")).scalar()).split()[0]
    standing, shape = judge_shape(connection)
    if connection.dialect.name == "postgresql" and standing in (Standing.EMPTY, Standing.OLDER):
        may = "SELECT current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE')"
        if not connection.execute(text(may)).scalar():
            raise DatabaseError(
                "the role may not make tables; let it own the schema, or GRANT CREATE, USAGE ON SCHEMA … TO it"
            )
    match standing:
        case Standing.EMPTY:
            return f"{name}, empty: the tables are made at the start"
        case Standing.OLDER:
            return f"{name}, of an older version: brought up to date at the start"
        case Standing.TODAYS:
            return f"{name}, ready"
        case Standing.NEWER:
            return f"{name}, of a newer version ({shape}) that this one can work with"
