"""Three gateways on one PostgreSQL, over HTTP: any takes a webhook, one works off, all show the same."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from gateway.delivery.storage import dialling, receiver
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.dialling import make_dial
from gateway.model.upstream import rfc3339
from tests.delivery.desk import make_push
from tests.e2e.fastloop import FastLoop, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.test_delivery_webhooks import PUSH, SECRETS, deployed, post, signed
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

DELIVERIES, REPEATED = 1_000, 300


@pytest.fixture(autouse=True)
def servers_are_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass while the server works, as for a thread; how soon a notice comes isn't what is tested."""
    finish: Callable[..., Any] = Database._finish

    async def counted(self: Any, work: Any) -> Any:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, FastLoop)
        return await loop.working(finish(self, work))

    monkeypatch.setattr(Database, "_finish", counted)
    # The connection that hears notices is nobody's work: while it waits for the server, time runs.
    monkeypatch.setattr(receiver, "PONG_WITHIN", 1e6)
    monkeypatch.setattr(dialling, "CONNECT_WITHIN", 1e6)
    monkeypatch.setattr(Database, "make_dial", lambda self: make_dial(self._url, answer_within=None))


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    argocd.put(application("web", project="shop"))
    return argocd


@asynccontextmanager
async def run_three(argocd: FakeArgoCD, server: Postgres, **changes: Any) -> AsyncIterator[list[Stage]]:
    url = SecretStr(server.url(server.create()))
    async with AsyncExitStack() as stack:
        stages = []
        for _ in range(3):
            # How long the server takes with a notice is no time of theirs: hours may pass.
            more = {"stream_lifetime": 1e6, **SECRETS, **changes}
            stages.append(await stack.enter_async_context(run_gateway(argocd, database_url=url, **more)))
            # Each believes that it is alone.
            office = stages[-1].gateway.office
            office.follow()
            await until(lambda office=office: not office.leads and office.runner.idle, within=1e5)  # type: ignore[misc]
        await lead(stages, 0)
        for stage in stages:
            await stage.live()
            await until(lambda one=stage: bool(one.gateway.office.listening), within=1e5)  # type: ignore[misc]
        yield stages


async def lead(stages: list[Stage], number: int) -> None:
    for place, stage in enumerate(stages):
        if place != number:
            stage.gateway.office.follow()
    stages[number].gateway.office.lead()
    await until(lambda: stages[number].gateway.office.leads, within=1e5)


async def processed(stages: list[Stage]) -> None:
    """Wait until nothing that was taken waits."""
    while (await stages[0].get("/api/deliveries?outcome=accepted&limit=1")).json["deliveries"]:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    await until(lambda: all(one.gateway.office.runner.idle for one in stages), within=1e5)


async def test_each_of_a_thousand_webhooks_over_three_gateways_takes_effect_once(
    filled: FakeArgoCD, postgres: Postgres
) -> None:
    dice = random.Random(7)
    numbers = list(range(DELIVERIES)) + dice.choices(range(DELIVERIES), k=REPEATED)
    dice.shuffle(numbers)
    async with run_three(filled, postgres) as stages:
        answers: Counter[str] = Counter()
        ids: set[int] = set()

        async def send(place: int) -> None:
            for turn, number in enumerate(numbers[place::20]):
                if place == 0 and turn % 20 == 10:
                    await lead(stages, dice.randrange(3))
                body = make_push(f"{number + 1:040x}")
                answer = await post(dice.choice(stages), "github", body, signed(body, guid=f"d-{number}"))
                assert answer.status == 202, answer
                answers[answer.json["outcome"]] += 1
                ids.add(answer.json["id"])

        await asyncio.gather(*(send(place) for place in range(20)))
        await processed(stages)
        assert answers == {"accepted": DELIVERIES, "duplicate": REPEATED}
        assert len(ids) == DELIVERIES
        counts = sum((Counter(stage.gateway.office.runner.counts) for stage in stages), Counter())
        assert counts["processed"] == DELIVERIES
        assert counts["facts"] == DELIVERIES
        assert not counts["failed"]
        told = [(await stage.get("/api/deliveries?limit=200")).json for stage in stages]
        assert told[0] == told[1] == told[2]
        assert {one["outcome"] for one in told[0]["deliveries"]} == {"processed"}


async def test_what_one_works_off_all_show_and_tell_at_once(filled: FakeArgoCD, postgres: Postgres) -> None:
    sha = orjson.loads(PUSH)["after"]
    async with run_three(filled, postgres) as stages:
        watchers = [await stage.watch(path="/api/stream/pipelines/argocd/web") for stage in stages]
        for stage in stages:
            (group,) = (await stage.get("/api/kpis?since=30d")).json["groups"]
            assert group["deployments"] == 0
        # What was there before anybody looked is known, or what comes now would be no deployment of anything new.
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: len(one.detail.get("timeline", [])) == 1, within=1e5)  # type: ignore[misc]
        filled.put(deployed("web", f"ghcr.io/example/web:sha-{sha[:12]}"))
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: len(one.detail.get("timeline", [])) == 2, within=1e5)  # type: ignore[misc]
        # The push reaches one that follows, and completes what is shown everywhere.
        await post(stages[2], "github", PUSH, signed())
        await processed(stages)
        after = (await stages[0].get("/api/pipelines/argocd/web/timeline")).json["changes"]
        assert "startedAt" in after[0]["stages"][0]
        for stage, watcher in zip(stages, watchers, strict=True):
            assert (await stage.get("/api/pipelines/argocd/web/timeline")).json["changes"] == after
            await watcher.wait(lambda one=watcher: one.detail["timeline"] == after, within=1e5)  # type: ignore[misc]
            await asyncio.sleep(11.0)
            (group,) = (await stage.get("/api/kpis?since=30d")).json["groups"]
            assert group["deployments"] == 1
        assert [stage.gateway.office.runner.counts["deployment"] > 0 for stage in stages] == [True, False, False]
        status = [(await stage.get("/api/status")).json["deliveries"] for stage in stages]
        assert [one["role"] for one in status] == ["leads", "follows", "follows"]
        assert {one["database"] for one in status} == {"shared"}


async def test_a_breach_is_told_once_to_the_subscribers_of_each_and_not_again_by_the_next_leader(
    filled: FakeArgoCD, postgres: Postgres
) -> None:
    async with run_three(filled, postgres) as stages:
        watchers = [await stage.watch() for stage in stages]
        started, finished = rfc3339(stages[0].gateway.clock() - 10.0), rfc3339(stages[0].gateway.clock() - 5.0)
        state = {
            "phase": "Failed",
            "message": "one or more objects failed to apply",
            "operation": {"sync": {"revision": "f" * 40}, "initiatedBy": {"automated": True}},
            "startedAt": started,
            "finishedAt": finished,
            "syncResult": {"revision": "f" * 40, "source": {"repoURL": "https://github.com/example/deploy"}},
        }
        filled.put(application("web", project="shop", sync="OutOfSync", operation_state=state))

        def told() -> list[int]:
            return [sum(event.name == "breach" for event in one.client.events) for one in watchers]

        await until(lambda: told() == [1, 1, 1], within=1e5, what="the breach")
        for leader in (1, 2):
            await lead(stages, leader)
            await asyncio.sleep(60.0)
        assert told() == [1, 1, 1]
