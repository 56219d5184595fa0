"""A rollout on the page of its application: its steps, weights, pause and analysis at a glance, and moving."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.stage import run_gateway, url_of
from tests.browser.test_accessibility import find_faults
from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

PAY = "/?page=application&app=argocd%2Ftrombone-pay"
KEY = "argocd/trombone-pay"
TREES = [orjson.loads(line)["result"]["nodes"] for line in recordings.lines("canary/tree.ndjson")]
READINGS = [orjson.loads(line) for line in recordings.lines("canary/resources.ndjson")]
MARKUP = "<img src=x onerror=alert(1)>"


def manifests_at(seconds: float) -> dict[str, dict[str, Any]]:
    """The manifests as they were last read by then, by their names."""
    read = [orjson.loads(each["manifest"]) for each in READINGS if each["at"] <= seconds]
    return {each["metadata"]["name"]: each for each in read}


def manifest_at(seconds: float) -> dict[str, Any]:
    return manifests_at(seconds)["trombone-pay"]


def show(argocd: FakeArgoCD, seconds: float, tree: int) -> None:
    """Let the application be as it was recorded."""
    for manifest in manifests_at(seconds).values():
        argocd.details.put_manifest(manifest)
    argocd.details.put_tree(KEY, TREES[tree])


@pytest.fixture
def canary(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with the recorded canary, before it begins."""
    argocd.put(application("trombone-pay", project="trombone"))
    argocd.put(application("plain", project="trombone"))
    show(argocd, 0.0, 0)
    return argocd


def section(page: Page) -> Locator:
    return page.locator("[data-section=rollout]")


def steps(page: Page) -> Locator:
    return section(page).locator(".steps > li")


async def states(page: Page) -> list[str | None]:
    return [await step.get_attribute("data-state") for step in await steps(page).all()]


async def test_a_canary_moves_on_the_page_to_its_abort_and_the_reason(canary: FakeArgoCD, page: Page) -> None:
    async with run_gateway(canary) as gateway:
        await page.goto(url_of(gateway, PAY))
        await expect(section(page)).to_contain_text("100% on the new version")
        show(canary, 5.0, 5)
        await expect(section(page)).to_contain_text("step 1 of 5")
        await expect(section(page)).to_contain_text("0% on the new version, 20% wanted")
        await expect(section(page).locator(".versions")).to_have_text(
            re.compile("v2.0.0-sha0001.*76677dd586.*v2.1.0-sha0002.*7c986b44")
        )
        await expect(steps(page).first).to_have_attribute("aria-current", "step")
        await expect(steps(page).first).to_have_text(re.compile("20%.*under way"))
        show(canary, 99.0, 21)
        await expect(section(page)).to_contain_text("25% on the new version, 80% wanted")
        assert await states(page) == ["done", "done", "done", "current", "ahead"]
        await expect(section(page).locator(".values > li")).to_have_count(3)
        await expect(section(page).locator(".metric")).to_contain_text("3 good, 0 bad (1 allowed)")
        await expect(section(page).locator(".values > li").first).to_have_text(re.compile("1.*Successful"))
        show(canary, 303.0, 60)
        await expect(section(page)).to_contain_text("Aborted: the stable version serves everything.")
        await expect(section(page).locator(".reason")).to_contain_text("failed (2) > failureLimit (1)")
        await expect(steps(page).nth(2)).to_have_attribute("data-state", "failed")
        assert await states(page) == ["done", "done", "failed", "ahead", "ahead"]
        await expect(section(page).locator(".asked")).to_contain_text("vector(0)")
        # A screen reader hears where it went.
        await expect(page.locator("[role=status]").first).to_contain_text("Rollout trombone-pay: Degraded")


def paused(until: float | None) -> dict[str, Any]:
    """The recorded pause, which ends so many seconds from now, or never."""
    manifest = manifest_at(71.0)
    since = datetime.now(UTC) + timedelta(seconds=(until or 0.0) - 20.0)
    manifest["status"]["pauseConditions"][0]["startTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    if until is None:
        manifest["spec"]["strategy"]["canary"]["steps"][1] = {"pause": {}}
    return manifest


async def test_the_time_that_a_pause_has_left_counts_down(canary: FakeArgoCD, page: Page) -> None:
    canary.details.put_manifest(paused(18.0))
    async with run_gateway(canary) as gateway:
        await page.goto(url_of(gateway, PAY))
        note, left = section(page).locator(".rollout-note"), steps(page).nth(1).locator(".left")
        await expect(note).to_have_text(re.compile(r"it goes on by itself in 1\ds\."))
        await expect(left).to_have_text(re.compile(r"1\ds left"))
        seen = await left.inner_text()
        await expect(left).not_to_have_text(seen)
        # The seconds are no news to a screen reader.
        assert await left.get_attribute("aria-hidden") == "true"
        assert not await section(page).locator("[aria-live], [role=status]").count()


async def test_a_pause_without_an_end_waits_for_somebody(canary: FakeArgoCD, page: Page) -> None:
    canary.details.put_manifest(paused(None))
    async with run_gateway(canary) as gateway:
        await page.goto(url_of(gateway, PAY))
        await expect(section(page).locator(".rollout-note")).to_contain_text("Paused until somebody promotes it.")
        await expect(steps(page).nth(1)).to_contain_text("until promoted")


async def test_what_others_wrote_is_only_text_and_what_is_missing_is_left_out(canary: FakeArgoCD, page: Page) -> None:
    hostile = manifest_at(303.0)
    hostile["status"]["conditions"][3]["message"] = hostile["status"]["message"] = MARKUP * 50
    hostile["spec"]["strategy"]["canary"]["steps"][1] = {MARKUP: {}}
    async with run_gateway(canary) as gateway:
        canary.details.put_manifest(hostile)
        await page.goto(url_of(gateway, PAY))
        await expect(section(page).locator(".reason")).to_contain_text(MARKUP)
        await expect(steps(page).nth(1)).to_contain_text(MARKUP)
        assert await section(page).locator("img").count() == 0
        canary.details.put_manifest({"metadata": {"name": "trombone-pay"}}, kind="Rollout", name="trombone-pay")
        canary.details.put_tree(KEY, TREES[1])
        await expect(section(page)).to_be_hidden()


async def test_an_application_without_rollouts_has_no_such_section(canary: FakeArgoCD, page: Page) -> None:
    async with run_gateway(canary) as gateway:
        await page.goto(url_of(gateway, "/?page=application&app=argocd%2Fplain"))
        await expect(page.locator("[data-section=facts]")).to_be_visible()
        await expect(section(page)).to_be_hidden()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)])
async def test_it_is_readable_for_everybody_and_nothing_juts_out(
    canary: FakeArgoCD, page: Page, scheme: Any, width: int
) -> None:
    show(canary, 303.0, 60)
    async with run_gateway(canary) as gateway:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(url_of(gateway, PAY))
        await expect(section(page).locator(".reason")).to_be_visible()
        await expect(section(page).locator(".values > li")).to_have_count(2)
        assert await find_faults(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_it_is_told_in_korean(canary: FakeArgoCD, page: Page) -> None:
    show(canary, 99.0, 21)
    async with run_gateway(canary) as gateway:
        await page.goto(url_of(gateway, PAY))
        await page.get_by_text("한국어").click()
        await expect(section(page)).to_contain_text("5단계 중 4단계")
        await expect(section(page)).to_contain_text("새 버전 25%, 목표 80%")
