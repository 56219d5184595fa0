"""A fake provider, and a gateway's logins in front of a small application that says who is asking."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.auth.authenticator import AuthenticationError
from gateway.auth.oidc.logins import Logins
from gateway.auth.oidc.setup import make_logins
from gateway.settings.environment import Settings
from gateway.web.login import LoginRoutes
from gateway.web.middleware import make_middleware
from tests.auth.oidc.fake import AUDIENCE, CLIENT_ID, CLIENT_SECRET, Clock, FakeProvider, serve

KEY = "11" * 32


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def provider(clock: Clock) -> AsyncIterator[FakeProvider]:
    async with serve(FakeProvider(clock)) as provider:
        yield provider


def make_settings(issuer: str, **changes: Any) -> Settings:
    return Settings(
        **{
            "argocd_base_url": "http://127.0.0.1:1",
            "auth": "oidc",
            "access_file": "/dev/null",
            "oidc_issuer": issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_audience": AUDIENCE,
            "session_keys": KEY,
            **changes,
        }
    )


class Site:
    """A gateway's logins, and a browser without redirects."""

    def __init__(self, logins: Logins, client: Any, provider: FakeProvider) -> None:
        self.logins = logins
        self.client = client
        self.provider = provider

    async def get(self, path: str, **more: Any) -> Any:
        return await self.client.get(path, allow_redirects=False, **more)

    async def whoami(self, **more: Any) -> Any:
        return await (await self.get("/whoami", **more)).json()

    async def go_to_provider(self, path: str = "/auth/login") -> dict[str, str]:
        """Begin a login; return what the provider would send back."""
        response = await self.get(path)
        assert response.status == 303, await response.text()
        return self.provider.authorize(response.headers["Location"])

    async def log_in(self, path: str = "/auth/login") -> Any:
        return await self.get("/auth/callback", params=await self.go_to_provider(path))


async def open_site(settings: Settings, provider: FakeProvider, clock: Clock) -> AsyncIterator[Site]:
    logins = make_logins(settings, clock=clock)

    async def whoami(request: web.Request) -> web.Response:
        try:
            identity = await logins.authenticator.authenticate(request)
        except AuthenticationError as error:
            return web.json_response({"error": error.reason, "detail": error.detail}, status=401)
        return web.json_response(
            {"subject": identity.subject, "name": identity.name, "groups": sorted(identity.groups)}
        )

    app = web.Application(middlewares=[make_middleware(loopback_only=False)])
    public_url = settings.public_url
    LoginRoutes(logins, public_url=public_url, base_path=settings.base_path).add(app)
    app.router.add_get("/whoami", whoami)
    async with TestClient(TestServer(app)) as client:
        try:
            yield Site(logins, client, provider)
        finally:
            await logins.authenticator.close()


@pytest.fixture
async def site(provider: FakeProvider, clock: Clock) -> AsyncIterator[Site]:
    async for site in open_site(make_settings(provider.issuer), provider, clock):
        yield site
