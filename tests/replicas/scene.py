"""Gateways in one process on a real Redis, each with a wire of its own to it that can be cut, blocked or slowed."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gateway.app import Gateway
from gateway.settings.environment import Settings
from tests.chaos.balancer import Balancer
from tests.chaos.crowd import Findings, Watcher
from tests.e2e.harness import differences, on_wire, timeless, truth
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD
from tests.replicas.server import RedisServer

PATIENCE = 60.0
"""Seconds for what happens at once on a machine with nothing else to do."""


async def until(holds: Callable[[], object], what: str, *, within: float = PATIENCE) -> None:
    """Wait for a condition."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > within:
            raise AssertionError(f"not within {within} s: {what}")
        await asyncio.sleep(0.01)


class Scene:
    """What takes part. ``gateways`` are in the order of their wires."""

    def __init__(self, argocd: FakeArgoCD, redis: RedisServer) -> None:
        self.argocd = argocd
        self.redis = redis
        self.gateways: list[Gateway] = []
        self.wires: list[Balancer] = []
        self.findings = Findings()
        self.watchers: list[Watcher] = []
        self._running: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []

    async def join(self, *, clock: Callable[[], float] | None = None, **settings: Any) -> Gateway:
        """Start another gateway, with somebody who watches it."""
        wire = Balancer([self.redis.port])
        await wire.start()
        self.wires.append(wire)
        chosen = {
            "argocd_base_url": self.argocd.url,
            "argocd_auth_token": SECRET,
            "redis_url": f"redis://127.0.0.1:{wire.port}/0",
            "port": 0,
            "metrics_port": 0,
            "drain_delay": 0.0,
            "drain": 0.0,
            "lease": 2.0,
            "removal_confirm": 0.5,
            "retry_max": 0.5,
            **settings,
        }
        gateway = Gateway(Settings(**chosen), clock=clock)
        self.gateways.append(gateway)
        running = asyncio.create_task(gateway.run())
        self._running.append(running)
        await until(lambda: gateway.ready.is_set() or running.done(), "a gateway starts")
        watcher = Watcher(gateway.address[1], self.findings)
        self.watchers.append(watcher)
        self._watching.append(asyncio.create_task(watcher.run()))
        return gateway

    @property
    def leaders(self) -> list[Gateway]:
        return [gateway for gateway in self.gateways if gateway.peers is not None and gateway.peers.leading]

    @property
    def states(self) -> list[str]:
        return [gateway.upstream().state for gateway in self.gateways]

    @property
    def epochs(self) -> set[str]:
        return {gateway.log.epoch for gateway in self.gateways}

    @property
    def connected(self) -> list[Gateway]:
        return [gateway for gateway in self.gateways if gateway.peers is not None and gateway.peers.follower.connected]

    async def live(self) -> None:
        """Wait until one leads, and all say that what they show is live."""
        await until(
            lambda: len(self.leaders) == 1 and set(self.states) == {"live"} and len(self.epochs) == 1,
            f"all are live: {self.gateways}",
        )

    async def true(self) -> None:
        """Wait until every gateway, and whoever watches it, shows what Argo CD holds."""
        expected = truth(self.argocd.applications)

        def wrong() -> list[str]:
            found = []
            for gateway, watcher in zip(self.gateways, self.watchers, strict=True):
                held = {key: on_wire(item) for key, item in gateway.log.documents.items()}
                for side in (timeless(held), timeless(watcher.documents)):
                    if side != expected:
                        found.append(f"{gateway.log.position}: {differences(side, expected)}")  # noqa: PERF401
            return found

        await until(lambda: not wrong(), "everybody sees the truth")
        assert self.findings.broken == []

    def change(self, name: str, message: str) -> None:
        """Let an application change."""
        self.argocd.put(application(name, health="Degraded", message=message))

    async def leave(self) -> None:
        for task in self._watching:
            task.cancel()
        for outcome in await asyncio.gather(*self._watching, return_exceptions=True):
            assert not isinstance(outcome, Exception), outcome
        for gateway in self.gateways:
            gateway.stop()
        for outcome in await asyncio.gather(*self._running, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), repr(outcome)
        for wire in self.wires:
            await wire.stop()


@contextlib.asynccontextmanager
async def scene(folder: Path, replicas: int = 2, *, applications: int = 8, **settings: Any) -> AsyncIterator[Scene]:
    """Set a scene, and wait until it is live and true."""
    argocd = FakeArgoCD()
    argocd.keepalive_interval = 1.0
    redis = RedisServer(folder)
    async with argocd:
        for number in range(applications):
            argocd.put(application(f"app-{number}"))
        await redis.start()
        set_up = Scene(argocd, redis)
        try:
            for _ in range(replicas):
                await set_up.join(**settings)
            await set_up.live()
            await set_up.true()
            yield set_up
        finally:
            await set_up.leave()
            await redis.stop()
