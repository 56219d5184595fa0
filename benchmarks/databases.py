"""Where a delivery history is kept in a benchmark: a file of SQLite's, or a PostgreSQL as durable as in use."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import find_programs, run_postgres

HAS_POSTGRESQL = find_programs() is not None


@contextmanager
def make(kind: str) -> Iterator[str]:
    """Make an empty database of a kind, ``sqlite`` or ``postgresql``; yield its URL as the storage takes it."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'history.db'}"
    else:
        with run_postgres(options=()) as server:
            yield server.url(server.create())
