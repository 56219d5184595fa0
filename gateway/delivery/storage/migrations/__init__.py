"""The steps from an empty database to the tables of today, in order; run at each start, by one gateway at a time.

A step that was released is never changed: what comes to differ is another step. Steps spell the tables out, for
``tables`` is what they are today. A step only adds: new tables, and columns that are nullable or have a default. What
nobody needs any more is dropped by a later release than the one that stopped using it. So two versions work side by
side during an update, and ``works_from`` of a step names the oldest shape whose programs can work with what it makes.
Never belongs here: anything but the shape of the database.
"""

import io
from enum import StrEnum

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from gateway.errors import GatewayError

LOCK = 0x6761_7465_7761_79
"""The key of PostgreSQL's advisory lock that who migrates holds: ``gateway``."""

_LOCATION = "gateway.delivery.storage:migrations"

_log = structlog.get_logger(__name__)


class NewerShapeError(GatewayError):
    """The database has a shape that this version can't work with."""


class Standing(StrEnum):
    """What shape a database has, to this version."""

    EMPTY = "empty"
    OLDER = "older"
    TODAYS = "todays"
    NEWER = "newer"
    """Newer, and this version can work with it."""


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Bring a database to the newest shape; one that is there already, or is newer, is left as it is.

    Raises NewerShapeError if a newer version has made it one that this one can't work with.
    """
    if connection.dialect.name == "postgresql":
        # Others that start at the same time wait here, and find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    standing, shape = judge_shape(connection)
    if standing is Standing.NEWER:
        _log.info("delivery.newer_shape", shape=shape)
    if standing in (Standing.NEWER, Standing.TODAYS):
        return
    config = _configure()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    if to == "head":
        head = ScriptDirectory.from_config(config).get_revision("head")
        assert head is not None
        works_from = getattr(head.module, "works_from", head.revision)
        connection.execute(text("DELETE FROM compatibility"))
        connection.execute(text("INSERT INTO compatibility (id, works_from) VALUES (1, :one)"), {"one": works_from})


def judge_shape(connection: Connection) -> tuple[Standing, str | None]:
    """Return what shape a database has, and the number of its last step. Raises NewerShapeError."""
    shape = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_configure())
    head = script.get_current_head()
    assert head is not None
    if shape is None or shape == head:
        return (Standing.EMPTY if shape is None else Standing.TODAYS), shape
    if shape in {step.revision for step in script.walk_revisions()}:
        return Standing.OLDER, shape
    works_from = None
    if inspect(connection).has_table("compatibility"):
        works_from = connection.execute(text("SELECT works_from FROM compatibility")).scalar()
    if works_from is None or head < works_from:
        raise NewerShapeError(
            f"a newer version of the gateway has given the database shape {shape}, and this one knows {head}; run the"
            " newer version, or restore the database from before its update"
        )
    return Standing.NEWER, shape


def _configure() -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    return config
