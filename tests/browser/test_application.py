"""The page of one application in a real browser: why it is ill, what it is made of, live, by keyboard, in Korean."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.stage import run_gateway, url_of
from tests.browser.test_accessibility import find_faults
from tests.fakes.applications import REVISION, application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.details import Node, node

expect.set_options(timeout=60_000)

AUTH = "/?page=application&app=argocd%2Fauth"
DEPLOYMENT = node("Deployment", "auth", group="apps", health={"status": "Degraded", "message": "no progress"})
OLD = node("ReplicaSet", "auth-old", parent=DEPLOYMENT, health={"status": "Healthy"})
NEW = node("ReplicaSet", "auth-new", parent=DEPLOYMENT, createdAt="2026-11-20T23:20:00Z")
SICK = node("Pod", "auth-new-x9k2p", parent=NEW, health={"status": "Degraded", "message": "back-off restarting"})
WELL = node("Pod", "auth-old-1", parent=OLD, health={"status": "Healthy"}, images=["ghcr.io/example/auth:1.0"])
CONFIG = node("ConfigMap", "auth-config")
NODES = [CONFIG, SICK, WELL, DEPLOYMENT, OLD, NEW]
MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"


def section(page: Page, name: str) -> Locator:
    return page.locator(f"[data-section={name}]")


def treeitem(page: Page, name: str) -> Locator:
    return page.get_by_role("treeitem").filter(has=page.locator(f".node-name:text-is('{name}')"))


async def shown(page: Page) -> list[str]:
    """The names of the tree's rows, in order."""
    return await page.locator("[role=treeitem] .node-name").all_inner_texts()


@pytest.fixture
def shop(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with an ill application, a well one, and what they are made of."""
    argocd.put(sick())
    argocd.put(application("mailer", project="shop"))
    argocd.details.put_tree("argocd/auth", NODES)
    argocd.details.commits[REVISION] = {
        "author": "Jane Doe <jane@example.org>",
        "date": "2026-11-20T23:15:00Z",
        "message": "Release 1.1\n\nWith new tokens.",
    }
    return argocd


def sick(**changes: Any) -> dict[str, Any]:
    usual = {
        "project": "shop",
        "labels": {"service": "auth", "env": "stage"},
        "health": "Degraded",
        "sync": "OutOfSync",
        "message": "Caused by apps/Deployment:auth/auth",
        "images": ["ghcr.io/example/auth:1.1"],
        "since": "2026-11-20T23:25:00Z",
    }
    return application("auth", **{**usual, **changes})


async def test_a_link_to_an_application_shows_why_and_what_and_by_whom(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop, argocd_public_url="https://argocd.example.org") as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(page.get_by_role("heading", level=1)).to_have_text("auth")
        await expect(page).to_have_title(re.compile("auth"))
        await expect(page.locator(".standings")).to_contain_text("Degraded")
        await expect(page.locator(".standings")).to_contain_text("OutOfSync")
        await expect(page.get_by_role("link", name="Argo CD")).to_have_attribute(
            "href", "https://argocd.example.org/applications/argocd/auth"
        )
        why = section(page, "why")
        await expect(why.locator("[data-code=degraded]")).to_contain_text("Degraded".lower())
        await expect(why.locator("[data-code=out-of-sync] code")).to_have_text("argocd app diff argocd/auth")
        await expect(why.locator(".culprit")).to_contain_text("Deployed just before")
        await expect(why.locator(".culprit")).to_contain_text("Release 1.1")
        await expect(why.locator(".culprit")).to_contain_text("Jane Doe")
        await expect(section(page, "running")).to_contain_text("1.1")
        await expect(section(page, "history").locator("ol > li")).to_have_count(1)
        await expect(section(page, "out-of-sync").locator("li")).to_have_count(2)
        await expect(treeitem(page, "auth-new-x9k2p")).to_contain_text("back-off restarting")


async def test_what_changes_is_shown_and_what_the_reader_opened_stays(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        row = treeitem(page, "auth-new-x9k2p")
        await expect(row).to_be_visible()
        await row.focus()
        await expect(section(page, "why").locator("[data-code=degraded]")).to_be_visible()

        shop.put(sick(health="Healthy", sync="Synced", message=None, since="2026-11-20T23:40:00Z"))
        shop.details.put_tree("argocd/auth", [*NODES[:1], {**SICK, "health": {"status": "Healthy"}}, *NODES[2:]])
        await expect(page.locator(".standings")).to_contain_text("Healthy")
        await expect(page.locator(".standings [data-key=health] [data-flash]")).to_have_count(1)
        await expect(section(page, "why").locator("[data-code=degraded]")).to_have_count(0)
        await expect(row).not_to_contain_text("back-off restarting")
        await expect(row).to_be_focused()
        assert "auth-new-x9k2p" in await shown(page)


async def test_the_tree_is_walked_by_keyboard(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(treeitem(page, "auth-old-1")).to_be_visible()
        assert (await shown(page))[:5] == ["auth", "auth-new", "auth-new-x9k2p", "auth-old", "auth-old-1"]
        deployment = treeitem(page, "auth").first
        await page.keyboard.press("r")
        await expect(deployment).to_be_focused()
        await expect(deployment).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("ArrowRight")
        await expect(treeitem(page, "auth-new")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await expect(treeitem(page, "auth-old")).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await expect(treeitem(page, "auth-old")).to_have_attribute("aria-expanded", "false")
        await expect(treeitem(page, "auth-old")).to_contain_text("1 below")
        await expect(treeitem(page, "auth-old-1")).to_have_count(0)
        await page.keyboard.press("ArrowLeft")
        await expect(deployment).to_be_focused()
        await page.keyboard.press("End")
        await expect(page.get_by_role("treeitem").last).to_be_focused()
        await page.keyboard.press("Home")
        await page.keyboard.type("auth-new-x")
        await expect(treeitem(page, "auth-new-x9k2p")).to_be_focused()
        assert await page.locator("[role=treeitem][tabindex='0']").count() == 1


async def test_a_way_to_what_is_ill_is_open_in_a_large_tree_and_the_rest_is_not(shop: FakeArgoCD, page: Page) -> None:
    shop.details.put_tree("argocd/auth", large(400, sick_at=300))
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(treeitem(page, "pod-300")).to_have_count(1)
        await expect(page.get_by_role("treeitem")).to_have_count(402)
        await page.keyboard.press("n")
        await expect(treeitem(page, "pod-300")).to_be_focused()
        await expect(treeitem(page, "pod-300")).to_be_in_viewport()
        await page.get_by_role("button", name="Open all").click()
        await expect(page.get_by_role("treeitem")).to_have_count(1200)


def large(count: int, *, sick_at: int) -> Sequence[Node]:
    nodes = []
    for index in range(count):
        top = node("Deployment", f"worker-{index}", health={"status": "Healthy"})
        middle = node("ReplicaSet", f"set-{index}", parent=top, health={"status": "Healthy"})
        health = {"status": "Degraded" if index == sick_at else "Healthy"}
        nodes += [top, middle, node("Pod", f"pod-{index}", parent=middle, health=health)]
    return nodes


COPIED = re.compile(r"\bCopied\b")
LISTEN = """(button) => {
    const everything = { childList: true, subtree: true, characterData: true };
    const note = () => (document.documentElement.dataset.said += ` ${button.textContent}`);
    document.documentElement.dataset.said = "";
    new MutationObserver(note).observe(button, everything);
}"""


async def test_the_command_is_copied_with_the_clipboard_and_without(shop: FakeArgoCD, page: Page) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        copy = section(page, "why").locator("[data-code=out-of-sync] button")
        said = page.locator("html")
        # It says so for a moment only, in which nobody may have looked.
        await copy.evaluate(LISTEN)
        await copy.click()
        await expect(said).to_have_attribute("data-said", COPIED)
        assert await page.evaluate("navigator.clipboard.readText()") == "argocd app diff argocd/auth"
        await page.evaluate("navigator.clipboard.writeText('before')")
        await page.evaluate("Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})")
        await expect(copy).to_have_text("Copy")
        await page.evaluate("document.documentElement.dataset.said = ''")
        await copy.click()
        await expect(said).to_have_attribute("data-said", COPIED)
        await expect(copy).to_be_focused()


async def test_a_removed_application_says_so_and_stays_readable(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(section(page, "resources")).to_be_visible()
        shop.delete("argocd/auth")
        await expect(page.locator(".notice")).to_contain_text("This application was removed at")
        await expect(page.get_by_role("heading", level=1)).to_have_text("auth")
        await expect(page.locator(".application")).to_have_attribute("data-standing", "gone")
        assert await find_faults(page) == []

        await page.reload()
        await expect(page.get_by_text("There is no such application")).to_be_visible()
        await expect(page.get_by_text("It was removed at")).to_be_visible()

        shop.put(sick())
        await expect(section(page, "why")).to_contain_text("argocd app diff")
        await expect(page.get_by_text("There is no such application")).to_be_hidden()


async def test_an_unknown_application_leads_back_and_to_others_of_its_name(shop: FakeArgoCD, page: Page) -> None:
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, "/?page=application&app=elsewhere%2Fauth"))
        await expect(page.get_by_text("There is no such application")).to_be_visible()
        await page.get_by_role("link", name="argocd/auth").click()
        await expect(section(page, "why")).to_be_visible()
        await page.go_back()
        await page.get_by_role("link", name="To all applications").click()
        await expect(page).not_to_have_url(re.compile("page=application"))


async def test_korean_is_spoken_and_the_gateways_own_sentence_stays(shop: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['ko-KR', 'ko']})")
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        sync = section(page, "why").locator("[data-code=out-of-sync]")
        await expect(sync.locator(".told")).to_have_text("실행 중인 리소스가 Git의 내용과 다릅니다.")
        await expect(sync.locator(".original")).to_have_attribute("lang", "en")
        await expect(sync.locator(".original")).to_contain_text("2 resources differ")
        await expect(section(page, "resources").locator("h2")).to_have_text("리소스")
        assert not re.search(r"application\.|services\.", await page.locator("main").inner_text())


async def test_a_part_that_failed_says_so_and_hides_nothing_else(shop: FakeArgoCD, page: Page) -> None:
    shop.details.part_status["tree"] = shop.details.part_status["tree-stream"] = 403
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(section(page, "resources")).to_contain_text("This couldn't be loaded.")
        await expect(section(page, "history")).to_contain_text("Release 1.1")


async def test_hostile_texts_are_text_and_fit(argocd: FakeArgoCD, page: Page) -> None:
    rtl, long = "\u202eمرحبا", "x" * 2_000
    argocd.put(
        application(
            "auth",
            project=MARKUP,
            health="Degraded",
            message=long,
            labels={"service": long, "env": "🚀" * 40, "team": rtl},
            images=[f"{MARKUP}:{rtl}", f"a/{long}:{long}"],
            urls=["javascript:alert(1)", "https://shop.example.org/"],
            conditions=[{"type": f"{MARKUP}Error", "message": f"{MARKUP}\n{rtl}\n" * 30}],
            sources=[{"repoURL": "javascript:alert(1)", "path": MARKUP, "targetRevision": long}],
        )
    )
    evil = node("Pod", MARKUP, health={"status": MARKUP, "message": long})
    argocd.details.put_tree("argocd/auth", [evil, node(long, "__proto__", parent=evil), node("A", rtl)])
    argocd.details.commits[REVISION] = {"author": MARKUP, "date": "2026-11-20T23:15:00Z", "message": rtl + long}
    await page.set_viewport_size({"width": 360, "height": 800})
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(page.get_by_role("treeitem")).to_have_count(3)
        await expect(section(page, "conditions")).to_contain_text(MARKUP)
        await expect(page.locator("main img, main b:text-is('bold')")).to_have_count(0)
        addresses = await page.locator("main a").evaluate_all("links => links.map((each) => each.getAttribute('href'))")
        assert addresses
        assert all(each.startswith(("?", "http")) for each in addresses)
        width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault(shop: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    async with run_gateway(shop) as gateway:
        await page.goto(url_of(gateway, AUTH))
        await expect(treeitem(page, "auth-new-x9k2p")).to_be_visible()
        await expect(section(page, "history")).to_contain_text("Release 1.1")
        assert await find_faults(page) == []


async def test_a_tree_loses_no_node_whatever_its_parents_are(argocd: FakeArgoCD, page: Page) -> None:
    nodes = """[
        {uid: "a", kind: "Pod", name: "a", parents: ["b"]}, {uid: "b", kind: "Pod", name: "b", parents: ["a"]},
        {uid: "c", kind: "Pod", name: "c", parents: ["c"]}, {uid: "d", kind: "Pod", name: "d", parents: ["nobody"]},
        {uid: "d", kind: "Pod", name: "twice"}, {kind: "Pod", name: "without"},
    ]"""
    deep = "Array.from({length: 5000}, (_, i) => ({uid: `n${i}`, name: `n${i}`, parents: i ? [`n${i - 1}`] : []}))"
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        names, below = await page.evaluate(
            f"""async () => {{
                const {{ buildTree, linesOf }} = await import(new URL("static/application/tree.js", document.baseURI));
                const lines = linesOf(buildTree({nodes}), () => true);
                return [lines.map((each) => each.branch.node.name).sort(), buildTree({deep}).roots[0].below];
            }}"""
        )
        assert names == ["a", "b", "c", "d", "without"]
        assert below == 4_999
