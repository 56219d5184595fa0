"""The page for everybody: axe-core finds no serious fault, movement is optional, both languages say everything."""

import importlib.resources
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.overview import expect_state, item
from tests.browser.stage import run_gateway, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()

WORDS = """async () => {
    const keys = {};
    for (const tag of ["en", "ko"]) {
        const { words } = await import(new URL(`static/shell/languages/${tag}.js`, document.baseURI));
        keys[tag] = Object.entries(words).map(([key, text]) => `${key} ${typeof text}`);
    }
    for (const page of ["services", "application", "timeline", "kpis", "deliveries"]) {
        const { words } = await import(new URL(`static/${page}/page.js`, document.baseURI));
        for (const tag of ["en", "ko"]) keys[tag].push(...Object.keys(words[tag]));
    }
    return keys;
}"""


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with an application of each health."""
    for health in ("Healthy", "Progressing", "Degraded", "Missing", "Suspended", "Unknown"):
        argocd.put(application(health.lower(), project="shop", health=health, message="why", labels={"team": "find"}))
    argocd.put(application("late", project="pay", sync="OutOfSync", phase="Running"))
    return argocd


async def find_faults(page: Page) -> list[str]:
    """Ask axe-core; what is moving is waited for, for a colour on its way is no colour."""
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))")
    await page.evaluate(AXE)
    results: Any = await page.evaluate("axe.run()")
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in results["violations"]
        if fault["impact"] in ("serious", "critical", "moderate")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?as=grid", "/?group=project", "/?as=grid&group=team&q=zzz", "/?page=nonsense"])
async def test_axe_finds_no_fault(shop: FakeArgoCD, page: Page, path: str, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, path))
        await expect_state(page, "live")
        await expect(page.locator("h1, .empty-title").first).to_be_visible()
        assert await find_faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault_in_what_is_old_or_in_the_help(shop: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    async with run_gateway(shop, pipelines_cache_ttl=0.5) as gateway:
        await page.goto(url_of(gateway))
        await expect_state(page, "live")
        await expect(item(page, "healthy")).to_be_visible()
        await shop.stop()
        await expect_state(page, "stale")
        assert await find_faults(page) == []
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await find_faults(page) == []


async def test_whoever_wants_no_movement_has_none(shop: FakeArgoCD, page: Page) -> None:
    await page.emulate_media(reduced_motion="reduce")
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(item(page, "healthy")).to_be_visible()
        shop.put(application("healthy", project="shop", health="Degraded"))
        await expect(item(page, "healthy")).to_have_attribute("data-flash", re.compile("a|b"))
        # It changes at once, and back at once: no frame between.
        timing = await item(page, "healthy").evaluate(
            "(element) => getComputedStyle(element, '::before').animationTimingFunction"
        )
        assert timing.startswith("steps(1")


async def test_both_languages_say_everything(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        words = await page.evaluate(WORDS)
        assert sorted(words["en"]) == sorted(words["ko"])
        assert len(words["en"]) == len(set(words["en"]))


async def test_screen_readers_hear_of_trouble_and_not_of_everything(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(item(page, "healthy")).to_be_visible()
        shop.put(application("late", project="pay", sync="Synced"))
        shop.put(application("healthy", project="shop", health="Degraded"))
        await expect(page.get_by_role("status")).to_have_text("healthy is degraded")


async def test_without_storage_the_page_works(shop: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });")
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await page.get_by_role("button", name="한국어").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("애플리케이션 7개")
