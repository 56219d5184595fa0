"""Listening: an application on an address, with the bounds that aiohttp keeps for each connection.

Never belongs here: what is served, or which newcomers are let in (``connections``).
"""

import asyncio
import contextlib
import resource
import socket
from collections import Counter
from typing import Any, cast

from aiohttp import web

from gateway.errors import ListenError
from gateway.observability.logs import make_server_logger
from gateway.web.connections import MAX_LINE, Gate
from gateway.web.express import Express, Lane
from gateway.web.handover import OpenStreams

BACKLOG = 1_024
"""Connections that may wait to be accepted, when everybody comes back at once."""

SPARE_FILES = 100
"""Open files that are left for all but connections, of as many as the process may have (``ulimit -n``)."""

CLOSING_TIME = 2.0
"""Seconds for the last bytes of streams and answers at the very end."""

IDLE_LIMIT = 75.0
"""Seconds that a connection may be idle between two requests: longer than proxies keep theirs, for a proxy that sends
a request into a connection which is being closed has to answer with 502. nginx closes after 60 s."""

MAX_HEADERS = 128

UNACKNOWLEDGED = 60.0
"""Seconds after which the system gives up a connection whose other end takes nothing at all."""

LINGERING = 2.0
"""Seconds in which the rest of a body that nobody wants may come, so that its sender reads the answer."""


class GatedRunner(web.AppRunner):
    """An aiohttp runner whose connections come through a gate; ``most`` bounds them, ``counts`` is the gate's.

    ``streams`` are those of its connections that were taken over; requests in the lane ``express`` are answered in the
    step in which they come.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        most: int,
        counts: Counter[str],
        streams: OpenStreams,
        express: Lane | None,
        **more: Any,
    ) -> None:
        super().__init__(
            app,
            keepalive_timeout=IDLE_LIMIT,
            lingering_time=LINGERING,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            # Its socket has it from the one that listens.
            tcp_keepalive=False,
            **more,
        )
        self._most = most
        self._counts = counts
        self._streams = streams
        self._lane = express
        self.express: Express | None = None
        self._gate: Gate | None = None

    @property
    def server(self) -> web.Server | None:
        """What sites make a connection's protocol by: the gate, once there is a server behind it."""
        if self._gate is None and (server := super().server) is not None:
            if self._lane is not None:
                self.express = Express(server, self._lane, max_line=MAX_LINE, max_headers=MAX_HEADERS)
            self._gate = Gate(server, most=self._most, counts=self._counts, streams=self._streams, express=self.express)
        return cast("web.Server | None", self._gate)

    async def cleanup(self) -> None:
        """Send newcomers away, and end the rest as aiohttp does."""
        if self._gate is not None:
            self._gate.close()
        await super().cleanup()
        await self._streams.close(CLOSING_TIME)


class _Site(web.TCPSite):
    """A site whose connections inherit what the system shall do with a peer that is away (tcp(7), socket(7))."""

    async def start(self) -> None:
        await super().start()
        for listener in cast("asyncio.Server", self._server).sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNACKNOWLEDGED * 1_000))


async def listen(
    stack: contextlib.AsyncExitStack,
    app: web.Application,
    host: str,
    port: int,
    *,
    most: int,
    counts: Counter[str],
    streams: OpenStreams | None = None,
    express: Lane | None = None,
) -> tuple[web.TCPSite, tuple[str, int]]:
    """Serve an application; return its site and the address that it got. Raises ListenError.

    ``most`` bounds its connections, as the files do that the process may open; ``counts`` gets how many were turned
    away, and ``streams`` are those connections that were taken over. Requests in the lane ``express`` are answered in
    the step in which they come.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files != resource.RLIM_INFINITY:
        # Where no file is left nobody can be accepted; at a bound of ours those go who ask for nothing.
        most = max(1, min(most, files - SPARE_FILES))
    # Without handler_cancellation a handler outlives its browser; without access_log=None each stream is logged thrice.
    runner = GatedRunner(
        app,
        most=most,
        counts=counts,
        streams=OpenStreams() if streams is None else streams,
        express=express,
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=CLOSING_TIME,
        logger=make_server_logger(),
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = _Site(runner, host, port, backlog=BACKLOG)
    try:
        await site.start()
    except OSError as error:
        raise ListenError(
            f"can't listen on {host}:{port}: {error.strerror or error}. "
            "Set GATEWAY_HOST and GATEWAY_PORT, or GATEWAY_METRICS_HOST and GATEWAY_METRICS_PORT."
        ) from error
    address = runner.addresses[0]
    return site, (address[0], address[1])
