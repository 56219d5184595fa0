"""A fast loop, but for tests of other processes; a fake Argo CD; and a real Prometheus with the gateway's rules."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.e2e.conftest import argocd, databases_are_work, no_error_unseen
from tests.e2e.fastloop import FastLoop
from tests.monitoring.prometheus import MISSING, PROMETHEUS, Prometheus

__all__ = ["argocd", "databases_are_work", "no_error_unseen"]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.name.startswith("test_a_process"):
        return {"real": asyncio.new_event_loop}
    return {"fast": FastLoop}


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What gateways of this process log: faults are meant here, and to write them out prettily takes seconds."""
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scrapes what it is told to, twice a second."""
    if PROMETHEUS is None:
        pytest.skip(MISSING)
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder) as running:
        yield running
