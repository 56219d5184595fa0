"""The fake Argo CD and the fast loop of the end-to-end tests, and the contract."""

import pytest

from tests.contract.documents import Contract
from tests.e2e.conftest import argocd, logs, no_error_unseen, pytest_asyncio_loop_factories

__all__ = ["argocd", "logs", "no_error_unseen", "pytest_asyncio_loop_factories"]


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()
