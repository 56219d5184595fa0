"""The client in a real browser: seven tabs on one stream, handed over, released while nobody looks; and a 401."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route

from gateway.app import Gateway
from tests.browser.stage import run_gateway, until, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

MARKUP = """<!doctype html><meta charset="utf-8"><title>tab</title><script type="module">
import { connect } from "./static/client.js";
const asked = [...new URLSearchParams(location.search)].map(([name, value]) => [name, Number(value)]);
window.connection = connect(Object.fromEntries(asked));
window.told = [];
window.note = (state, changes) => told.push({
  size: state.applications.size, standing: state.standing, phase: state.link.phase, keys: changes.map(({ key }) => key),
});
connection.subscribe(note);
window.health = () => [...connection.state.applications].map(([key, app]) => [key, app.health.status]).sort();
window.look = (visibilityState) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => visibilityState });
  document.dispatchEvent(new Event("visibilitychange"));
};
</script>"""

Open = Callable[[Gateway, str], Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One browser, with what all its tabs share."""
    context = await browser.new_context()
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(context: BrowserContext, page_errors: list[str]) -> AsyncIterator[Open]:
    """Opens a tab on the gateway's own origin, that follows all applications."""

    async def fulfil(route: Route) -> None:
        await route.fulfill(content_type="text/html; charset=utf-8", body=MARKUP)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load" not in message.text and "net::ERR_" not in message.text:
            page_errors.append(message.text)

    async def open_tab(gateway: Gateway, query: str = "") -> Page:
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: page_errors.append(str(error)))
        page.on("console", note)
        await page.goto(url_of(gateway, f"/tab{query}"))
        return page

    await context.route("**/tab*", fulfil)
    yield open_tab
    assert page_errors == []


async def see(page: Page, health: dict[str, str], standing: str = "live") -> None:
    """Wait until a tab holds these applications, and says so of their truth."""
    await page.wait_for_function(
        """([health, standing]) => connection.state.standing === standing
          && JSON.stringify(window.health()) === JSON.stringify(health)""",
        arg=[sorted([f"argocd/{name}", word] for name, word in health.items()), standing],
    )


async def told(page: Page) -> list[dict[str, Any]]:
    """What a tab was told since it knew anything."""
    every: list[dict[str, Any]] = await page.evaluate("told")
    known = [index for index, each in enumerate(every) if each["size"]]
    return every[known[0] :]


def streams(gateway: Gateway) -> int:
    return sum(count for name, count in gateway.hub.counts.items() if name.startswith("join_"))


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with three applications."""
    for name in ("core", "ledger", "mailer"):
        argocd.put(application(name))
    return argocd


WELL = {"core": "Healthy", "ledger": "Healthy", "mailer": "Healthy"}


async def test_seven_tabs_over_http_1_have_one_stream(
    shop: FakeArgoCD, context: BrowserContext, open_tab: Open
) -> None:
    async with run_gateway(shop) as gateway:
        tabs = [await open_tab(gateway, "") for _ in range(7)]
        for tab in tabs:
            await see(tab, WELL)
        shop.put(application("core", health="Degraded"))
        shop.delete("argocd/mailer")
        for tab in tabs:
            await see(tab, {"core": "Degraded", "ledger": "Healthy"})
        answer = await context.request.get(url_of(gateway, "/api/status"))
        assert (await answer.json())["subscribers"]["open"] == 1
        assert streams(gateway) == 1, "nor was there another one"


async def test_closing_the_leader_loses_no_change_and_shows_no_emptiness(shop: FakeArgoCD, open_tab: Open) -> None:
    async with run_gateway(shop) as gateway:
        tabs = [await open_tab(gateway, "") for _ in range(4)]
        for tab in tabs:
            await see(tab, WELL)
        words = {**WELL}
        for turn, name in enumerate(("core", "ledger", "mailer")):
            leader, *tabs = tabs
            shop.put(application(name, health="Progressing"))
            await leader.close()
            shop.put(application(name, health="Degraded"))
            words[name] = "Degraded"
            for tab in tabs:
                await see(tab, words)
            assert gateway.hub.counts["join_resumed"] == turn + 1, "the next one goes on from where the last one was"
        (last,) = tabs
        history = await told(last)
        assert {each["size"] for each in history} == {3}
        assert {each["standing"] for each in history} <= {"live", "connecting"}
        assert {key for each in history for key in each["keys"]} == {f"argocd/{name}" for name in WELL}
        assert gateway.hub.counts["join_new"] == 1


async def test_while_nobody_looks_the_stream_is_released_and_a_look_resumes_it(
    shop: FakeArgoCD, open_tab: Open
) -> None:
    async with run_gateway(shop) as gateway:
        tabs = [await open_tab(gateway, "?hiddenAfter=2000") for _ in range(2)]
        for tab in tabs:
            await see(tab, WELL)
        await tabs[0].evaluate("look('hidden')")
        await tabs[1].evaluate("look('hidden')")
        for tab in tabs:
            await tab.wait_for_function("connection.state.link.phase === 'resting'")
        await until(lambda: len(gateway.hub) == 0)
        shop.put(application("core", health="Degraded"))
        await tabs[1].evaluate("look('visible')")
        for tab in tabs:
            await see(tab, {**WELL, "core": "Degraded"})
            assert {each["size"] for each in await told(tab)} == {3}
        assert gateway.hub.counts["join_resumed"] == 1


async def test_a_restart_of_the_gateway_shows_no_emptiness_in_any_tab(shop: FakeArgoCD, open_tab: Open) -> None:
    async with run_gateway(shop) as gateway:
        port = gateway.address[1]
        tabs = [await open_tab(gateway, "") for _ in range(2)]
        for tab in tabs:
            await see(tab, WELL)
    for tab in tabs:
        await tab.wait_for_function("connection.state.link.phase === 'lost'")
    shop.put(application("core", health="Degraded"))
    async with run_gateway(shop, port=port):
        for tab in tabs:
            await see(tab, {**WELL, "core": "Degraded"})
            assert {each["size"] for each in await told(tab)} == {3}


async def test_a_401_is_known_in_every_tab_and_a_login_ends_it(
    shop: FakeArgoCD, context: BrowserContext, open_tab: Open
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=401, content_type="application/problem+json", body="{}")

    async with run_gateway(shop) as gateway:
        await context.route("**/api/**", refuse)
        tabs = [await open_tab(gateway, "") for _ in range(2)]
        for tab in tabs:
            await tab.wait_for_function("connection.state.link.status === 401")
        await context.unroute("**/api/**")
        await tabs[1].evaluate("window.dispatchEvent(new Event('focus'))")
        for tab in tabs:
            await see(tab, WELL)


async def test_other_parameters_and_closed_connections_stand_for_themselves(
    shop: FakeArgoCD, context: BrowserContext, open_tab: Open
) -> None:
    async with run_gateway(shop) as gateway:
        tab = await open_tab(gateway, "?shared=0")
        await see(tab, WELL)
        other = await open_tab(gateway, "")
        await see(other, WELL)
        assert streams(gateway) == 2
        await tab.evaluate("connection.close()")
        await other.evaluate("connection.close()")
        await until(lambda: len(gateway.hub) == 0)
        locks = await other.evaluate(
            "navigator.locks.query().then(({ held, pending }) => held.length + pending.length)"
        )
        assert locks == 0
