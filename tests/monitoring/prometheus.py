"""A real Prometheus with the gateway's rules in a hurry: no waits, no long windows; what is asked is the same.

Time in it is real, also where a test's loop runs fast.
"""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

PROMETHEUS = shutil.which("prometheus")
MISSING = "NO PROMETHEUS HERE: apt-get install --no-install-recommends prometheus"

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
JOB = "argocd-sse-gateway"

INTERVAL = "500ms"
"""Between two scrapes, for each of which there is as much time, and between two looks at the rules."""

WINDOW = "5m"
"""What minutes and hours in the rules become."""

PATIENCE = 180.0
"""Real seconds that anything may take, on a machine that does other things as well."""

UNHURRIED = aiohttp.ClientTimeout(total=None)
"""A fast loop's seconds are none of Prometheus'."""


def hurry(rules: dict[str, Any]) -> dict[str, Any]:
    """Return rules that don't wait, and look back for minutes where they would for hours."""
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("for", None)
        rule["expr"] = re.sub(r"\[\d+[mh]\]", f"[{WINDOW}]", rule["expr"])
    return rules


class Prometheus:
    """Runs while its context lasts. ``scrape`` says what is scraped from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._targets = folder / "targets.json"
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.url = "http://127.0.0.1:{1}".format(*taken.getsockname())

    def __enter__(self) -> Self:
        assert PROMETHEUS is not None
        rules = hurry(yaml.safe_load((MONITORING / "rules.yaml").read_text()))
        (self._folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        self.scrape({})
        config = {
            "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": JOB, "file_sd_configs": [{"files": ["targets.json"]}]}],
        }
        (self._folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self._process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={self._folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE
        while not self._ready():
            assert self._process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < end, "Prometheus isn't ready"
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def scrape(self, instances: dict[str, str]) -> None:
        """Scrape these from now on: addresses by what they are called."""
        groups = [{"targets": [address], "labels": {"instance": name}} for name, address in instances.items()]
        fresh = self._targets.with_suffix(".new")
        fresh.write_text(json.dumps(groups))
        fresh.replace(self._targets)

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds now."""
        found: list[dict[str, Any]] = (await self._get("query", query=query))["result"]
        return found

    async def firing(self) -> set[tuple[str, str]]:
        """Return the alerts that fire, each with the instance that it is about."""
        alerts = (await self._get("alerts"))["alerts"]
        firing = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        return {(labels["alertname"], labels.get("instance", "")) for labels in firing}

    async def seen(self, *instances: str) -> None:
        """Wait until something is known of each of these, so that what grows from now on is an increase."""

        async def all_seen() -> bool:
            found = await self.ask(f'count_over_time(up{{job="{JOB}"}}[{WINDOW}]) > 2 and up{{job="{JOB}"}} == 1')
            return {one["metric"]["instance"] for one in found} >= set(instances)

        await self.wait(all_seen, what=f"{instances} are scraped")

    async def fires(self, alerts: Iterable[tuple[str, str]]) -> None:
        """Wait until each of these alerts has fired; they needn't do so at the same time."""
        missing = set(alerts)

        async def all_fired() -> bool:
            missing.difference_update(await self.firing())
            return not missing

        await self.wait(all_fired, what=lambda: f"these fire: {missing}")

    async def quiet(self, alert: str) -> None:
        """Wait until an alert fires for nobody, so that it fires anew for what comes next."""

        async def none_fires() -> bool:
            return alert not in {name for name, _ in await self.firing()}

        await self.wait(none_fires, what=f"{alert} is quiet")

    async def wait(self, holds: Callable[[], Any], *, what: str | Callable[[], str]) -> None:
        """Wait in real time, while a fast loop's may run, until what is asked for is true."""
        end = time.monotonic() + PATIENCE
        while not await holds():
            assert time.monotonic() < end, f"not in time: {what if isinstance(what, str) else what()}"
            await asyncio.sleep(0.1 if type(asyncio.get_running_loop()).__name__ != "FastLoop" else 30.0)

    def _ready(self) -> bool:
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).status == 200)  # noqa: S310
        return False

    async def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession(timeout=UNHURRIED) as session,
            session.get(f"{self.url}/api/v1/{what}", params=parameters) as response,
        ):
            answer = await response.json()
            assert answer["status"] == "success", answer
            data: dict[str, Any] = answer["data"]
            return data
