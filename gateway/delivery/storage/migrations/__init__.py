"""The steps from an empty database to the tables of today, in order; run at each start.

A step that was released is never changed: what comes to differ is another step. Steps spell the tables out, for
``tables`` is what they are today. Never belongs here: anything but the shape of the database.
"""

import io

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_LOCATION = "gateway.delivery.storage:migrations"


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest shape; one that is there already is left as it is."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
