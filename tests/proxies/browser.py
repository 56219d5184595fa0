"""A browser's side of a proxy, over TLS: streams that are read as they come, and what they say."""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.consumer.sse import Event, Parser
from tests.proxies.proxy import Proxy

STREAM = "/api/stream/pipelines"
LIMIT = 60.0
"""Seconds after which what didn't come won't."""


class _Here(AbstractResolver):
    """Finds every name on this machine."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - it is told by name
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


class Visit:
    """One stream: its answer, and what has come of it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.events: list[Event] = []
        self.raw = b""
        self.ended = False
        self._parser = Parser()
        self._inflate = zlib.decompressobj(31) if response.headers.get("Content-Encoding") == "gzip" else None

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    @property
    def cursor(self) -> str:
        return self._parser.last_id

    async def read_until(self, holds: Callable[["Visit"], bool]) -> Self:
        """Read on until what came is enough."""
        async with asyncio.timeout(LIMIT):
            while not holds(self):
                data = await self.response.content.readany()
                if not data:
                    self.ended = True
                    raise AssertionError(f"the stream ended with {self.names}")
                self.raw += data
                self.events += self._parser.feed(self._inflate.decompress(data) if self._inflate else data)
        return self

    def first_state(self) -> tuple[str, str]:
        """Return the name and the reason of the first state."""
        first = next(event for event in self.events if event.name in ("snapshot", "delta"))
        return first.name, orjson.loads(first.data).get("reason", "")


class Browser:
    """Whoever asks. ``address`` is that of its own machine."""

    def __init__(self, authority: ssl.SSLContext | None = None, *, address: str = "127.0.0.1") -> None:
        connector = aiohttp.TCPConnector(
            ssl=authority or True, resolver=_Here(), local_addr=(address, 0), limit=0, force_close=True
        )
        self._visits: list[Visit] = []
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    @classmethod
    def of(cls, proxy: Proxy, *, address: str = "127.0.0.1") -> Self:
        """Return one that trusts a proxy's certificate."""
        context = ssl.create_default_context(cadata=proxy.authority.cert_pem.bytes().decode())
        return cls(context, address=address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for visit in self._visits:
            visit.response.close()
        await self._session.close()

    async def open(self, url: str, *, coding: str = "identity", headers: Mapping[str, str] = {}) -> Visit:
        """Open a stream."""
        sent = {"Accept": "text/event-stream", "Accept-Encoding": coding, **headers}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=LIMIT)
        visit = Visit(await self._session.get(url, headers=sent, timeout=timeout))
        self._visits.append(visit)
        return visit

    async def get(self, url: str, headers: Mapping[str, str] = {}) -> tuple[int, Mapping[str, str], bytes]:
        """Ask for something."""
        async with self._session.get(url, headers=headers) as response:
            return response.status, response.headers, await response.read()


def has_state(visit: Visit) -> bool:
    """Whether a stream has said all that it says at first."""
    return "heartbeat" in visit.names and ("snapshot" in visit.names or "delta" in visit.names)


def shows(name: str, health: str) -> Callable[[Visit], bool]:
    """Return whether a stream has told of an application's health."""

    def look(visit: Visit) -> bool:
        changed: list[dict[str, Any]] = [
            orjson.loads(event.data)["changed"] for event in visit.events if event.name == "delta"
        ]
        return any(change.get(f"argocd/{name}", {}).get("health", {}).get("status") == health for change in changed)

    return look
