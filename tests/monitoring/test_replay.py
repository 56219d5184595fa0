"""The recorded deploy day through a real gateway into a real Prometheus: every query of every dashboard has data."""

import asyncio
import json
import math
import re
import time
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.demo import recording
from gateway.demo.courier import Courier
from gateway.demo.player import Player
from gateway.demo.timetable import Timetable
from gateway.hub.frame import Form
from tests.e2e.fastloop import until
from tests.e2e.harness import UNIX_OFFSET, run_gateway
from tests.monitoring.prometheus import JOB, Prometheus
from tests.monitoring.test_alerts import make_token
from tests.monitoring.test_files import FILES, read_queries

pytestmark = pytest.mark.timeout(300)

CHOSEN = {"job": JOB, "instance": "replay", "__rate_interval": "5m"}
"""What Grafana puts in for variables; all others are on *All*."""

HOURS = 4 * 3_600.0


def put_in(query: str) -> str:
    """Return a query as Grafana sends it."""
    return re.sub(r"\$(\w+)", lambda found: CHOSEN.get(found[1], ".*"), query)


def has_data(result: list[dict[str, Any]]) -> bool:
    return any(math.isfinite(float(one["value"][1])) for one in result)


async def test_on_the_days_replay_every_query_of_the_dashboards_returns_data(prometheus: Prometheus) -> None:
    loop = asyncio.get_running_loop()

    def clock() -> float:
        return UNIX_OFFSET + loop.time()

    courier = Courier(clock=clock)
    player = Player(Timetable(recording.load()), clock=clock, hearers=[courier.hear])
    player.token = make_token(expires_at=time.time() + 30 * 86_400)
    secrets = {
        f"webhook_{sender.replace('-', '_')}_secret": SecretStr(secret) for sender, secret in courier.secrets.items()
    }
    async with courier, player, run_gateway(player, argocd_auth_token=player.token, **secrets) as stage:
        prometheus.scrape({"replay": "{}:{}".format(*stage.gateway.metrics_address)})
        await prometheus.seen("replay")
        courier.begin(stage.url)
        for form in (Form.CHUNKED, Form.GZIP, Form.GZIP):
            await stage.watch(form=form)
        await until(lambda: player.times_told >= 1, within=HOURS)
        assert sum(number for (_, status), number in courier.answers.items() if status == 202) > 50
        missing = {(file.stem, *query) for file in FILES for query in read_queries(json.loads(file.read_text()))}
        assert len(missing) > 60

        async def all_have_data() -> bool:
            for which in sorted(missing):
                if has_data(await prometheus.ask(put_in(which[2]))):
                    missing.discard(which)
            return not missing

        try:
            await prometheus.wait(all_have_data, what=lambda: f"these have data: {sorted(missing)}")
            await check_variables(prometheus)
        finally:
            prometheus.scrape({})


async def check_variables(prometheus: Prometheus) -> None:
    """Assert that each variable has values to choose from, as Grafana asks for them."""
    queries = {
        variable["name"]: variable["query"]["query"]
        for file in FILES
        for variable in json.loads(file.read_text())["templating"]["list"]
        if variable["type"] == "query"
    }
    assert set(queries) == {"job", "instance", "service", "team", "environment"}
    for name, query in queries.items():
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", query).groups()  # type: ignore[union-attr]
        found = await prometheus.ask(f"count by ({label}) ({put_in(series)})")
        assert all(one["metric"].get(label) for one in found), name
        assert len(found) >= (1 if name in ("job", "instance") else 2), name
