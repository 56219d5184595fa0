"""What tests see of the fake: the requests that came, the streams that were opened, and waiting for either.

Waiting is driven by events and never polls: whoever changes something that can be waited for calls `note_change`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from aiohttp import web
from multidict import MultiMapping

from .stream import Stream

PATIENCE = 20.0
"""Seconds after which a wait gives up; only a failing test ever waits as long."""

Hook = Callable[[], object | Awaitable[object]]


class Request(NamedTuple):
    """A request as it came; `path` is without the root path, `query.getall(name)` gives repeated parameters."""

    method: str
    path: str
    query: MultiMapping[str]
    headers: Mapping[str, str]


class Observation:
    """The record of what clients did."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.streams: list[Stream] = []
        """Every watch that ever began, in order, the closed ones included."""
        self._change = asyncio.Event()
        self._hooks: dict[str, list[Hook]] = {}

    @property
    def open_streams(self) -> list[Stream]:
        return [stream for stream in self.streams if not stream.closed]

    def note_change(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    async def wait_until(self, holds: Callable[[], bool], timeout: float = PATIENCE) -> None:  # noqa: ASYNC109
        """Wait until `holds()` is true; looked at whenever a request comes or a stream opens, moves or closes."""
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    await self._change.wait()
        except TimeoutError:
            seen = [f"{request.path}?{dict(request.query)}" for request in self.requests[-10:]]
            raise TimeoutError(f"waited in vain; last requests: {seen}; streams: {self.streams[-5:]}") from None

    async def wait_for_stream(self, which: int | Callable[[Stream], bool]) -> Stream:
        """Wait for the n-th watch that was ever opened (from 1), or for an open one of which `which` is true."""
        if isinstance(which, int):
            await self.wait_until(lambda: len(self.streams) >= which)
            return self.streams[which - 1]
        await self.wait_until(lambda: any(which(stream) for stream in self.open_streams))
        return next(stream for stream in self.open_streams if which(stream))

    async def wait_for_request(self, path: str, count: int = 1) -> Request:
        """Wait until `count` requests (ever) have come to `path`, and return the last of these."""
        await self.wait_until(lambda: len(self.requests_to(path)) >= count)
        return self.requests_to(path)[count - 1]

    def requests_to(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def drained(self) -> None:
        """Wait until every open stream has written what is due; it may hang while a client does not read."""
        await self.wait_until(lambda: all(stream.is_idle for stream in self.open_streams))

    def on_request(self, path: str, hook: Hook) -> None:
        """Run `hook` once, when the next request to `path` has come and before it is answered; it may be async."""
        self._hooks.setdefault(path, []).append(hook)

    async def note_request(self, request: web.Request, root: str) -> None:
        path = request.path.removeprefix(root)
        self.requests.append(Request(request.method, path, request.query, request.headers))
        self.note_change()
        if self._hooks.get(path):
            outcome = self._hooks[path].pop(0)()
            if inspect.isawaitable(outcome):
                await outcome
