"""Logins at a certified OpenID provider, by a real browser: in, expiry, other groups, and out again."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from playwright.async_api import Page, expect

from gateway.app import Gateway
from gateway.clock import start_clock
from gateway.settings.environment import Settings
from tests.auth.oidc.process import CertifiedProvider, run_provider
from tests.browser.overview import item
from tests.browser.stage import until
from tests.browser.test_accessibility import find_faults
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

AUDIENCE = "https://gateway.example.org"
ACCESS = """
[[groups.shop.rules]]
projects = ["shop"]
[[groups.pay.rules]]
projects = ["pay"]
"""


class JumpingClock:
    """The real time, and as much more as a test likes."""

    def __init__(self) -> None:
        self._real: Callable[[], float] = start_clock()
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead


class Stage:
    """A gateway that logs people in at a provider; browsers find it under another name than the provider."""

    def __init__(self, gateway: Gateway, provider: CertifiedProvider, clock: JumpingClock) -> None:
        self.gateway = gateway
        self.provider = provider
        self.clock = clock

    def url(self, path: str = "/") -> str:
        return f"http://localhost:{self.gateway.address[1]}{path}"

    async def log_in(self, page: Page, path: str = "/auth/login") -> None:
        await page.goto(self.url(path))
        await page.locator("input[name=login]").fill("alice")
        await page.locator("input[name=password]").fill("anything")
        await page.locator("button[type=submit]").click()
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url(f"{self.url('/')}**")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[CertifiedProvider]:
    async with run_provider() as provider:
        yield provider


@pytest_asyncio.fixture(loop_scope="session")
async def stage(argocd: FakeArgoCD, provider: CertifiedProvider, tmp_path: Path) -> AsyncIterator[Stage]:
    argocd.put(application("core", project="shop"))
    argocd.put(application("mailer", project="shop"))
    argocd.put(application("ledger", project="pay"))
    access = tmp_path / "access.toml"
    access.write_text(ACCESS)
    secret = secrets.token_hex(16)
    clock = JumpingClock()
    settings: dict[str, Any] = {
        "argocd_base_url": argocd.url,
        "argocd_auth_token": SECRET,
        "port": 0,
        "metrics_port": 0,
        "drain_delay": 0.0,
        "drain": 0.0,
        "heartbeat": 1.0,
        "auth": "oidc",
        "access_file": access,
        "oidc_issuer": provider.issuer,
        "oidc_client_id": "gateway",
        "oidc_client_secret": secret,
        "oidc_audience": AUDIENCE,
        "oidc_algorithms": "RS256,ES256",
        "session_keys": secrets.token_hex(32),
    }
    async with run(Gateway(Settings(**settings), clock=clock)) as gateway:
        stage = Stage(gateway, provider, clock)
        await provider.set(
            "client",
            client_id="gateway",
            client_secret=secret,
            redirect_uris=[stage.url("/auth/callback")],
            post_logout_redirect_uris=[stage.url("/auth/logout")],
            grant_types=["authorization_code", "refresh_token"],
        )
        await provider.set("groups", subject="alice", groups=["shop"])
        await until(lambda: gateway.hub.published)
        yield stage


@asynccontextmanager
async def run(gateway: Gateway) -> AsyncIterator[Gateway]:
    running = asyncio.create_task(gateway.run())
    ready = asyncio.create_task(gateway.ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        if running.done():
            running.result()
        yield gateway
    finally:
        gateway.stop()
        await running


async def ask(page: Page, url: str) -> int:
    """Return the status that the browser gets, with its cookies."""
    return (await page.request.get(url)).status


async def test_whoever_logs_in_sees_what_is_theirs_until_they_leave(stage: Stage, page: Page) -> None:
    assert await ask(page, stage.url("/api/pipelines")) == 401

    await stage.log_in(page, "/?team=none")
    assert page.url == stage.url("/?team=none")
    await page.goto(stage.url())
    await expect(item(page, "core")).to_be_visible()
    await expect(page.locator(".item")).to_have_count(2)
    cookies = {cookie["name"]: cookie for cookie in await page.context.cookies(stage.url())}
    assert "gateway-login" not in cookies
    cookie = cookies["gateway"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    assert "alice" not in cookie["value"]
    assert await page.evaluate("document.cookie") == ""

    await page.get_by_role("button", name="Logged in as Name of alice").click()
    dialog = page.get_by_role("dialog", name="Your login")
    # Not when the session is next renewed, in five minutes, but when it is over.
    ends = datetime.fromtimestamp(stage.clock() + stage.gateway.settings.session_lifetime, UTC)
    told = (await (await page.request.get(stage.url("/api/me"))).json())["until"]
    assert abs((datetime.fromisoformat(told) - ends).total_seconds()) < 120
    await expect(dialog).to_contain_text("shop")
    assert await find_faults(page) == []
    await dialog.get_by_role("button", name="Log out").click()
    await page.get_by_role("button", name="Yes, sign me out").click()
    await expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    assert page.url.startswith(stage.url("/auth/logout"))
    assert await ask(page, stage.url("/api/pipelines")) == 401
    await page.context.add_cookies([{"name": "gateway", "value": cookie["value"], "url": stage.url()}])
    assert await ask(page, stage.url("/api/pipelines")) == 401, "a copy of the cookie"


async def test_a_stream_that_is_open_follows_a_change_of_groups(stage: Stage, page: Page) -> None:
    await stage.log_in(page)
    await expect(page.locator(".item")).to_have_count(2)
    joins = stage.gateway.hub.counts["join_new"]
    await stage.provider.set("groups", subject="alice", groups=["pay"])
    stage.clock.ahead += 250
    assert await ask(page, stage.url("/api/pipelines")) == 200
    assert (await stage.provider.asked())["/token"] == 2
    await expect(item(page, "ledger")).to_be_visible()
    await expect(page.locator(".item")).to_have_count(1)
    assert stage.gateway.hub.counts["join_new"] == joins


async def test_a_session_that_has_expired_is_renewed_when_its_stream_comes_back(stage: Stage, page: Page) -> None:
    await stage.log_in(page)
    await expect(page.locator(".item")).to_have_count(2)
    before = (await page.context.cookies(stage.url()))[0]["value"]
    await stage.provider.set("groups", subject="alice", groups=["shop", "pay"])
    # At once, before the page asks for something else and so renews the session while its stream goes on.
    stage.clock.ahead += 301
    stage.gateway.hub.beat(stage.clock())
    assert stage.gateway.hub.counts["end_expired"] == 1
    await expect(page.locator(".item")).to_have_count(3)
    assert (await page.context.cookies(stage.url()))[0]["value"] != before


async def test_a_logout_in_one_tab_ends_the_streams_of_the_others(stage: Stage, page: Page) -> None:
    await stage.log_in(page)
    await expect(page.locator(".item")).to_have_count(2)
    ended = stage.gateway.hub.counts["end_expired"]
    other = await page.context.new_page()
    await other.goto(stage.url("/auth/logout"))
    await other.get_by_role("button", name="Log out").click()
    await until(lambda: stage.gateway.hub.counts["end_expired"] > ended)
    await expect(page.locator("#refusal")).to_contain_text("Your login has ended")
    await expect(page.locator("#refusal")).to_contain_text("You were logged in as Name of alice.")
    # Nobody has said yes to the provider's own logout, so it still knows them; but what they allowed was revoked.
    await page.locator("#refusal").get_by_role("button", name="Log in").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator(".item")).to_have_count(2)


async def test_a_session_that_the_provider_has_ended_ends_its_stream(stage: Stage, page: Page) -> None:
    await stage.log_in(page)
    await expect(page.locator(".item")).to_have_count(2)
    await stage.provider.set("end")
    stage.clock.ahead += 301
    await until(lambda: len(stage.gateway.hub) == 0)
    assert await ask(page, stage.url("/api/pipelines")) == 401
    assert [cookie["name"] for cookie in await page.context.cookies(stage.url())] == []


async def test_while_the_provider_is_away_who_is_in_stays_in_and_a_login_says_so(stage: Stage, page: Page) -> None:
    await stage.log_in(page)
    await stage.provider.stop()
    assert await ask(page, stage.url("/api/pipelines")) == 200
    stage.clock.ahead += 250
    assert await ask(page, stage.url("/api/pipelines")) == 200
    response = await page.goto(stage.url("/auth/login"))
    assert response is not None
    assert response.status == 503
    await expect(page.get_by_role("heading", name="Nobody can log in now")).to_be_visible()


async def test_a_service_comes_in_by_a_token_of_the_same_provider(stage: Stage) -> None:
    await stage.provider.set(
        "client",
        client_id="reporter",
        client_secret="the reporter's own",
        redirect_uris=[],
        response_types=[],
        grant_types=["client_credentials"],
        token_endpoint_auth_method="client_secret_post",
    )
    await stage.provider.set("groups", subject="reporter", groups=["pay"])
    names = {"client_id": "reporter", "client_secret": "the reporter's own"}
    token = await stage.provider.take_token(**names, resource=AUDIENCE)
    other = await stage.provider.take_token(**names, resource="https://other.example.org")
    async with aiohttp.ClientSession() as session:
        for bearer, status in ((token, 200), (other, 401)):
            headers = {"Authorization": f"Bearer {bearer}"}
            async with session.get(stage.url("/api/pipelines"), headers=headers) as response:
                assert response.status == status, await response.text()
                if status == 200:
                    assert [each["name"] for each in (await response.json())["applications"]] == ["ledger"]
