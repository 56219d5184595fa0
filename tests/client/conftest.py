"""The stage of the browser tests, and Node."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import argocd, browser, page_errors
from tests.client.node import Folder

__all__ = ["argocd", "browser", "page_errors"]


@pytest.fixture(scope="session")
def folder() -> Iterator[Folder]:
    """A process of Node that folds."""
    running = Folder()
    yield running
    running.close()
