"""The head of an answer that is a stream: what a client is told before the first event.

Never belongs here: the stream's bytes, or whose they are.
"""

import math
import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse

from gateway.auth.authenticator import COOKIES
from gateway.hub.frame import Form

MOST_HEADS = 64
"""Different heads that are kept: pages of other origins are told that they may read."""


class EventStream(EventSourceResponse):
    """A stream of Server-Sent Events. The library's own pings are off: heartbeats are shared frames."""

    def __init__(self, form: Form) -> None:
        # How long the system waits for a peer that takes nothing is set for every connection (``listening``).
        super().__init__(ping_interval=math.inf, send_timeout=None)
        self.headers["Content-Type"] = "text/event-stream; charset=utf-8"
        # A proxy that compresses anew would hold frames back.
        self.headers["Cache-Control"] = "no-cache, no-transform"
        # A stream ends with its connection: nobody should find it in a pool.
        self.headers["Connection"] = "close"
        self.force_close()
        if form is Form.GZIP:
            self.headers["Content-Encoding"] = "gzip"


class CarriedResponse(web.StreamResponse):
    """An answer whose connection was taken over, for aiohttp, which asks for one and then sends nothing."""

    async def prepare(self, _: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send no head: it goes out with the stream's first bytes."""
        return None

    async def write_eof(self, _: bytes = b"") -> None:
        """Send no end: it is the hub's to write."""


class Heads:
    """Makes the heads of streams; those who ask alike share one. They end with the date, another each second."""

    def __init__(self) -> None:
        self._made: dict[tuple[HttpVersion, Form, str | None], bytes] = {}

    def __len__(self) -> int:
        return len(self._made)

    async def find(self, request: web.Request, form: Form) -> bytes:
        """Return the head of the answer to a request. Nothing of aiohttp's waits for that."""
        # Of all that signals look at in a request, these are what differs from stream to stream.
        key = (request.version, form, request.headers.get("Origin"))
        if (head := self._made.get(key)) is None or COOKIES in request:
            head = await _make_head(request, form)
            if COOKIES not in request:
                if len(self._made) >= MOST_HEADS:
                    self._made.clear()
                self._made[key] = head
        return head + _write_date(int(time.time()))


async def _make_head(request: web.Request, form: Form) -> bytes:
    """Return the head up to its last line."""
    response = EventStream(form)
    for app in request.match_info.apps:
        await app.on_response_prepare.send(request, response)
    if request.version >= HttpVersion11:
        response.headers["Transfer-Encoding"] = "chunked"
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    lines = [f"{version} 200 OK", *(f"{name}: {value}" for name, value in response.headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line end in it")
    return "\r\n".join([*lines, ""]).encode()


@lru_cache(maxsize=2)
def _write_date(at: int) -> bytes:
    return f"Date: {formatdate(at, usegmt=True)}\r\n\r\n".encode()
