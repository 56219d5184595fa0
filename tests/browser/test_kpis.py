"""Figures of delivery in a real browser: objectives, DORA's four, plots for everybody, and a comparison."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from gateway.delivery.kpi import DAY, BuildMeasure, Judgement, Measure, Question, Slo, summarise
from gateway.model.upstream import rfc3339
from tests.browser.delivered import Query, answer
from tests.browser.stage import run_gateway, until, url_of
from tests.browser.test_accessibility import find_faults
from tests.browser.test_services import ask
from tests.fakes.argocd import FakeArgoCD

expect.set_options(timeout=60_000)

KPIS = "/?page=kpis"
UNTIL = 1_795_219_200.0
"""2026-11-21T00:00:00Z"""
SERVICES = ("auth", "inventory", "sales")
SLOS = (
    Slo(name="build", objective=0.95, target=300),
    Slo(name="pipeline", objective=0.95, target=600),
    Slo(name="lead", objective=0.95, target=900),
    Slo(name="sync", objective=0.95, target=120),
    Slo(name="builds", objective=0.95),
    Slo(name="deployments", objective=0.99),
)


def measures(days: int = 30) -> list[Measure]:
    """Deployments of three services on each day but each seventh; `sales` has no build that anybody told of."""
    dice = random.Random(7)
    made = []
    for number in range(days * len(SERVICES)):
        day, service = number // len(SERVICES), SERVICES[number % len(SERVICES)]
        if day % 7 == 3:
            continue
        at = UNTIL - day * DAY - 3_600.0 * (1 + number % len(SERVICES))
        told = service != "sales"
        failed = service == "inventory" and day % 5 == 0
        made.append(
            Measure(
                id=str(number),
                key=f"argocd/{service}-prod",
                at=at,
                project="store",
                service=service,
                environment="prod",
                failed=failed,
                healthy_at=None if failed else at + 60.0,
                build=200 if told else None,
                pipeline=500 if told and not failed else None,
                sync=30 + dice.randrange(30),
                lead=600 + dice.randrange(200) if told and not failed else None,
            )
        )
    return made


def figures(query: Query, known: list[Measure] | None = None) -> dict[str, Any]:
    """Answer as the gateway does, of these deployments."""
    chosen = measures() if known is None else known
    only = {name: query[name] for name in ("service", "environment", "project", "team") if name in query}
    chosen = [one for one in chosen if all(getattr(one, name) == value for name, value in only.items())]
    built = [
        BuildMeasure(id=one.id, at=one.at, succeeded=True, applications=(one.key,), duration=one.build)
        for one in chosen
        if one.build is not None
    ]
    days = int(query.get("since", "30d").removesuffix("d"))
    by: Any = query.get("by", "all")
    bucket: Any = query.get("bucket", "day")
    question = Question(since=UNTIL - days * DAY, until=UNTIL, by=by, bucket=bucket)
    return {
        "since": rfc3339(question.since),
        "until": rfc3339(question.until),
        "by": question.by,
        "bucket": question.bucket,
        "slos": [
            {"name": slo.name, "objective": slo.objective} | ({"target": slo.target, "unit": "s"} if slo.target else {})
            for slo in SLOS
        ],
        "groups": summarise(chosen, built, question=question, slos=SLOS, judgement=Judgement()),
    }


def tile(page: Page, name: str) -> Locator:
    return page.locator(f'.tile[data-key="{name}"]')


def plot(page: Page, title: str) -> Locator:
    return page.locator(".plot").filter(has=page.get_by_role("heading", name=title))


async def test_objectives_are_told_with_what_is_left_of_their_budgets(argocd: FakeArgoCD, page: Page) -> None:
    await answer(page, "kpis?*", figures)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, KPIS))
        await expect(tile(page, "build").locator(".value")).to_have_text("3m 20s p50")
        await expect(tile(page, "build")).to_contain_text("kept")
        await expect(tile(page, "build")).to_contain_text("Objective: 95% within 5m")
        await expect(tile(page, "build")).to_contain_text("100% of the error budget left: 0 of 52 took longer")
        await expect(tile(page, "deployments")).to_contain_text("missed")
        await expect(tile(page, "deployments")).to_contain_text(re.compile(r"Error budget spent [\d.]+ times: 5 of"))
        await expect(tile(page, "frequency").locator(".value")).to_have_text("2.4 a day")
        await expect(tile(page, "failure")).to_contain_text("5 failed, 0 of all were rolled back")
        await expect(tile(page, "restore").locator(".value")).to_have_text("1d 0m".removesuffix(" 0m"))


async def test_what_cant_be_known_is_a_dash_with_a_reason_and_never_zero(argocd: FakeArgoCD, page: Page) -> None:
    await answer(page, "kpis?*", figures)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, f"{KPIS}&service=sales"))
        for name in ("lead", "pipeline", "build", "builds"):
            await expect(tile(page, name).locator(".value")).to_have_text("—")
            await expect(tile(page, name)).to_contain_text("do CI's webhooks arrive?")
            await expect(tile(page, name).locator(".budget, .verdict")).to_have_count(0)
        await expect(tile(page, "restore")).to_contain_text("No failure in this time is over, or there was none.")
        await expect(plot(page, "Commit to healthy")).to_contain_text("Nothing to draw in this time.")
        await expect(tile(page, "sync").locator(".value")).not_to_have_text("—")


async def test_a_plot_is_read_by_keys_and_as_a_table(argocd: FakeArgoCD, page: Page) -> None:
    await answer(page, "kpis?*", figures)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, KPIS))
        bars = plot(page, "Deployments a day").get_by_role("slider")
        await expect(bars).to_have_attribute("aria-valuetext", "Fri, Nov 20: 3 deployments, 1 failed")
        await bars.focus()
        for _ in range(3):
            await page.keyboard.press("ArrowLeft")
        await expect(bars).to_have_attribute("aria-valuetext", "Tue, Nov 17: 0 deployments, 0 failed")
        await expect(plot(page, "Deployments a day").locator(".plot-readout")).to_have_text(re.compile("^Tue, Nov 17"))
        lines = plot(page, "Commit to healthy")
        await lines.get_by_text("As a table").click()
        day = lines.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Tue, Nov 17"))
        await expect(day.get_by_role("cell")).to_have_text(["—", "—"])
        await expect(lines.get_by_role("row")).to_have_count(31)
        # Nothing was deployed on that day: the line is interrupted there, and doesn't fall to zero.
        path = await lines.locator(".plot-line.p50").get_attribute("d")
        assert path is not None
        assert path.count("M") == 5


async def test_groups_are_sorted_compared_and_looked_into(argocd: FakeArgoCD, page: Page) -> None:
    asked = await answer(page, "kpis?*", figures)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, KPIS))
        names = page.locator(".compared tbody").get_by_role("rowheader")
        await expect(names).to_have_text(["auth", "inventory", "sales"])
        await page.get_by_role("button", name="Failed").click()
        await expect(names).to_have_text(["inventory", "auth", "sales"])
        await expect(page.get_by_role("columnheader", name="Failed")).to_have_attribute("aria-sort", "descending")
        await page.get_by_role("button", name="Lead p50").click()
        await page.get_by_role("button", name="Lead p50").click()
        await expect(names.last).to_have_text("sales")
        assert "sort=lead" in page.url
        await page.get_by_label("Compare", exact=True).select_option("environment")
        await expect(names).to_have_text(["prod"])
        await page.get_by_label("Compare", exact=True).select_option("service")
        await page.get_by_role("link", name="inventory").click()
        await expect(page.get_by_role("button", name="Show not only inventory")).to_be_visible()
        await until(lambda: asked[-1].get("service") == "inventory")
        await page.get_by_role("button", name="Show not only inventory").click()
        await page.get_by_role("button", name="1 year").click()
        await until(lambda: asked[-1]["since"] == "365d")
        assert asked[-1]["bucket"] == "week"
        await expect(plot(page, "Deployments a week")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="1 year")).to_have_attribute("aria-pressed", "true")


async def test_without_a_deployment_it_says_so(argocd: FakeArgoCD, page: Page) -> None:
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, KPIS))
        await expect(page.locator(".empty-title")).to_have_text("Nothing was deployed in this time")
        await page.get_by_role("button", name="Look at a year").click()
        await expect(page.get_by_role("button", name="1 year")).to_have_attribute("aria-pressed", "true")
        await page.goto(url_of(gateway, f"{KPIS}&bucket=hour"))
        await expect(page.locator(".empty")).to_contain_text("allowed are day, week")


async def test_hostile_names_harm_nothing_on_a_phone_in_korean(argocd: FakeArgoCD, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['ko-KR', 'ko']})")
    await page.set_viewport_size({"width": 360, "height": 760})
    names = ("<img src=x onerror=alert(1)>" * 5, "\u202eمرحبا", "x" * 500)
    known = [
        Measure(id=str(place), key=name, service=name, at=UNTIL - place * 3_600.0 - 60.0, sync=86_400 * 300)
        for place, name in enumerate(names * 3)
    ]
    await answer(page, "kpis?*", lambda query: figures(query, known))
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, f"{KPIS}&service={names[2]}"))
        await expect(page.locator(".compared tbody tr")).to_have_count(1)
        await page.goto(url_of(gateway, KPIS))
        await expect(page.locator(".compared tbody tr")).to_have_count(3)
        await expect(page.locator("main img")).to_have_count(0)
        assert "kpis." not in await page.locator("main").inner_text()
        width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault(argocd: FakeArgoCD, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    await answer(page, "kpis?*", figures)
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway, f"{KPIS}&environment=prod"))
        await page.get_by_text("As a table").first.click()
        await expect(page.locator(".compared")).to_be_visible()
        assert await find_faults(page) == []


async def test_an_axis_has_round_values_up_to_the_highest(argocd: FakeArgoCD, page: Page) -> None:
    wanted = {
        (0, "count"): [0, 1],
        (3, "count"): [0, 1, 2, 3],
        (17, "count"): [0, 5, 10, 15, 20],
        (95, "span"): [0, 30, 60, 90, 120],
        (1_500, "span"): [0, 600, 1_200, 1_800],
        (90_000, "span"): [0, 28_800, 57_600, 86_400, 115_200],
    }
    async with run_gateway(argocd) as gateway:
        await page.goto(url_of(gateway))
        for (highest, kind), values in wanted.items():
            assert await ask(page, "kpis/figures.js", f"it.ticks({highest}, '{kind}')") == values
