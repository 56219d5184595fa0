"""A loop that makes hours short, a fake Argo CD, and an objection to whatever failed without being said."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import aiosqlite
import pytest
import structlog

from tests.e2e.fastloop import FastLoop
from tests.fakes.argocd import FakeArgoCD

KEEPALIVE = 15.0
"""Seconds between the keep-alives of a real Argo CD."""

_NEVER = (
    "request.failed",
    "upstream.stream_broke",
    "upstream.request_broke",
    "delivery.broke",
    "delivery.record_broke",
    "delivery.errand_broke",
    "delivery.correlation_broke",
    "delivery.timeline_broke",
    "delivery.database_failed",
    "detail.broke",
    "detail.stream_broke",
    "detail.request_broke",
)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give each test here a fast loop, but for those that wait for other processes."""
    if item.path.name.startswith("test_cli"):
        return {"real": asyncio.new_event_loop}
    return {"fast": FastLoop}


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """Everything that the gateway logs; a failure that it didn't expect fails the test."""
    with structlog.testing.capture_logs() as captured:
        yield captured
    assert [entry for entry in captured if entry["event"] in _NEVER] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture(autouse=True)
async def no_error_unseen() -> AsyncIterator[None]:
    """Fail the test if anything failed in the event loop that nobody caught."""
    yield
    loop = asyncio.get_running_loop()
    if isinstance(loop, FastLoop):
        assert loop.failures == []


@pytest.fixture(autouse=True)
def databases_are_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass while a database's thread works, as for any other thread."""
    execute: Callable[..., Any] = aiosqlite.core.Connection._execute

    async def counted(self: Any, *args: Any, **more: Any) -> Any:
        loop = asyncio.get_running_loop()
        work = execute(self, *args, **more)
        return await (loop.working(work) if isinstance(loop, FastLoop) else work)

    monkeypatch.setattr(aiosqlite.core.Connection, "_execute", counted)


@pytest.fixture
async def argocd(no_error_unseen: None) -> AsyncIterator[FakeArgoCD]:
    fake = FakeArgoCD()
    fake.keepalive_interval = KEEPALIVE
    async with fake:
        yield fake
