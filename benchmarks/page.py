"""``python -m benchmarks.page [applications]``: what the page costs a browser, by the DevTools protocol. Run by hand.

It says how long the first state takes to be on the screen, and how long the page is blocked by fifty changes a second:
in all, and by its longest task. Needs a Chromium, as the browser tests do.
"""

import asyncio
import json
import sys
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright

from tests.browser.conftest import find_chromium
from tests.browser.stage import run_gateway, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

SECONDS = 5
RATE = 50

# Watches from the first line of the page on: when the first application is painted, and every task of 50 ms or more.
WATCH = """
window.measured = { first: 0, longest: 0, blocked: 0 };
new MutationObserver((_, observer) => {
  if (!document.querySelector('.item')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.measured.first = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    window.measured.longest = Math.max(window.measured.longest, duration);
    window.measured.blocked += duration - 50;
  }
}).observe({ entryTypes: ['longtask'] });
"""


def put_one(argocd: FakeArgoCD, number: int, turn: int = 0) -> None:
    """Put an application, in another state each turn."""
    name = f"app-{number}"
    health = ("Healthy", "Progressing")[turn % 2]
    argocd.put(application(name, project=f"p{number % 12}", health=health, images=[f"ghcr.io/example/{name}:1.{turn}"]))


async def busy_ms(session: CDPSession) -> float:
    """Return how long the page's main thread has worked since it was asked first."""
    metrics = {each["name"]: each["value"] for each in (await session.send("Performance.getMetrics"))["metrics"]}
    return float(metrics["TaskDuration"]) * 1_000


async def measure(page: Page, argocd: FakeArgoCD, url: str, count: int) -> dict[str, Any]:
    """Open the page, then change applications evenly for some seconds."""
    await page.add_init_script(WATCH)
    await page.goto(url)
    await page.wait_for_function("window.measured.first > 0")
    first = await page.evaluate("window.measured.first")
    await page.wait_for_timeout(2_000)
    rows = await page.locator(".item").count()
    await page.evaluate("window.measured.longest = window.measured.blocked = 0")
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    idle_from = await busy_ms(session)
    await page.wait_for_timeout(SECONDS * 1_000)
    idle = await busy_ms(session) - idle_from
    before = await busy_ms(session)
    for turn in range(SECONDS * RATE):
        put_one(argocd, turn * 37 % count, turn + 1)
        await asyncio.sleep(1 / RATE)
    busy = await busy_ms(session) - before
    return {
        "applications": count,
        "first render, ms": round(first),
        "rows in the document": rows,
        "idle, ms busy a second": round(idle / SECONDS, 1),
        f"{RATE} changes a second, ms busy a second": round(busy / SECONDS, 1),
        "ms blocked a second (beyond 50 of each task)": round(
            await page.evaluate("window.measured.blocked") / SECONDS, 1
        ),
        "longest task, ms (0: none of 50 or more)": round(await page.evaluate("window.measured.longest")),
    }


async def main(count: int) -> None:
    """Measure with so many applications, and print it."""
    path = find_chromium()
    assert path is not None, "a Chromium is needed"
    argocd = FakeArgoCD()
    argocd.keepalive_interval = 1.0
    for number in range(count):
        put_one(argocd, number)
    async with argocd, run_gateway(argocd) as gateway, async_playwright() as playwright:
        await asyncio.sleep(2 + count / 2_000)
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, bypass_csp=True)
        print(json.dumps(await measure(page, argocd, url_of(gateway), count), indent=2))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_028))
