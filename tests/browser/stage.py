"""A gateway for a browser: in real time, on the same port again if it is asked for, with short patience."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from gateway.app import Gateway
from gateway.settings.environment import Settings
from tests.fakes.argocd import SECRET, FakeArgoCD


@contextlib.asynccontextmanager
async def run_gateway(argocd: FakeArgoCD, **changes: Any) -> AsyncIterator[Gateway]:
    """Run a gateway on a fake Argo CD; ``changes`` are settings."""
    settings = Settings(
        **{
            "argocd_base_url": argocd.url,
            "argocd_auth_token": SECRET,
            "port": 0,
            "metrics_port": 0,
            "drain_delay": 0.0,
            "drain": 0.0,
            "heartbeat": 1.0,
            "retry_max": 1.0,
            "removal_confirm": 1.0,
            **changes,
        }
    )
    gateway = Gateway(settings)
    running = asyncio.create_task(gateway.run())
    ready = asyncio.create_task(gateway.ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        if running.done():
            running.result()
        yield gateway
    finally:
        gateway.stop()
        await running


async def until(holds: Callable[[], bool], *, within: float = 90.0) -> None:
    """Wait until ``holds()`` is true, in real time, for the browser is another process."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)


def url_of(gateway: Gateway, path: str = "/") -> str:
    return "http://{}:{}{}".format(*gateway.address, path)


@contextlib.asynccontextmanager
async def refuse(port: int) -> AsyncIterator[list[str]]:
    """Answer 503 to everything on this port, as an ingress does without a gateway behind; yield the paths asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(status=503, text="nobody is here")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield asked
    finally:
        await runner.cleanup()
