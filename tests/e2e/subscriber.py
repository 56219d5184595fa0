"""A subscriber on a real socket: requests, reads at its own pace, folds what comes, and resumes."""

import asyncio
import copy
import socket
from collections.abc import Callable, Mapping
from typing import Any, Self

from gateway.hub.frame import Form
from tests.e2e.fastloop import until
from tests.hub.client import Client, DetailClient, Event

STREAM = "/api/stream/pipelines"

FORMS = (Form.PLAIN, Form.CHUNKED, Form.GZIP)
"""The forms that a client can ask for."""

HEADERS: Mapping[Form, Mapping[str, str]] = {
    Form.PLAIN: {},
    Form.CHUNKED: {"Accept-Encoding": "identity"},
    Form.GZIP: {"Accept-Encoding": "gzip, deflate, br"},
}


class Subscriber(asyncio.Protocol):
    """Someone who watches. What it holds outlives a connection; ``heard`` are called with each event."""

    def __init__(
        self, address: tuple[str, int], query: str = "", *, form: Form = Form.CHUNKED, path: str = STREAM
    ) -> None:
        self.client = DetailClient() if path.startswith(f"{STREAM}/") else Client()
        self.query = query
        self.form = form
        self.heard: list[Callable[[Event], None]] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        """What came behind the headers of an answer that is no stream."""
        self.ended = False
        self.receive_buffer: int | None = None
        """Bytes that the system takes for someone who doesn't read; None leaves that to the system."""
        self._address = address
        self._target = path + query
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._failure: Exception | None = None
        self._told = 0

    # Coming and going.

    async def connect(self, *, cursor: str | None = None, headers: Mapping[str, str] = {}) -> Self:
        """Connect, with the last id if there is one, and wait for the headers of the answer."""
        self.client.connect(self.form)
        self.status, self.headers, self.body, self._head, self._told = 0, {}, b"", b"", 0
        self.ended = False
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        if self.receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        await loop.sock_connect(connection, self._address)
        await loop.create_connection(lambda: self, sock=connection)
        cursor = self.client.last_id if cursor is None else cursor
        version = "HTTP/1.0" if self.form is Form.PLAIN else "HTTP/1.1"
        host, port = self._address
        lines = {"Host": f"{host}:{port}", "Accept": "text/event-stream", **HEADERS[self.form], **headers}
        if cursor:
            lines["Last-Event-ID"] = cursor
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        assert self._transport is not None
        self._transport.write(f"GET {self._target} {version}\r\n{head}\r\n".encode())
        await self.wait(lambda: self.status > 0)
        return self

    def leave(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def stop_reading(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()

    def read_on(self) -> None:
        assert self._transport is not None
        self._transport.resume_reading()

    async def wait(self, holds: Callable[[], bool], *, within: float = 60.0, what: str = "") -> None:
        """Wait until ``holds()``; raise what was wrong with the stream, if anything was."""

        def look() -> bool:
            self.check()
            return holds()

        await until(look, within=within, what=what or f"subscriber {self.query!r} {self.client.names[-5:]}")

    def check(self) -> None:
        """Raise what was wrong with the stream, if anything was."""
        if self._failure is not None:
            raise self._failure

    # What it got.

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """The fold of all that came."""
        return self.client.documents

    @property
    def detail(self) -> dict[str, Any]:
        """The fold of all that came of one application; empty where it is gone."""
        assert isinstance(self.client, DetailClient)
        return self.client.detail or {}

    @property
    def events(self) -> list[Event]:
        """The events of this connection."""
        return self.client.events

    @property
    def goodbye(self) -> dict[str, Any] | None:
        return self.client.goodbye

    @property
    def first(self) -> tuple[str, str | None]:
        """The name and the reason of the first state of this connection."""
        event = next(event for event in self.events if event.name in ("snapshot", "delta"))
        return event.name, event.data.get("reason")

    @property
    def has_state(self) -> bool:
        """Whether a state came in this connection."""
        return any(event.name in ("snapshot", "delta") for event in self.events)

    @property
    def upstream(self) -> dict[str, Any]:
        """Upstream's state, as the last heartbeat said."""
        heartbeats = self.client.heartbeats
        return heartbeats[-1].data["upstream"] if heartbeats else {}

    def watch_removals(self) -> list[str]:
        """Return a list that gets each key that is removed from now on."""
        removed: list[str] = []
        self.heard.append(lambda event: removed.extend(event.data.get("removed", ())))
        return removed

    def watch_documents(self) -> list[dict[str, Any]]:
        """Return a list that gets each version of each document that is shown from now on."""
        versions: list[dict[str, Any]] = []

        def note(event: Event) -> None:
            if event.name == "snapshot":
                versions.extend(copy.deepcopy(event.data["applications"]))
            elif event.name == "delta":
                keys = event.data["changed"]
                versions.extend(copy.deepcopy(self.documents[key]) for key in keys if key in self.documents)

        self.heard.append(note)
        return versions

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._failure = error

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        try:
            if self.goodbye is not None and exc is None:
                self.client.see_end()
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._failure = error

    def _receive(self, data: bytes) -> None:
        if self.status == 0:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            line, *fields = head.decode().split("\r\n")
            self.headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
            self.status = int(line.split()[1])
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            self.body += data
        elif data:
            self.client.feed(data)
            for event in self.events[self._told :]:
                self._told += 1
                for hear in self.heard:
                    hear(event)
