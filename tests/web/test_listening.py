"""Connections inherit from the socket that listens what the system shall do with a peer that is away."""

import asyncio
import contextlib
import socket
from collections import Counter

import pytest
from aiohttp import ClientSession, web

from gateway.web.listening import UNACKNOWLEDGED, listen


def make_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "asyncio":
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_system_looks_after_peers_and_gives_up_those_that_take_nothing(loop: str) -> None:
    options: list[int] = []

    async def look(request: web.Request) -> web.Response:
        assert request.transport is not None
        connection = request.transport.get_extra_info("socket")
        options.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        return web.Response()

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/", look)
        async with contextlib.AsyncExitStack() as stack:
            _, (host, port) = await listen(stack, app, "127.0.0.1", 0, most=10, counts=Counter())
            session = await stack.enter_async_context(ClientSession())
            async with session.get(f"http://{host}:{port}/") as response:
                assert response.status == 200

    with asyncio.Runner(loop_factory=lambda: make_loop(loop)) as runner:
        runner.run(main())
    assert options == [1, int(UNACKNOWLEDGED * 1_000)]
