"""Frames of a real gateway, for tests that have none: ``python -m tests.client.record`` writes ``recorded.json``.

Two connections: the first sees a snapshot and changes of all kinds, the second continues from where the first ended.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from gateway.consumer.sse import Parser
from tests.browser.stage import run_gateway, until, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

TARGET = Path(__file__).parents[2] / "client" / "test" / "recorded.json"
EVIL = "<img src=x onerror=alert(1)> \u202e\U0001f680 …"


class Reader:
    """One connection's events, as an EventSource would tell of them."""

    def __init__(self, frames: list[dict[str, str]]) -> None:
        self.frames = frames
        self._parser = Parser()

    @property
    def cursor(self) -> str:
        return self._parser.last_id

    def seen(self, part: str) -> bool:
        return any(part in frame["data"] for frame in self.frames)

    async def read(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            while data := await response.content.readany():
                for event in self._parser.feed(data):
                    self.frames.append({"name": event.name, "id": self._parser.last_id, "data": event.data})


async def record() -> dict[str, Any]:
    argocd = FakeArgoCD()
    argocd.keepalive_interval = 1.0
    async with argocd:
        argocd.put(application("core", project="shop", images=["ghcr.io/example/core:1.0"]))
        argocd.put(application("ledger", project="pay", health="Degraded", message=EVIL))
        argocd.put(application("mailer", project="shop", sync="OutOfSync", labels={"team": "post"}))
        async with run_gateway(argocd, heartbeat=1.0) as gateway, aiohttp.ClientSession() as session:
            url = url_of(gateway, "/api/stream/pipelines")
            first, second = Reader([]), Reader([])
            reading = asyncio.create_task(first.read(url))
            await until(lambda: first.seen('"applications"'))
            argocd.put(application("core", project="shop", health="Progressing", images=["ghcr.io/example/core:1.1"]))
            await until(lambda: first.seen("core:1.1"))
            argocd.put(application("core", project="shop"))
            await until(lambda: first.seen('"images":null'))
            argocd.put(application("fresh"))
            await until(lambda: first.seen("argocd/fresh"))
            argocd.delete("argocd/mailer")
            await until(lambda: first.seen('"removed":["argocd/mailer"]'))
            reading.cancel()
            witness = Reader([])
            witnessing = asyncio.create_task(witness.read(f"{url}?lastEventId={first.cursor}"))
            await until(lambda: witness.seen('"resumed"'))
            argocd.put(application("fresh", health="Missing"))
            argocd.delete("argocd/ledger")
            await until(lambda: witness.seen("Missing") and witness.seen('"removed":["argocd/ledger"]'))
            witnessing.cancel()
            reading = asyncio.create_task(second.read(f"{url}?lastEventId={first.cursor}"))
            await until(lambda: second.seen('"resumed"') and second.seen('"upstream"'))
            async with session.get(url_of(gateway, "/api/pipelines")) as answer:
                final = (await answer.json())["applications"]
            reading.cancel()
    return {"connections": [first.frames, second.frames], "final": sorted(final, key=lambda each: str(each["key"]))}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(asyncio.run(record()), ensure_ascii=False, indent=1) + "\n")
