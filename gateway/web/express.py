"""Requests for streams, answered in the very step in which their head has come.

aiohttp serves a connection by a handler, a timer and two tasks, and a stream lets go of all of them as soon as it
begins. When a thousand come together, that is half of what their joins cost. Here the application is asked as aiohttp
would ask it, by the same request through the same middlewares, but straight away. Whatever waits, or is more than a
plain GET, is left to aiohttp. Never belongs here: a check of its own, for there must be no other way past those that
all requests come by.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage, StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD

from gateway.web.handover import STREAM

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What is answered so: requests for what begins with ``path``, as far as ``suits`` likes their headers."""

    path: str
    suits: Callable[[Mapping[str, str]], bool] = lambda _: True


class Express:
    """Answers requests in a lane, for ``server``; ``max_line`` and ``max_headers`` bound a head as for aiohttp."""

    def __init__(self, server: web.Server, lane: Lane, *, max_line: int, max_headers: int) -> None:
        self.answered = 0
        """How many requests were."""
        self._begins = f"GET {lane.path}".encode()
        self._suits = lane.suits
        self._server = server
        self._max_line = max_line
        self._max_headers = max_headers
        self._loop = asyncio.get_running_loop()
        self._nobody = BaseProtocol(self._loop)

    def answer(self, transport: asyncio.Transport, head: bytes) -> bool:
        """Answer a request, if it is one for here; return whether it was. If not, nothing has been sent."""
        if not head.startswith(self._begins) or (message := self._parse(head)) is None:
            return False
        line = _Line(self._loop, transport)
        request = cast(
            "web.Request",
            self._server.request_factory(
                message, EMPTY_PAYLOAD, cast("Any", line), StreamWriter(line, self._loop), cast("Any", None)
            ),
        )
        try:
            response = copy_context().run(_run, self._ask(request))
            if STREAM not in request:
                copy_context().run(_run, _send(request, response))
                transport.close()
        except _WaitError:
            if STREAM not in request and not request.writer.output_size:
                # aiohttp asks for it once more: a GET may be repeated.
                return False
            _log.exception("request.failed", method=request.method, path=request.path)
            transport.abort()
        except ConnectionError:
            transport.abort()
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the gateway
            # What is there to answer with failed; the log has why.
            _log.exception("request.failed", method=request.method, path=request.path)
            transport.abort()
        self._server.requests_count += 1
        self.answered += 1
        return True

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._server.request_handler(request)
        except web.HTTPException as error:
            return error

    def _parse(self, head: bytes) -> RawRequestMessage | None:
        """Read a head; None if it isn't that of a request for here that is all there, and has nothing but its head."""
        parser = HttpRequestParser(
            self._nobody,
            self._loop,
            1,
            max_line_size=self._max_line,
            max_field_size=self._max_line,
            max_headers=self._max_headers,
        )
        try:
            messages, _, _ = parser.feed_data(head)
        except HttpProcessingError:
            # aiohttp finds the same, and answers.
            return None
        if len(messages) != 1 or messages[0][1] is not EMPTY_PAYLOAD:
            return None
        message: RawRequestMessage = messages[0][0]
        plain = not message.upgrade and "Expect" not in message.headers
        return message if plain and self._suits(message.headers) else None


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    """Send an answer that isn't a stream."""
    response.force_close()
    await response.prepare(request)
    await response.write_eof()


class _WaitError(Exception):
    """Something began to wait."""


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that doesn't wait to its end. Raises _WaitError if it does."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    # Whatever it holds, it gives back.
    work.close()
    raise _WaitError


class _Line(BaseProtocol):
    """A connection, as a request knows it."""

    __slots__ = ("peername", "sockname")

    ssl_context = None

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        super().__init__(loop)
        self.transport = transport
        self.peername = transport.get_extra_info("peername")
        self.sockname = transport.get_extra_info("sockname")

    def let_go(self) -> None:
        """The connection is somebody else's from now on."""
        self.transport = None
