"""``python -m benchmarks.scaling``: what many applications and many idle subscribers take, for ``docs/scaling.md``.

Bytes and seconds of processor time, of recorded applications under many names; a busy machine makes the seconds more.
"""

import asyncio
import hashlib
import json
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import orjson

from benchmarks.crowd import Remote
from benchmarks.gateway import request
from benchmarks.server import Server, Upstream, serve
from gateway.demo import recording
from tests.fakes.applications import Application
from tests.replicas.server import PROGRAM, RedisServer

APPLICATIONS = 10_000
SUBSCRIBERS = 10_000
JOINS = 200

_SHA = re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{8}\b")


def clone(number: int, templates: list[bytes]) -> Application:
    """Return one of the recorded applications under a name of its own, with revisions of its own."""

    def other(sha: re.Match[str]) -> str:
        return hashlib.sha256(f"{sha[0]} {number}".encode()).hexdigest()[: len(sha[0])]

    application: Application = orjson.loads(_SHA.sub(other, templates[number % len(templates)].decode()))
    application["metadata"]["name"] = f"{application['metadata']['name']}-{number}"
    application["metadata"]["uid"] = hashlib.sha256(f"{number}".encode()).hexdigest()[:32]
    return application


def fill(upstream: Upstream, applications: int) -> int:
    """Let Argo CD hold that many; return how many bytes of JSON these are."""
    templates = [moment.application for moment in recording.load().fleet]
    made = [clone(number, templates) for number in range(applications)]

    async def put() -> None:
        for application in made:
            upstream.argocd.put(application)

    upstream.call(put())
    return sum(len(orjson.dumps(application)) for application in made)


def touch(upstream: Upstream, first: int, count: int, templates: list[bytes]) -> None:
    """Let some applications change in what is shown of them."""

    async def put() -> None:
        for number in range(first, first + count):
            application = clone(number, templates)
            application["status"]["health"] = {"status": "Degraded", "message": f"change {time.time()}"}
            upstream.argocd.put(application)
            if number % 50 == 49:
                await asyncio.sleep(0.02)

    upstream.call(put())


def _fetch(server: Server, path: str, encoding: str) -> bytes:
    asked = urllib.request.Request(f"http://127.0.0.1:{server.address[1]}{path}", headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(asked) as response:  # noqa: S310 - the gateway's own address
        body: bytes = response.read()
        return body


def alone(applications: int) -> dict[str, Any]:
    """Measure one gateway: its start, its memory, its snapshots, and who joins."""
    upstream = Upstream()
    found: dict[str, Any] = {"argocd_mb": fill(upstream, applications) / 1e6}
    with serve(upstream, GATEWAY_HEARTBEAT="15s", GATEWAY_MAX_SUBSCRIBERS="20000") as server, Remote() as crowd:
        found["empty_mb"] = server.memory() / 1e6
        began, at = server.cpu(), time.monotonic()
        server.wait_for(applications)
        found |= {"start_s": time.monotonic() - at, "start_cpu_s": server.cpu() - began}
        server.settle()
        found["memory_mb"] = server.memory() / 1e6
        found["snapshot_mb"] = len(_fetch(server, "/api/pipelines", "identity")) / 1e6
        found["snapshot_gzip_kb"] = len(_fetch(server, "/api/pipelines", "gzip")) / 1e3
        crowd.call("join", 10, server.address, request("gzip"))
        crowd.call("rest", 60.0)
        sent, began = crowd.call("figures")["bytes"], server.cpu()
        crowd.call("join", JOINS, server.address, request("gzip"))
        crowd.call("rest", 60.0)
        found["join_cpu_ms"] = (server.cpu() - began) / JOINS * 1e3
        found["join_kb"] = (crowd.call("figures")["bytes"] - sent) / JOINS / 1e3
        found["serving_mb"] = server.memory() / 1e6
        templates = [moment.application for moment in recording.load().fleet]
        began = server.cpu()
        touch(upstream, 0, applications, templates)
        time.sleep(3.0)
        server.settle()
        found["full_log_mb"] = server.memory() / 1e6
    upstream.stop()
    return found


def idle(subscribers: int) -> dict[str, Any]:
    """Measure so many streams at one process to which nothing happens."""
    upstream = Upstream()
    fill(upstream, 20)
    with serve(upstream, GATEWAY_HEARTBEAT="15s", GATEWAY_MAX_SUBSCRIBERS="20000") as server, Remote() as crowd:
        server.wait_for(20)
        crowd.call("join", 200, server.address, request("gzip"))
        crowd.call("rest", 60.0)
        before = server.memory()
        crowd.call("join", subscribers, server.address, request("gzip"))
        crowd.call("rest", 120.0)
        files = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        began, at = server.cpu(), time.monotonic()
        time.sleep(30.0)
        share = (server.cpu() - began) / (time.monotonic() - at)
        size = (server.memory() - before) / subscribers
    upstream.stop()
    return {"kb": size / 1e3, "files": files, "cpu_share": share}


def shared(applications: int) -> dict[str, Any]:
    """Measure Redis with the state and a full log, and how a replica starts on it."""
    upstream = Upstream()
    fill(upstream, applications)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        upstream.call(redis.start())
        try:
            settings = {"GATEWAY_REDIS_URL": redis.url, "GATEWAY_HEARTBEAT": "15s"}
            with serve(upstream, **settings) as leader:
                leader.wait_for(applications)
                leader.settle()
                found["redis_state_mb"] = upstream.call(_memory(redis)) / 1e6
                templates = [moment.application for moment in recording.load().fleet]
                began, cpu, written = time.monotonic(), leader.cpu(), upstream.call(_received(redis))
                touch(upstream, 0, applications, templates)
                while leader.metric("gateway_log_offset") < 1 + applications and time.monotonic() < began + 120:
                    time.sleep(0.2)
                found["change_to_redis_kb"] = (upstream.call(_received(redis)) - written) / applications / 1e3
                found["redis_full_log_mb"] = upstream.call(_memory(redis)) / 1e6
                found["log_entries"] = upstream.call(_entries(redis))
                leader.settle()
                found["leader_mb"] = leader.memory() / 1e6
                found["leader_cpu_ms_a_change"] = (leader.cpu() - cpu) / applications * 1e3
                at = time.monotonic()
                with serve(upstream, **settings) as follower:
                    follower.wait_for(applications)
                    found["follower_start_s"] = time.monotonic() - at
                    follower.settle()
                    found["follower_cpu_s"] = follower.cpu()
                    found["follower_mb"] = follower.memory() / 1e6
                    read = upstream.call(_sent(redis))
                    time.sleep(10.0)
                    found["redis_sent_idle_kb_s"] = (upstream.call(_sent(redis)) - read) / 10 / 1e3
        finally:
            upstream.call(redis.stop())
    upstream.stop()
    return found


def cost(subscribers: int, *, rate: float = 20.0, seconds: float = 15.0, rounds: int = 2) -> dict[str, Any]:
    """Measure a delivery's processor time with the log in memory and with Redis, in turn: one process, which leads."""
    found: dict[str, list[float]] = {"memory": [], "redis": []}
    for _ in range(rounds):
        for name, costs in found.items():
            upstream = Upstream()
            for number in range(60):
                upstream.put(f"app-{number}")
            with tempfile.TemporaryDirectory() as folder:
                redis = RedisServer(Path(folder))
                upstream.call(redis.start())
                try:
                    settings = {"GATEWAY_REDIS_URL": redis.url} if name == "redis" else {}
                    costs.append(_cost_of_delivery(upstream, settings, subscribers, rate, seconds))
                finally:
                    upstream.call(redis.stop())
            upstream.stop()
    return {name: [round(each, 2) for each in costs] for name, costs in found.items()} | {
        "ratio": round(sum(found["redis"]) / sum(found["memory"]), 3)
    }


def _cost_of_delivery(
    upstream: Upstream, settings: dict[str, str], subscribers: int, rate: float, seconds: float
) -> float:
    """Return microseconds of the gateway's for each frame that somebody was sent."""
    with serve(upstream, **settings) as server, Remote() as crowd:
        server.wait_for(60)
        crowd.call("join", subscribers, server.address, request("gzip"))
        crowd.call("rest", 60.0)
        server.settle()
        sent, cpu, began = server.deliveries(), server.cpu(), time.monotonic()
        for number in range(round(rate * seconds)):
            upstream.put(f"app-{number % 60}", health="Degraded", message=f"change {number}")
            crowd.call("read_for", max(0.0, began + (number + 1) / rate - time.monotonic()))
        crowd.call("rest", 60.0)
        return (server.cpu() - cpu) / (server.deliveries() - sent) * 1e6


async def _memory(redis: RedisServer) -> float:
    async with redis.client() as client:
        return float((await client.info("memory"))["used_memory"])


async def _received(redis: RedisServer) -> float:
    async with redis.client() as client:
        return float((await client.info("stats"))["total_net_input_bytes"])


async def _sent(redis: RedisServer) -> float:
    async with redis.client() as client:
        return float((await client.info("stats"))["total_net_output_bytes"])


async def _entries(redis: RedisServer) -> int:
    async with redis.client() as client:
        [log] = [key async for key in client.scan_iter() if key.endswith(b":log")]
        return int(await client.xlen(log))


def main() -> None:
    """Print what each scenario found."""
    chosen = sys.argv[1:] or ["alone", "idle", "shared", "cost"]
    if "alone" in chosen:
        print(json.dumps({"alone": alone(APPLICATIONS)}, indent=2))
    if "idle" in chosen:
        print(json.dumps({"idle": idle(SUBSCRIBERS)}, indent=2))
    if "shared" in chosen and PROGRAM is not None:
        print(json.dumps({"shared": shared(APPLICATIONS)}, indent=2))
    if "cost" in chosen and PROGRAM is not None:
        for number in (500, 2_000):
            print(json.dumps({f"cost, {number} subscribers": cost(number)}, indent=2))


if __name__ == "__main__":
    main()
