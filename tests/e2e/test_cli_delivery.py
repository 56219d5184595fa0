"""What was acknowledged outlives the process, however it ends: a real gateway, killed while it writes."""

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.e2e.test_cli import run, start
from tests.fakes.argocd import SECRET, FakeArgoCD
from tests.fakes.client import fill

GITHUB = "secret-of-github"
REPOSITORY = {"full_name": "example/shop", "html_url": "https://github.com/example/shop", "name": "shop"}


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as fake:
        fill(fake, "a", "b")
        yield fake


def environ(argocd: FakeArgoCD, database: Path) -> dict[str, str]:
    return {
        "ARGOCD_BASE_URL": argocd.url,
        "ARGOCD_AUTH_TOKEN": SECRET,
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_LOG_FORMAT": "json",
        "GATEWAY_DATABASE_URL": f"sqlite:///{database}",
        "GATEWAY_WEBHOOK_GITHUB_SECRET": GITHUB,
    }


def push(number: int) -> tuple[bytes, dict[str, str]]:
    sha = hashlib.sha256(str(number).encode()).hexdigest()[:40]
    commit: dict[str, Any] = {
        "id": sha,
        "message": f"Change {number}",
        "timestamp": "2026-11-20T23:17:48Z",
        "url": "https://x/y",
    }
    commit |= {"author": {"name": "Somebody"}, "added": [], "removed": [], "modified": ["main.py"]}
    body = orjson.dumps(
        {"ref": "refs/heads/main", "before": "0" * 40, "after": sha, "repository": REPOSITORY, "commits": [commit]}
        | {"head_commit": commit, "pusher": {"name": "somebody"}, "created": False, "deleted": False, "forced": False}
    )
    signature = hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"delivery-{number}",
        "X-Hub-Signature-256": f"sha256={signature}",
    }


async def listening(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        said = orjson.loads(line)
        if said["event"] == "gateway.listening":
            return f"http://127.0.0.1:{said['port']}"
    raise AssertionError("it doesn't come up")


async def test_nothing_that_was_acknowledged_is_lost_when_the_process_is_killed_while_it_writes(
    argocd: FakeArgoCD, tmp_path: Path
) -> None:
    database, acknowledged = tmp_path / "history.db", set[str]()
    killed_at = (40, 100, 190)
    for kills, limit in enumerate(killed_at):
        process = await start("serve", environ=environ(argocd, database))
        url = await listening(process)
        enough = asyncio.Event()
        numbers = iter(range(kills * 1_000, (kills + 1) * 1_000))

        async def send(
            session: aiohttp.ClientSession,
            url: str = url,
            numbers: Iterator[int] = numbers,
            limit: int = limit,
            enough: asyncio.Event = enough,
        ) -> None:
            for number in numbers:
                body, headers = push(number)
                try:
                    async with session.post(f"{url}/api/webhooks/github", data=body, headers=headers) as response:
                        assert response.status == 202
                        acknowledged.add(headers["X-GitHub-Delivery"])
                        if len(acknowledged) >= limit:
                            enough.set()
                except aiohttp.ClientError:
                    return

        async with aiohttp.ClientSession() as session:
            senders = [asyncio.create_task(send(session)) for _ in range(20)]
            await enough.wait()
            process.kill()
            await asyncio.gather(*senders)
        await process.wait()
    assert len(acknowledged) >= killed_at[-1]

    process = await start("serve", environ=environ(argocd, database))
    url = await listening(process)
    async with aiohttp.ClientSession() as session:
        kept, outcomes = set[str](), {"accepted"}
        while "accepted" in outcomes:
            kept, outcomes, before = set(), set(), ""
            while True:
                async with session.get(f"{url}/api/deliveries?limit=200{before}") as response:
                    page = await response.json()
                kept |= {one["deliveryId"] for one in page["deliveries"]}
                outcomes |= {one["outcome"] for one in page["deliveries"]}
                if "next" not in page:
                    break
                before = f"&before={page['next']}"
    process.kill()
    await process.wait()
    assert acknowledged <= kept
    assert outcomes == {"processed"}
    with sqlite3.connect(database) as connection:
        (facts,) = connection.execute("SELECT count(*) FROM facts").fetchone()
    connection.close()
    assert facts == len(kept)

    exported = await run("export", "--since", "3650d", **environ(argocd, database))
    assert exported.code == 0, exported
    lines = [orjson.loads(line) for line in exported.out.splitlines()]
    assert sum(line["table"] == "facts" for line in lines) == facts
