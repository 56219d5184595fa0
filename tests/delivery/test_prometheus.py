"""How a service did before and after a deployment, asked of a real Prometheus that scrapes a small exporter."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.deployments.deployment import Deployment, Kind, Outcome
from gateway.delivery.prometheus import FRESH, SETTLED, Prometheus, Questions
from gateway.delivery.storage import effects
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.history import Wanted
from gateway.delivery.storage.repository import Repository
from gateway.model.application import ApplicationStatus, Destination
from tests.ports import find_port

PROMETHEUS = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None, reason="NO PROMETHEUS HERE: apt-get install --no-install-recommends prometheus"
)

WINDOW = 2.0
QUERIES = {
    "latency": 'avg_over_time(latency_seconds{service="{service}",namespace="{namespace}"}[{window}])',
    "errors": 'sum(failed_share{service="{service}",environment="{environment}"})',
}


def deployment(identity: str = "d1", *, at: float, **known: Any) -> Deployment:
    return Deployment(
        **{
            "id": identity,
            "key": "argocd/shop-prod",
            "uid": "u1",
            "kind": Kind.DEPLOYMENT,
            "outcome": Outcome.SUCCEEDED,
            "service": "shop",
            "environment": "prod",
            "started_at": at,
            "finished_at": at,
            **known,
        }
    )


class Desk:
    """A repository, and whoever asks a Prometheus about what it holds; ``now`` is its time."""

    def __init__(self, url: str, queries: dict[str, str] | None = None, token: str | None = None) -> None:
        self.now = time.time()
        self.counts: Counter[str] = Counter()
        self.told: list[str] = []
        self.repository = Repository(Database(), TagPatterns())
        document = ApplicationStatus(
            key="argocd/shop-prod", name="shop-prod", namespace="argocd", destination=Destination(namespace="shop")
        )
        self.prometheus = Prometheus(
            Questions(url=url, queries=queries or QUERIES, window=WINDOW, token=lambda: token),
            self.repository.database,
            documents=lambda: {document.key: document},
            told=self.told.extend,
            counts=self.counts,
            clock=lambda: self.now,
        )

    async def ask(self, *deployments: Deployment) -> dict[str, dict[str, Any]]:
        """Ask about deployments; return what is kept of them."""
        await self.repository.record(deployments, {}, now=self.now)
        async with aiohttp.ClientSession() as session:
            await self.prometheus.ask_about_some(session)
        return await self.repository.database.read(effects.find, [one.id for one in deployments])


@asynccontextmanager
async def open_desk(url: str, **more: Any) -> AsyncIterator[Desk]:
    desk = Desk(url, **more)
    await desk.repository.database.open()
    try:
        yield desk
    finally:
        await desk.repository.database.close()


@asynccontextmanager
async def serve(path: str, handler: Callable[[web.Request], Any], method: str = "GET") -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def run_prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """Run a Prometheus that scrapes a target five times a second."""
    assert PROMETHEUS is not None
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    address = f"127.0.0.1:{find_port()}"
    process = await asyncio.create_subprocess_exec(
        PROMETHEUS,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def wait_for(url: str, query: str) -> None:
    """Wait until a query has an answer that is true."""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/api/v1/query", params={"query": query}) as response:
                    if (await response.json())["data"]["result"]:
                        return
            except (aiohttp.ClientError, KeyError):
                pass
            await asyncio.sleep(0.05)


@needs_prometheus
async def test_a_real_prometheus_tells_how_it_was_before_and_after(tmp_path: Path) -> None:
    shown = {"latency": 0.25, "errors": 0.0}

    async def export(_: web.Request) -> web.Response:
        labels = 'service="shop",namespace="shop",environment="prod"'
        lines = [f"latency_seconds{{{labels}}} {shown['latency']}", f"failed_share{{{labels}}} {shown['errors']}"]
        return web.Response(text="\n".join(lines) + "\n")

    async with (
        serve("/metrics", export) as target,
        run_prometheus(tmp_path, target) as url,
        open_desk(url) as desk,
    ):
        await wait_for(url, "count_over_time(latency_seconds[1m]) > 2")
        deployed_at = time.time()
        shown.update(latency=0.75, errors=0.125)
        await wait_for(url, f"count_over_time((latency_seconds == 0.75)[1m:100ms]) > {WINDOW * 10 + 5}")
        desk.now = deployed_at + WINDOW + SETTLED
        one = deployment(at=deployed_at, finished_at=deployed_at)
        assert await desk.ask(one) == {}, "the time after it isn't over"
        desk.now = deployed_at + WINDOW + SETTLED + 1
        known = (await desk.ask(one))["d1"]
        assert known["latency"]["before"] == 0.25
        assert 0.6 < known["latency"]["after"] <= 0.75
        assert known["errors"] == {"before": 0.0, "after": 0.125}
        assert desk.told == ["argocd/shop-prod"]
        assert desk.counts == {"prometheus_answered": 4}
        (change,) = await desk.repository.timeline(Wanted(key="argocd/shop-prod"))
        assert change["effects"] == known
        other = deployment("d2", at=deployed_at, service="mail")
        nothing = (await desk.ask(other))["d2"]["latency"]
        assert nothing == {"why": "Prometheus has nothing of that time"}


@needs_prometheus
async def test_what_a_real_prometheus_cannot_read_is_said_in_its_words(tmp_path: Path) -> None:
    async with run_prometheus(tmp_path, "127.0.0.1:9") as url:
        await wait_for(url, "vector(1)")
        async with open_desk(url, queries={"errors": 'sum(failed{app="{service}"'}) as desk:
            known = await desk.ask(deployment(at=desk.now - 600))
        assert known["d1"]["errors"]["why"].startswith("Prometheus can't answer the query: ")
        assert "parse error" in known["d1"]["errors"]["why"]


# Without a Prometheus.


async def test_one_that_is_away_is_asked_again_and_nothing_is_kept() -> None:
    async with open_desk("http://127.0.0.1:9") as desk:
        one = deployment(at=desk.now - 600)
        assert await desk.ask(one) == {}
        assert desk.counts == {"prometheus_failed": 1}
        assert desk.told == []


async def test_the_token_is_sent_and_what_was_answered_is_not_asked_again() -> None:
    asked: list[tuple[str | None, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers.get("Authorization"), str((await request.post())["query"])))
        return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}})

    async with (
        serve("/api/v1/query", answer, "POST") as address,
        open_desk(f"http://{address}", queries={"errors": 'e{s="{service}"}'}, token="geheim") as desk,
    ):
        long_ago = deployment("old", at=desk.now - FRESH - 60)
        not_counting = deployment("dry", at=desk.now - 600, kind=Kind.DRY_RUN)
        running = deployment("now", at=desk.now - 600, finished_at=None)
        known = await desk.ask(deployment(at=desk.now - 600), long_ago, not_counting, running)
        assert known == {"d1": {"errors": {"before": 2.0, "after": 2.0}}}
        assert asked == [("Bearer geheim", 'e{s="shop"}')] * 2
        await desk.ask()
        assert len(asked) == 2


async def test_a_name_that_is_not_known_is_said_without_asking() -> None:
    async with open_desk("http://127.0.0.1:9") as desk:
        known = await desk.ask(deployment(at=desk.now - 600, service=None, environment=None))
        assert known["d1"] == {
            "latency": {"why": "the deployment has no service"},
            "errors": {"why": "the deployment has no service"},
        }
