"""Several gateways on one PostgreSQL: any keeps what is posted, one works it off, and each takes effect once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gateway.delivery import runner
from gateway.delivery.kpi import Question
from gateway.delivery.storage import leadership
from gateway.delivery.storage.deliveries import Arrival
from gateway.delivery.storage.history import Wanted
from gateway.delivery.storage.leadership import DeposedError
from gateway.store.state import Sighting
from tests.delivery import play, story
from tests.delivery.desk import make_push, sign
from tests.delivery.replica import PATIENCE, open_fleet, until
from tests.postgres import Postgres

CANARY = "canary/app.sse"
EVERYTHING = Wanted(limit=10_000)


async def test_deliveries_over_three_replicas_with_duplicates_take_effect_once_each(
    postgres: Postgres,
) -> None:
    dice = random.Random(1)
    guids = [f"d-{number}" for number in range(200)]
    posts = guids + dice.choices(guids, k=100)
    dice.shuffle(posts)
    async with open_fleet(postgres) as fleet:
        await fleet.lead(fleet.replicas[0])
        receipts: list[tuple[str, Any]] = []

        async def send(place: int) -> None:
            for number, guid in enumerate(posts[place::30]):
                if place == 0 and number % 10 == 5:
                    # In the midst of it, another leads.
                    await fleet.lead(dice.choice(fleet.replicas))
                replica = dice.choice(fleet.replicas)
                receipts.append((guid, await replica.push(f"{int(guid[2:]) + 1:040x}", guid)))

        await asyncio.gather(*(send(place) for place in range(30)))
        outcomes = await fleet.processed()
        assert Counter(outcomes.values()) == {"processed": 200}
        assert sorted(outcomes) == sorted(guids)
        assert Counter(guid for guid, receipt in receipts if not receipt.duplicate) == Counter(guids)
        assert fleet.count("processed") == 200
        assert Counter(fact.sha for one in fleet.replicas for fact in one.heard) == Counter(
            f"{number + 1:040x}" for number in range(200)
        )
        ids = {receipt.id for _, receipt in receipts}
        assert len(ids) == 200


async def test_the_same_delivery_at_all_replicas_at_once_is_kept_once(postgres: Postgres) -> None:
    async with open_fleet(postgres) as fleet:
        for number in range(10):
            receipts = await asyncio.gather(*(one.push("a" * 40, f"d-{number}") for one in fleet.replicas))
            assert len({receipt.id for receipt in receipts}) == 1
            assert sorted(receipt.duplicate for receipt in receipts) == [False, True, True]
        # Nobody leads: it is kept, and waits.
        repository = fleet.replicas[0].office.repository
        log = await repository.browse(limit=100)
        assert {(one["outcome"], one["repeats"]) for one in log} == {("accepted", 2)}
        await fleet.lead(fleet.replicas[2])
        assert set((await fleet.processed()).values()) == {"processed"}
        assert fleet.count("processed") == fleet.replicas[2].runner.counts["processed"] == 10


async def test_a_leader_that_wakes_up_after_another_has_taken_over_writes_nothing(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY", 3_600.0)
    async with open_fleet(postgres, replicas=2) as fleet:
        old, new = fleet.replicas
        await fleet.lead(old)
        shown = play.shown_in(CANARY)
        fleet.now = shown[5][0]
        # It isn't told that it doesn't lead any more, as one that was stopped isn't.
        new.office.lead()
        await until(lambda: new.office.leads)
        with pytest.raises(DeposedError):
            await old.office.repository.record([], {}, now=fleet.now)
        with pytest.raises(DeposedError):
            await old.office.repository.settle([])
        old.runner.show([Sighting(observed, at, live) for at, live, observed in shown[:5]])
        await until(lambda: old.runner.counts["deposed"] == 1 and not old.office.leads)
        assert not await new.office.repository.recall()
        assert not await new.office.repository.timeline(EVERYTHING)


async def test_who_takes_over_waits_for_what_the_leader_is_writing_and_not_for_one_that_was_stopped(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_fleet(postgres, replicas=2) as fleet:
        old, new = fleet.replicas
        await fleet.lead(old)
        held = asyncio.Event()
        loop = asyncio.get_running_loop()

        def write(connection: Connection) -> str:
            assert old.office.repository._term is not None
            leadership.stay(connection, old.office.repository._term)
            # As long as this transaction is open, nobody can take over; the server ends it where nothing comes of it.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
            loop.call_soon(held.set)
            connection.execute(text("SELECT 1"))
            return "written"

        async def stopped() -> None:
            async with old.office.repository.database._connect() as connection:
                await connection.begin()
                await connection.run_sync(write)
                await until(lambda: new.office.leads)
                with pytest.raises(Exception, match=r"connection|terminat"):
                    await connection.run_sync(write)
                await connection.invalidate()

        stopping = asyncio.create_task(stopped())
        await held.wait()
        old.office.follow()
        new.office.lead()
        await stopping
        assert new.office.leads


async def test_deployments_are_neither_lost_nor_doubled_by_changes_of_the_leader(postgres: Postgres) -> None:
    shown = play.shown_in(CANARY)
    async with open_fleet(postgres) as fleet:
        dice = random.Random(3)
        cuts = sorted(dice.sample(range(1, len(shown)), 5))
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(shown)], strict=True)):
            leader = fleet.replicas[number % 3]
            fleet.now = shown[begin][0]
            if number % 2:
                await fleet.lead(leader)
            else:
                # The one before isn't told, and goes on writing as long as it can.
                leader.office.lead()
                await until(lambda one=leader: one.office.leads)  # type: ignore[misc]
                before = fleet.replicas[(number - 1) % 3]
                before.runner.show(
                    [Sighting(observed, at, live) for at, live, observed in shown[max(0, begin - 3) : begin]]
                )
                await until(lambda one=before: not one.office.leads or one.runner.idle)  # type: ignore[misc]
                before.office.follow()
            for at, live, observed in shown[begin:end]:
                fleet.now = at
                leader.runner.show([Sighting(observed, at, live)])
                await until(lambda one=leader: one.office.leads and one.runner.idle)  # type: ignore[misc]
        fleet.now += 600.0
        leader.runner.show(())
        await until(lambda: leader.runner.idle)
        changes = await leader.office.repository.timeline(EVERYTHING)
        kept = {change["id"]: (change["kind"], change["outcome"]) for change in changes}
        truth = {one.id: (str(one.kind), str(one.outcome)) for one in story.deployments(CANARY)}
        assert kept == truth
        measures, _ = await leader.office.repository.measures(0.0, 1e12)
        assert {one.id for one in measures} == {one.id for one in story.deployments(CANARY) if one.counts}


async def test_followers_hear_what_changed_and_answer_the_same(postgres: Postgres) -> None:
    shown = play.shown_in(CANARY)
    async with open_fleet(postgres) as fleet:
        leader, *followers = fleet.replicas
        await fleet.lead(leader)
        question = Question(since=0.0, until=1e12)
        for one in followers:
            assert (await one.office.figures.ask(question, {}))[0]["deployments"] == 0
        fleet.now = shown[-1][0] + 600.0
        leader.runner.show([Sighting(observed, at, live) for at, live, observed in shown])
        await until(lambda: leader.runner.idle)
        counted = sum(one.counts for one in story.deployments(CANARY))
        for one in followers:
            await until(lambda one=one: set(one.changed) == set(leader.changed))  # type: ignore[misc]
            async with asyncio.timeout(PATIENCE):
                while True:
                    fleet.now += 11.0
                    (group,) = await one.office.figures.ask(question, {})
                    if group["deployments"] == counted:
                        break
                    await asyncio.sleep(0.01)


async def test_what_a_dead_leader_had_not_measured_yet_the_next_one_measures(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = play.shown_in(CANARY)
    async with open_fleet(postgres, replicas=2) as fleet:
        old, new = fleet.replicas
        await fleet.lead(old)

        async def die(*_: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(old.office.repository, "recompute", die)
        fleet.now = shown[-1][0] + 600.0
        old.runner.show([Sighting(observed, at, live) for at, live, observed in shown])
        await until(lambda: bool(old.runner.counts["deployment"]))
        assert await new.office.repository.measures(0.0, 1e12) == ([], [])
        new.office.lead()
        await until(lambda: new.office.leads and new.runner.idle)
        measures, _ = await new.office.repository.measures(0.0, 1e12)
        assert measures
        assert not await new.office.repository.touched()


async def test_without_notices_others_deliveries_are_looked_for(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "POLL_INTERVAL", 0.05)
    async with open_fleet(postgres, replicas=2) as fleet:
        leader, follower = fleet.replicas
        await fleet.lead(leader)
        monkeypatch.setattr(leader.runner, "look_for", lambda _: None)
        await follower.push("a" * 40, "d-1")
        assert await fleet.processed() == {"d-1": "processed"}


async def test_text_that_postgresql_does_not_take_is_kept_and_takes_no_other_with_it(postgres: Postgres) -> None:
    async with open_fleet(postgres, replicas=1) as fleet:
        (replica,) = fleet.replicas
        await fleet.lead(replica)
        arrivals = [
            Arrival(sender="github", delivery_id=name, event="\0", received_at=1.0, headers={"a": "\0"}, body=b"{}")
            for name in ("d-1", "d-\0", "d-\0", "d-\ufffd")
        ]
        stored = await replica.office.repository.append(arrivals)
        assert [one.repeated for one in stored] == [False, False, True, True]
        body = make_push("b" * 40, message="nothing \0 here")
        await replica.office.intake.take("github", sign(body, "d-3"), body)
        replica.runner.look_for_all()
        assert (await fleet.processed())["d-3"] == "processed"
