"""For the demo's tests: a fast loop, but for those that wait for other processes; and the recording."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from gateway.demo import recording
from gateway.demo.recording import Recording
from tests.e2e.fastloop import FastLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name == "test_command.py":
        return {"real": asyncio.new_event_loop}
    return {"fast": FastLoop}


@pytest.fixture(scope="session")
def recorded() -> Recording:
    return recording.load()


@pytest.fixture(autouse=True)
async def no_error_unseen() -> AsyncIterator[None]:
    """Fail the test if anything failed in the event loop that nobody caught."""
    yield
    loop = asyncio.get_running_loop()
    if isinstance(loop, FastLoop):
        assert loop.failures == []
