"""A campaign: events without end, a fault every few seconds, and quiet moments in which everybody sees the truth."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.balancer import Balancer
from tests.chaos.crowd import Crowd, Watcher
from tests.chaos.fleet import Fleet, Replica
from tests.e2e.harness import Documents, differences, timeless, truth
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.replicas.server import RedisServer

APPLICATIONS = 60
SETTLE = 60.0
"""Seconds within which everybody sees the truth once it stands still: a fault's end, a lease, two lists of names."""

ENVIRON = {
    "GATEWAY_LEASE": "3s",
    "GATEWAY_REMOVAL_CONFIRM": "2s",
    "GATEWAY_RECONCILE_INTERVAL": "10s",
    "GATEWAY_RETRY_MAX": "1s",
    "GATEWAY_HEARTBEAT": "3s",
    "GATEWAY_DRAIN_DELAY": "500ms",
    "GATEWAY_DRAIN": "1s",
    "GATEWAY_STREAM_LIFETIME": "60s",
}


@dataclass(kw_only=True)
class Report:
    """What came of it."""

    seconds: float = 0.0
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    settled: list[float] = field(default_factory=list)
    """How long it took in each quiet moment until everybody saw the truth."""
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Say it for people."""
        quiet = ", ".join(f"{seconds:.1f}" for seconds in self.settled)
        return [
            f"{self.events} events in {self.seconds:.0f} s; faults: {dict(self.faults)}",
            f"quiet moments: everybody saw the truth after {quiet} s",
            *(f"{name}: {number}" for name, number in sorted(self.counts.items())),
            *(f"BROKEN: {what}" for what in self.broken),
        ]


class Stage:
    """Everything that takes part."""

    def __init__(self, argocd: FakeArgoCD, redis: RedisServer, fleet: Fleet, balancer: Balancer, crowd: Crowd) -> None:
        self.argocd = argocd
        self.redis = redis
        self.fleet = fleet
        self.balancer = balancer
        self.crowd = crowd
        self.report = Report()
        self.dice = random.Random(7)
        self._restarting: set[asyncio.Task[None]] = set()

    async def pick(self) -> Replica:
        """Return the leader, mostly."""
        leader = await self.fleet.leader()
        return leader if leader is not None and self.dice.random() < 0.7 else self.dice.choice(self.fleet.replicas)

    # Events.

    async def happen(self, rate: float) -> None:
        """Let things happen at Argo CD, until cancelled."""
        begun, done = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begun + done / rate - time.monotonic()))
            done += 1
            self.report.events += 1
            self._happen_once(done)

    def _happen_once(self, number: int) -> None:
        name = f"app-{self.dice.randrange(APPLICATIONS)}"
        key = f"argocd/{name}"
        if self.dice.random() < 0.02 and key in self.argocd.applications:
            self.argocd.delete(key)
            return
        health = self.dice.choice(("Healthy", "Progressing", "Degraded"))
        self.argocd.put(application(name, health=health, message=f"event {number}"))

    # Quiet.

    async def settle(self, within: float = SETTLE) -> None:
        """Wait until everybody sees what Argo CD holds; object otherwise."""
        begun = time.monotonic()
        expected = truth(self.argocd.applications)
        right: dict[Watcher, int] = {}
        while wrong := [watcher for watcher in self.crowd.watchers if not _sees(watcher, expected, right)]:
            if time.monotonic() - begun > within:
                shown = differences(timeless(wrong[0].documents), expected)
                first = f"at {wrong[0].cursor}, connected: {wrong[0].connected}, {shown}"
                self.report.broken.append(f"{len(wrong)} clients don't see the truth after {within} s: {first}")
                return
            await asyncio.sleep(0.1)
        self.report.settled.append(time.monotonic() - begun)

    # Faults. Each returns when it is over, or goes on for less than ten seconds.

    async def kill(self) -> None:
        """A node fails."""
        replica = await self.pick()
        await replica.kill()
        await asyncio.sleep(1.0)
        await replica.start()

    async def terminate(self) -> None:
        """A rolling update replaces a replica."""
        replica = await self.pick()
        self.balancer.down.add(replica.port)
        await replica.terminate()
        self.balancer.down.discard(replica.port)
        await replica.start()

    async def pause(self) -> None:
        """A replica stands still for longer than the lease, and believes then that it leads still."""
        replica = await self.pick()
        replica.pause()
        await asyncio.sleep(8.0)
        replica.resume()

    async def redis_restart(self) -> None:
        """Redis restarts with its data."""
        await self.redis.restart(save=True)

    async def redis_loss(self) -> None:
        """Redis restarts empty."""
        await self.redis.restart(save=False)

    async def redis_pause(self) -> None:
        """Redis doesn't answer for a while."""
        self.redis.pause()
        await asyncio.sleep(4.0)
        self.redis.resume()

    async def cut_clients(self) -> None:
        """A balancer cuts all connections."""
        self.balancer.cut()

    async def cut_redis(self) -> None:
        """All connections to Redis break."""
        async with self.redis.client() as client:
            await client.client_kill_filter(_type="normal", skipme=True)

    async def upstream_cut(self) -> None:
        """Argo CD's streams break."""
        self.argocd.cut_all()

    async def upstream_restart(self) -> None:
        """Argo CD restarts, and knows nothing for a moment."""
        self.argocd.restart()
        await asyncio.sleep(1.0)
        self.argocd.ready()

    def faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "kill": self.kill,
            "terminate": self.terminate,
            "pause": self.pause,
            "redis_restart": self.redis_restart,
            "redis_pause": self.redis_pause,
            "cut_clients": self.cut_clients,
            "upstream_cut": self.upstream_cut,
            "redis_loss": self.redis_loss,
            "cut_redis": self.cut_redis,
            "upstream_restart": self.upstream_restart,
        }


def _sees(watcher: Watcher, expected: Documents, right: dict[Watcher, int]) -> bool:
    """Whether somebody sees the truth; ``right`` remembers at which number of its state events it did."""
    if not watcher.connected:
        return False
    if right.get(watcher) != watcher.moves and timeless(watcher.documents) == expected:
        right[watcher] = watcher.moves
    return right.get(watcher) == watcher.moves


@contextlib.asynccontextmanager
async def stage(clients: int, replicas: int = 3, environ: Mapping[str, str] = {}) -> AsyncIterator[Stage]:
    """Set everything up, and wait until all clients see a state."""
    argocd = FakeArgoCD()
    argocd.keepalive_interval = 2.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis = RedisServer(folder)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(argocd)
            for number in range(APPLICATIONS):
                argocd.put(application(f"app-{number}"))
            stack.push_async_callback(redis.stop)
            await redis.start()
            told = {"GATEWAY_REDIS_URL": redis.url, "ARGOCD_BASE_URL": argocd.url, **ENVIRON, **environ}
            alone = not told["GATEWAY_REDIS_URL"]
            fleet = await stack.enter_async_context(Fleet(replicas, folder, told))
            balancer = Balancer([replica.port for replica in fleet.replicas])
            await balancer.start()
            stack.push_async_callback(balancer.stop)
            await fleet.live(alone=alone)
            crowd = Crowd(balancer.port, clients)
            crowd.start()
            stack.push_async_callback(crowd.stop)
            scene = Stage(argocd, redis, fleet, balancer, crowd)
            await scene.settle()
            try:
                yield scene
            finally:
                scene.report.counts = crowd.findings.counts
                scene.report.broken += crowd.findings.broken
                for replica in fleet.replicas:
                    for line in replica.log.read_text().splitlines():
                        if '"level": "error"' in line or '"level":"error"' in line or line.startswith("Traceback"):
                            scene.report.broken.append(f"{replica} logged {line[:300]}")


async def campaign(
    *, seconds: float, clients: int, rate: float, every: float, only: tuple[str, ...] = (), quiet_every: int = 3
) -> Report:
    """Run one; the report says what came of it."""
    async with stage(clients) as scene:
        begun = time.monotonic()
        faults = scene.faults()
        names = only or tuple(faults)
        number = 0
        while time.monotonic() - begun < seconds:
            happening = asyncio.create_task(scene.happen(rate))
            for _ in range(quiet_every):
                name = names[number % len(names)]
                number += 1
                scene.report.faults[name] += 1
                started = time.monotonic()
                await faults[name]()
                await asyncio.sleep(max(0.0, started + every - time.monotonic()))
                if time.monotonic() - begun >= seconds:
                    break
            happening.cancel()
            await asyncio.gather(happening, return_exceptions=True)
            await scene.settle()
        await scene.settle()
        scene.report.seconds = time.monotonic() - begun
        return scene.report
