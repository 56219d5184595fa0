"""The stage of the browser tests, and Node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import argocd, browser, page_errors, share_loop
from tests.client.node import Folder

__all__ = ["argocd", "browser", "page_errors"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_loop(items, Path(__file__).parent)


@pytest.fixture(scope="session")
def folder() -> Iterator[Folder]:
    """A process of Node that folds."""
    running = Folder()
    yield running
    running.close()
