"""``python -m tests.chaos.measure``: how long hand-overs take, how a rolling update spreads, and what Redis costs.

Figures for ``docs/scaling.md``; on a machine that does nothing else.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable

import uvloop

from tests.chaos.campaign import Stage, stage
from tests.chaos.crowd import Crowd, Watcher
from tests.fakes.applications import application

LEASE = 3.0
CHANGES = 500
"""Of fewer, the 99th percentile would be one of the longest."""

HANDING_OVER = 4.0
"""Seconds in which the lease is handed over: one after the signal, three at most."""


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - clients are many, and none says when it is connected
        await asyncio.sleep(0.1)


async def _seen(watchers: Iterable[Watcher], key: str, message: str) -> float:
    """Wait until everybody sees a message; return when."""
    left = set(watchers)
    while left:
        left = {each for each in left if each.documents.get(key, {}).get("health", {}).get("message") != message}
        await asyncio.sleep(0.005)
    return time.monotonic()


def _change(scene: Stage, message: str) -> None:
    scene.argocd.put(application("app-1", health="Degraded", message=message))


async def takeover(scene: Stage, times: int) -> list[float]:
    """Measure a change made right after a leader's end until all who are connected elsewhere see it, in seconds."""
    took = []
    for number in range(times):
        await scene.fleet.live()
        await scene.settle()
        leader = await scene.fleet.leader()
        assert leader is not None
        scene.balancer.down.add(leader.port)
        scene.balancer.cut(only=leader.port)
        await scene.settle()
        message = f"death {number}"
        assert leader.process is not None
        leader.process.kill()
        begun = time.monotonic()
        _change(scene, message)
        took.append(await _seen(scene.crowd.watchers, "argocd/app-1", message) - begun)
        await leader.process.wait()
        scene.balancer.down.discard(leader.port)
        await leader.start()
    return took


async def handover(scene: Stage, times: int) -> tuple[list[float], list[float]]:
    """Measure how long changes made one after another take at most: around a planned hand-over, and without one."""
    around, without = [], []
    for number in range(times):
        await scene.fleet.live()
        await scene.settle()
        leader = await scene.fleet.leader()
        assert leader is not None
        scene.balancer.down.add(leader.port)
        scene.balancer.cut(only=leader.port)
        await scene.settle()
        # The first changes meet those who are just being led back.
        await _longest(scene, f"before {number}")
        without.append(await _longest(scene, f"without {number}"))
        assert leader.process is not None
        leader.process.terminate()
        around.append(await _longest(scene, f"planned {number}"))
        await leader.process.wait()
        scene.balancer.down.discard(leader.port)
        await leader.start()
    return around, without


async def _longest(scene: Stage, name: str) -> float:
    """Return how long changes made one after another take at most, for as long as a hand-over takes."""
    took: list[float] = []
    end = time.monotonic() + HANDING_OVER
    while time.monotonic() < end:
        begun, message = time.monotonic(), f"{name}.{len(took)}"
        _change(scene, message)
        took.append(await _seen(scene.crowd.watchers, "argocd/app-1", message) - begun)
    return max(took)


async def latency(scene: Stage, changes: int) -> list[float]:
    """Measure changes from Argo CD to everybody's fold, in seconds, one at a time."""
    took = []
    for number in range(changes):
        message = f"latency {number}"
        begun = time.monotonic()
        _change(scene, message)
        took.append(await _seen(scene.crowd.watchers[:30], "argocd/app-1", message) - begun)
        await asyncio.sleep(0.15)
    return took


async def cost(scene: Stage, *, seconds: float, rate: float) -> float:
    """Measure the gateways' processor time for each delivery, in microseconds."""
    before = sum(replica.cpu_seconds() for replica in scene.fleet.replicas)
    delivered = scene.crowd.findings.counts["delta"]
    happening = asyncio.create_task(scene.happen(rate))
    await asyncio.sleep(seconds)
    happening.cancel()
    await asyncio.gather(happening, return_exceptions=True)
    await scene.settle()
    spent = sum(replica.cpu_seconds() for replica in scene.fleet.replicas) - before
    return spent / (scene.crowd.findings.counts["delta"] - delivered) * 1e6


async def rolling(scene: Stage, clients: int, lifetime: float) -> list[str]:
    """Replace all replicas, one after another, with many clients; say how these spread, and how many came at once."""
    crowd = Crowd(scene.balancer.port, clients, patience=2.0)
    # Not all at once: their streams would end at once, too, as those of nobody do who came over a day.
    crowd.start(within=lifetime)
    try:
        # At no moment all are connected: streams end after their lifetime, and it takes a moment to come back.
        await _until(lambda: all(watcher.cursor is not None for watcher in crowd.watchers))
        await asyncio.sleep(lifetime)
        before = _busiest(crowd, since=asyncio.get_running_loop().time() - lifetime / 2)
        crowd.findings.reconnects.clear()
        for replica in scene.fleet.replicas:
            scene.balancer.down.add(replica.port)
            await replica.terminate()
            await replica.start()
            await scene.fleet.live()
            scene.balancer.down.discard(replica.port)
        right_after = scene.balancer.count()
        await asyncio.sleep(lifetime)
        counts = scene.balancer.count()
        mean = statistics.mean(counts.values())
        return [
            f"right after: {sorted(right_after.values())}; a lifetime later: {sorted(counts.values())}",
            f"the most loaded has {max(counts.values()) / mean:.2f} of the mean",
            f"most reconnects in one second: {_busiest(crowd)} of {clients}; {before} before, for lifetimes alone",
            f"first events: { {name: n for name, n in crowd.findings.counts.items() if name.startswith('first_')} }",
            *crowd.findings.broken,
        ]
    finally:
        await crowd.stop()


def _busiest(crowd: Crowd, *, since: float = 0.0) -> int:
    """Return how many came back in the busiest second."""
    return max(Counter(int(at) for at in crowd.findings.reconnects if at >= since).values(), default=0)


def _tell(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    sys.stdout.write(
        f"{what}: median {statistics.median(ordered) * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms, "
        f"longest {ordered[-1] * 1e3:.0f} ms of {len(ordered)}\n"
    )
    sys.stdout.flush()


async def measure(only: list[str]) -> None:
    lease = f"{LEASE:.0f}s"
    if "takeover" in only or "handover" in only or "latency" in only:
        # Whoever is away for a moment, because a stream's lifetime is over, sees a change later than it comes.
        told = {"GATEWAY_LEASE": lease, "GATEWAY_DRAIN_DELAY": "5s", "GATEWAY_STREAM_LIFETIME": "1h"}
        async with stage(60, 3, told) as scene:
            if "latency" in only:
                _tell("Redis, three replicas: Argo CD to all browsers", await latency(scene, CHANGES))
            if "handover" in only:
                around, without = await handover(scene, 5)
                _tell("the longest of the changes around a planned hand-over", around)
                _tell("the longest of as many without one", without)
            if "takeover" in only:
                _tell(f"a change right after the leader's death (lease {lease})", await takeover(scene, 5))
    if "latency" in only:
        async with stage(60, 1, {"GATEWAY_REDIS_URL": "", "GATEWAY_STREAM_LIFETIME": "1h"}) as scene:
            _tell("memory, one process: Argo CD to all browsers", await latency(scene, CHANGES))
    if "cost" in only:
        for name, environ in (
            ("memory", {"GATEWAY_REDIS_URL": "", "GATEWAY_HEARTBEAT": "15s"}),
            ("Redis", {"GATEWAY_HEARTBEAT": "15s"}),
        ):
            async with stage(500, 1, environ) as scene:
                microseconds = [await cost(scene, seconds=15.0, rate=20.0) for _ in range(3)]
                sys.stdout.write(f"{name}: {', '.join(f'{each:.1f}' for each in microseconds)} µs CPU a delivery\n")
                sys.stdout.flush()
    if "rolling" in only:
        lifetime = 30.0
        told = {"GATEWAY_STREAM_LIFETIME": "30s", "GATEWAY_DRAIN": "12s", "GATEWAY_DRAIN_DELAY": "1s"}
        async with stage(1, 3, told) as scene:
            for line in await rolling(scene, 1_500, lifetime):
                sys.stdout.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    every = ["latency", "handover", "takeover", "cost", "rolling"]
    parser.add_argument("what", nargs="*", default=every)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(parser.parse_args().what))


if __name__ == "__main__":
    main()
