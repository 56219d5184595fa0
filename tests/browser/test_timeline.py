"""Timelines in a real browser: a line for each change; a commit followed; what isn't known is never green."""

from __future__ import annotations

import gzip
import importlib.resources
import re
from typing import Any

import msgspec
import pytest
from playwright.async_api import Locator, Page, expect

from gateway.delivery.correlation.index import Index
from gateway.delivery.timeline import assemble
from tests.browser.delivered import SECRET, Change, answer, changes_of, iso, of, post, push, stage
from tests.browser.overview import expect_state
from tests.browser.stage import run_gateway, until, url_of
from tests.browser.test_accessibility import find_faults
from tests.delivery.story import MATRIX
from tests.delivery.test_correlate import deployment
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

TIMELINE = "/?page=timeline"
MARKUP = "<img src=x onerror=alert(1)>"
STAGES = ["commit", "build", "image", "manifest", "sync", "rollout", "healthy"]


async def show(page: Page, changes: list[Change]) -> list[dict[str, str]]:
    """Answer all questions for recent changes with these."""
    return await answer(page, "timeline?*", lambda _: {"changes": changes})


def line(page: Page, change: Change) -> Locator:
    return page.locator(f'.change[data-key="{change["id"]}"]')


def cell(page: Page, change: Change, name: str) -> Locator:
    return line(page, change).locator(f'.step[data-stage="{name}"]')


async def test_a_change_is_read_at_a_glance(argocd: FakeArgoCD, page: Page) -> None:
    change = of("store-auth-dev")[0]
    await show(page, [change])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        head = line(page, change).locator(".change-head")
        await expect(head.locator(".outcome")).to_have_text("Healthy")
        await expect(head.get_by_role("link", name="Change 5a6b7c8d")).to_have_attribute(
            "href", re.compile("^https://git.example.org/")
        )
        await expect(head).to_contain_text("Example Developer")
        await expect(head).to_contain_text("5m 52s")
        await expect(line(page, change).locator(".step-name")).to_have_text([f"{name}: done" for name in STAGES])
        await expect(cell(page, change, "build").locator(".step-value")).to_have_text("2m")
        await expect(cell(page, change, "image").locator(".step-value")).to_have_text("sha-5a6b7c8d")
        await expect(cell(page, change, "rollout").locator(".step-value")).to_have_text("1m 16s")
        await expect(line(page, change).get_by_role("img")).to_have_attribute(
            "aria-label", re.compile("^Where the time went: commit 50s, waiting 10s, build 2m, .*rollout 1m 16s$")
        )


async def test_what_isnt_known_is_told_and_never_green(argocd: FakeArgoCD, page: Page) -> None:
    change = msgspec.to_builtins(assemble(deployment(), Index(())))
    for one in change["stages"]:
        one["state"] = "unknown" if one["stage"] != "sync" else "done"
    change |= {"startedAt": iso(60), "outcome": "succeeded", "kind": "deployment", "seeded": False}
    await show(page, [change])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect_state(page, "live")
        await expect(line(page, change).locator(".outcome")).to_have_text("Deployed")
        colours = {}
        for name in STAGES:
            await expect(cell(page, change, name).locator(".step-name")).to_contain_text(
                "done" if name == "sync" else "unknown"
            )
            colours[name] = (
                await cell(page, change, name).locator(".icon").evaluate("(it) => getComputedStyle(it).color")
            )
        assert colours["build"] == colours["healthy"] != colours["sync"]


async def test_a_link_that_is_only_likely_looks_and_reads_so(argocd: FakeArgoCD, page: Page) -> None:
    weak = next(one for one in of("trombone-web") if stage(one, "commit").get("link", {}).get("grade") == "weak")
    sure = of("store-auth-dev")[0]
    await show(page, [weak, sure])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(cell(page, weak, "commit")).to_contain_text("weak")
        await expect(cell(page, sure, "commit")).not_to_contain_text("certain")
        style = "(it) => getComputedStyle(it, '::before').borderTopStyle"
        assert await cell(page, weak, "commit").evaluate(style) == "dotted"
        assert await cell(page, sure, "commit").evaluate(style) == "solid"
        await line(page, weak).get_by_role("button", name="Details of").click()
        await line(page, weak).locator(".stage").first.get_by_text("Link: weak. Why?").click()
        evidence = stage(weak, "commit")["link"]["evidence"][0]
        await expect(line(page, weak).get_by_text(evidence).first).to_be_visible()


async def test_an_opened_line_shows_its_parts_and_is_in_the_address(argocd: FakeArgoCD, page: Page) -> None:
    change = of("store-auth-dev")[0]
    stage(change, "build")["items"][2] |= {"state": "failed", "detail": "Process completed with exit code 2"}
    scan = next(item for item in stage(change, "image")["items"] if item["kind"] == "scan")
    scan["counts"] = {"LOW": 4, "CRITICAL": 2, "HIGH": 0}
    await show(page, [change, *of("store-auth-stage")])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        toggle = line(page, change).get_by_role("button", name="Details of Change 5a6b7c8d")
        await toggle.focus()
        await page.keyboard.press("Enter")
        await expect(toggle).to_have_attribute("aria-expanded", "true")
        await expect(toggle).to_be_focused()
        build = line(page, change).locator('.stage[data-state="done"]').nth(1)
        await expect(build.locator(".portion").first).to_contain_text("build (auth)")
        await expect(build.locator(".portion").first).to_contain_text("exit code 2")
        await expect(line(page, change).locator(".severity")).to_have_text(["2 critical", "4 low"])
        await expect(line(page, change)).to_contain_text("noticed by Argo CD")
        assert f"change={change['id']}" in page.url
        await page.reload()
        await expect(line(page, change).locator(".change-body")).to_be_visible()


async def test_a_rollback_is_told_on_both_sides(argocd: FakeArgoCD, page: Page) -> None:
    back, taken, *_ = of("store-auth-prod")
    aborted, superseded, *_ = of("trombone-pay", "canary/app.sse")
    await show(page, [back, taken, aborted, superseded])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(line(page, back).locator(".chip.kind")).to_have_text("rollback")
        await expect(line(page, taken).locator(".outcome")).to_have_text("Rolled back")
        await expect(line(page, taken)).to_contain_text("by a new revision, which brought an earlier version back")
        await expect(line(page, aborted)).to_contain_text("The rollout was aborted at")
        await expect(line(page, superseded)).to_contain_text("The next change began before this one was healthy.")
        # The commit of what was brought back had its time when it came first.
        await expect(line(page, back).get_by_role("img")).not_to_have_attribute("aria-label", re.compile("build"))
        await page.get_by_role("button", name="Trouble 2").click()
        await expect(page.locator(".change")).to_have_count(2)
        await expect(page.locator(".tally")).to_have_text("2 of 4 changes")


async def test_a_commit_is_followed_through_all_environments(argocd: FakeArgoCD, page: Page) -> None:
    followed = [change for change in changes_of() if MATRIX[:12] in stage(change, "commit").get("detail", "")]
    asked = await show(page, followed)
    argocd.put(application("store-sales-dev", images=["ghcr.io/example/store-sales:sha-0a0b0c0d"]))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(page.locator(".change").first).to_be_visible()
        await page.keyboard.press("/")
        await page.keyboard.type(MATRIX)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"Commit {MATRIX[:12]}")
        await expect(page.get_by_role("columnheader")).to_have_text(["Service", "dev", "stage", "prod"])
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="store-auth"))
        await expect(row.get_by_role("cell").nth(0)).to_contain_text("Healthy")
        await expect(row.get_by_role("cell").nth(2)).to_contain_text("Rolled back")
        absent = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="store-attendance"))
        await expect(absent.get_by_role("cell").nth(2)).to_contain_text("not here")
        replaced = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="store-sales"))
        await expect(replaced.get_by_role("cell").nth(0)).to_contain_text("replaced since")
        await expect(replaced.get_by_role("cell").nth(1)).not_to_contain_text("replaced since")
        assert asked[-1]["commit"] == MATRIX
        assert "since" not in asked[-1]
        await page.get_by_role("link", name="All recent changes").click()
        await expect(page.get_by_role("button", name="24 h")).to_have_attribute("aria-pressed", "true")


async def test_what_was_chosen_is_asked_for_and_in_the_address(argocd: FakeArgoCD, page: Page) -> None:
    changes = changes_of()
    asked = await show(page, changes)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(page.locator(".change")).to_have_count(40)
        await page.get_by_role("button", name="Show 40 more").click()
        await expect(page.locator(".change")).to_have_count(80)
        assert asked[-1] == {"limit": "200", "since": "24h"}
        await page.get_by_role("button", name="7 days").click()
        await page.get_by_role("button", name="Other operations").click()
        await expect(page.get_by_role("button", name="Other operations")).to_have_attribute("aria-pressed", "true")
        await until(lambda: "kinds" in asked[-1])
        assert asked[-1]["since"] == "7d"
        assert "since=7d" in page.url
        assert "others=1" in page.url


async def test_what_runs_counts_up(argocd: FakeArgoCD, page: Page) -> None:
    change = of("store-auth-dev")[0] | {"outcome": "progressing"}
    stage(change, "rollout").update(state="running", startedAt=iso(35))
    stage(change, "rollout").pop("finishedAt")
    stage(change, "healthy").update(state="unknown")
    await show(page, [change])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        value = cell(page, change, "rollout").locator(".step-value")
        await expect(line(page, change).locator(".outcome")).to_have_text("Rolling out")
        before = await value.inner_text()
        await expect(value).not_to_have_text(before)
        await expect(value).to_have_text(re.compile(r"^(\d+m ?)?(\d+s)?$"))


async def test_while_the_gateway_is_away_nothing_looks_fresh(argocd: FakeArgoCD, page: Page) -> None:
    change = of("store-auth-dev")[0]
    content: dict[str, Any] = {"changes": [change]}
    await answer(page, "timeline?*", lambda _: content)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(line(page, change)).to_be_visible()
        colour = "(it) => getComputedStyle(it).color"
        outcome = line(page, change).locator(".outcome")
        await expect_state(page, "live")
        fresh = await outcome.evaluate(colour)
        content.clear()
        content.update(status=503, detail="The gateway's database can't be used at the moment.")
        argocd.put(application("other"))
        await expect(page.locator(".timeline-notice")).to_contain_text("the gateway doesn't answer")
        assert await outcome.evaluate(colour) != fresh
        content.clear()
        content.update(changes=[change])
        argocd.put(application("another"))
        await expect(page.locator(".timeline-notice")).to_be_hidden()


async def test_an_application_shows_how_its_change_arrived_and_who_made_it(argocd: FakeArgoCD, page: Page) -> None:
    sha = "77aa88bb99cc00dd11ee22ff33445566778899aa"
    argocd.put(application("auth", images=["ghcr.io/example/auth:sha-00000000"]))
    async with run_gateway(argocd, webhook_github_secret=SECRET) as gateway:
        await page.goto(url_of(gateway, "/?page=application&app=argocd/auth"))
        section = page.locator('[data-section="timeline"]')
        await expect(section.locator(".change")).to_have_count(1)
        assert await post(gateway, "push", push(sha)) == 202
        images = [f"ghcr.io/example/auth:sha-{sha[:8]}"]
        synced = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "auth", "name": "auth"}
        result = {"revision": "c" * 40, "resources": [{**synced, "status": "Synced", "images": images}]}
        state = {"startedAt": iso(5), "finishedAt": iso(3), "syncResult": result}
        argocd.put(application("auth", images=images, revision="c" * 40, operation_state=state, since=iso(1)))
        newest = section.locator(".change").first
        await expect(newest).to_contain_text("Count the tickets twice")
        await expect(newest.locator('.step[data-stage="commit"]')).to_contain_text(sha[:7])
        await expect(newest.locator('.step[data-stage="sync"] .step-name')).to_contain_text("done")
        await newest.get_by_role("link", name=f"Follow commit {sha[:7]}").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Commit")
        await expect(page.locator(".follow")).to_contain_text("auth")


async def test_where_nothing_is_known_it_says_why(argocd: FakeArgoCD, page: Page) -> None:
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, TIMELINE))
        await expect(page.locator(".empty-title")).to_have_text("No change is known")
        await page.goto(url_of(gateway, f"{TIMELINE}&commit=deadbeef"))
        await expect(page.locator(".empty")).to_contain_text("No deployment could be linked to this commit")
        await page.goto(url_of(gateway, f"{TIMELINE}&image=%3Cimg%3E"))
        await expect(page.locator(".empty")).to_contain_text("allowed are an image")


async def test_hostile_texts_harm_nothing_on_a_phone_in_korean(argocd: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['ko-KR', 'ko']})")
    await page.set_viewport_size({"width": 360, "height": 760})
    change = of("store-auth-dev")[0]
    change |= {"initiatedBy": "\u202eمرحبا", "environment": "e" * 300, "remarks": [MARKUP * 5, "r" * 500]}
    for one in change["stages"]:
        one |= {"title": MARKUP * 4, "url": "javascript:alert(1)"}
        one["detail"] = one.get("detail", "") + " · " + "d" * 900
        one["items"] = [{"title": "\u202e" + "t" * 400, "state": "new", "counts": {MARKUP: 3}, "url": "data:x"}] * 20
    await show(page, [change, *of("store-auth-prod")])
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, f"{TIMELINE}&change={change['id']}&commit=5a6b7c8d"))
        await expect(line(page, change).locator(".change-body")).to_be_visible()
        await expect(line(page, change).locator(".outcome")).to_have_text("정상")
        await expect(page.locator("main img")).to_have_count(0)
        await expect(page.locator("main a[href^='javascript'], main a[href^='data']")).to_have_count(0)
        assert "timeline." not in await page.locator("main").inner_text()
        width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


def one_of_each(changes: list[Change]) -> list[Change]:
    """Return one of those that look the same: of a kind, with the same outcome, and stages in the same states."""

    def look(change: Change) -> str:
        stages = [(one["state"], one.get("link", {}).get("grade")) for one in change["stages"]]
        return repr((change["kind"], change["outcome"], stages))

    return list({look(change): change for change in changes}.values())


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault(argocd: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    running = of("store-auth-dev")[0] | {"id": "running", "outcome": "progressing"}
    stage(running, "rollout").update(state="running", startedAt=iso(35))
    recorded = [*changes_of("canary/app.sse"), *changes_of("deploy-day/stream.sse"), *of("trombone-web")]
    changes = [running, *one_of_each(recorded)]
    assert len(changes) > 10
    await show(page, changes)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, f"{TIMELINE}&commit=5a6b7c8d&change={changes[1]['id']}"))
        await expect(page.locator(".change-body")).to_be_visible()
        assert await find_faults(page) == []


LATER = {"body.js", "columns.js", "section.js", "types.js"}


@pytest.mark.parametrize("folder", ["timeline", "kpis", "deliveries"])
def test_a_page_is_small(folder: str) -> None:
    files = (importlib.resources.files("gateway.web") / "static" / folder).iterdir()
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in files}
    assert sum(size for name, size in sizes.items() if folder != "timeline" or name not in LATER) <= 20_000
