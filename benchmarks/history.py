"""A year of 200 applications: what the pages of figures cost. Written straight into a database, for speed."""

import asyncio
import json
import random
import statistics
import time
from typing import Any

from sqlalchemy import Connection, bindparam, update

from benchmarks import databases
from benchmarks.server import Server, Upstream, serve
from gateway.delivery.events import Run, RunState
from gateway.delivery.kpi import Measure
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.measured import keep_builds, keep_measures
from gateway.delivery.storage.tables import BUILDS

DAYS, APPLICATIONS, RUNS = 365, 200, 100_000
DAY = 86_400.0


def fill(connection: Connection, *, until: float, seed: int = 1) -> None:
    """Write one deployment of each application a day, and 100,000 runs of CI."""
    dice = random.Random(seed)
    keys = [f"argocd/service-{number // 4:02}-{environment}" for number, environment in _applications()]
    measures: list[Measure] = []
    runs: dict[str, tuple[Run, float]] = {}
    for day in range(DAYS):
        for number, key in enumerate(keys):
            at = until - (DAYS - day) * DAY + dice.random() * DAY
            detect, wait, apply = dice.randrange(5, 180), dice.randrange(3), dice.randrange(1, 20)
            rollout, pipeline = dice.randrange(5, 300), dice.randrange(200, 1_500)
            back = dice.random() < 0.02
            measure = Measure(
                id=f"{day:03}-{number:03}",
                key=key,
                at=at,
                project=f"project-{number % 10}",
                service=f"service-{number // 4:02}",
                environment=key.rpartition("-")[2],
                team=f"team-{number % 7}",
                failed=dice.random() < 0.03,
                healthy_at=at + rollout,
                rolled_back_at=at + dice.randrange(60, 3_000) if back else None,
                build=dice.randrange(60, 600),
                pipeline=pipeline,
                detect=detect,
                wait=wait,
                apply=apply,
                sync=detect + wait + apply,
                rollout=rollout,
                lead=pipeline + dice.randrange(20, 900),
            )
            measures.append(measure)
    keep_measures(connection, measures)
    for number in range(RUNS):
        at = until - dice.random() * DAYS * DAY
        runs[f"run\nci\n{number}\n1"] = (
            Run(
                sender="ci",
                id=str(number),
                name="Build",
                state=RunState.SUCCEEDED if dice.random() < 0.95 else RunState.FAILED,
                repository=f"git.example.org/example/service-{number % 50:02}",
                started_at=at - dice.randrange(60, 600),
                finished_at=at,
            ),
            at,
        )
    keep_builds(connection, runs)
    # What half of them built was deployed.
    built = [{"run": name, "told": json.dumps([dice.choice(keys)])} for name in list(runs)[::2]]
    statement = update(BUILDS).where(BUILDS.c.id == bindparam("run")).values(applications=bindparam("told"))
    connection.execute(statement, built)


def _applications() -> list[tuple[int, str]]:
    return [(number, ("dev", "int", "stage", "prod")[number % 4]) for number in range(APPLICATIONS)]


def kpis(kind: str = "sqlite") -> dict[str, Any]:
    """Ask a gateway with a year of history for its figures: right after its start, first of all later, and again."""
    upstream = Upstream()
    upstream.put("app-1", project="p")
    with databases.make(kind) as url:

        async def prepare() -> None:
            database = Database(url)
            await database.open()
            await database.write(fill, until=time.time())
            await database.close()

        asyncio.run(prepare())
        result: dict[str, Any] = {}
        with serve(upstream, GATEWAY_DATABASE_URL=url) as server:
            server.wait_for(1)
            result["at_once"], _ = _ask(server, "since=365d&bucket=week")
        with serve(upstream, GATEWAY_DATABASE_URL=url) as server:
            server.wait_for(1)
            idle = server.memory()
            time.sleep(AHEAD)
            for name, query in QUERIES.items():
                times = [_ask(server, query) for _ in range(5)]
                result[name] = {"first": times[0][0], "again": statistics.median(took for took, _ in times[1:])}
            result["memory_mb"] = server.memory() / 1e6
            result["held_mb"] = (server.memory() - idle) / 1e6
    upstream.stop()
    result["first"] = result["year, all"]["first"]
    result["again"] = max(result[name]["again"] for name in QUERIES)
    return result


def _ask(server: Server, query: str) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = server.get(f"/api/kpis?{query}")
    took = (time.perf_counter() - began) * 1e3
    assert answer["groups"], answer
    return took, answer


AHEAD = 45.0
"""Seconds in which a gateway has read a year of it by itself."""

QUERIES = {
    "year, all": "since=365d&bucket=week",
    "year by application": "since=365d&by=application&bucket=week",
    "year by service": "since=365d&by=service",
    "month by application": "since=30d&by=application",
    "week, all": "since=7d",
}
