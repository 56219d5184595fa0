"""The log of deliveries in a real browser: what came, what became of it, why; and once more."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.delivered import SECRET, answer, iso, post, push
from tests.browser.stage import run_gateway, until, url_of
from tests.browser.test_accessibility import find_faults
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

DELIVERIES = "/?page=deliveries"
OUTCOMES = ("processed", "ignored", "rejected", "failed", "accepted")


def rows(page: Page) -> Locator:
    return page.locator(".received .received-row")


def delivery(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "sender": "github",
        "deliveryId": f"delivery-{number}",
        "event": "push",
        "receivedAt": iso(number),
        "outcome": "processed",
        "size": 100,
        "facts": 2,
        "matched": 1,
        "redeliverable": True,
        **more,
    }


async def test_what_arrives_is_seen_with_what_became_of_it_and_once_more(argocd: FakeArgoCD, page: Page) -> None:
    async with run_gateway(argocd, webhook_github_secret=SECRET) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await expect(page.locator(".empty-title")).to_have_text("No webhook has arrived yet")
        await expect(page.get_by_role("row").filter(has_text="github")).to_contain_text("on")
        await expect(page.get_by_role("row").filter(has_text="gitlab")).to_contain_text("off: no secret is set")
        await expect(page.locator(".senders")).to_contain_text(url_of(gateway, "/api/webhooks/github"))
        assert await post(gateway, "push", push("a" * 40)) == 202
        await expect(rows(page).first).to_contain_text("processed")
        await expect(rows(page).first).to_contain_text("1 fact")
        await expect(rows(page).first).to_contain_text("no deployment asked for commit aaaaaaaa when it came")
        assert await post(gateway, "ping", {"zen": "Keep it logically awesome."}) == 202
        assert await post(gateway, "push", push("b" * 40), secret="another") == 401
        await expect(rows(page)).to_have_count(3)
        await expect(rows(page).nth(0)).to_contain_text("refused")
        await expect(rows(page).nth(0).get_by_role("button")).to_have_count(0)
        await expect(rows(page).nth(1)).to_contain_text("ignored")
        await rows(page).nth(2).get_by_role("button", name="Process github push again").click()
        await expect(page.get_by_role("status").filter(has_text="processed again")).to_be_visible()
        await until(lambda: gateway.office.runner.counts["processed"] >= 2)


async def test_filters_are_asked_for_and_in_the_address(argocd: FakeArgoCD, page: Page) -> None:
    asked = await answer(
        page, "deliveries?*", lambda query: {"deliveries": [] if query.get("sender") == "trivy" else [delivery(1)]}
    )
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await expect(rows(page)).to_have_count(1)
        await page.get_by_label("Sender").select_option("trivy")
        await expect(page.locator(".empty-title")).to_have_text("No delivery matches")
        await page.get_by_label("Outcome").select_option("failed")
        await until(lambda: asked[-1] == {"limit": "50", "sender": "trivy", "outcome": "failed"})
        assert "sender=trivy&outcome=failed" in page.url
        await page.get_by_role("button", name="Show all").click()
        await expect(rows(page)).to_have_count(1)


async def test_older_ones_are_fetched_and_stay_when_newer_ones_come(argocd: FakeArgoCD, page: Page) -> None:
    newest = 100

    def make(query: dict[str, str]) -> dict[str, Any]:
        first = int(query.get("before", newest + 1)) - 1
        return {"deliveries": [delivery(number) for number in range(first, first - 50, -1)], "next": first - 49}

    await answer(page, "deliveries?*", make)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await expect(rows(page)).to_have_count(50)
        await page.get_by_role("button", name="Older deliveries").click()
        await expect(rows(page)).to_have_count(100)
        newest = 103
        await expect(rows(page)).to_have_count(103)
        keys = [await rows(page).nth(place).get_attribute("data-key") for place in (0, 49, 50, 102)]
        assert keys == ["103", "54", "53", "1"]


async def test_what_cant_be_done_says_why(argocd: FakeArgoCD, page: Page) -> None:
    await answer(page, "deliveries?*", lambda _: {"deliveries": [delivery(1)]})
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await page.get_by_role("button", name="Process github push again").click()
        await expect(
            page.get_by_role("status").filter(has_text="That failed: There is no such delivery")
        ).to_be_visible()


async def test_hostile_texts_harm_nothing_on_a_phone_in_korean(argocd: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['ko-KR', 'ko']})")
    await page.set_viewport_size({"width": 360, "height": 760})
    hostile = delivery(
        1,
        event="<img src=x onerror=alert(1)>" * 5,
        deliveryId="d" * 500,
        why="\u202eمرحبا" + "w" * 900,
        sender="s" * 90,
    )
    await answer(page, "deliveries?*", lambda _: {"deliveries": [hostile, delivery(2, outcome="new")]})
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await expect(rows(page)).to_have_count(2)
        await expect(page.locator("main img")).to_have_count(0)
        assert "deliveries." not in await page.locator("main").inner_text()
        width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault(argocd: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    many = [delivery(place, outcome=outcome, why="why") for place, outcome in enumerate(OUTCOMES, 1)]
    content = {"deliveries": many}
    await answer(page, "deliveries?*", lambda _: content)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, DELIVERIES))
        await expect(rows(page)).to_have_count(5)
        assert await find_faults(page) == []
        content["deliveries"] = []
        await expect(page.locator(".senders")).to_be_visible()
        assert await find_faults(page) == []
