"""A running fake Argo CD and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import Client


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as server:
        yield server


@pytest.fixture
async def client(argocd: FakeArgoCD) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        yield Client(argocd, session, stack)
