"""A connection after the head of its first request: aiohttp serves it, within bounds that aiohttp doesn't keep.

The head of a further request has to hurry as the first one's had to, bytes that are no request are answered with a
problem as all else is, and one that waits for nothing can be told from one that is being served. What aiohttp's handler
calls its own is read in this module alone; the tests notice if it is called something else one day.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from gateway.web.problem import CONTENT_TYPE, Problem

HEAD_WITHIN = 10.0
"""Seconds in which the head of a request has to come, from its first byte on."""


class Conversation(web.RequestHandler):
    """Serves one connection for ``server``; ``counts`` gets whose head was too slow."""

    __slots__ = ("_counts", "_deadline")

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, counts: Counter[str]) -> None:
        super().__init__(server, loop=loop, **server._kwargs)
        self._counts = counts
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether it waits for a request: it is served nothing, and has asked for nothing yet."""
        waiter: asyncio.Future[None] | None = self._waiter
        return waiter is not None and not waiter.done()

    @property
    def idle_until(self) -> float:
        """Until when it may wait (the event loop's time)."""
        return self._next_keepalive_close_time

    def data_received(self, data: bytes) -> None:
        """Take bytes; those that begin a head start its clock, and those that end it stop that."""
        super().data_received(data)
        if not self.idle:
            self._stop_clock()
        elif self._deadline is None and data.strip(b"\r\n"):
            self._deadline = asyncio.get_running_loop().call_later(HEAD_WITHIN, self._expire)

    def let_go(self) -> None:
        """Leave the connection to somebody else; for aiohttp it is lost with the next turn of the event loop."""
        # What a protocol has no more when its connection is lost; with it, aiohttp would close the transport.
        self.transport = None
        self._loop.call_soon(self.connection_lost, None)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._stop_clock()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, or couldn't be answered; nothing of it is repeated."""
        super().handle_error(request, status, exc, message)
        if isinstance(exc, LineTooLong):
            status, slug, detail = 431, "headers-too-large", "A line of this request's head is too long."
            self._counts["head"] += 1
        elif status == web.HTTPBadRequest.status_code:
            slug, detail = "malformed-request", "This can't be read as a request of HTTP/1.1."
        else:
            slug, detail = "internal", "The gateway failed at this request. Its log says why; please report it."
        answer = web.Response(
            status=status,
            body=Problem(status=status, type=slug, detail=detail).body(),
            content_type=CONTENT_TYPE,
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "argocd-sse-gateway"},
        )
        answer.force_close()
        return answer

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        self._counts["slow_head"] += 1
        if self.transport is not None:
            self.transport.write(write_problem(408, "The headers of this request didn't come in time."))
        self.force_close()


def find_idle(connections: Iterable[object], most: int) -> list[Conversation]:
    """Return those of connections that wait for nothing, whoever has waited longest first, so many at most."""
    idle = [each for each in connections if isinstance(each, Conversation) and each.idle]
    return sorted(idle, key=lambda each: each.idle_until)[:most]


def write_problem(status: int, detail: str) -> bytes:
    """Return a whole answer, for where no request is that aiohttp could answer."""
    slug = {408: "request-timeout", 414: "query-too-long", 431: "headers-too-large"}[status]
    problem = Problem(status=status, type=slug, detail=detail)
    body = problem.body()
    return (
        f"HTTP/1.1 {status} {slug}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode() + body
