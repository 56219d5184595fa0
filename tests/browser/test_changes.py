"""Recent changes in a real browser: the gateway's log and what comes live are one history, each change once."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.overview import expect_state, item, told
from tests.browser.stage import run_gateway, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

MERGE = """async ([seen, answer]) => {
    const { merge } = await import(new URL("static/changes/history.js", document.baseURI));
    return merge(seen, answer).map(({ key, at, offset }) => [key, at, offset]);
}"""


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with two applications."""
    argocd.put(application("core", images=["ghcr.io/example/core:1.0"]))
    argocd.put(application("mailer"))
    return argocd


async def test_changes_are_told_as_they_happen_and_again_after_a_reload(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(item(page, "core")).to_be_visible()
        shop.put(application("core", health="Progressing", images=["ghcr.io/example/core:1.1"]))
        await expect(told(page, "core").first).to_have_text("New: Healthy → Progressing · core: 1.0 → 1.1")
        shop.put(application("fresh"))
        await expect(told(page, "fresh").first).to_have_text("New: appeared: Healthy, Synced")
        shop.delete("argocd/mailer")
        await expect(told(page, "mailer").first).to_have_text("New: is gone")

        await page.reload()
        await expect(told(page, "core").first).to_have_text("Healthy → Progressing · core: 1.0 → 1.1")
        await expect(told(page, "fresh").first).to_have_text("appeared: Healthy, Synced")
        await expect(told(page, "mailer").first).to_have_text("is gone")
        await expect(page.locator(".changes .told", has_text="core: 1.0 → 1.1")).to_have_count(1)

        # And it goes on from there.
        shop.put(application("core", images=["ghcr.io/example/core:1.1"]))
        await expect(told(page, "core").first).to_have_text("New: Progressing → Healthy")
        await expect(page.locator(".changes .told", has_text="core: 1.0 → 1.1")).to_have_count(1)


async def test_what_happened_before_the_log_began_is_told_from_the_documents(shop: FakeArgoCD, page: Page) -> None:
    shop.put(application("ledger", health="Degraded"))
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(told(page, "ledger").filter(has_text="became Degraded")).to_have_count(1)


async def test_a_change_leads_to_its_application(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await expect(item(page, "mailer")).to_be_visible()
        shop.put(application("mailer", health="Missing"))
        await page.get_by_role("list", name="Recent changes").get_by_role("link", name="mailer").first.click()
        await expect(page).to_have_url(url_of(gateway, "/?page=application&app=argocd%2Fmailer"))


def changed(key: str, offset: int, at: str) -> dict[str, Any]:
    return {"key": key, "offset": offset, "at": at, "kind": "changed", "before": {}, "after": {}}


async def test_the_log_takes_the_place_of_what_was_seen_of_the_same(shop: FakeArgoCD, page: Page) -> None:
    def seen(key: str, epoch: str, offset: int, at: int, **more: Any) -> dict[str, Any]:
        return {"key": key, "epoch": epoch, "offset": offset, "at": at, "before": {}, "after": {}, **more}

    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        answer = {
            "position": "e-5",
            "changes": [changed("a", 5, "1970-01-01T00:00:05Z"), changed("b", 3, "1970-01-01T00:00:03Z")],
        }
        live = [seen("c", "e", 7, 7_000), seen("a", "e", 5, 5_100), seen("b", "e", 5, 5_100)]
        assert await page.evaluate(MERGE, [live, answer]) == [["c", 7_000, 7], ["a", 5_000, 5], ["b", 3_000, 3]]
        # A log that began anew knows neither what was before it nor what happened while nobody looked.
        older = [seen("x", "d", 90, 1_000), seen("y", "e", 1, 4_000, away=True), seen("a", "e", 1, 4_000, away=True)]
        assert await page.evaluate(MERGE, [older, answer]) == [
            ["a", 5_000, 5],
            ["y", 4_000, 1],
            ["b", 3_000, 3],
            ["x", 1_000, 90],
        ]
