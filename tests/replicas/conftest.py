"""A real Redis, or a skip that says so."""

import pytest

from tests.replicas.server import PROGRAM


@pytest.fixture(autouse=True)
def needs_redis() -> None:
    if PROGRAM is None:
        pytest.skip("redis-server isn't installed: make programs")
