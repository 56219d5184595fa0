"""Connections whose answer is a stream: before it begins, they are taken over from aiohttp.

A connection that aiohttp serves is a parser, a request, a response and three tasks: a good 11 kB. A stream needs none
of these, for nothing is read any more, and the hub writes to the transport. So its connection goes on as it came
(``connections``): as a small protocol of our own, while aiohttp hears that it is over, and lets go of everything.
Never belongs here: what is written, or to whom.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from aiohttp import web

from gateway.hub.frame import Form
from gateway.hub.limits import SLICE
from gateway.web.memfiles import LARGE, MemoryFiles

WRITE_BUFFER = 256 * 1024
"""Bytes that wait in a transport before its subscriber counts as slow."""

MOST_PARTS = 64
"""Parts that are sent at once; the system takes 1,024 at most."""

_LAST_CHUNK = b"0\r\n\r\n"


def choose_slice(loop: asyncio.AbstractEventLoop) -> int:
    """Return how many bytes to leave to a transport of an event loop at once.

    asyncio's own, before Python 3.12, copies what the system doesn't take, and that again with each piece that the
    system does take. uvloop's, and later ones of asyncio, hold on to what they were given.
    """
    copies = sys.version_info < (3, 12) and isinstance(loop, asyncio.BaseEventLoop)
    return SLICE if copies else sys.maxsize


class Lender(Protocol):
    """What answers a connection's requests until a stream takes it over."""

    def let_go(self) -> None:
        """Have nothing to do with the connection any more."""


class OpenStreams:
    """The connections that carry streams, until their last byte is sent."""

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()
        self.files = MemoryFiles()
        """What many of them are sent."""
        self._all_over = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def take_over(self, request: web.Request, form: Form) -> "OpenStream":
        """Take the connection of a request that isn't answered yet. Raises ConnectionResetError if it is gone.

        Nothing may be written by the response from now on, and whoever handles the request has to return without
        waiting for anything: for aiohttp the connection is lost with the next turn of the event loop.
        """
        protocol, transport = request.protocol, request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        stream = self.carry(transport, form, paused=protocol.writing_paused)
        cast("Lender", protocol).let_go()
        return stream

    def carry(self, transport: asyncio.Transport, form: Form, *, paused: bool) -> "OpenStream":
        """Let a connection carry a stream."""
        stream = OpenStream(self, transport, form, paused=paused)
        self._open.add(stream)
        transport.set_protocol(stream)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        return stream

    def forget(self, stream: "OpenStream") -> None:
        """A stream's connection is over."""
        self._open.discard(stream)
        if not self._open:
            self._all_over.set()

    async def close(self, within: float) -> None:
        """Let streams that have ended send their last bytes, for so many seconds; then cut off whoever is left."""
        self.files.close()
        for patience in (within, 1.0):
            if not self._open:
                return
            self._all_over.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_over.wait(), patience)
            for stream in self._open:
                stream.abort()


class OpenStream(asyncio.Protocol):
    """A connection that carries a stream: the hub's link to it."""

    __slots__ = (
        "_at_end",
        "_clear",
        "_form",
        "_send",
        "_socket",
        "_streams",
        "_transport",
        "is_closing",
        "unsent",
        "writing_paused",
    )

    def __init__(self, streams: OpenStreams, transport: asyncio.Transport, form: Form, *, paused: bool) -> None:
        self._streams = streams
        self._transport: asyncio.Transport | None = transport
        self._form = form
        self._at_end: tuple[Callable[[], None], ...] = ()
        self.writing_paused = paused
        """Whether the transport holds as much unsent as it may."""
        self.is_closing = transport.is_closing
        self.unsent = transport.get_write_buffer_size
        # Only borrowed: the transport closes it, and hears of it first.
        descriptor = transport.get_extra_info("socket").fileno()
        # Of what family it is would only matter for addresses; that it doesn't block is the transport's doing.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
        self._send = self._socket.send
        self._clear = False
        """Whether nothing waits in the transport, as far as known."""

    def at_end(self, call: Callable[[], None]) -> None:
        """Have a function called when the connection is over, behind those that were given before."""
        if self._transport is None:
            call()
        else:
            self._at_end = (*self._at_end, call)

    # A transport takes what the system doesn't, and tells when there is room again. What the system takes needs no
    # transport: to send it straight away costs a broadcast a sixth less.

    def offer(self, data: bytes) -> bool | None:
        """Send bytes unless enough waits already; return whether they were taken, None where the connection is over."""
        if self._clear:
            try:
                sent = self._send(data)
            except OSError:
                sent = 0
            if sent != len(data):
                self._keep(data, sent)
            return True
        if self.is_closing():
            return None
        if self.writing_paused:
            return False
        self.write(data)
        return True

    def take(self, parts: Sequence[memoryview]) -> int:
        """Send at once what the system takes of some bytes, one part behind another; return how many it took."""
        sent = 0
        if self._is_clear():
            parts = parts[:MOST_PARTS]
            place, file = self._find_file(parts)
            with contextlib.suppress(OSError):
                if file is None:
                    return self._socket.sendmsg(parts)
                if place:
                    sent += self._socket.sendmsg(parts[:place], (), socket.MSG_MORE)
                if sent == sum(map(len, parts[:place])):
                    taken = os.sendfile(self._socket.fileno(), file, 0, len(parts[place]))
                    sent += taken
                    if taken == len(parts[place]) and parts[place + 1 :]:
                        sent += self._socket.sendmsg(parts[place + 1 :])
        return sent

    def _find_file(self, parts: Sequence[memoryview]) -> tuple[int, int | None]:
        """Return the first of some parts that is large and whole, and the file that it is in, if there is one."""
        for place, part in enumerate(parts):
            if len(part) >= LARGE and isinstance(part.obj, bytes) and len(part) == len(part.obj):
                return place, self._streams.files.find(part.obj)
        return 0, None

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes, some time."""
        sent = 0
        if self._is_clear():
            with contextlib.suppress(OSError):
                sent = self._send(data)
        if sent < len(data):
            self._keep(data, sent)

    def _is_clear(self) -> bool:
        """Whether nothing waits in the transport."""
        self._clear = self._clear or (not self.unsent() and not self.is_closing())
        return self._clear

    def _keep(self, data: bytes | memoryview, sent: int) -> None:
        """Have the transport send the rest. Where the connection is broken, it finds that out for itself."""
        self._clear = False
        if self._transport is not None:
            self._transport.write(memoryview(data)[sent:])

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """End the response, and the connection when all is sent."""
        if self._transport is not None:
            if self._form is not Form.PLAIN:
                self.write(_LAST_CHUNK)
            self._clear = False
            self._transport.close()

    # What the transport says. What a client sends behind its request is nobody's business.

    def pause_writing(self) -> None:
        """More waits than may: whoever writes on is to blame."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """Little enough waits again."""
        self.writing_paused = False

    def connection_lost(self, _: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        self._transport = None
        self._clear = False
        self._socket.detach()
        self._streams.forget(self)
        at_end, self._at_end = self._at_end, ()
        for call in at_end:
            call()


STREAM = web.RequestKey("stream", OpenStream)
"""The stream that answers a request, once its connection is taken over."""
