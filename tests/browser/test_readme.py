"""The client of the README, as it stands there, in a browser: through a restart of the gateway, honest all along."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, Route
from pydantic import SecretStr

from gateway.app import Gateway
from gateway.settings.environment import Settings
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

README = Path(__file__).parents[2] / "README.md"

PAGE = """<!doctype html><meta charset="utf-8"><title>README</title><script>
window.shown = { states: [], applications: {} };
function showUpstream(upstream) {
  if (shown.states.at(-1) !== upstream.state) shown.states.push(upstream.state);
}
function showApplications(apps) {
  shown.applications = Object.fromEntries([...apps].map(([key, app]) => [key, app.health.status]));
}
</script><script>SNIPPET</script>"""


def compose_page() -> str:
    (snippet,) = re.findall(r"```js\n(.*?)```", README.read_text(), re.DOTALL)
    return PAGE.replace("SNIPPET", snippet)


@contextlib.asynccontextmanager
async def run_gateway(argocd: FakeArgoCD, port: int) -> AsyncIterator[int]:
    """Run a gateway in real time; give its port."""
    settings = Settings(
        argocd_base_url=argocd.url,
        argocd_auth_token=SecretStr(SECRET),
        pipelines_cache_ttl=0,
        port=port,
        metrics_port=0,
        drain=0,
        drain_delay=0,
    )
    gateway = Gateway(settings)
    running = asyncio.create_task(gateway.run())
    ready = asyncio.create_task(gateway.ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    try:
        assert gateway.ready.is_set(), "it could be started"
        yield gateway.address[1]
    finally:
        ready.cancel()
        gateway.stop()
        await running


@contextlib.asynccontextmanager
async def answer_503(port: int) -> AsyncIterator[asyncio.Event]:
    """Be the ingress whose backend is gone; give the event of the first stream refused."""
    refused = asyncio.Event()

    async def refuse(request: web.Request) -> web.Response:
        if request.path == "/api/stream/pipelines":
            refused.set()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield refused
    finally:
        await runner.cleanup()


async def open_page(page: Page, port: int) -> None:
    """Open a page with the client in it, on the gateway's own origin."""

    async def fulfil(route: Route) -> None:
        await route.fulfill(content_type="text/html; charset=utf-8", body=compose_page())

    url = f"http://127.0.0.1:{port}/a-page"
    await page.route(url, fulfil)
    # A client waits up to five seconds before it comes back, so that not all come at once; here there is one.
    await page.add_init_script("Math.random = () => 0;")
    await page.goto(url)


async def see(page: Page, applications: dict[str, str], state: str) -> list[str]:
    """Wait until the page shows these applications' health and upstream in this state; return all states shown."""
    await page.wait_for_function(
        """([applications, state]) => shown.states.at(-1) === state
          && Object.keys(applications).length === Object.keys(shown.applications).length
          && Object.entries(applications).every(([key, health]) => shown.applications[key] === health)""",
        arg=[applications, state],
    )
    states: Any = await page.evaluate("shown.states.splice(0, shown.states.length - 1)")
    return [*states, state]


@pytest.mark.timeout(60)
async def test_the_client_of_the_readme_lives_through_a_restart_with_503s(page: Page, argocd: FakeArgoCD) -> None:
    argocd.put(application("a", health="Healthy"))
    argocd.put(application("b", health="Progressing"))
    argocd.put(application("d", health="Missing"))
    async with run_gateway(argocd, 0) as port:
        await open_page(page, port)
        await see(page, {"argocd/a": "Healthy", "argocd/b": "Progressing", "argocd/d": "Missing"}, "live")
        argocd.put(application("b", health="Healthy"))
        argocd.delete("argocd/d")
        argocd.put(application("c", health="Missing"))
        await see(page, {"argocd/a": "Healthy", "argocd/b": "Healthy", "argocd/c": "Missing"}, "live")
    async with answer_503(port) as refused:
        await asyncio.wait_for(refused.wait(), 20)
        shown = await see(page, {"argocd/a": "Healthy", "argocd/b": "Healthy", "argocd/c": "Missing"}, "disconnected")
        assert "live" not in shown[1:], "what nobody vouches for is never called live"
        argocd.put(application("a", health="Degraded"))
        argocd.delete("argocd/c")
    async with run_gateway(argocd, port):
        shown = await see(page, {"argocd/a": "Degraded", "argocd/b": "Healthy"}, "live")
        assert shown[0] == "disconnected"
        assert shown.count("live") == 1


async def test_the_client_of_the_readme_shows_that_argo_cd_is_away(page: Page, argocd: FakeArgoCD) -> None:
    argocd.put(application("a", health="Healthy"))
    async with run_gateway(argocd, 0) as port:
        await open_page(page, port)
        await see(page, {"argocd/a": "Healthy"}, "live")
        argocd.watch_status = 502
        argocd.cut_all()
        assert "disconnected" not in await see(page, {"argocd/a": "Healthy"}, "stale")
        argocd.watch_status = None
        argocd.put(application("a", health="Degraded"), announce=False)
        assert "disconnected" not in await see(page, {"argocd/a": "Degraded"}, "live")
