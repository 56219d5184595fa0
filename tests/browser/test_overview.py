"""The overview in a real browser: what a reader chooses is shown, counted and in the address; by mouse or keyboard."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from gateway.app import Gateway
from tests.browser.overview import expect_state, facet, item, names
from tests.browser.stage import run_gateway, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with four applications."""
    argocd.put(application("core", project="shop", images=["ghcr.io/example/core:1.0"]))
    argocd.put(application("ledger", project="pay", health="Degraded", message="1 of 3 replicas are available"))
    argocd.put(application("mailer", project="shop", sync="OutOfSync", labels={"team": "post"}))
    argocd.put(application("search", project="shop", labels={"team": "find"}))
    return argocd


async def test_a_click_filters_and_counts_follow(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        healthy = facet(page, "Health", "Healthy")
        await expect(healthy).to_have_attribute("data-count", "3")
        await healthy.click()
        await expect(healthy).to_have_attribute("aria-pressed", "true")
        await expect(item(page, "ledger")).to_have_count(0)
        await expect(page.get_by_role("heading", level=1)).to_have_text("3 of 4 applications")
        await facet(page, "Sync", "OutOfSync").click()
        await expect(page.locator(".item")).to_have_count(1)

        # Whoever no longer fits goes, whoever fits comes.
        shop.put(application("mailer", project="shop", sync="OutOfSync", health="Degraded"))
        await expect(page.get_by_text("No application matches")).to_be_visible()
        shop.put(application("search", project="shop", sync="OutOfSync"))
        await expect(item(page, "search")).to_be_visible()

        # A reload, or a link sent to somebody, shows the same choice.
        await page.reload()
        await expect(page.locator(".item")).to_have_count(1)
        assert "health=Healthy&sync=OutOfSync" in page.url

        # Each choice is a step, and the browser's button goes back over it.
        await facet(page, "Sync", "OutOfSync").click()
        await expect(page.locator(".item")).to_have_count(2)
        await page.go_back()
        await expect(page.locator(".item")).to_have_count(1)
        await page.go_forward()
        await expect(page.locator(".item")).to_have_count(2)


async def test_search_takes_words_of_names_projects_labels_and_images(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator(".item")).to_have_count(4)
        search = page.get_by_role("searchbox", name="Search applications")
        await page.keyboard.press("/")
        await expect(search).to_be_focused()
        for text, count in {"SHOP": 3, "shop mail": 1, "team=find": 1, "core:1.0": 1, "nothing": 0}.items():
            await search.fill(text)
            await expect(page.locator(".item")).to_have_count(count)
        await expect(page.locator("#announcer")).to_contain_text("0 of 4 applications shown")
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator(".item")).to_have_count(4)
        await expect(search).to_be_focused()
        await search.fill("mail")
        await expect(page.locator(".item")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.locator(".item")).to_have_count(4)
        await page.keyboard.press("Escape")
        await expect(search).not_to_be_focused()


async def test_groups_have_heads_that_count_and_fold(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await page.get_by_role("combobox", name="Group").select_option("Project")
        heads = page.locator(".group-button")
        await expect(heads).to_have_count(2)
        # Where trouble is, is first.
        await expect(heads.first).to_contain_text("pay")
        await expect(heads.last).to_contain_text("3 applications")
        await heads.last.click()
        await expect(heads.last).to_have_attribute("aria-expanded", "false")
        await expect(page.locator(".item")).to_have_count(1)
        await page.reload()
        await expect(page.locator(".item")).to_have_count(1)
        await page.get_by_role("combobox", name="Group").select_option("team")
        await expect(heads.first).to_contain_text("find")
        await expect(heads.last).to_contain_text("(none)")
        shop.put(application("search", project="shop", labels={"team": "post"}))
        await expect(heads).to_have_count(2)


async def test_conditions_of_a_link_can_be_seen_and_taken_away(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, "/?project=pay&project=shop"))
        await expect(page.locator(".item")).to_have_count(4)
        await page.get_by_role("button", name="Remove the condition project shop").click()
        await expect(page.locator(".item")).to_have_count(1)
        await expect(item(page, "ledger")).to_be_visible()


async def test_the_order_is_a_choice(shop: FakeArgoCD, page: Page) -> None:
    shop.put(application("app-10", since="2026-11-20T23:59:00Z"))
    shop.put(application("app-9"))
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, "/?sort=name"))
        await expect(page.locator(".item")).to_have_count(6)
        assert await names(page) == ["app-9", "app-10", "core", "ledger", "mailer", "search"]
        await page.get_by_role("combobox", name="Order").select_option("Age of status")
        await expect(page.locator(".item").first).to_have_attribute("data-key", "argocd/app-10")
        await page.get_by_role("combobox", name="Order").select_option("Last change")
        shop.put(application("mailer", project="shop", sync="Synced"))
        await expect(page.locator(".item").first).to_have_attribute("data-key", "argocd/mailer")


async def test_the_keyboard_alone_leads_everywhere(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, "/?sort=name"))
        await expect(page.locator(".item")).to_have_count(4)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("j")
        await expect(item(page, "core").locator(".name")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("j")
        await expect(item(page, "mailer").locator(".name")).to_be_focused()
        await page.keyboard.press("k")
        await expect(item(page, "ledger").locator(".name")).to_be_focused()
        await page.keyboard.press("End")
        await expect(item(page, "search").locator(".name")).to_be_focused()

        # It keeps its place while everything around it moves.
        await page.get_by_role("combobox", name="Order").select_option("Trouble first")
        await item(page, "search").locator(".name").focus()
        shop.put(application("search", project="shop", health="Missing"))
        await expect(item(page, "search")).to_contain_text("Missing")
        await expect(item(page, "search").locator(".name")).to_be_focused()

        await page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(dialog).to_contain_text("Next application")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)

        await page.keyboard.press("v")
        await expect(page.get_by_role("button", name="Grid")).to_have_attribute("aria-pressed", "true")
        await item(page, "search").locator(".name").focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(url_of(gateway, "/?page=application&app=argocd%2Fsearch"))
        await page.keyboard.press("g")
        await page.keyboard.press("o")
        await expect(page).to_have_url(url_of(gateway, "/?"))
        await expect(item(page, "search")).to_be_visible()


async def test_back_from_an_application_one_is_where_one_was(argocd: FakeArgoCD, page: Page) -> None:
    for number in range(200):
        argocd.put(application(f"app-{number}"))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, "/?sort=name"))
        await expect(item(page, "app-0")).to_be_visible()
        await page.evaluate("scrollTo(0, 4000)")
        await item(page, "app-100").locator(".name").click()
        await expect(page.locator(".overview")).to_have_count(0)
        await page.go_back()
        await expect(item(page, "app-100")).to_be_in_viewport()
        # And so after a reload.
        await page.reload()
        await expect(item(page, "app-100")).to_be_in_viewport()


async def test_a_table_and_a_list_say_where_one_is(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        table = page.get_by_role("table", name="Applications")
        await expect(table).to_have_attribute("aria-rowcount", "5")
        await expect(page.get_by_role("columnheader")).to_have_text(
            ["Application", "Health", "Sync", "Version", "Last change"]
        )
        await expect(item(page, "ledger")).to_have_attribute("aria-rowindex", "2")
        await page.get_by_role("button", name="Grid").click()
        await expect(page.get_by_role("list", name="Applications").get_by_role("listitem")).to_have_count(4)
        await expect(item(page, "ledger")).to_have_attribute("aria-posinset", "1")


async def test_no_column_of_the_table_is_cut_off_however_wide_the_window_is(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        last = page.get_by_role("columnheader").last
        table = page.get_by_role("table", name="Applications")
        for width in (1600, 1241, 1240, 1200, 1151, 1150, 1024, 900):
            await page.set_viewport_size({"width": width, "height": 800})
            await expect(last).to_be_visible()
            column, whole = await last.bounding_box(), await table.bounding_box()
            assert column is not None
            assert whole is not None
            assert column["x"] + column["width"] <= whole["x"] + whole["width"], f"at {width} px"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd() -> AsyncIterator[tuple[FakeArgoCD, Gateway]]:
    """An Argo CD with ten thousand applications, and the gateway before it."""
    async with FakeArgoCD() as argocd:
        for number in range(10_000):
            argocd.put(application(f"app-{number}", project=f"p{number % 7}"))
        argocd.keepalive_interval = 1.0
        async with run_gateway(argocd) as gateway:
            yield argocd, gateway


@pytest.mark.parametrize("view", ["", "?as=grid", "?group=project"])
async def test_of_ten_thousand_applications_only_those_on_the_screen_are_in_the_document(
    crowd: tuple[FakeArgoCD, Gateway], page: Page, view: str
) -> None:
    argocd, gateway = crowd
    argocd.put(application("app-7777", project="p0"))
    await page.goto(url_of(gateway, f"/{view}"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("10,000 applications")
    await expect(item(page, "app-0")).to_be_visible()
    await expect(item(page, "app-7777")).to_have_count(0)
    assert await page.locator(".item").count() < 250
    argocd.put(application("app-7777", health="Degraded", project="p0"))
    await expect(item(page, "app-7777")).to_be_in_viewport()
    await page.keyboard.press("End")
    await expect(page.locator(".item .name:focus")).to_be_in_viewport()
    assert await page.locator(".item").count() < 250
    await page.keyboard.press("k")
    await expect(page.locator(".item .name:focus")).to_be_in_viewport()


async def test_what_stays_the_same_is_not_touched(argocd: FakeArgoCD, page: Page) -> None:
    for number in range(20):
        argocd.put(application(f"app-{number}"))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        await expect(page.locator(".item")).to_have_count(20)
        await expect_state(page, "live")
        await page.evaluate(
            """() => {
                window.touched = new Set();
                const note = (all) => {
                    for (const { target } of all) {
                        const element = target instanceof Element ? target : target.parentElement;
                        const key = element?.closest(".item")?.dataset.key;
                        if (key && !element.closest("time")) window.touched.add(key);
                    }
                };
                const everything = { childList: true, subtree: true, characterData: true, attributes: true };
                new MutationObserver(note).observe(document.querySelector(".rows"), everything);
            }"""
        )
        argocd.put(application("app-19", images=["ghcr.io/example/app-19:2"]))
        await expect(item(page, "app-19").locator(".version")).to_have_text("2")
        assert await page.evaluate("() => [...window.touched]") == ["argocd/app-19"]


async def test_a_red_application_says_what_was_deployed_before_and_by_whom(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway))
        await expect(item(page, "core")).to_be_visible()
        by = {"operation": {"initiatedBy": {"username": "alice"}}, "startedAt": "2026-11-20T23:55:00Z"}
        images = ["ghcr.io/example/core:1.1"]
        core = application("core", project="shop", images=images, operation_state=by, since="2026-11-20T23:58:00Z")
        shop.put(core)
        await expect(item(page, "core").locator(".version")).to_have_text("1.1")
        core["status"]["health"] = {"status": "Degraded", "lastTransitionTime": "2026-11-20T23:58:00Z"}
        shop.put(core)
        await expect(item(page, "core").locator(".lead")).to_contain_text("3m before, by alice")
