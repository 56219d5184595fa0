"""Pictures of the pages for the README, taken from the demo: ``python -m tests.browser.screenshots FOLDER``.

Each waits for a moment of the demo's day that is worth a look, so a whole round takes a few minutes.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import ARGUMENTS, find_chromium

PORT = 8690
BASE = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture; ``until`` is a text that the page shows at the moment that is meant."""

    name: str
    path: str
    until: str | None = None
    width: int = 1280
    height: int = 800
    locale: str = "en-US"
    settle: float = 1.5


SHOTS = (
    Shot(name="application", path="/?page=application&app=argocd/trombone-pay", until="aborted", height=1000),
    Shot(name="overview", path="/", until="Degraded", settle=3.0),
    Shot(name="phone-korean", path="/", width=360, height=760, locale="ko-KR"),
    Shot(name="services", path="/?page=services", until="ahead", height=620),
    Shot(name="timeline", path="/?page=application&app=argocd/store-auth-prod", settle=3.0, height=1000),
    Shot(name="kpis", path="/?page=kpis&by=service", settle=3.0),
)


async def take(browser: Browser, shot: Shot, folder: Path) -> None:
    """Take one picture."""
    context = await browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="light",
        locale=shot.locale,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(BASE + shot.path)
    if shot.until is not None:
        await page.get_by_text(shot.until).first.wait_for(timeout=400_000)
    await asyncio.sleep(shot.settle)
    await page.screenshot(path=folder / f"{shot.name}.png")
    await context.close()
    sys.stderr.write(f"{shot.name}\n")


@contextlib.asynccontextmanager
async def run_demo() -> AsyncIterator[None]:
    """Run the demo, a little hurried, until it answers."""
    environment = {"GATEWAY_PORT": str(PORT), "GATEWAY_METRICS_PORT": "0", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--speed", "2", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{BASE}/readyz") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.2)
        yield
    finally:
        demo.terminate()
        await demo.wait()


async def main(folder: Path) -> None:
    """Take all pictures."""
    async with run_demo(), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        for shot in SHOTS:
            await take(browser, shot, folder)
        await browser.close()


def has_korean() -> bool:
    """Whether Korean can be written here; without a font each letter is a box."""
    program = shutil.which("fc-list")
    return program is not None and subprocess.run([program, ":lang=ko"], capture_output=True, check=False).stdout != b""


if __name__ == "__main__":
    if not has_korean():
        sys.exit("NO KOREAN FONT HERE: apt-get install fonts-nanum")
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures))
