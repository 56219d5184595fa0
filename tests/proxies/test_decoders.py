"""A deploy day on a compressed stream, as Chromium, curl and zlib decode it: directly and through nginx."""

import asyncio
import contextlib
import json
import shutil
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from gateway.hub.frame import Form
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.stage import run_gateway, until, url_of
from tests.fakes import recordings
from tests.fakes.argocd import FakeArgoCD
from tests.hub.client import Client
from tests.proxies.browser import STREAM, Browser
from tests.proxies.proxy import HOST, KINDS, run_proxy

SPEED = 200.0
NGINX = KINDS[0]
EVENT_SOURCE = """
path => {
  const apps = new Map();
  window.seen = { last: "", apps };
  const source = new EventSource(path);
  const on = (name, take) => source.addEventListener(name, event => {
    take(JSON.parse(event.data));
    if (event.lastEventId) window.seen.last = event.lastEventId;
  });
  on("snapshot", ({ applications }) => { apps.clear(); for (const app of applications) apps.set(app.key, app); });
  on("delta", ({ changed, removed }) => {
    for (const [key, fields] of Object.entries(changed)) {
      const app = apps.get(key) ?? {};
      for (const [field, value] of Object.entries(fields)) value === null ? delete app[field] : app[field] = value;
      apps.set(key, app);
    }
    for (const key of removed) apps.delete(key);
  });
  on("heartbeat", () => {});
}
"""


def fold(text: bytes) -> Client:
    """Fold a stream that somebody else has decoded."""
    client = Client()
    client.connect(Form.PLAIN)
    client.feed(text)
    return client


@contextlib.asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    path = find_chromium()
    if path is None:
        pytest.skip("CHROMIUM'S DECODER ISN'T TRIED: it isn't installed; `make programs` tries to")
    async with async_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
        chromium = await playwright.chromium.launch(executable_path=path, args=arguments)
        context = await chromium.new_context(ignore_https_errors=True, bypass_csp=True)
        try:
            yield await context.new_page()
        finally:
            await chromium.close()


@pytest.mark.parametrize("through", ["nothing", "nginx"])
async def test_chromium_curl_and_zlib_decode_a_deploy_day_to_what_the_list_shows(through: str, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("CURL'S DECODER ISN'T TRIED: it isn't installed")
    if through == "nginx" and NGINX.find() is None:
        pytest.skip("NGINX ISN'T TRIED: it isn't installed; `make programs` tries to")
    argocd = FakeArgoCD()
    argocd.keepalive_interval = 1.0
    async with contextlib.AsyncExitStack() as stack:
        page = await stack.enter_async_context(open_page())
        await stack.enter_async_context(argocd)
        gateway = await stack.enter_async_context(run_gateway(argocd, auth="none"))
        await until(lambda: gateway.why_not_ready() is None)
        if through == "nginx":
            proxy = await stack.enter_async_context(run_proxy(NGINX, tmp_path, gateway.address))
            address = proxy.url
            browser = await stack.enter_async_context(Browser.of(proxy))
            extra = ["--cacert", str(tmp_path / "authority.pem"), "--resolve", f"{HOST}:{proxy.port}:127.0.0.1"]
        else:
            address = url_of(gateway, "")
            browser = await stack.enter_async_context(Browser())
            extra = []
        answer = await page.goto(f"{address}/api/status")
        assert answer is not None
        assert answer.ok
        await page.evaluate(EVENT_SOURCE, STREAM)
        written = tmp_path / "decoded"
        written.touch()
        ask = ["-sN", "--compressed", "-H", "Accept: text/event-stream", "-o", str(written)]
        process = await asyncio.create_subprocess_exec(curl, *ask, *extra, address + STREAM)
        visit = await browser.open(address + STREAM, coding="gzip")
        assert visit.response.headers["Content-Encoding"] == "gzip"
        try:
            await until(lambda: len(gateway.hub) == 3)
            await argocd.play("deploy-day/stream.sse", speed=SPEED)
            await until(lambda: gateway.hub.feeds[0].offset == gateway.log.ring.top > 0)
            _, _, body = await browser.get(f"{address}/api/pipelines", {"Accept-Encoding": "identity"})
            position = json.loads(body)["position"]
            shown = {one["key"]: one for one in json.loads(body)["applications"]}
            assert shown.keys() == recordings.final_word("deploy-day/stream.sse").keys()

            async def ends_there() -> bool:
                last: str = await page.evaluate("window.seen.last")
                return last.startswith(f"{position}-")

            async with asyncio.timeout(60):
                while not await ends_there():  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)
            await visit.read_until(lambda visit: visit.cursor.startswith(f"{position}-"))
            await until(lambda: fold(written.read_bytes()).last_id.startswith(f"{position}-"))
        finally:
            process.kill()
            await process.wait()
        of_chromium: dict[str, Any] = await page.evaluate("Object.fromEntries(window.seen.apps)")
        of_zlib = fold(zlib.decompressobj(31).decompress(visit.raw)).documents
        assert of_chromium == of_zlib == fold(written.read_bytes()).documents == shown
