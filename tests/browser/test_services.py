"""Services × environments in a real browser: what runs where, what differs, and what no rule places."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.stage import run_gateway, url_of
from tests.browser.test_accessibility import find_faults
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

SERVICES = "/?page=services"
MARKUP = "<img src=x onerror=alert(1)>"


def placed(
    service: str, environment: str, image: str | list[str], *, at: str = "2026-11-20T23:17:49Z", **more: Any
) -> Any:
    """An application whose labels name its service and its environment, last synced at a moment."""
    labels = {"service": service, "env": environment, "team": "pay" if service == "auth" else "find"}
    images = [image] if isinstance(image, str) else image
    state = {"startedAt": at, "finishedAt": at}
    return application(
        f"{service}-{environment}", labels=labels, images=images, operation_state=state, **{"project": "shop", **more}
    )


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """Three services: one on its way to production, one that is the same everywhere, one that never got there."""
    argocd.put(placed("auth", "dev", "ghcr.io/example/auth:sha-5a6b7c8d", at="2026-11-20T23:40:00Z"))
    argocd.put(placed("auth", "stage", "ghcr.io/example/auth:sha-5a6b7c8d", at="2026-11-20T23:30:00Z"))
    argocd.put(placed("auth", "prod", "ghcr.io/example/auth:v1.0.3", at="2026-11-20T23:00:00Z"))
    for environment in ("dev", "stage", "prod"):
        argocd.put(placed("search", environment, f"ghcr.io/example/search-{environment}:2026.11.1"))
    argocd.put(placed("mailer", "dev", "ghcr.io/example/mailer:1.0", health="Degraded"))
    argocd.put(placed("mailer", "stage", "ghcr.io/example/mailer:1.1"))
    argocd.put(application("alone", project="shop"))
    return argocd


def row(page: Page, service: str) -> Locator:
    return page.locator(f".matrix-row[data-service='{service}']")


def cell(page: Page, service: str, column: int) -> Locator:
    return row(page, service).get_by_role("cell").nth(column)


async def test_environments_stand_in_the_order_of_a_change_and_differences_in_words(
    shop: FakeArgoCD, page: Page
) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await expect(page.get_by_role("columnheader")).to_have_text(["Service", "dev", "stage", "prod"])
        await expect(page.get_by_role("rowheader").locator(".wrap")).to_have_text(["auth", "mailer", "search"])
        await expect(cell(page, "auth", 1)).to_contain_text("sha-5a6b7c8d")
        await expect(cell(page, "auth", 1).locator(".difference")).to_have_text("ahead: prod has v1.0.3")
        await expect(cell(page, "auth", 0).locator(".difference")).to_have_count(0)
        await expect(cell(page, "mailer", 0).locator(".difference")).to_have_text("behind: stage has 1.1")
        await expect(cell(page, "mailer", 0)).to_contain_text("Degraded")
        await expect(cell(page, "mailer", 2)).to_contain_text("not in prod")
        await expect(row(page, "search").locator(".difference")).to_have_count(0)
        await expect(page.locator(".unplaced summary")).to_have_text("Not placed: 1")
        await page.locator(".unplaced summary").click()
        await expect(page.locator(".unplaced")).to_contain_text("alone")
        await expect(page.locator(".unplaced")).to_contain_text("neither service nor environment")


async def test_a_promotion_is_seen_as_it_happens(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await expect(cell(page, "auth", 1).locator(".difference")).to_be_visible()
        both = ["ghcr.io/example/auth:sha-5a6b7c8d", "ghcr.io/example/auth:v1.0.3"]
        shop.put(placed("auth", "prod", both, health="Progressing"))
        await expect(cell(page, "auth", 1).locator(".difference")).to_have_text("arriving: prod still has v1.0.3")
        shop.put(placed("auth", "prod", "ghcr.io/example/auth:sha-5a6b7c8d", at="2026-11-20T23:50:00Z"))
        await expect(cell(page, "auth", 2)).to_contain_text("sha-5a6b7c8d")
        await expect(cell(page, "auth", 1).locator(".difference")).to_have_count(0)
        await expect(cell(page, "auth", 2).locator("[data-flash]").first).to_be_visible()
        shop.put(placed("fresh", "qa", "ghcr.io/example/fresh:1.0"))
        await expect(page.get_by_role("columnheader")).to_have_text(["Service", "dev", "qa", "stage", "prod"])
        shop.delete("argocd/fresh-qa")
        await expect(page.get_by_role("columnheader")).to_have_text(["Service", "dev", "stage", "prod"])


async def test_what_was_chosen_is_in_the_address(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await page.get_by_role("button", name="Only differences").click()
        await expect(row(page, "search")).to_have_count(0)
        await expect(page.locator(".tally")).to_have_text("2 of 3 services")
        await page.keyboard.press("/")
        await page.keyboard.type("mail")
        await expect(page.locator(".matrix-row[data-service]")).to_have_count(1)
        await page.reload()
        await expect(page.locator(".matrix-row[data-service]")).to_have_count(1)
        assert "differs=1" in page.url
        await page.goto(url_of(gateway, f"{SERVICES}&group=team"))
        await expect(page.locator(".matrix-group")).to_have_text(["find 2", "pay 1"])
        await page.goto(url_of(gateway, f"{SERVICES}&q=nothing"))
        await page.get_by_role("button", name="Show all").click()
        await expect(page.locator(".matrix-row[data-service]")).to_have_count(3)


async def test_arrows_lead_from_cell_to_cell(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await cell(page, "auth", 2).get_by_role("link").focus()
        await page.keyboard.press("ArrowDown")
        await expect(cell(page, "search", 2).get_by_role("link")).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowUp")
        await expect(cell(page, "mailer", 1).get_by_role("link")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("mailer-stage")


async def test_a_cell_leads_to_its_application(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await cell(page, "auth", 2).get_by_role("link").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("auth-prod")
        await page.get_by_role("link", name=re.compile("Service auth")).click()
        await expect(page.locator(".matrix-row[data-service]")).to_have_count(1)


async def test_a_phone_shows_a_card_for_each_service_in_korean_too(shop: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['ko-KR', 'ko']})")
    await page.set_viewport_size({"width": 360, "height": 760})
    shop.put(placed(MARKUP * 4, "prod", f"ghcr.io/example/{'x' * 900}:{'y' * 900}", project="\u202eمرحبا"))
    async with run_gateway(shop, service_rules="label:service") as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await expect(cell(page, "auth", 1).locator(".environment")).to_be_visible()
        await expect(cell(page, "auth", 1).locator(".difference")).to_have_text("앞섬 · prod: v1.0.3")
        await expect(page.get_by_text(MARKUP).first).to_be_visible()
        await expect(page.locator("main img")).to_have_count(0)
        assert "services." not in await page.locator("main").inner_text()
        width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


async def test_a_hundred_services_in_six_environments_are_shown_and_change(argocd: FakeArgoCD, page: Page) -> None:
    environments = ("dev", "test", "qa", "stage", "preprod", "prod")
    for number in range(100):
        for environment in environments:
            argocd.put(placed(f"service-{number}", environment, f"ghcr.io/example/service-{number}:1.{number}.0"))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await expect(page.get_by_role("columnheader")).to_have_text(["Service", *environments])
        await expect(page.locator(".matrix-row[data-service]")).to_have_count(100)
        argocd.put(placed("service-42", "dev", "ghcr.io/example/service-42:1.43.0"))
        await expect(cell(page, "service-42", 0).locator(".difference")).to_have_text("ahead: test has 1.42.0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault(shop: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, f"{SERVICES}&group=team"))
        await expect(cell(page, "auth", 1)).to_be_visible()
        assert await find_faults(page) == []


async def ask(page: Page, module: str, expression: str) -> Any:
    """Evaluate an expression with a module of the page's files as `it`."""
    return await page.evaluate(
        f"async () => {{ const it = await import(new URL('static/{module}', document.baseURI)); return {expression}; }}"
    )


async def test_environments_are_ordered_and_unknown_ones_come_before_production(argocd: FakeArgoCD, page: Page) -> None:
    given = ["prod", "zeta", "QA", "dev", "prod-eu", "alpha", "staging", "test", "preprod", "dev"]
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        ordered = await ask(page, "services/environments.js", f"it.orderEnvironments({given})")
        assert ordered == ["dev", "test", "QA", "staging", "preprod", "alpha", "zeta", "prod", "prod-eu"]


async def test_only_versions_that_count_are_called_newer(argocd: FakeArgoCD, page: Page) -> None:
    pairs = {
        ("v1.10.0", "v1.9.9"): "newer",
        ("2026.11.1", "2026.12.0"): "older",
        ("v1.0.4-rc.1", "v1.0.4"): "older",
        ("v1.0.1-sha1234", "v1.0.1-shaabcd"): None,
        ("sha-5a6b7c8d", "v1.0.0"): None,
    }
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        for (one, other), told in pairs.items():
            order = await ask(page, "services/versions.js", f"it.compareVersions('{one}', '{other}') ?? null")
            assert (order and ("newer" if order > 0 else "older")) == told


async def test_an_environments_name_inside_of_a_tag_is_no_difference(argocd: FakeArgoCD, page: Page) -> None:
    argocd.put(placed("core", "stage", "ghcr.io/example/core:core-stage-9f1c2d3e"))
    argocd.put(placed("core", "prod", "ghcr.io/example/core:core-prod-9f1c2d3e"))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, SERVICES))
        await expect(cell(page, "core", 1)).to_contain_text("core-prod-9f1c2d3e")
        await expect(page.locator(".difference")).to_have_count(0)
