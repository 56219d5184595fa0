"""Each alert fires, in a real Prometheus, from a real fault of a running gateway; its runbook's first command works."""

import asyncio
import base64
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from redis.asyncio import Redis

from gateway.model.upstream import rfc3339
from tests.e2e.fastloop import let_pass
from tests.e2e.harness import Stage, run_gateway, write_token
from tests.e2e.subscriber import Subscriber
from tests.e2e.test_delivery_webhooks import GITHUB, PUSH, signed
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD
from tests.fakes.client import fill
from tests.monitoring.prometheus import MONITORING, PATIENCE, Prometheus
from tests.monitoring.runbooks import run_first_command

pytestmark = pytest.mark.timeout(900)

NAMES = tuple(f"app{number:02}" for number in range(30))

SHOWN = {
    "GatewayAbsent": r'"instance":"process".*"0"',
    "GatewayRestartsOften": r"^process_start_time_seconds \d",
    "GatewayUpstreamNotLive": r'^gateway_upstream_state{state="live"} 0.0$',
    "GatewayRefused": r'^gateway_upstream_reason{reason="refused"} 1.0$',
    "GatewayPermissionLost": r'^gateway_upstream_reason{reason="permission-lost"} 1.0$',
    "GatewayRedisAway": r"^gateway_redis_connected 0.0$",
    "GatewayNoLeader": r"^gateway_replica_leader 0.0$",
    "GatewayTokenExpiring": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$",
    "GatewayUnverified": r'^gateway_upstream_failures_total{kind="answered-badly"} [1-9]',
    "GatewayKeepsRepairing": r'^gateway_upstream_repairs_total{kind="update"} 30.0$',
    "GatewayEventsPutAside": r"^gateway_upstream_undecodable_total 1.0$",
    "GatewayChangesLate": r'^gateway_event_age_seconds_bucket{le="5.0"} 0.0$',
    "GatewayTurnsClientsAway": r"^gateway_subscribers_limit 16.0$",
    "GatewayNearlyFull": r"^gateway_subscribers 16.0$",
    "GatewaySubscribersBehind": r"^gateway_subscribers_behind 1\d.0$",
    "GatewaySubscribersCutOff": r'^gateway_stream_ends_total{reason="slow"} 1\d.0$',
    "GatewayLoopLags": r"^gateway_loop_lag_seconds_count \d",
    "GatewayAccessUnusable": r'^gateway_access_files_total{outcome="unusable"} 1.0$',
    "GatewayWebhooksRefused": r'^gateway_webhooks_total{outcome="unsigned",sender="github"} 8.0$',
    "GatewayWebhooksLost": r'^gateway_webhooks_total{outcome="failed",sender="github"} [1-9]',
    "GatewayDeliveryBacklog": r"^gateway_delivery_retry_total [1-9]",
    "GatewayDeliveryBudgetSpent": r'^gateway_slo_budget_remaining{slo="deployments"} -',
}
"""What each first command must show where its alert fires."""


def read_alerts() -> set[str]:
    """Return the names of all alerts."""
    rules: Any = yaml.safe_load((MONITORING / "rules.yaml").read_text())
    return {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


BY_JOB = {
    "GatewayChangesLate",
    "GatewayWebhooksRefused",
    "GatewayWebhooksLost",
    "GatewayDeliveryBudgetSpent",
}
"""Alerts that are about all gateways together."""


def test_every_alert_is_caused_by_a_test_here() -> None:
    caused = re.findall(r'"(Gateway\w+)": "', Path(__file__).read_text().partition("def test_every_alert")[2])
    assert read_alerts() == set(SHOWN) == set(caused)


async def check(prometheus: Prometheus, stages: dict[str, Stage], alerts: dict[str, str]) -> None:
    """Assert that alerts fire, each about its gateway, and that their first commands show why."""
    await prometheus.fires((alert, "" if alert in BY_JOB else name) for alert, name in alerts.items())
    for alert, name in alerts.items():
        stage = stages[name]
        metrics = stage.metrics_url.removesuffix("/metrics")
        said = await run_first_command(alert, gateway=stage.url, metrics=metrics, prometheus=prometheus.url)
        assert said.code == 0, (alert, said)
        assert re.search(SHOWN[alert], said.out, re.MULTILINE), (alert, said)


@contextlib.asynccontextmanager
async def scraped(prometheus: Prometheus, stages: dict[str, Stage]) -> AsyncIterator[None]:
    """Have gateways scraped; before anything happens to them, no alert is about any of them."""
    prometheus.scrape({name: "{}:{}".format(*stage.gateway.metrics_address) for name, stage in stages.items()})
    await prometheus.seen(*stages)
    assert not [alert for alert in await prometheus.firing() if alert[1] in stages]
    try:
        yield
    finally:
        prometheus.scrape({})


def make_token(*, expires_at: float) -> str:
    """Return a JWT as Argo CD makes them; its signature is none."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "gateway", "exp": int(expires_at)}]
    return ".".join([*(base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts), "c2ln"])


async def test_faults_of_argo_cd_and_of_the_way_to_it(prometheus: Prometheus, tmp_path: Path) -> None:
    token = tmp_path / "token"
    write_token(token, SECRET)
    async with contextlib.AsyncExitStack() as stack:
        fakes, stages = {name: FakeArgoCD() for name in ("away", "refusing", "narrow", "odd")}, {}
        for name, fake in fakes.items():
            fake.keepalive_interval = 15.0
            await stack.enter_async_context(fake)
            fill(fake, *NAMES)
            more = {"argocd_auth_token_file": token} if name == "odd" else {}
            stages[name] = await stack.enter_async_context(run_gateway(fake, **more))
            await stages[name].live()
        await stack.enter_async_context(scraped(prometheus, stages))
        await fakes["away"].stop()
        fakes["refusing"].unauthorized = True
        fakes["refusing"].cut_all()
        fakes["narrow"].forbid("default")
        odd = fakes["odd"]
        expiring = make_token(expires_at=time.time() + 86_400)
        odd.accept_token(expiring)
        write_token(token, expiring)
        odd.send_raw(b"data: {nonsense\n\n")
        # Argo CD says it ten minutes late.
        since = rfc3339(stages["odd"].gateway.clock() - 600)
        for name in NAMES:
            odd.put(application(name, health="Degraded", since=since))
        await odd.drained()
        for name in NAMES:
            odd.put(application(name, health="Degraded", since=since, images=["lost:1"]), announce=False)
        first = {
            "GatewayUpstreamNotLive": "away",
            "GatewayRefused": "refusing",
            "GatewayPermissionLost": "narrow",
            "GatewayTokenExpiring": "odd",
            "GatewayEventsPutAside": "odd",
            "GatewayChangesLate": "odd",
            "GatewayKeepsRepairing": "odd",
        }
        await check(prometheus, stages, first)
        odd.list_status = 500
        await check(prometheus, stages, {"GatewayUnverified": "odd"})


def make_large(step: int) -> dict[str, Any]:
    """Return an application of some 200 kB that doesn't compress."""
    dice = random.Random(step)
    texts = [base64.b64encode(dice.randbytes(720)).decode() for _ in range(200)]
    return application("large", conditions=[{"type": "SyncError", "message": text} for text in texts])


async def test_faults_of_subscribers_and_of_access(prometheus: Prometheus, argocd: FakeArgoCD, tmp_path: Path) -> None:
    fill(argocd, *NAMES)
    access, tokens = tmp_path / "access.toml", tmp_path / "tokens.toml"
    access.write_text('[[groups.ops.rules]]\nprojects = ["*"]\n')
    tokens.write_text("")
    async with (
        run_gateway(argocd, max_subscribers=16, slow_limit=86_400.0, stream_lifetime=86_400.0) as patient,
        run_gateway(argocd, slow_limit=30.0, stream_lifetime=86_400.0) as strict,
        run_gateway(argocd, auth="tokens", access_file=access, tokens_file=tokens) as closed,
    ):
        stages = {"patient": patient, "strict": strict, "closed": closed}
        for stage in stages.values():
            await stage.live()
        async with scraped(prometheus, stages):
            for stage in (patient, strict):
                for _ in range(4):
                    await stage.watch()
                for _ in range(12):
                    slow = Subscriber(stage.gateway.address)
                    slow.receive_buffer = 16 * 1024
                    stage.subscribers.append(slow)
                    await slow.connect()
                    await slow.wait(lambda slow=slow: slow.has_state)  # type: ignore[misc]
                    slow.stop_reading()
            access.write_text("[[groups.ops.rules]]\nproject = 1\n")
            for step in range(40):
                argocd.put(make_large(step))
                await argocd.drained()
                await let_pass(0.2)
            turned_away = await patient.subscribe()
            assert turned_away.goodbye is not None
            alerts = {
                "GatewayNearlyFull": "patient",
                "GatewayTurnsClientsAway": "patient",
                "GatewaySubscribersBehind": "patient",
                "GatewaySubscribersCutOff": "strict",
                "GatewayAccessUnusable": "closed",
            }
            await check(prometheus, stages, alerts)


def harm(database: Path, event: str) -> None:
    """Let writes of a kind to the log of deliveries fail, as those to a damaged or a full disk do."""
    with contextlib.closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
        connection.execute(
            f"CREATE TRIGGER harm_{event} BEFORE {event} ON deliveries BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )


async def test_faults_of_deliveries(prometheus: Prometheus, argocd: FakeArgoCD, tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    argocd.put(application("web", project="shop"))
    url = f"sqlite:///{database}"
    async with run_gateway(argocd, webhook_github_secret=GITHUB, database_url=url) as stage:
        await stage.live()
        async with scraped(prometheus, {"gateway": stage}):
            now = stage.gateway.clock()
            operation = {"startedAt": rfc3339(now - 20), "finishedAt": rfc3339(now), "message": "one failed"}
            argocd.put(application("web", project="shop", phase="Failed", revision="f" * 40, operation_state=operation))
            for number in range(8):
                refused = await stage.send("/api/webhooks/github", PUSH, signed(guid=f"{number}", secret="wrong"))
                assert refused.status == 401
            await check(
                prometheus,
                {"gateway": stage},
                {"GatewayWebhooksRefused": "gateway", "GatewayDeliveryBudgetSpent": "gateway"},
            )
            # In a thread, for the gateway may be in the middle of a transaction.
            await asyncio.to_thread(harm, database, "UPDATE")
            kept = await stage.send("/api/webhooks/github", PUSH, signed(guid="kept"))
            assert kept.status == 202
            await check(prometheus, {"gateway": stage}, {"GatewayDeliveryBacklog": "gateway"})
            await asyncio.to_thread(harm, database, "INSERT")
            lost = await stage.send("/api/webhooks/github", PUSH, signed(guid="lost"))
            assert lost.status == 503
            await check(prometheus, {"gateway": stage}, {"GatewayWebhooksLost": "gateway"})


class Process:
    """`gateway serve` as a process of its own, on ports that stay the same when it is started again."""

    def __init__(self, argocd: FakeArgoCD, **more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = [taken.getsockname()[1] for taken in (one, two)]
        self.url, self.metrics = (f"http://127.0.0.1:{port}" for port in ports)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "ARGOCD_"))}
        self._environ = {
            **clean,
            "ARGOCD_BASE_URL": argocd.url,
            "ARGOCD_AUTH_TOKEN": SECRET,
            "GATEWAY_PORT": str(ports[0]),
            "GATEWAY_METRICS_PORT": str(ports[1]),
            **more,
        }
        self.running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve"), env=self._environ, stderr=asyncio.subprocess.DEVNULL
        )

    def signal(self, number: signal.Signals) -> None:
        assert self.running is not None
        self.running.send_signal(number)

    async def kill(self) -> None:
        if self.running is not None and self.running.returncode is None:
            self.running.kill()
            await self.running.wait()


async def test_a_process_that_starves_that_restarts_and_that_is_gone(prometheus: Prometheus) -> None:
    async with FakeArgoCD() as argocd:
        fill(argocd, *NAMES)
        process = Process(argocd)
        try:
            await process.start()
            prometheus.scrape({"process": process.metrics.removeprefix("http://")})
            await prometheus.seen("process")

            async def starve() -> bool:
                # What the kernel does to a group that has used up its share.
                process.signal(signal.SIGSTOP)
                await asyncio.sleep(0.6)
                process.signal(signal.SIGCONT)
                await asyncio.sleep(0.6)
                return ("GatewayLoopLags", "process") in await prometheus.firing()

            await prometheus.wait(starve, what="the loop's lag is told")
            await assert_shown(prometheus, process, "GatewayLoopLags")

            async def restart() -> bool:
                await process.kill()
                await process.start()
                began = await prometheus.ask('process_start_time_seconds{instance="process"}')
                await prometheus.wait(lambda: changed(prometheus, began), what="it is scraped again")
                return ("GatewayRestartsOften", "process") in await prometheus.firing()

            await prometheus.wait(restart, what="restarts are told")
            await assert_shown(prometheus, process, "GatewayRestartsOften")
            # Between two starts it was absent, too: that has to be over.
            await prometheus.quiet("GatewayAbsent")
            await process.kill()
            await prometheus.fires([("GatewayAbsent", "")])
            await assert_shown(prometheus, process, "GatewayAbsent")
        finally:
            await process.kill()
            prometheus.scrape({})


@contextlib.asynccontextmanager
async def run_redis(folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run a Redis; yield its URL and its process."""
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("NO REDIS HERE: make programs")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(program, "--port", str(port), "--dir", str(folder), "--save", ""), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_process_whose_redis_takes_no_writes_and_is_gone(prometheus: Prometheus, tmp_path: Path) -> None:
    async with FakeArgoCD() as argocd, run_redis(tmp_path) as (url, redis):
        fill(argocd, *NAMES)
        process = Process(argocd, GATEWAY_REDIS_URL=url, GATEWAY_LEASE="2s")
        try:
            await process.start()
            prometheus.scrape({"process": process.metrics.removeprefix("http://")})
            await prometheus.seen("process")

            async def leads() -> bool:
                return bool(await prometheus.ask('gateway_replica_leader{instance="process"} == 1'))

            await prometheus.wait(leads, what="it leads")
            # Until it led, nobody did: that has to be over.
            await prometheus.quiet("GatewayNoLeader")
            # The replica of Redis that every write has to reach is away.
            async with Redis.from_url(url) as admin:
                await admin.config_set("min-replicas-to-write", "1")
            await prometheus.fires([("GatewayNoLeader", "")])
            await assert_shown(prometheus, process, "GatewayNoLeader")
            redis.kill()
            await prometheus.fires([("GatewayRedisAway", "process")])
            await assert_shown(prometheus, process, "GatewayRedisAway")
        finally:
            await process.kill()
            prometheus.scrape({})


CAUSED_BY_PROCESSES = {
    "GatewayLoopLags": "",
    "GatewayRestartsOften": "",
    "GatewayAbsent": "",
    "GatewayNoLeader": "",
    "GatewayRedisAway": "",
}


async def changed(prometheus: Prometheus, began: list[dict[str, Any]]) -> bool:
    """Whether a process is seen that began at another time."""
    now = await prometheus.ask('process_start_time_seconds{instance="process"}')
    return bool(now) and [one["value"][1] for one in now] != [one["value"][1] for one in began]


async def assert_shown(prometheus: Prometheus, process: Process, alert: str) -> None:
    """Assert that an alert's first command shows why it fires."""
    said = await run_first_command(alert, gateway=process.url, metrics=process.metrics, prometheus=prometheus.url)
    assert said.code == 0, (alert, said)
    assert re.search(SHOWN[alert], said.out, re.MULTILINE), (alert, said)
