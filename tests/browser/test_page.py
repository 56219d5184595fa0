"""The page in a real browser: it follows the stream, says how true it is, and comes back whatever happens to it."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.stage import refuse, run_gateway, until, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=30_000)


def row(page: Page, name: str, namespace: str = "argocd") -> Locator:
    return page.locator(f'#list > li[data-key="{namespace}/{name}"]')


def feed(page: Page, name: str) -> Locator:
    return page.locator(f'#feed > li[data-key="argocd/{name}"] .told')


async def expect_state(page: Page, state: str) -> None:
    await expect(page.locator("html")).to_have_attribute("data-state", state)


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with four applications."""
    argocd.put(application("core", project="shop", images=["ghcr.io/example/core:1.0"]))
    argocd.put(application("ledger", project="pay", health="Degraded", message="1 of 3 replicas are available"))
    argocd.put(application("mailer", project="shop", sync="OutOfSync"))
    argocd.put(application("search", project="shop", labels={"team": "find"}))
    return argocd


async def test_the_page_follows_the_stream(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await expect(page.locator("#state")).to_contain_text("Live")
        await expect(page.locator("#total")).to_have_text("4")
        await expect(page.locator("#list > li")).to_have_count(4)
        await expect(page.locator("#list > li").first).to_contain_text("ledger")
        await expect(row(page, "ledger")).to_contain_text("1 of 3 replicas are available")

        shop.put(application("core", project="shop", health="Progressing", images=["ghcr.io/example/core:1.1"]))
        await expect(row(page, "core").locator(".health")).to_contain_text("Progressing")
        await expect(feed(page, "core").first).to_have_text("Healthy → Progressing, core: 1.0 → 1.1")

        shop.put(application("fresh"))
        await expect(row(page, "fresh")).to_be_visible()
        await expect(feed(page, "fresh").first).to_have_text("appeared: Healthy, Synced")

        shop.delete("argocd/mailer")
        await expect(row(page, "mailer")).to_have_count(0)
        await expect(feed(page, "mailer").first).to_have_text("is gone")
        await expect(page).to_have_title("1 degraded · Applications")


async def test_the_past_is_told_when_the_page_opens(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(feed(page, "ledger").filter(has_text="became Degraded")).to_have_count(1)


async def test_names_and_messages_are_text_and_addresses_are_only_of_the_web(argocd: FakeArgoCD, page: Page) -> None:
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    urls = ["javascript:alert(1)", "https://shop.example.org/"]
    argocd.put(application("core", project=markup, health="Degraded", message=markup, labels={"a": markup}, urls=urls))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        await row(page, "core").locator("summary").click()
        await expect(row(page, "core").locator(".trouble")).to_have_text(markup)
        await expect(row(page, "core").locator("dl")).to_contain_text(f"a={markup}")
        await expect(page.locator("main img, main b:text-is('bold')")).to_have_count(0)
        links = row(page, "core").locator("a")
        await expect(links).to_have_count(1)
        await expect(links).to_have_attribute("href", "https://shop.example.org/")


async def test_a_click_filters_and_counts_follow(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        healthy = page.locator('#health [data-word="Healthy"]')
        await expect(healthy).to_have_attribute("data-count", "3")
        await healthy.click()
        await expect(healthy).to_have_attribute("aria-pressed", "true")
        await expect(row(page, "ledger")).to_be_hidden()
        await expect(page.locator("#shown")).to_have_text("3 of 4")
        await page.locator('#sync [data-word="OutOfSync"]').click()
        await expect(page.locator("#list > li:visible")).to_have_count(1)

        # Whoever no longer fits goes, whoever fits comes.
        shop.put(application("mailer", project="shop", sync="OutOfSync", health="Degraded"))
        await expect(page.locator("#empty-text")).to_have_text("No application matches.")
        shop.put(application("search", project="shop", sync="OutOfSync"))
        await expect(row(page, "search")).to_be_visible()

        # A reload, or a link sent to somebody, shows the same choice.
        await page.reload()
        await expect(page.locator("#list > li:visible")).to_have_count(1)
        assert "health=Healthy&sync=OutOfSync" in page.url


async def test_search_takes_words_of_names_projects_labels_and_images(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator("#list > li")).to_have_count(4)
        await page.keyboard.press("/")
        await expect(page.locator("#search")).to_be_focused()
        for text, count in {"SHOP": 3, "shop mail": 1, "team=find": 1, "core:1.0": 1, "nothing": 0}.items():
            await page.locator("#search").fill(text)
            await expect(page.locator("#list > li:visible")).to_have_count(count)
        await expect(page.locator("#announcer")).to_contain_text("0 of 4 applications shown")
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator("#list > li:visible")).to_have_count(4)


async def test_the_keyboard_opens_details_and_keeps_its_place_while_rows_move(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await row(page, "search").locator("summary").focus()
        await page.keyboard.press("Enter")
        await expect(row(page, "search").locator("dl")).to_contain_text("https://git.example.org/deploy.git")
        shop.put(application("search", project="shop", health="Missing"))
        await expect(page.locator("#list > li").nth(1)).to_have_attribute("data-key", "argocd/search")
        await expect(row(page, "search").locator("summary")).to_be_focused()
        await expect(row(page, "search").locator("dl")).to_contain_text("Missing")


async def test_each_part_has_its_role_and_name(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.get_by_role("list", name="What just changed")).to_be_visible()
        await expect(page.get_by_role("searchbox", name="Search applications")).to_be_visible()
        await expect(page.get_by_role("group", name="Health").get_by_role("button", name="Degraded 1")).to_be_visible()
        await expect(page.get_by_role("combobox", name="Order")).to_be_visible()
        await expect(page.get_by_role("status")).to_contain_text("Live")


async def test_nothing_old_is_green(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, pipelines_cache_ttl=0.5, auth_retry=1.0) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        icon = row(page, "core").locator(".line > .icon")
        green = "rgb(21, 128, 61)"
        await expect(icon).to_have_css("color", green)

        await shop.stop()
        await expect_state(page, "stale")
        await expect(page.locator("#state")).to_contain_text(re.compile(r"Stale\s+since \d"))
        await expect(page.locator("#banner")).to_contain_text("What you see may be old")
        await expect(icon).not_to_have_css("color", green)
        await expect(row(page, "core")).to_be_visible()
        await expect(page).to_have_title(re.compile("^Stale · "))

        shop.unauthorized = True
        await shop.start()
        await expect_state(page, "down")
        await expect(page.locator("#state")).to_contain_text(re.compile(r"Argo CD down\s+since \d"))

        shop.unauthorized = False
        await expect_state(page, "live")
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(icon).to_have_css("color", green)


async def test_the_page_comes_back_through_a_restart_with_503s_between(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        port = gateway.address[1]
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await expect(row(page, "core")).to_be_visible()
    async with refuse(port) as asked:
        await expect_state(page, "disconnected")
        await expect(page.locator("#banner")).to_contain_text("What you see is as of")
        await expect(page.locator("#banner")).to_contain_text("The gateway is shutting down or restarting.")
        await expect(row(page, "core")).to_be_visible()
        # The browser gave up at the first 503; that the page hasn't shows in the cursor.
        await until(lambda: any("lastEventId=" in path for path in asked))
        shop.put(application("core", project="shop", health="Missing"))
        shop.delete("argocd/search")
    async with run_gateway(shop, port=port):
        await expect_state(page, "live")
        await expect(row(page, "core")).to_contain_text("Missing")
        await expect(row(page, "search")).to_have_count(0)
        # The new gateway's own observations differ for every application; only what changed is told.
        told = page.locator("#feed .told", has_text="(while disconnected)")
        await expect(told).to_have_count(2)


async def test_the_end_of_a_streams_lifetime_is_no_event_for_the_reader(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, stream_lifetime=2.0) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await page.evaluate(
            """() => {
                const root = document.documentElement;
                window.states = [];
                new MutationObserver(() => window.states.push(root.dataset.state)).observe(root, { attributes: true });
            }"""
        )
        await until(lambda: gateway.hub.counts["join_resumed"] > 0)
        shop.put(application("fresh"))
        await expect(row(page, "fresh")).to_be_visible()
        assert await page.evaluate("() => window.states") == []


async def test_a_line_that_went_silent_is_replaced(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, heartbeat=3600.0) as gateway:
        await page.clock.install()
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await page.clock.fast_forward(60_000)
        await until(lambda: gateway.hub.counts["join_resumed"] > 0)
        await page.clock.fast_forward(1_000)
        await expect_state(page, "live")


async def test_under_a_base_path_the_page_finds_its_parts(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, base_path="/live/v1") as gateway:
        await page.goto(url_of(gateway, "/live/v1"))
        await expect_state(page, "live")
        await expect(page.locator("#list > li")).to_have_count(4)


async def test_a_thousand_applications_are_shown_and_followed(argocd: FakeArgoCD, page: Page) -> None:
    for number in range(1_000):
        argocd.put(application(f"app-{number}"))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator("#total")).to_have_text("1000")
        argocd.put(application("app-777", health="Degraded"))
        await expect(page.locator("#list > li").first).to_have_attribute("data-key", "argocd/app-777")
        # What stays the same is not touched: an order of a thousand rows is one move.
        await page.evaluate(
            """() => {
                window.moved = 0;
                const count = all => { for (const one of all) window.moved += one.addedNodes.length; };
                new MutationObserver(count).observe(document.getElementById("list"), { childList: true });
            }"""
        )
        argocd.put(application("app-777"))
        await expect(page.locator("#list > li").first).to_have_attribute("data-key", "argocd/app-0")
        assert await page.evaluate("() => window.moved") == 1


async def test_phones_see_it_without_scrolling_sideways(shop: FakeArgoCD, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(row(page, "core")).to_be_attached()
        width = await page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 360
