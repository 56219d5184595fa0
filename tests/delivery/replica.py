"""A gateway's office on a database that others use, too; alone, a process that takes deliveries until it is killed.

``python -m tests.delivery.replica URL NAME`` leads, and writes the id of each delivery that it has acknowledged.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.figures import Targets
from gateway.delivery.intake import Receipt, Secrets
from gateway.delivery.kpi import Judgement
from gateway.delivery.office import Listener, Office
from gateway.delivery.runner import Runner
from tests.delivery.desk import SECRET, make_push, sign
from tests.postgres import Postgres

PATIENCE = 60.0


async def until(holds: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
    """Wait for something that other tasks, or the server, bring about."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - whoever is waited for is another process
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"it doesn't come to hold: {what()}") from None


class Replica:
    """One of them."""

    def __init__(self, url: str, *, clock: Callable[[], float]) -> None:
        self.changed: list[str] = []
        self.heard: list[Any] = []
        self.office = Office(
            url=url,
            secrets={"github": Secrets(SECRET)},
            patterns=TagPatterns(),
            targets=Targets(slos=(), judgement=Judgement()),
            retention=1e9,
            max_body=1 << 20,
            clock=clock,
            look_again=lambda _: None,
        )
        self.office.listen(Listener(changes=self.changed.extend, facts=self.heard.extend))

    @property
    def runner(self) -> Runner:
        return self.office.runner

    async def push(self, sha: str, guid: str) -> Receipt:
        body = make_push(sha)
        return await self.office.intake.take("github", sign(body, guid), body)


class Fleet:
    """Some replicas; ``now`` is everybody's time."""

    def __init__(self, replicas: int, url: str) -> None:
        self.now = 1_795_219_200.0
        self.url = url
        self.replicas = [Replica(url, clock=lambda: self.now) for _ in range(replicas)]

    async def lead(self, leader: Replica) -> None:
        """Let one lead, and no other."""
        for one in self.replicas:
            if one is not leader:
                one.office.follow()
        leader.office.lead()
        await until(lambda: leader.office.leads)

    async def processed(self) -> dict[str, str]:
        """Wait until nothing waits; return what became of each delivery."""
        repository = self.replicas[0].office.repository
        async with asyncio.timeout(PATIENCE):
            while True:
                found = {one["delivery_id"]: one["outcome"] for one in await repository.browse(limit=10_000)}
                if "accepted" not in found.values() and all(one.runner.idle for one in self.replicas):
                    return found
                await asyncio.sleep(0.02)

    def count(self, name: str) -> int:
        return sum(one.runner.counts[name] for one in self.replicas)


@asynccontextmanager
async def open_fleet(postgres: Postgres, *, replicas: int = 3, url: str | None = None) -> AsyncIterator[Fleet]:
    fleet = Fleet(replicas, url or postgres.url(postgres.create()))
    # All at once, on an empty database.
    await asyncio.gather(*(one.office.open() for one in fleet.replicas))
    running = [asyncio.create_task(one.office.run()) for one in fleet.replicas]
    try:
        await until(lambda: all(one.office.listening for one in fleet.replicas))
        yield fleet
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def take_until_killed(url: str, name: str) -> None:
    """Take deliveries, a few at a time, and say of each that it is kept."""
    replica = Replica(url, clock=lambda: 1_795_219_200.0)
    await replica.office.open()
    replica.office.lead()
    running = asyncio.create_task(replica.office.run())

    async def send(place: int) -> None:
        number = place
        while True:
            await replica.push(f"{number + 1:040x}", f"{name}-{number}")
            sys.stdout.write(f"{name}-{number}\n")
            sys.stdout.flush()
            number += 20

    await asyncio.gather(running, *(send(place) for place in range(20)))


if __name__ == "__main__":
    asyncio.run(take_until_killed(*sys.argv[1:3]))
