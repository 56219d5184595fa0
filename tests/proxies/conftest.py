"""A fake Argo CD with two applications, and each kind of proxy that is installed here."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.proxies.proxy import KINDS, Kind


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    if kind.find() is None:
        pytest.skip(f"{kind.name.upper()} ISN'T TRIED: it isn't installed; `make programs` tries to")
    return kind


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    fake = FakeArgoCD()
    fake.keepalive_interval = 1.0
    fake.put(application("core", health="Healthy"))
    fake.put(application("shop", health="Healthy"))
    async with fake:
        yield fake
