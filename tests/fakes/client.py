"""A plain client for the fake's own tests, without anything of the gateway's."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson

from .applications import application
from .argocd import FakeArgoCD

WATCH = "/api/v1/stream/applications"
SSE = {"Accept": "text/event-stream"}


class Client:
    """A plain client of the fake."""

    def __init__(self, argocd: FakeArgoCD, session: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.argocd, self.session, self._stack = argocd, session, stack
        self.token = "secret"

    def request(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        authorization = {"Authorization": f"Bearer {self.token}"}
        return self.session.get(self.argocd.url + path, params=query, headers=authorization | (headers or {}))

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, Any]:
        async with self.request(path, headers, **query) as response:
            body = await response.read()
            return response.status, orjson.loads(body) if response.content_type == "application/json" else body

    async def watch(self, headers: dict[str, str] | None = None, **query: Any) -> aiohttp.StreamReader:
        """Open a watch and wait for its headers, which come with its first event."""
        response: aiohttp.ClientResponse = await self._stack.enter_async_context(
            self.request(WATCH, SSE if headers is None else headers, **query)
        )
        assert response.status == 200, await response.read()
        return response.content

    async def open_bridge(self) -> asyncio.Task[aiohttp.StreamReader]:
        """Open a watch with `resourceVersion=0`, and wait until it is subscribed, which no header tells."""
        opening = asyncio.create_task(self.watch(resourceVersion="0"))
        await self.argocd.wait_for_stream(lambda stream: stream.is_bridge and stream.subscribed)
        return opening

    async def names(self) -> set[str]:
        _, listed = await self.get("/api/v1/applications", fields="items.metadata.name")
        return {item["metadata"]["name"] for item in listed["items"] or []}


async def next_event(watch: aiohttp.StreamReader) -> tuple[str, str]:
    event = orjson.loads((await watch.readuntil(b"\n\n\n")).removeprefix(b"data:"))["result"]
    return event["type"], event["application"]["metadata"]["name"]


def fill(argocd: FakeArgoCD, *names: str) -> None:
    for name in names:
        argocd.put(application(name))
