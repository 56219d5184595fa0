"""What the documents promise of each proxy, seen with it: streams are passed on at once, whole, and for long."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.app import Gateway
from tests.browser import stage
from tests.browser.stage import until, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.proxies.browser import STREAM, Browser, has_state, shows
from tests.proxies.proxy import HOST, Kind, run_proxy

QUIET = {"auth": "none", "heartbeat": 3_600.0}
"""Settings with which nothing comes that would push bytes out of a buffer."""


@contextlib.asynccontextmanager
async def run_gateway(argocd: FakeArgoCD, **settings: Any) -> AsyncIterator[Gateway]:
    """Run a gateway; begin when it is ready, for proxies ask it."""
    async with stage.run_gateway(argocd, **settings) as gateway:
        await until(lambda: gateway.why_not_ready() is None)
        yield gateway


MANY = 12
"""Streams at once, more than the six connections that a browser has for HTTP/1.1."""


async def test_a_change_arrives_at_once_though_nothing_follows_it(
    kind: Kind, argocd: FakeArgoCD, tmp_path: Path
) -> None:
    async with (
        run_gateway(argocd, **QUIET) as gateway,
        run_proxy(kind, tmp_path, gateway.address) as proxy,
        Browser.of(proxy) as browser,
    ):
        visit = await browser.open(proxy.url + STREAM)
        await visit.read_until(has_state)
        argocd.put(application("core", health="Degraded"))
        await visit.read_until(shows("core", "Degraded"))


async def test_heartbeats_keep_a_silent_stream_open_beyond_the_proxys_patience(
    kind: Kind, argocd: FakeArgoCD, tmp_path: Path
) -> None:
    async with (
        run_gateway(argocd, auth="none", heartbeat=1.0) as gateway,
        run_proxy(kind, tmp_path, gateway.address, impatient=True) as proxy,
        Browser.of(proxy) as browser,
    ):
        visit = await browser.open(proxy.url + STREAM)
        await visit.read_until(lambda visit: visit.names.count("heartbeat") >= 9)


async def test_compressed_bytes_pass_as_they_are(kind: Kind, argocd: FakeArgoCD, tmp_path: Path) -> None:
    async with (
        run_gateway(argocd, **QUIET) as gateway,
        run_proxy(kind, tmp_path, gateway.address) as proxy,
        Browser.of(proxy) as browser,
        Browser() as neighbour,
    ):
        visits = [
            await browser.open(proxy.url + STREAM, coding="gzip"),
            await neighbour.open(url_of(gateway, STREAM), coding="gzip"),
        ]
        # Whoever gets every frame of a view shares the same bytes from the next chain on, eight frames later at most.
        for turn in range(9):
            argocd.put(application("core", health="Degraded" if turn % 2 else "Progressing", message=f"{turn}"))
            health = "Degraded" if turn % 2 else "Progressing"
            for visit in visits:
                await visit.read_until(
                    lambda visit, count=turn + 1: visit.names.count("delta") >= count  # type: ignore[misc]
                )
        assert all(shows("core", health)(visit) for visit in visits)
        begun = [len(visit.raw) for visit in visits]
        argocd.put(application("shop", health="Missing"))
        for visit in visits:
            await visit.read_until(shows("shop", "Missing"))
        through, direct = (visit.raw[start:] for visit, start in zip(visits, begun, strict=True))
        assert through == direct
        assert visits[0].response.headers["Content-Encoding"] == "gzip"
        ask = {"Accept-Encoding": "gzip"}
        _, told, body = await browser.get(f"{proxy.url}/api/pipelines", ask)
        assert told["Content-Encoding"] == "gzip"
        assert body == (await neighbour.get(url_of(gateway, "/api/pipelines"), ask))[2]


async def test_many_streams_of_a_browser_share_one_connection_over_http_2(
    kind: Kind, argocd: FakeArgoCD, tmp_path: Path
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("HTTP/2 ISN'T TRIED: curl isn't installed")
    async with run_gateway(argocd, **QUIET) as gateway, run_proxy(kind, tmp_path, gateway.address) as proxy:
        files = [tmp_path / f"stream-{number}" for number in range(MANY)]
        command = [curl, "-sSN", "--http2", "--parallel", "--parallel-max", str(MANY)]
        command += ["--cacert", str(tmp_path / "authority.pem"), "--resolve", f"{HOST}:{proxy.port}:127.0.0.1"]
        for number, file in enumerate(files):
            command += ["-o", str(file), f"{proxy.url}{STREAM}?lastEventId=x-{number}"]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await until(lambda: len(gateway.hub) == MANY)
            assert count_connections(proxy.port) == 1
            argocd.put(application("core", health="Degraded"))
            await until(lambda: all(file.exists() and "Degraded" in file.read_text() for file in files))
        finally:
            process.kill()
            await process.wait()


def count_connections(port: int) -> int:
    """Return how many connections to a port of this machine are established."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


async def test_a_restart_of_the_proxy_is_a_resume(kind: Kind, argocd: FakeArgoCD, tmp_path: Path) -> None:
    async with (
        run_gateway(argocd, **QUIET) as gateway,
        run_proxy(kind, tmp_path, gateway.address) as proxy,
        Browser.of(proxy) as browser,
    ):
        visit = await browser.open(proxy.url + STREAM)
        await visit.read_until(has_state)
        assert visit.first_state() == ("snapshot", "new")
        await proxy.end()
        await until(lambda: len(gateway.hub) == 0)
        argocd.put(application("core", health="Degraded"))
        await proxy.start()
        again = await browser.open(proxy.url + STREAM, headers={"Last-Event-ID": visit.cursor})
        await again.read_until(shows("core", "Degraded"))
        assert again.first_state() == ("delta", "resumed")
        assert "snapshot" not in again.names


async def test_whoever_leaves_the_proxy_leaves_the_gateway_at_the_next_heartbeat_at_the_latest(
    kind: Kind, argocd: FakeArgoCD, tmp_path: Path
) -> None:
    async with (
        run_gateway(argocd, auth="none", heartbeat=1.0) as gateway,
        run_proxy(kind, tmp_path, gateway.address) as proxy,
        Browser.of(proxy) as browser,
    ):
        staying, leaving = [await browser.open(proxy.url + STREAM) for _ in range(2)]
        for visit in (staying, leaving):
            await visit.read_until(has_state)
        assert len(gateway.hub) == 2
        leaving.response.close()
        await until(lambda: len(gateway.hub) == 1)
        argocd.put(application("core", health="Degraded"))
        await staying.read_until(shows("core", "Degraded"))


async def test_limits_go_by_the_browsers_address_whatever_it_says_of_itself(
    kind: Kind, argocd: FakeArgoCD, tmp_path: Path
) -> None:
    settings = {**QUIET, "proxy_trusted": "127.0.0.1/32", "max_streams_per_address": 1}
    async with (
        run_gateway(argocd, **settings) as gateway,
        run_proxy(kind, tmp_path, gateway.address) as proxy,
        Browser.of(proxy, address="127.0.0.2") as one,
        Browser.of(proxy, address="127.0.0.3") as other,
    ):
        for browser in (one, other):
            await (await browser.open(proxy.url + STREAM)).read_until(has_state)
        greedy = await one.open(proxy.url + STREAM, headers={"X-Forwarded-For": "203.0.113.7"})
        await greedy.read_until(lambda visit: "goodbye" in visit.names)
        assert len(gateway.hub) == 2


async def test_what_a_browser_sends_reaches_the_gateway_and_where_it_comes_from_cant_be_forged(
    kind: Kind, tmp_path: Path
) -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", note)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with run_proxy(kind, tmp_path, runner.addresses[0][:2]) as proxy:
            async with Browser.of(proxy, address="127.0.0.2") as browser:
                sent = {
                    "Cookie": "__Host-gateway=abc; other=1",
                    "Last-Event-ID": "5f2c81d0-1042-9d622e5dfd91",
                    "Accept-Encoding": "gzip, br",
                    "X-Forwarded-For": "203.0.113.7",
                    "X-Forwarded-Proto": "http",
                }
                await browser.get(f"{proxy.url}{STREAM}?projects=a,b&selector=team%20in%20(a)", sent)
            (request,) = [request for request in seen if request.path == STREAM]
    finally:
        await runner.cleanup()
    assert request.version.minor == 1
    for name in ("Cookie", "Last-Event-ID", "Accept-Encoding"):
        assert request.headers[name] == sent[name]
    assert request.rel_url.raw_query_string == "projects=a,b&selector=team%20in%20(a)"
    assert request.host.partition(":")[0] == HOST
    assert request.headers["X-Forwarded-Proto"] == "https"
    assert request.headers["X-Forwarded-For"].split(",")[-1].strip() == "127.0.0.2"
