"""The connection to a gateway: its address, a stream that is resumed for as long as somebody reads it, its answers.

Here are sockets, waiting and chance; what events mean is for ``fold``, how a terminal shows them for ``tail``.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from yarl import URL

from gateway.consumer.credential import NOTHING, TOKEN, Credential
from gateway.consumer.sse import Event, Parser
from gateway.consumer.words import plain, shorten
from gateway.errors import GatewayError

CONNECT_TIMEOUT = 10.0
SILENCE_LIMIT = 60.0
"""Seconds without a byte after which a connection counts as dead. Heartbeats come every 15 s, or as configured."""

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0

GOODBYES = {
    "lifetime": "the gateway ended the stream as it does from time to time",
    "drain": "the gateway is stopping",
    "overloaded": "the gateway has no room at the moment",
    "behind": "this replica of the gateway hasn't caught up with another one",
    "expired": "what was shown to the gateway has ended",
    "unknown": "there is no such application",
}
"""Why a gateway ends a stream, in words, by the reason that it gives."""

Query = Iterable[tuple[str, str]]


class AddressError(GatewayError):
    """What was given is no address of a gateway."""


class UnreachableError(GatewayError):
    """There is no usable answer; it may come back by itself."""


class RefusedError(GatewayError):
    """The answer is no, and asking again would not change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A connection ended, or couldn't be made; the next attempt follows after ``seconds``. ``said`` is for people."""

    said: str
    seconds: float
    goodbye: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the document. Raises UnreachableError if it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise UnreachableError(f"what answers is no gateway: {self.status}, {_show(self.body)}") from error


class Gateway:
    """A gateway at its base address, with or without a base path. Raises AddressError for an address that is none.

    Each request shows the ``credential``, and raises CredentialError where that can't be read any more.
    """

    def __init__(self, address: str, session: aiohttp.ClientSession, credential: Credential = NOTHING) -> None:
        self.base = read_address(address)
        self._session = session
        self._credential = credential

    def url(self, path: str, query: Query = ()) -> URL:
        """Return the address of a path below the base."""
        return URL(str(self.base) + path).with_query(list(query))

    async def get(self, path: str, query: Query = (), *, headers: Mapping[str, str] = {}) -> Answer:
        """Ask once. Raises UnreachableError without an answer."""
        timeout = aiohttp.ClientTimeout(total=30.0, sock_connect=CONNECT_TIMEOUT)
        sent = {**self._credential.headers(), **headers}
        try:
            async with self._session.get(self.url(path, query), headers=sent, timeout=timeout) as response:
                return Answer(status=response.status, headers=response.headers, body=await response.read())
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(f"{self.base}: {explain(error)}") from error

    @asynccontextmanager
    async def stream(
        self, query: Query = (), *, cursor: str = "", headers: Mapping[str, str] = {}, silence: float = SILENCE_LIMIT
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open the stream, whatever it answers. Errors are aiohttp's."""
        sent = {"Accept": "text/event-stream", "Accept-Encoding": "gzip", **self._credential.headers(), **headers}
        if cursor:
            sent["Last-Event-ID"] = cursor
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=silence)
        url = self.url("/api/stream/pipelines", query)
        async with self._session.get(url, headers=sent, timeout=timeout) as response:
            yield response

    async def follow(self, query: Query, *, jitter: Callable[[], float]) -> AsyncGenerator[Event | Lost, None]:
        """Yield each event, and each loss of the connection, for ever. ``jitter`` returns 0 ≤ x < 1.

        Resumes where it was, waits as long as it is told. Raises RefusedError where asking again would be in vain.
        """
        query = list(query)
        cursor, step, ever = "", FIRST_DELAY, False
        while True:
            parser = Parser(last_id=cursor)
            goodbye, said = "", "the gateway ended the stream"
            try:
                async with self.stream(query, cursor=cursor) as response:
                    await check_stream(response, ever=ever)
                    while data := await response.content.readany():
                        for event in parser.feed(data):
                            ever, step = True, FIRST_DELAY
                            goodbye = event.data if event.name == "goodbye" else ""
                            yield event
            except (aiohttp.ClientError, OSError, UnreachableError) as error:
                said = explain(error)
            cursor = parser.last_id
            delay = step * (0.5 + 0.5 * jitter())
            if parser.retry is not None:
                # Told by the server, jittered by it; when attempt after attempt fails, more than that is polite.
                delay = max(parser.retry / 1_000, delay if step > FIRST_DELAY else 0.0)
            step = min(step * 2, LONGEST_DELAY)
            yield Lost(said=goodbye_in_words(goodbye) if goodbye else said, seconds=delay, goodbye=bool(goodbye))
            await asyncio.sleep(delay)


def read_address(address: str) -> URL:
    """Return a gateway's base address; ``localhost:8090`` will do. Raises AddressError."""
    text = address if "://" in address else f"http://{address}"
    try:
        url = URL(text)
    except ValueError as error:
        raise AddressError(f"{address!r} is no address of a gateway: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressError(f"{address!r} is no address of a gateway; one is http://localhost:8090")
    return url.with_query(None).with_fragment(None).with_path(url.path.rstrip("/"))


def open_session(*, receive_buffer: int | None = None, read_ahead: int = 2**16) -> aiohttp.ClientSession:
    """Return a session for any number of streams. ``receive_buffer`` and ``read_ahead`` (bytes) make a slow reader."""

    def make_socket(info: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(family=info[0], type=info[1], proto=info[2])
        made.setblocking(False)
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        return made

    connector = aiohttp.TCPConnector(limit=0, socket_factory=make_socket)
    return aiohttp.ClientSession(connector=connector, read_bufsize=read_ahead)


async def check_stream(response: aiohttp.ClientResponse, *, ever: bool) -> None:
    """Raise RefusedError or UnreachableError unless a stream begins; ``ever`` says that one began here before."""
    if response.status == HTTPStatus.OK and response.content_type == "text/event-stream":
        return
    body = await response.content.read(4_096)
    said = f"{response.url.with_query(None)}: {explain_answer(response.status, response.content_type, body)}"
    # A proxy before a gateway that restarts may answer many things.
    final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if response.status in final or (not ever and response.status < HTTPStatus.INTERNAL_SERVER_ERROR):
        raise RefusedError(said)
    raise UnreachableError(said)


def explain_answer(status: int, content_type: str, body: bytes) -> str:
    """Say in words what an answer that isn't the wanted one means: its problem document, or what is likely."""
    try:
        problem = orjson.loads(body)
        detail = plain(problem["detail"]) if content_type == "application/problem+json" else ""
    except (orjson.JSONDecodeError, KeyError, TypeError):
        detail = ""
    if detail:
        hint = f" A token is shown by --token-file, or {TOKEN}." if status == HTTPStatus.UNAUTHORIZED else ""
        return f"{status}: {detail}{hint}"
    if status == HTTPStatus.OK:
        return f"answers {content_type}, not a stream: is this a gateway's address, and not a login page's?"
    if status == HTTPStatus.NOT_FOUND:
        return "404: there is no gateway at this path. Is the base path (GATEWAY_BASE_PATH) part of the URL?"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{status}: something before the gateway asks for a login, or doesn't let this one through"
    return f"{status} {_show(body)}".rstrip()


def explain(error: BaseException) -> str:
    """Say in words why there is no answer, or no more of one."""
    match error:
        case aiohttp.SocketTimeoutError() if "read" in str(error).lower():
            return "not a byte for too long"
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate isn't trusted: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            return f"can't connect to {error.host}:{error.port}: {_explain_os(error.os_error)}"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the connection broke"
    return plain(error) or type(error).__name__


def _explain_os(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or not error.errno:
        return plain(error.strerror or error)
    return os.strerror(error.errno).lower()


def goodbye_in_words(data: str) -> str:
    """Say why the gateway ended a stream."""
    try:
        reason = orjson.loads(data)["reason"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        reason = ""
    return GOODBYES.get(str(reason), f"the gateway said goodbye: {plain(reason) or 'without a reason'}")


def _show(body: bytes) -> str:
    return shorten(plain(body[:200].decode(errors="replace").strip()), 100)
