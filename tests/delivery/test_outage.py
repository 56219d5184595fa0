"""PostgreSQL away, silent or killed, and a gateway killed: nothing acknowledged is lost, and nothing comes twice."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery import intake, office, runner
from gateway.delivery.storage import receiver
from gateway.delivery.storage.database import DatabaseError
from tests.delivery.replica import Fleet, Replica, open_fleet, until
from tests.postgres import Postgres, run_postgres

NOT_KEPT = (SQLAlchemyError, DatabaseError, OSError)
"""What the route answers with 503."""


@pytest.fixture(scope="module")
def durable() -> Iterator[Postgres]:
    """A server that loses nothing when it is killed."""
    with run_postgres(options=()) as server:
        yield server


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once; how long one waits isn't what is tested."""
    for module in (runner, office, receiver):
        monkeypatch.setattr(module, "RETRY", 0.05)
        monkeypatch.setattr(module, "RETRY_MAX", 0.1)


async def push_until_kept(replica: Replica, number: int, failures: Counter[str]) -> None:
    """Post as senders do: again, until it is taken."""
    while True:
        try:
            await replica.push(f"{number + 1:040x}", f"d-{number}")
        except NOT_KEPT as error:
            failures[type(error).__name__] += 1
            await asyncio.sleep(0.05)
        else:
            return


async def count_facts(fleet: Fleet) -> int:
    database = fleet.replicas[0].office.repository.database
    return int(await database.read(lambda one: one.execute(text("SELECT count(*) FROM facts")).scalar()) or 0)


async def test_while_the_server_is_away_senders_are_told_to_come_back_and_then_all_goes_on(durable: Postgres) -> None:
    with structlog.testing.capture_logs() as logs:
        async with open_fleet(durable, replicas=2) as fleet:
            leader, follower = fleet.replicas
            await fleet.lead(leader)
            await follower.push("a" * 40, "before")
            durable.stop()
            for replica in fleet.replicas:
                with pytest.raises(NOT_KEPT):
                    await replica.push("b" * 40, "meanwhile")
                assert replica.office.intake.counts["github", "failed"] == 1
            await until(lambda: not leader.office.listening and not follower.office.listening)
            durable.start()
            failures: Counter[str] = Counter()
            await push_until_kept(follower, 1, failures)
            await until(lambda: bool(leader.office.listening and follower.office.listening))
            assert set((await fleet.processed()).values()) == {"processed"}
            assert await count_facts(fleet) == 2
    events = {entry["event"] for entry in logs}
    assert {"delivery.not_kept", "delivery.notices_lost"} <= events


async def test_a_gateway_that_starts_while_the_server_is_away_serves_all_else_and_joins_later(
    durable: Postgres,
) -> None:
    name = durable.create()
    durable.stop()
    replica = Replica(durable.url(name), clock=lambda: 1.0)
    await replica.office.open()
    replica.office.lead()
    assert replica.office.status()["database"] == "away"
    running = asyncio.create_task(replica.office.run())
    with pytest.raises(DatabaseError, match="isn't open"):
        await replica.push("a" * 40, "d-1")
    durable.start()
    await until(lambda: replica.office.leads)
    assert replica.office.status()["database"] == "shared"
    assert not (await replica.push("a" * 40, "d-1")).duplicate
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_server_that_is_silent_keeps_no_sender_waiting(
    durable: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_fleet(durable, replicas=1) as fleet:
        (replica,) = fleet.replicas
        await fleet.lead(replica)
        await replica.push("a" * 40, "before")
        durable.pause()
        try:
            # Only now: a server that is busy may take as long.
            with monkeypatch.context() as patience:
                patience.setattr(intake, "KEPT_WITHIN", 0.5)
                with pytest.raises(TimeoutError):
                    await replica.push("b" * 40, "meanwhile")
        finally:
            durable.resume()
        # It may have been kept after all; whoever sends it again is told so.
        await push_until_kept(replica, 1, Counter())
        body = await replica.push("b" * 40, "meanwhile")
        outcomes = await fleet.processed()
        assert set(outcomes.values()) == {"processed"}
        assert outcomes.keys() == {"before", "meanwhile", "d-1"}
        assert body.id


async def test_a_server_killed_in_the_midst_of_writing_loses_nothing_acknowledged(durable: Postgres) -> None:
    async with open_fleet(durable, replicas=2) as fleet:
        await fleet.lead(fleet.replicas[0])
        failures: Counter[str] = Counter()
        kept = 0

        async def send(place: int) -> None:
            nonlocal kept
            for number in range(place, 200, 20):
                await push_until_kept(fleet.replicas[number % 2], number, failures)
                kept += 1

        sending = asyncio.gather(*(send(place) for place in range(20)))
        for enough in (60, 130):
            await until(lambda enough=enough: kept >= enough)  # type: ignore[misc]
            await asyncio.to_thread(durable.kill)
            await asyncio.to_thread(durable.start)
        await sending
        outcomes = await fleet.processed()
        assert Counter(outcomes.values()) == {"processed": 200}
        assert await count_facts(fleet) == 200
        assert failures


async def test_a_gateway_killed_in_the_midst_of_writing_loses_nothing_acknowledged(durable: Postgres) -> None:
    url = durable.url(durable.create())
    acknowledged: set[str] = set()
    for name in ("first", "second"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.delivery.replica", url, name), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(100):
            acknowledged.add((await process.stdout.readline()).decode().strip())
        process.kill()
        rest = (await process.stdout.read()).decode()
        acknowledged.update(rest.split("\n")[:-1])
        await process.wait()
    assert len(acknowledged) >= 200
    async with open_fleet(durable, replicas=1, url=url) as fleet:
        await fleet.lead(fleet.replicas[0])
        outcomes = await fleet.processed()
        assert acknowledged <= outcomes.keys()
        assert set(outcomes.values()) == {"processed"}
        commits = {f"{int(name.rpartition('-')[2]) + 1:040x}" for name in outcomes}
        assert await count_facts(fleet) == len(commits)
