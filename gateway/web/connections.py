"""Connections, before they have asked for anything: they are cheap, they are bounded, and they have to hurry.

A newcomer is a few hundred bytes until it has sent the whole head of its first request; only then it gets what aiohttp
serves it by. So thousands who send half a head cost next to nothing, and where there is no room they go first; after
them those who have been answered and ask for nothing more. What holds for a connection from then on is
``conversation``. Never belongs here: requests and who sends them.
"""

import asyncio
from collections import Counter
from collections.abc import Sized
from typing import cast

from aiohttp import web

from gateway.web.conversation import HEAD_WITHIN, Conversation, find_idle, write_problem
from gateway.web.express import Express

MAX_LINE = 8_190
"""Bytes of a request's first line, and of one header."""

MAX_HEAD = 32_768
"""Bytes of a first request's line and headers together."""

IDLE_AT_ONCE = 200
"""Idle connections that go at once where there is no room: finding them takes a look at all."""

_END = b"\r\n\r\n"


class Gate:
    """Lets newcomers in to ``server``: an asyncio protocol factory. ``most`` bounds all connections.

    ``counts`` gets how many were turned away, by why; ``streams`` are those that were taken over from the server.
    """

    def __init__(
        self,
        server: web.Server,
        *,
        most: int,
        counts: Counter[str],
        streams: Sized,
        express: Express | None = None,
        head_within: float = HEAD_WITHIN,
    ) -> None:
        self._server = server
        self._most = most
        self._counts = counts
        self._streams = streams
        self._express = express
        self._head_within = head_within
        self._loop = asyncio.get_running_loop()
        # In the order of their deadlines, for all have the same time.
        self._newcomers: dict[_Newcomer, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._at_most = 0

    def __call__(self) -> asyncio.Protocol:
        """Make a newcomer."""
        return _Newcomer(self)

    @property
    def waiting(self) -> int:
        """How many have not yet asked for anything."""
        return len(self._newcomers)

    def arrive(self, newcomer: "_Newcomer") -> bool:
        """Take a newcomer, if there is room or one who waits can go for it."""
        if self._is_full() and not self._make_room():
            return False
        self._newcomers[newcomer] = self._loop.time() + self._head_within
        self._at_most += 1
        if self._timer is None:
            self._timer = self._loop.call_at(self._newcomers[newcomer], self._look)
        return True

    def leave(self, newcomer: "_Newcomer") -> None:
        """Forget a newcomer, who has gone."""
        self._newcomers.pop(newcomer, None)

    def let_in(self, newcomer: "_Newcomer", transport: asyncio.Transport, head: bytes) -> None:
        """Let aiohttp go on with a connection."""
        self._newcomers.pop(newcomer, None)
        if self._express is not None and self._express.answer(transport, head):
            return
        handler = Conversation(self._server, loop=self._loop, counts=self._counts)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(head)

    def refuse(self, newcomer: "_Newcomer", limit: str) -> None:
        """Count a newcomer who was turned away."""
        self._counts[limit] += 1
        self._newcomers.pop(newcomer, None)

    def close(self) -> None:
        """Send everybody away who has not yet asked for anything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for newcomer in list(self._newcomers):
            self.leave(newcomer)
            newcomer.abort()

    def _make_room(self) -> bool:
        """Send somebody away who asks for nothing; return whether there was anybody."""
        if self._newcomers:
            oldest = next(iter(self._newcomers))
            self.leave(oldest)
            self._counts["connections"] += 1
            oldest.abort()
            return True
        idle = find_idle(self._server.connections, IDLE_AT_ONCE)
        self._counts["connections"] += len(idle) or 1
        for conversation in idle:
            conversation.force_close()
        self._at_most -= len(idle)
        return bool(idle)

    def _is_full(self) -> bool:
        # Counting them all costs more than knowing that they can't be too many.
        if self._at_most >= self._most:
            self._at_most = len(self._server.connections) + len(self._newcomers) + len(self._streams)
        return self._at_most >= self._most

    def _look(self) -> None:
        """Turn away whoever's time is over, and look again when the next one's is."""
        self._timer = None
        now = self._loop.time()
        while self._newcomers:
            newcomer, deadline = next(iter(self._newcomers.items()))
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._look)
                return
            newcomer.expire()


class _Newcomer(asyncio.Protocol):
    """A connection that has not yet asked for anything."""

    __slots__ = ("_gate", "_head", "_transport")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._gate.arrive(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        # The end may have come in two parts.
        seen = max(0, len(self._head) - len(_END))
        self._head += data
        end = self._head.find(_END, seen)
        line = self._head.find(b"\r\n")
        if (line if line >= 0 else len(self._head)) > MAX_LINE:
            self._refuse("query", 414, "The address of this request is too long.")
        elif (end if end >= 0 else len(self._head)) > MAX_HEAD:
            self._refuse("head", 431, "The headers of this request are too large.")
        elif end >= 0:
            transport, self._transport = self._transport, None
            self._gate.let_in(self, transport, self._head)

    def eof_received(self) -> None:
        self._gate.leave(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._gate.leave(self)
        self._transport = None

    def expire(self) -> None:
        """Turn it away, for its time is over."""
        if self._head:
            self._refuse("slow_head", 408, "The headers of this request didn't come in time.")
        else:
            self._gate.refuse(self, "slow_head")
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, limit: str, status: int, detail: str) -> None:
        self._gate.refuse(self, limit)
        if self._transport is not None:
            self._transport.write(write_problem(status, detail))
            self._transport.close()
