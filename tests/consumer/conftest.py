"""A loop that makes minutes short for what waits, real time for what runs as a process of its own."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.e2e.conftest import argocd, no_error_unseen
from tests.e2e.fastloop import FastLoop

__all__ = ["argocd", "no_error_unseen"]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name.startswith("test_commands"):
        return {"real": asyncio.new_event_loop}
    return {"fast": FastLoop}
