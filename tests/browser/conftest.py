"""A headless Chromium with a page for each test, that fails the test for whatever the page logs as an error.

Only what every browser test needs: the browser, a page, and a fake Argo CD in real time. A browser takes seconds to
start, so there is one for all; their pages have nothing in common.
"""

import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.fakes.argocd import FakeArgoCD

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def find_chromium() -> str | None:
    """Find an installed Chromium, best one without windows; None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def share_loop(items: Iterable[pytest.Item], folder: Path) -> None:
    """Have all tests of a folder run in one event loop: that in which the browser was started."""
    for item in items:
        if folder in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_loop(items, Path(__file__).parent)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium of this machine."""
    path = find_chromium()
    if path is None:
        pytest.skip(f"NO BROWSER TEST RUNS HERE: none of {', '.join(_NAMES)} is installed; `make programs` tries to")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield running
        finally:
            await running.close()


@pytest.fixture
def page_errors() -> list[str]:
    """What went wrong inside the page: errors that nobody caught, and whatever broke the Content-Security-Policy."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, page_errors: list[str]) -> AsyncIterator[Page]:
    """An empty page of a context of its own."""
    context = await browser.new_context()
    fresh = await context.new_page()
    fresh.set_default_timeout(60_000)
    fresh.on("pageerror", lambda error: page_errors.append(str(error)))
    fresh.on("console", lambda message: _note(message, page_errors))
    yield fresh
    await context.close()
    assert page_errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def argocd() -> AsyncIterator[FakeArgoCD]:
    """A fake Argo CD that keeps its streams alive in real time."""
    fake = FakeArgoCD()
    fake.keepalive_interval = 1.0
    async with fake:
        yield fake


def _note(message: ConsoleMessage, errors: list[str]) -> None:
    # Chromium logs refused connections and 503s as errors too; those are the test's own doing.
    if message.type == "error" and "Failed to load resource" not in message.text and "net::ERR_" not in message.text:
        errors.append(message.text)
