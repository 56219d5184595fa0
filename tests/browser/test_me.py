"""Who the page says that somebody is, and what they are offered to do: behind a proxy that has logged them in."""

import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from gateway.app import Gateway
from tests.browser.overview import expect_state
from tests.browser.stage import run_gateway, url_of
from tests.browser.test_accessibility import find_faults
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

ACCESS = """
[[anonymous.rules]]
projects = ["public"]

[[groups.shop.rules]]
projects = ["shop"]
verbs = ["view", "refresh"]

[[groups.shop.rules]]
projects = ["pay"]
"""


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(argocd: FakeArgoCD, tmp_path: Path) -> AsyncIterator[Gateway]:
    for name, project in (("core", "shop"), ("ledger", "pay"), ("docs", "public")):
        argocd.put(application(name, project=project))
    access = tmp_path / "access.toml"
    access.write_text(ACCESS)
    async with run_gateway(
        argocd, auth="proxy", access_file=access, proxy_trusted=(ipaddress.ip_network("127.0.0.1/32"),)
    ) as gateway:
        yield gateway


async def become(page: Page, name: str | None) -> None:
    """Have the proxy in front name somebody."""
    headers = {} if name is None else {"X-Forwarded-User": name, "X-Forwarded-Groups": "shop"}
    await page.set_extra_http_headers(headers)


async def test_the_page_says_who_is_logged_in_by_keyboard_and_in_both_languages(gateway: Gateway, page: Page) -> None:
    await become(page, "Alice <b>Liddell</b>")
    await page.goto(url_of(gateway))
    account = page.get_by_role("button", name="Logged in as Alice <b>Liddell</b>")
    await account.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Your login")
    await expect(dialog).to_contain_text("Alice <b>Liddell</b>")
    await expect(dialog).to_contain_text("shop")
    await expect(dialog).to_contain_text("see applications & refresh applications")
    # Who logged them in is the proxy, so there is nothing here to log out of.
    await expect(dialog.get_by_role("button", name="Log out")).to_have_count(0)
    assert await find_faults(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(account).to_be_focused()
    await page.get_by_role("button", name="한국어").click()
    await page.get_by_role("button", name="Alice <b>Liddell</b>(으)로 로그인됨").click()
    await expect(page.get_by_role("dialog", name="로그인 정보")).to_contain_text("애플리케이션 보기")


async def test_nobody_is_named_where_nobody_is_known(gateway: Gateway, page: Page) -> None:
    async with page.expect_response("**/api/me"):
        await page.goto(url_of(gateway))
    await expect(page.locator(".item")).to_have_count(1)
    await expect(page.locator("#me")).to_be_hidden()


async def test_whoever_was_let_in_and_is_no_more_is_told_that_it_has_ended(gateway: Gateway, page: Page) -> None:
    await become(page, "alice")
    await page.goto(url_of(gateway))
    await expect(page.get_by_role("button", name="Logged in as alice")).to_be_visible()
    gateway.settings.access_file.write_text(ACCESS.replace("anonymous", "groups.none"))  # type: ignore[union-attr]
    gateway.entrance.keeper.look()
    await become(page, None)
    gateway.hub.end_all(gateway.clock())
    await expect_state(page, "refused")
    await expect(page.locator("#refusal")).to_contain_text("Your login has ended")
    await expect(page.locator("#refusal")).to_contain_text("You were logged in as alice.")
    await expect(page.locator("#me")).to_be_hidden()
    assert await find_faults(page) == []


async def test_who_may_have_argo_cd_compare_is_offered_that_and_told_how_it_went(
    gateway: Gateway, argocd: FakeArgoCD, page: Page
) -> None:
    await become(page, "alice")
    await page.goto(url_of(gateway, "/?page=application&app=argocd/core"))
    refresh = page.get_by_role("button", name="Refresh")
    said = page.locator(".app-refresh [role=status]")
    await refresh.click()
    await expect(said).to_have_text("Argo CD was asked: what that changes appears here.")
    assert [request.path for request in argocd.requests if request.query.get("refresh")] == [
        "/api/v1/applications/core"
    ]
    # Before that moment is over.
    await page.keyboard.press("f")
    await expect(said).to_have_text("Argo CD was asked a moment ago.")
    await expect(refresh).to_be_focused()
    assert await find_faults(page) == []


async def test_where_argo_cd_refuses_a_refresh_the_page_says_so(
    gateway: Gateway, argocd: FakeArgoCD, page: Page
) -> None:
    await become(page, "alice")
    await page.goto(url_of(gateway, "/?page=application&app=argocd/core"))
    refresh = page.get_by_role("button", name="Refresh")
    await expect(refresh).to_be_visible()
    argocd.details.part_status["application"] = 403
    await refresh.click()
    await expect(page.locator(".app-refresh [role=status]")).to_contain_text("Argo CD refuses")


async def test_a_refresh_is_offered_as_soon_as_the_application_is_there(
    gateway: Gateway, argocd: FakeArgoCD, page: Page
) -> None:
    await become(page, "alice")
    await page.goto(url_of(gateway, "/?page=application&app=argocd/later"))
    await expect(page.get_by_text("argocd/later")).to_be_visible()
    await expect(page.get_by_role("button", name="Refresh")).to_be_hidden()
    argocd.put(application("later", project="shop"))
    await expect(page.get_by_role("button", name="Refresh")).to_be_visible()


@pytest.mark.parametrize(("name", "key"), [("alice", "argocd/ledger"), (None, "argocd/docs")])
async def test_who_may_not_is_offered_nothing(gateway: Gateway, page: Page, name: str | None, key: str) -> None:
    await become(page, name)
    async with page.expect_response("**/api/me?application=*") as asked:
        await page.goto(url_of(gateway, f"/?page=application&app={key}"))
    assert "refresh" not in (await (await asked.value).json())["verbs"]
    await expect(page.locator("h1")).to_contain_text(key.partition("/")[2])
    await expect(page.locator(".app-refresh")).to_be_hidden()
