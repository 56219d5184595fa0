"""Requests for streams are answered as their head comes in, as aiohttp would; what that does not suit, by aiohttp."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

import pytest
from aiohttp import web

from gateway.hub.frame import Form
from gateway.web.conversation import Conversation
from gateway.web.express import Express, Lane
from gateway.web.handover import STREAM, OpenStreams
from gateway.web.heads import CarriedResponse
from gateway.web.listening import GatedRunner, listen

WHO: ContextVar[str] = ContextVar("who", default="nobody")
GET = b"GET /api/stream/%b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stage:
    """A server with one handler for all streams, and what came of requests."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.streams = OpenStreams()
        self.conversations = 0
        self.address = ("", 0)
        self.express: Express | None = None

    @property
    def answered(self) -> int:
        """How many requests were answered without aiohttp's handler."""
        assert self.express is not None
        return self.express.answered

    async def say(self, *pieces: bytes) -> bytes:
        """Send some bytes, and return all that comes until the server closes."""
        reader, writer = await asyncio.open_connection(*self.address)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01 if len(pieces) > 1 else 0)
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()

    def carry(self, request: web.Request, data: bytes) -> web.StreamResponse:
        """Take the connection over, say something, and end it."""
        request[STREAM] = stream = self.streams.take_over(request, Form.PLAIN)
        stream.write(data)
        stream.finish()
        return CarriedResponse()


@asynccontextmanager
async def staged(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    stage = Stage(handler)
    setup = GatedRunner.setup

    async def watched(self: GatedRunner) -> None:
        await setup(self)
        assert self.server is not None
        stage.express = self.express

    init = Conversation.__init__

    def counted(self: Conversation, *arguments: object, **more: object) -> None:
        stage.conversations += 1
        init(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GatedRunner, "setup", watched)
    monkeypatch.setattr(Conversation, "__init__", counted)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stage.handler(request)

    app = web.Application()
    app.router.add_route("*", "/api/stream/{name}", handle)
    app.router.add_get("/other", handle)
    async with AsyncExitStack() as stack:
        _, stage.address = await listen(
            stack,
            app,
            "127.0.0.1",
            0,
            most=100,
            counts=Counter(),
            streams=stage.streams,
            express=Lane(path="/api/stream/", suits=lambda headers: "X-Odd" not in headers),
        )
        yield stage


async def greet(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"hello {request.match_info.get('name')} {request.query_string}")


async def test_a_request_is_answered_without_a_handler_of_aiohttps(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(greet, monkeypatch) as stage:
        answer = await stage.say(GET % (b"a?b=c", b""))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nhello a b=c")
        assert b"Connection: close" in answer
        assert (stage.answered, stage.conversations) == (1, 0)


async def test_a_stream_takes_its_connection_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        return stage.carry(request, b"data: 1\n\n")

    async with staged(stream, monkeypatch) as stage:
        assert await stage.say(GET % (b"a", b"")) == b"data: 1\n\n"
        assert (stage.answered, stage.conversations, len(stage.streams)) == (1, 0, 0)


async def test_a_head_that_comes_in_pieces_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(greet, monkeypatch) as stage:
        whole = GET % (b"a", b"")
        assert (await stage.say(whole[:10], whole[10:-1], whole[-1:])).endswith(b"hello a ")
        assert stage.answered == 1


async def test_who_waits_is_answered_by_aiohttp_and_gives_back_what_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, held = 0, 0

    async def wait(request: web.Request) -> web.StreamResponse:
        nonlocal asked, held
        asked, held = asked + 1, held + 1
        try:
            assert held == 1
            await asyncio.sleep(0.01)
            return await greet(request)
        finally:
            held -= 1

    async with staged(wait, monkeypatch) as stage:
        assert (await stage.say(GET % (b"a", b"Connection: close\r\n"))).endswith(b"hello a ")
        assert (stage.answered, stage.conversations, asked, held) == (0, 1, 2, 0)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"GET /other HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"hello None "),
        (b"POST /api/stream/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"hello a "),
        (GET % (b"a", b"Content-Length: 2\r\nConnection: close\r\n") + b"{}", b"hello a "),
        (GET % (b"a", b"Transfer-Encoding: chunked\r\nConnection: close\r\n") + b"0\r\n\r\n", b"hello a "),
        (GET % (b"a", b"Expect: 100-continue\r\nConnection: close\r\n"), b"hello a "),
        (GET % (b"a", b"X-Odd: 1\r\nConnection: close\r\n"), b"hello a "),
        (GET % (b"a", b"") + GET % (b"b", b"Connection: close\r\n"), b"hello b "),
        (GET % (b"a", b"No colon\r\n"), b""),
        (GET % (b"a", b"Content-Length: -1\r\n"), b""),
    ],
    ids=[
        "another path",
        "POST",
        "a body",
        "chunks",
        "Expect",
        "what does not suit",
        "two in a row",
        "no header",
        "no length",
    ],
)
async def test_what_is_no_plain_get_is_left_to_aiohttp(
    asked: bytes, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(greet, monkeypatch) as stage:
        said = await stage.say(asked)
        assert said.endswith(answer) if answer else said.startswith(b"HTTP/1.0 400 ") or b" 400 " in said[:20]
        assert (stage.answered, stage.conversations) == (0, 1)


async def test_a_body_that_comes_later_is_left_to_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"read {await request.text()}")

    async with staged(read, monkeypatch) as stage:
        head = GET % (b"a", b"Content-Length: 2\r\nConnection: close\r\n")
        assert (await stage.say(head, b"{}")).endswith(b"read {}")
        assert stage.answered == 0


async def test_a_redirect_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def redirect(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    async with staged(redirect, monkeypatch) as stage:
        answer = await stage.say(GET % (b"a", b""))
        assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
        assert b"Location: /elsewhere\r\n" in answer
        assert stage.answered == 1


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), RuntimeError("broken")], ids=["gone", "broken"])
async def test_a_failure_ends_its_own_connection_alone(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        raise error

    async with staged(fail, monkeypatch) as stage:
        assert await stage.say(GET % (b"a", b"")) == b""
        stage.handler = greet
        assert (await stage.say(GET % (b"a", b""))).endswith(b"hello a ")
        assert stage.answered == 2


@pytest.mark.parametrize("begun", ["taken over", "answered"])
async def test_what_waits_after_it_began_ends_for_it_cannot_be_asked_again(
    begun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def begin_and_wait(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if begun == "taken over":
            request[STREAM] = stage.streams.take_over(request, Form.PLAIN)
        else:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"a" * 10)
        await asyncio.sleep(0)
        raise AssertionError("nobody goes on")

    async with staged(begin_and_wait, monkeypatch) as stage:
        assert b"0\r\n\r\n" not in await stage.say(GET % (b"a", b""))
        assert (asked, stage.answered, stage.conversations) == (1, 1, 0)


async def test_a_request_leaves_nothing_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def introduce(request: web.Request) -> web.StreamResponse:
        before = WHO.get()
        WHO.set(request.match_info["name"])
        return web.Response(text=before)

    async with staged(introduce, monkeypatch) as stage:
        for name in (b"a", b"b"):
            assert (await stage.say(GET % (name, b""))).endswith(b"\r\n\r\nnobody")


async def test_a_client_of_http_1_0_is_answered_in_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(greet, monkeypatch) as stage:
        assert (await stage.say(b"GET /api/stream/a HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200 OK\r\n")
        assert stage.answered == 1
