"""The history is tested where it is kept: in SQLite, and in a real PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.delivery.desk import PLACES
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the history of a test's desks in one kind of database, then in the other."""
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    PLACES.use(server)
    yield
    PLACES.use(None)
