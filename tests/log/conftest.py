"""A real Redis, or a skip that says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.replicas.server import PROGRAM, RedisServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    if PROGRAM is None:
        pytest.skip("redis-server isn't installed: make programs")
    started = RedisServer(tmp_path)
    await started.start()
    yield started
    await started.stop()
