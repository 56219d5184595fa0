"""One open watch of the fake Argo CD: what it may send, when, and how it is framed.

Faithful to `argo-cd server/application/application.go` (burst first, subscription afterwards, filter at the moment of
sending, a full buffer drops silently) and to argoproj/pkg `grpc/http/forwarders.go` (late headers, SSE or
newline-JSON, `fields`, de-duplication by name). Faults are asked of the server (`Server`), never decided here.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol

import orjson
from aiohttp import web

from .applications import Application, project_of, version_of
from .fields import FieldsFilter
from .recordings import payload_of
from .replica import Event, Replica

CONTROL_PLANE = "argocd"
KEEPALIVE = b":\n"


class Server(Protocol):
    """What a stream asks of the server that it belongs to."""

    watch_buffer: int

    def may_see(self, project: str) -> bool: ...
    def is_burst_stalled(self, sent: int) -> bool: ...
    def run_burst_hooks(self, sent: int) -> None: ...
    def note_change(self) -> None: ...


class Stream:
    """A watch in progress, with its query and counters for tests to look at."""

    def __init__(self, server: Server, request: web.Request, replica: Replica) -> None:
        self.request = request
        self.query = request.query
        self.replica = replica
        self.is_sse = request.headers.get("Accept") == "text/event-stream"
        self.is_bridge = bool(self.query.get("resourceVersion")) and not self.query.get("name")
        """No burst: subscribed at once."""
        self.subscribed = False
        self.headers_sent = False
        self.closed = False
        self.burst_sent = 0
        self.events_sent = 0
        self.bytes_sent = 0
        self.dropped = 0
        """Events lost because the buffer was full, without a word to the client."""
        self.cut_at: int | None = None
        """The byte of the plain body at which the connection is cut."""
        self.script: list[bytes] | None = None
        """Recorded lines to send as the burst, instead of the state."""
        self._server = server
        self._fields = FieldsFilter(self.query.get("fields", ""))
        self._projects = frozenset(self.query.getall("project", []) or self.query.getall("projects", []))
        self._floor = _as_integer(self.query.get("resourceVersion", ""))
        self._last: dict[str, bytes] = {}
        self._events: deque[Event | bytes] = deque()
        self._at_once: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._busy = True
        self._ending = False
        self._response: web.StreamResponse | None = None
        gzipped = not self.is_sse and "gzip" in request.headers.get("Accept-Encoding", "")
        self._deflate = zlib.compressobj(wbits=31) if gzipped else None

    def __repr__(self) -> str:
        states = [
            word for word in ("is_sse", "is_bridge", "subscribed", "headers_sent", "closed") if getattr(self, word)
        ]
        return f"<Stream {dict(self.query)} {' '.join(states)} events={self.events_sent} burst={self.burst_sent}>"

    @property
    def is_idle(self) -> bool:
        """True when everything that is due has been written."""
        return self.closed or not (self._busy or self._wake.is_set() or self._events or self._at_once)

    def offer(self, event: Event) -> None:
        """Take an event for sending, or drop it when the buffer is full (`argo-cd server/broadcast/broadcaster.go`)."""
        if len(self._events) >= self._server.watch_buffer:
            self.dropped += 1
            self._server.note_change()
        else:
            self._events.append(event)
            self._wake.set()

    def post(self, data: bytes) -> None:
        """Send bytes as they are: after what is queued, or before the rest of a burst that is under way."""
        (self._events if self.subscribed else self._at_once).append(data)
        self._wake.set()

    def keep_alive(self) -> None:
        if self.is_sse and self.headers_sent:
            self.post(KEEPALIVE)

    def post_error(self, error: dict[str, Any]) -> None:
        self.post(self.frame({"error": error}))

    def end(self) -> None:
        """End the body properly, after what is queued."""
        self._ending = True
        self._wake.set()

    def cut(self, *, abort: bool = False) -> None:
        """Cut the connection without an end of the body; with `abort` even what was written is thrown away."""
        self.closed = True
        transport = self.request.transport
        if transport is not None:
            transport.abort() if abort else transport.close()
        self._leave()

    def wake(self) -> None:
        self._wake.set()

    async def serve(self) -> web.StreamResponse:
        """Send until the client leaves or the stream is cut; the handler of the request."""
        try:
            with suppress(ConnectionResetError):  # the client has left, or a test has cut the stream
                if not self.is_bridge:
                    await self._send_burst()
                await self._send_events()
        finally:
            self.closed = True
            self._leave()
        return self._response or web.Response()

    async def _send_burst(self) -> None:
        for item in self._burst():  # of the state as it is now: what changes while it is sent is not in it
            await self._pass()
            if self.closed:
                return
            if await self._send(item):
                self.burst_sent += 1
        await self._pass()

    async def _send_events(self) -> None:
        self._subscribe()
        while not self.closed:
            if self._events:
                await self._send(self._events.popleft())
            elif self._ending:
                await self._finish()
                break
            else:
                await self._rest()

    def _burst(self) -> Iterator[Event | bytes]:
        if self.script is not None:
            return iter([_as_line(line) for line in self.script])
        return iter([Event(type="ADDED", application=item) for item in self.replica.in_order_of_keys()])

    async def _pass(self) -> None:
        """Wait at this point of the burst while it is stalled, sending what is to be sent at once."""
        self._server.run_burst_hooks(self.burst_sent)
        while not self.closed:
            if self._at_once:
                await self._write(self._at_once.popleft())
            elif self._server.is_burst_stalled(self.burst_sent):
                await self._rest()
            else:
                return

    async def _rest(self) -> None:
        self._busy = False
        self._server.note_change()
        self._wake.clear()
        await self._wake.wait()
        self._busy = True

    def _subscribe(self) -> None:
        self._events.extend(self._at_once)
        self._at_once.clear()
        if not self.closed:
            self.subscribed = True
            self.replica.subscribers.append(self)
        self._server.note_change()

    def _leave(self) -> None:
        if self in self.replica.subscribers:
            self.replica.subscribers.remove(self)
        self._wake.set()
        self._server.note_change()

    async def _send(self, item: Event | bytes) -> bool:
        """Send one event or line; tell whether it was an event and did go out."""
        if isinstance(item, bytes):
            await self._write(item)
            return payload_of(item) is not None
        data = self._event_frame(item)
        if data:
            self.events_sent += 1
            await self._write(data)
        return bool(data)

    def _event_frame(self, event: Event) -> bytes:
        if not self._permits(event.application):
            return b""
        if event.raw is not None:
            return self._framed(payload_of(event.raw) or b"")
        data = self.frame({"result": {"type": event.type, "application": event.application}})
        name = event.application["metadata"]["name"]
        if self._last.get(name) == data:
            return b""
        self._last[name] = data
        return data

    def _permits(self, application: Application) -> bool:
        metadata, name = application["metadata"], self.query.get("name")
        return (
            (not self._projects or project_of(application) in self._projects)
            and version_of(application) >= self._floor
            and (
                not name
                or (metadata["name"], metadata.get("namespace"))
                == (name, self.query.get("appNamespace") or CONTROL_PLANE)
            )
            and self._server.may_see(project_of(application))
        )

    def frame(self, document: dict[str, Any]) -> bytes:
        """Return a document as it goes over the wire, filtered by `fields`; filtered keys are sorted, as Go does."""
        if self._fields:
            return self._framed(orjson.dumps(self._fields.prune(document), option=orjson.OPT_SORT_KEYS))
        return self._framed(orjson.dumps(document))

    def _framed(self, payload: bytes) -> bytes:
        return b"data: " + payload + b" \n\n\n" if self.is_sse else payload + b"\n"

    async def _write(self, data: bytes) -> None:
        part = data if self.cut_at is None else data[: self.cut_at - self.bytes_sent]
        self.bytes_sent += len(part)
        if self._response is None:
            self._response = web.StreamResponse(headers=self._headers())
            await self._response.prepare(self.request)
            self.headers_sent = True
        await self._response.write(self._encoded(part))
        self._server.note_change()
        if self.bytes_sent == self.cut_at:
            self.cut()

    async def _finish(self) -> None:
        if self._deflate is not None and self._response is not None:
            await self._response.write(self._deflate.flush())

    def _encoded(self, data: bytes) -> bytes:
        if self._deflate is None:
            return data
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _headers(self) -> dict[str, str]:
        if self.is_sse:
            return {"Content-Type": "text/event-stream", "X-Content-Type-Options": "nosniff"}
        headers = {"Content-Type": "application/json", "Vary": "Accept-Encoding"}
        return headers | ({"Content-Encoding": "gzip"} if self._deflate else {})


def _as_integer(version: str) -> int:
    return int(version) if version.isdecimal() else 0


def _as_line(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"
