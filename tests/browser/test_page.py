"""The page in a real browser: it follows the stream, says how true it is, and comes back whatever happens to it."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.overview import expect_state, item, told
from tests.browser.stage import refuse, run_gateway, until, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

GREEN = "rgb(20, 122, 59)"


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
        await expect(page.get_by_role("heading", level=1)).to_have_text("4 applications")
        await expect(page.locator(".item")).to_have_count(4)
        await expect(page.locator(".item").first).to_contain_text("ledger")
        await expect(item(page, "ledger")).to_contain_text("1 of 3 replicas are available")

        shop.put(application("core", project="shop", health="Progressing", images=["ghcr.io/example/core:1.1"]))
        await expect(item(page, "core").locator(".health")).to_contain_text("Progressing")
        await expect(item(page, "core").locator(".version")).to_have_text("1.1")
        await expect(item(page, "core")).to_have_attribute("data-flash", re.compile("a|b"))
        await expect(item(page, "search")).not_to_have_attribute("data-flash", re.compile("a|b"))

        shop.put(application("fresh"))
        await expect(item(page, "fresh")).to_be_visible()

        shop.delete("argocd/mailer")
        await expect(item(page, "mailer")).to_have_count(0)
        await expect(page).to_have_title("1 degraded · Applications")


async def test_names_and_messages_are_text_whatever_they_are(argocd: FakeArgoCD, page: Page) -> None:
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    rtl = "\u202egnorw si siht שלום"
    argocd.put(application("core", project=markup, health="Degraded", message=markup, labels={"a": markup}))
    argocd.put(application("long", health="Degraded", message="x" * 3_000, project="p" * 200))
    argocd.put(application("emoji", health="Degraded", message="🔥👩‍👩‍👧" * 80, project=rtl))
    argocd.put(application("word", health="<i>Odd</i>", sync="__proto__"))
    for width in (1280, 360):
        await page.set_viewport_size({"width": width, "height": 740})
        async with run_gateway(argocd) as gateway:
            await page.goto(url_of(gateway))
            await expect(item(page, "core").locator(".trouble")).to_have_text(markup)
            await expect(item(page, "core").locator(".place")).to_contain_text(markup)
            await expect(item(page, "emoji").locator(".place")).to_contain_text("שלום")
            await expect(item(page, "word").locator(".health")).to_contain_text("<i>Odd</i>")
            await expect(page.locator("main img, main b:text-is('bold')")).to_have_count(0)
            assert await page.evaluate("() => document.documentElement.scrollWidth") <= width


async def test_nothing_old_is_green(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, pipelines_cache_ttl=0.5, auth_retry=1.0) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        icon = item(page, "core").locator(".health .icon")
        await expect(icon).to_have_css("color", GREEN)
        await expect(page.locator(".as-of")).to_have_text("")

        await shop.stop()
        await expect_state(page, "stale")
        await expect(page.locator("#state")).to_contain_text(re.compile(r"Stale\s+since \d"))
        await expect(page.locator("#banner")).to_contain_text("What you see may be old")
        await expect(page.locator(".as-of")).to_contain_text(re.compile(r"as of \d\d:\d\d"))
        await expect(icon).not_to_have_css("color", GREEN)
        await expect(page.locator('.proportions [data-look="healthy"]')).not_to_have_css("background-color", GREEN)
        await expect(item(page, "core")).to_be_visible()
        await expect(page).to_have_title(re.compile("^Stale · "))

        shop.unauthorized = True
        await shop.start()
        await expect_state(page, "down")
        await expect(page.locator("#state")).to_contain_text(re.compile(r"Argo CD down\s+since \d"))

        shop.unauthorized = False
        await expect_state(page, "live")
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(page.locator(".as-of")).to_have_text("")
        await expect(icon).to_have_css("color", GREEN)


async def test_the_icon_of_the_tab_tells_the_worst(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        favicon = page.locator("#favicon")
        await expect(favicon).to_have_attribute("href", re.compile("c81e2c"))
        shop.put(application("ledger", project="pay"))
        await expect(page).to_have_title("Applications")
        await expect(favicon).not_to_have_attribute("href", re.compile("c81e2c"))


async def test_the_page_comes_back_through_a_restart_without_a_moment_of_nothing(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        port = gateway.address[1]
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await expect(item(page, "core")).to_be_visible()
        await page.evaluate(
            """() => {
                window.least = Infinity;
                const items = document.getElementsByClassName("item");
                const count = () => { window.least = Math.min(window.least, items.length); };
                new MutationObserver(count).observe(document.body, { childList: true, subtree: true });
            }"""
        )
    async with refuse(port) as asked:
        await expect_state(page, "disconnected")
        await expect(page.locator("#banner")).to_contain_text("What you see is as of")
        await expect(page.locator("#banner")).to_contain_text("The gateway is shutting down or restarting.")
        await expect(item(page, "core")).to_be_visible()
        # The browser gave up at the first 503; that the page hasn't shows in the cursor.
        await until(lambda: any("lastEventId=" in path for path in asked))
        shop.put(application("core", project="shop", health="Missing"))
        shop.delete("argocd/search")
    async with run_gateway(shop, port=port):
        await expect_state(page, "live")
        await expect(item(page, "core")).to_contain_text("Missing")
        await expect(item(page, "search")).to_have_count(0)
        # The new gateway's log begins with itself: what happened between is the page's own observation.
        await expect(page.locator(".changes .told", has_text="(while disconnected)")).to_have_count(2)
        assert await page.evaluate("() => window.least") >= 3


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
        await expect(item(page, "fresh")).to_be_visible()
        assert await page.evaluate("() => window.states") == []


async def test_a_line_that_went_silent_is_replaced(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, heartbeat=3600.0) as gateway:
        await page.clock.install()
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        # Only who has a state has a cursor to come back with.
        await expect(item(page, "core")).to_be_visible()
        await page.clock.fast_forward(60_000)
        await until(lambda: gateway.hub.counts["join_resumed"] > 0)
        await page.clock.fast_forward(1_000)
        await expect_state(page, "live")


async def test_whoever_is_not_logged_in_is_told_and_led_to_the_login(shop: FakeArgoCD, page: Page) -> None:
    async def refuse_login(route: Route) -> None:
        await route.fulfill(status=401, json={"title": "who are you?"})

    async with run_gateway(shop) as gateway:
        await page.route(re.compile("/api/"), refuse_login)
        await page.goto(url_of(gateway))
        await expect_state(page, "refused")
        panel = page.get_by_role("alert")
        await expect(panel).to_contain_text("You are not logged in")
        await page.unroute(re.compile("/api/"))
        # The way in is the page itself, asked for again: a login in front of the gateway shows then.
        await panel.get_by_role("button", name="Log in").click()
        await expect_state(page, "live")
        await expect(panel).to_be_hidden()
        await expect(item(page, "core")).to_be_visible()


async def test_under_a_base_path_the_page_finds_its_parts(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, base_path="/live/v1") as gateway:
        await page.goto(url_of(gateway, "/live/v1"))
        await expect_state(page, "live")
        await expect(page.locator(".item")).to_have_count(4)


async def test_phones_see_it_without_scrolling_sideways(shop: FakeArgoCD, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    async with run_gateway(shop) as gateway:
        for search in ("/", "/?group=project", "/?as=grid"):
            await page.goto(url_of(gateway, search))
            await expect(item(page, "core")).to_be_attached()
            assert await page.evaluate("() => document.documentElement.scrollWidth") <= 360
            assert await item(page, "core").evaluate("(element) => element.getBoundingClientRect().right") <= 360


async def test_dark_is_dark(shop: FakeArgoCD, page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator("body")).to_have_css("background-color", "rgb(12, 16, 22)")


async def test_the_page_speaks_the_browsers_language_and_remembers_another_choice(shop: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', { value: ['ko-KR', 'en'] });")
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator("html")).to_have_attribute("lang", "ko")
        await expect(page.get_by_role("heading", level=1)).to_have_text("애플리케이션 4개")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("4 applications")
        await expect(page.locator(".item")).to_have_count(4)
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.get_by_role("heading", level=1)).to_have_text("4 applications")


async def test_a_page_that_cannot_be_loaded_says_so_and_the_rest_goes_on(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.route(re.compile("/services/page.js"), lambda route: route.abort())
        await page.goto(url_of(gateway))
        await page.get_by_role("link", name="Services").click()
        await expect(page.get_by_role("heading", name="This page couldn't be loaded")).to_be_visible()
        await page.get_by_role("link", name="To all applications").click()
        await expect(item(page, "core")).to_be_visible()
        await page.goto(url_of(gateway, "/?page=nonsense"))
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


async def test_where_it_cannot_be_loaded_who_is_logged_in_all_else_is_shown(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.route(re.compile("/shell/me.js"), lambda route: route.abort())
        async with page.expect_event("requestfailed", lambda request: request.url.endswith("me.js")):
            await page.goto(url_of(gateway))
        await expect(item(page, "core")).to_be_visible()
        shop.put(application("core", project="shop", health="Degraded"))
        await expect(told(page, "core").first).to_contain_text("Healthy → Degraded")


async def test_a_gateway_without_a_log_of_changes_still_has_a_page(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.route(re.compile("/api/changes"), lambda route: route.fulfill(status=404, body="{}"))
        await page.goto(url_of(gateway))
        await expect(told(page, "ledger").filter(has_text="became Degraded")).to_have_count(1)
        shop.put(application("core", project="shop", health="Degraded"))
        await expect(told(page, "core").first).to_contain_text("Healthy → Degraded")
