"""The recipes, built and served as in production, before a gateway that plays the demo, in a browser: `make recipes`.

Not among the ordinary tests, for they need npm and its registry.
"""

import asyncio
import contextlib
import functools
import json
import re
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from client.recipes.stage import NEXT, REACT, SVELTEKIT, Recipe, build, pack, run_demo, run_recipe
from tests.ports import find_port

pytestmark = pytest.mark.timeout(900)

PORT = find_port()
"""Where the gateway is: some keep its address from when they are built."""

DELTAS = 20
"""How many changes are timed."""

SHOWN = """Object.fromEntries(
  [...document.querySelectorAll("li[data-key]")].map((li) => [li.dataset.key, li.dataset.health]),
)"""

WATCH = """() => {
  const count = () => document.querySelectorAll('li[data-key]').length;
  window.fewest = count(); window.moved = 0;
  new MutationObserver(() => { fewest = Math.min(fewest, count()); moved += 1; })
    .observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}"""

TIME = """(count) => new Promise((resolve) => {
  const came = {};
  const source = new EventSource("/api/stream/pipelines");
  source.addEventListener("delta", ({ lastEventId }) => {
    came[lastEventId] = (performance.timeOrigin + performance.now()) / 1000;
    if (Object.keys(came).length >= count) resolve((source.close(), came));
  });
})"""


@pytest.fixture(scope="session")
def builds() -> Callable[[Recipe], None]:
    """Builds each recipe once, with the client packed."""
    if shutil.which("npm") is None:
        pytest.fail("the recipes need npm, which isn't installed")
    pack()
    built: set[str] = set()

    def build_once(recipe: Recipe) -> None:
        if recipe.name not in built:
            build(recipe, gateway=f"http://127.0.0.1:{PORT}")
        built.add(recipe.name)

    return build_once


@pytest.fixture(params=[REACT, NEXT, SVELTEKIT], ids=lambda recipe: recipe.name)
def recipe(request: pytest.FixtureRequest, builds: Callable[[Recipe], None]) -> Recipe:
    """Each of them, built."""
    chosen: Recipe = request.param
    builds(chosen)
    return chosen


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One browser, with what all its tabs share."""
    context = await browser.new_context(viewport={"width": 1100, "height": 800})
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Who asks without a browser."""
    async with aiohttp.ClientSession() as session:
        yield session


async def open_page(context: BrowserContext, url: str, errors: list[str]) -> Page:
    """Open the page of a recipe, that must not fail; wait until it is live."""
    page = await context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    await page.wait_for_selector(".standing.live")
    return page


async def ask(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        assert response.status == 200
        return await response.json()


async def count_streams(session: aiohttp.ClientSession, gateway: str) -> int:
    status = await ask(session, f"{gateway}/api/status")
    count: int = status["subscribers"]["open"]
    return count


async def shows_the_truth(page: Page, session: aiohttp.ClientSession, gateway: str) -> bool:
    """Whether a page shows what the gateway tells, at this moment."""
    truth = await ask(session, f"{gateway}/api/pipelines")
    shown: dict[str, str] = await page.evaluate(SHOWN)
    return shown == {each["key"]: each.get("health", {}).get("status") for each in truth["applications"]}


async def until(holds: Callable[[], Any], within: float = 60.0) -> None:
    """Wait until ``holds`` says so; it is asked again and again, for nobody tells us."""
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_the_page_has_the_applications_before_any_script_ran(
    recipe: Recipe, session: aiohttp.ClientSession
) -> None:
    if not recipe.rendered:
        pytest.skip("rendered in the browser")
    async with run_demo(PORT) as gateway, run_recipe(recipe, gateway=gateway) as url:
        keys = {each["key"] for each in (await ask(session, f"{gateway}/api/pipelines"))["applications"]}
        async with session.get(url) as response:
            markup = await response.text()
        rendered = set(re.findall(r'<li data-key="([^"]+)" data-health="\w+"', markup))
        assert len(rendered) >= 25
        assert len(rendered ^ keys) <= 3, "but for what came or went between the two questions"
    async with run_recipe(recipe, gateway=gateway) as url, session.get(url) as response:
        assert response.status == 200, "a page without a gateway is empty, and no error"
        assert "<li " not in await response.text()


async def test_a_change_is_shown_and_a_restart_of_the_gateway_empties_nothing(
    recipe: Recipe, context: BrowserContext, session: aiohttp.ClientSession, page_errors: list[str]
) -> None:
    async with contextlib.AsyncExitStack() as running:
        async with run_demo(PORT) as gateway:
            url = await running.enter_async_context(run_recipe(recipe, gateway=gateway))
            page = await open_page(context, url, page_errors)
            await page.evaluate(WATCH)
            await page.wait_for_function("moved > 0")
            await until(lambda: shows_the_truth(page, session, gateway))
        await page.wait_for_selector(".standing.disconnected")
        async with run_demo(PORT):
            await page.wait_for_selector(".standing.live")
            await until(lambda: shows_the_truth(page, session, gateway))
            assert await page.evaluate("fewest") >= 20, "it was never empty"
            assert page_errors == []


async def test_two_tabs_have_one_stream_that_ends_with_them(
    recipe: Recipe, context: BrowserContext, session: aiohttp.ClientSession, page_errors: list[str]
) -> None:
    async with run_demo(PORT) as gateway, run_recipe(recipe, gateway=gateway) as url:
        tabs = [await open_page(context, url, page_errors) for _ in range(2)]
        assert await count_streams(session, gateway) == 1
        for tab in tabs:
            await until(functools.partial(shows_the_truth, tab, session, gateway))
            await tab.close()

        async def nobody_is_left() -> bool:
            return await count_streams(session, gateway) == 0

        await until(nobody_is_left)
        assert page_errors == []


async def read_directly(session: aiohttp.ClientSession, gateway: str, came: dict[str, float]) -> None:
    """Note when each event comes straight from the gateway."""
    unlimited = aiohttp.ClientTimeout(total=None)
    async with session.get(f"{gateway}/api/stream/pipelines", timeout=unlimited, read_bufsize=2**22) as response:
        async for line in response.content:
            if line.startswith(b"id: "):
                came.setdefault(line[4:].decode().strip(), time.time())


async def test_no_server_on_the_way_holds_events_back(
    recipe: Recipe, context: BrowserContext, session: aiohttp.ClientSession, record_property: Callable[[str, Any], None]
) -> None:
    async with run_demo(PORT) as gateway, run_recipe(recipe, gateway=gateway) as url:
        direct: dict[str, float] = {}
        reading = asyncio.create_task(read_directly(session, gateway, direct))
        page = await context.new_page()
        await page.goto(url)
        through: dict[str, float] = await page.evaluate(TIME, DELTAS)
        reading.cancel()
        delays = sorted(1000 * (at - direct[key]) for key, at in through.items() if key in direct)
        assert len(delays) >= DELTAS // 2
        told = {"median": round(statistics.median(delays), 1), "most": round(delays[-1], 1), "events": len(delays)}
        record_property(f"{recipe.name}, milliseconds on the way through its server", told)
        assert delays[-1] < 2_000, "a server that gathers bytes holds them for minutes"


@pytest.mark.parametrize("recipe", [REACT, NEXT, SVELTEKIT], ids=lambda recipe: recipe.name)
def test_what_is_installed_is_the_client_as_it_is_packed(recipe: Recipe, builds: Callable[[Recipe], None]) -> None:
    builds(recipe)
    module = recipe.folder / "node_modules" / "argocd-sse-gateway-client"
    assert (module / "client.js").read_bytes() == (recipe.folder / "../../../gateway/web/static/client.js").read_bytes()
    assert json.loads((module / "package.json").read_text())["version"]
