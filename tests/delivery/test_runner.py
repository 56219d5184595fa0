"""What is processed beside everything else: nothing lost, nothing doubled, one fault never taking others with it."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.delivery import backlog, runner, sightings
from gateway.delivery.correlation import facts
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.storage import factbook
from gateway.store.state import Sighting
from tests.delivery import play
from tests.delivery.desk import Desk, open_desk

pytestmark = pytest.mark.usefixtures("storage")

CANARY = "canary/app.sse"


async def outcomes(desk: Desk) -> dict[str, str]:
    return {entry["delivery_id"]: entry["outcome"] for entry in await desk.repository.browse(limit=1_000)}


async def test_what_was_acknowledged_before_a_crash_is_processed_after_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path / "history.db", run=False) as desk:
        for number in range(60):
            await desk.push(f"{number + 1:040x}", guid=f"{number}")
        assert set((await outcomes(desk)).values()) == {"accepted"}
    async with open_desk(tmp_path / "history.db") as desk:
        await desk.settled()
        assert set((await outcomes(desk)).values()) == {"processed"}
        assert desk.runner.counts["facts"] == 60


async def test_more_than_fits_into_memory_waits_in_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "QUEUE", 5)
    async with open_desk() as desk:
        await desk.settled()
        await asyncio.gather(*(desk.push(f"{number + 1:040x}", guid=f"{number}") for number in range(200)))
        assert desk.runner.waiting <= 5
        await desk.settled()
        assert list((await outcomes(desk)).values()) == ["processed"] * 200
        await desk.push("f" * 40, guid="last")
        await desk.settled()
        assert (await outcomes(desk))["last"] == "processed"


async def test_a_delivery_that_breaks_the_gateway_is_said_to_and_no_other_suffers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poison, take = "b" * 40, facts.identify

    def fail(fact: DeliveryEvent) -> Any:
        if getattr(fact, "sha", None) == poison:
            raise RuntimeError("a bug")
        return take(fact)

    monkeypatch.setattr(factbook, "identify", fail)
    with structlog.testing.capture_logs() as logs:
        async with open_desk() as desk:
            await desk.settled()
            shas = ("a" * 40, poison, "c" * 40)
            await asyncio.gather(*(desk.push(sha, guid=sha[0]) for sha in shas))
            await desk.settled()
            assert await outcomes(desk) == {"a": "processed", "b": "failed", "c": "processed"}
            assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["delivery.broke"]
            monkeypatch.setattr(factbook, "identify", take)
            assert await desk.runner.redeliver(2)
            await desk.settled()
            assert (await outcomes(desk))["b"] == "processed"


async def test_a_database_that_fails_for_a_while_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "RETRY", 0.0)
    async with open_desk() as desk:
        await desk.settled()
        settle, record, failures = desk.repository.settle, desk.repository.record, [1, 2, 3, 4]

        def failing(work: Any) -> Any:
            async def sometimes(*args: Any, **more: Any) -> Any:
                if failures:
                    failures.pop()
                    raise OperationalError("insert", {}, OSError("the disk is full"))
                return await work(*args, **more)

            return sometimes

        monkeypatch.setattr(desk.repository, "settle", failing(settle))
        monkeypatch.setattr(desk.repository, "record", failing(record))
        await desk.push("a" * 40)
        shown = play.shown_in(CANARY)
        desk.runner.show(Sighting(observed, at, live) for at, live, observed in shown)
        desk.now = shown[-1][0]
        await desk.settled()
        assert not failures
        assert desk.runner.counts["retry"] == 4
        assert await outcomes(desk) == {"d-1": "processed"}
        assert await desk.changes()


async def test_an_application_whose_deployments_cannot_be_kept_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = play.shown_in(CANARY)
    fine = shown[-1][2]
    document = msgspec.structs.replace(fine.document, key="argocd/harmed", name="harmed")
    harmed = msgspec.structs.replace(fine, uid="harmed", document=document)
    with structlog.testing.capture_logs() as logs:
        async with open_desk() as desk:
            await desk.settled()
            record = desk.repository.record

            async def refuse(deployments: Any, memories: dict[str, Any], *, now: float) -> Any:
                if harmed.document.key in memories:
                    raise IntegrityError("insert", {}, ValueError("what no column takes"))
                return await record(deployments, memories, now=now)

            monkeypatch.setattr(desk.repository, "record", refuse)
            desk.now = shown[-1][0]
            desk.runner.show([Sighting(one, desk.now, True) for one in (harmed, fine)])
            await desk.settled()
            await desk.pass_time(60.0)
            assert desk.runner.counts["retry"] == 0
            assert desk.runner.counts["failed"] >= 1
            assert {change["application"] for change in await desk.changes()} == {fine.document.key}
    broken = [entry for entry in logs if entry["log_level"] == "error"]
    assert {(entry["event"], entry["application"]) for entry in broken} == {("delivery.record_broke", "argocd/harmed")}


async def test_a_deployment_that_cannot_be_correlated_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with structlog.testing.capture_logs() as logs:
        async with open_desk() as desk:
            await desk.play(play.shown_in(CANARY))
            changes = {change["id"] for change in await desk.changes()}
            recompute, asked = desk.repository.recompute, set[str]()
            harmed = min(changes)
            assert len(changes) > 1

            async def refuse(identities: Any) -> Any:
                if harmed in identities:
                    raise IntegrityError("insert", {}, ValueError("what no column takes"))
                asked.update(identities)
                return await recompute(identities)

            monkeypatch.setattr(desk.repository, "recompute", refuse)
            desk.runner._touched.update(changes)
            await desk.pass_time(0.0)
            assert asked == changes - {harmed}
    assert [entry["deployment"] for entry in logs if entry["event"] == "delivery.correlation_broke"] == [harmed]


async def test_what_is_shown_does_not_pile_up_while_the_database_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = itertools.cycle(play.shown_in(CANARY))
    async with open_desk() as desk:
        await desk.settled()
        record, written = desk.repository.record, asyncio.Semaphore(0)

        async def slowly(*args: Any, **more: Any) -> Any:
            await written.acquire()
            return await record(*args, **more)

        monkeypatch.setattr(desk.repository, "record", slowly)
        for _ in range(3):
            # A thousand come while one thing is written.
            for _, live, observed in itertools.islice(shown, 1_000):
                desk.now += 1.0
                desk.runner.show([Sighting(observed, desk.now, live)])
            assert desk.runner.unseen == 1_000
            written.release()
            async with asyncio.timeout(60):
                while desk.runner.unseen:  # noqa: ASYNC110 - its own turns are what there is to wait for
                    await asyncio.sleep(0)
        monkeypatch.setattr(desk.repository, "record", record)
        written.release()
        await desk.settled()
        assert await desk.changes()


async def test_what_is_shown_does_not_pile_up_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "KEPT", 50)
    monkeypatch.setattr(runner, "RETRY", 0.0)
    shown = play.shown_in(CANARY)
    async with open_desk() as desk:
        take_over, away = desk.repository.take_over, True

        async def try_to(*, now: float) -> None:
            if away:
                raise OperationalError("select", {}, OSError("no route"))
            await take_over(now=now)

        monkeypatch.setattr(desk.repository, "take_over", try_to)
        for at, live, observed in shown * 3:
            desk.now, desk.held = max(at, desk.now), [observed]
            desk.runner.show([Sighting(observed, desk.now, live)])
            assert desk.runner.unseen <= 50
            await asyncio.sleep(0)
        away = False
        await desk.settled()
        assert desk.runner.counts["retry"] > 0
        # What it came to is known.
        assert {change["application"] for change in await desk.changes()} == {shown[-1][2].document.key}


async def test_whoever_follows_is_told_which_applications_changed() -> None:
    async with open_desk() as desk:
        await desk.play(play.shown_in(CANARY))
        told = {key for recomputed in desk.recomputed for key in recomputed.keys}
        assert told == {change["application"] for change in await desk.changes()}
        measured = {one.id for recomputed in desk.recomputed for one in recomputed.measures}
        assert measured == {change["id"] for change in await desk.changes(kinds=("deployment", "rollback"))}


async def test_a_log_entry_says_what_nobody_asked_for() -> None:
    async with open_desk() as desk:
        await desk.settled()
        await desk.push("a" * 40)
        await desk.settled()
        (entry,) = await desk.repository.browse()
        assert entry["why"] == "no deployment asked for commit aaaaaaaa when it came"
        assert (entry["facts"], entry["matched"]) == (1, 0)


async def test_memory_outlives_the_end_although_no_deployment_changed(tmp_path: Path) -> None:
    shown = play.shown_in(CANARY)
    async with open_desk(tmp_path / "history.db") as desk:
        await desk.play(shown[:3])
        remembered = dict(desk.runner.observatory.memories)
    async with open_desk(tmp_path / "history.db") as desk:
        await desk.settled()
        assert dict(desk.runner.observatory.memories) == remembered
