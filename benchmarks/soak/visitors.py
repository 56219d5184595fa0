"""Those who come, watch and go: quick and slow, with and without gzip, of all, of a part, of one application."""

import asyncio
import contextlib
import random
import socket
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from gateway.consumer.sse import Event, Parser
from gateway.model.delta import apply
from tests.hub.client import Chunks

STREAM = "/api/stream/pipelines"
SELECTIONS = (
    "",
    "",
    "",
    "?projects=store",
    "?names=*-prod",
    "?names=astrago-*,trombone-*",
    "?health=Progressing,Degraded",
    "?selector=team%20in%20(astrago,coelho)",
)
DETAILS = ("astrago-core", "coelho-realtime", "trombone-pay", "trombone-api", "store-gateway-prod")
NARROW = 4_096
"""Bytes that the system keeps for somebody who doesn't read."""

Documents: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How somebody visits. ``followed``: what it gets is folded, to be compared at the end."""

    target: str
    gzip: bool
    slow: bool
    followed: bool


def choose_habits(count: int, followed: int, dice: random.Random) -> list[Habit]:
    """Return as many habits: some slow, some with gzip, some of details; the first are followed, of each kind some."""
    habits = []
    for number in range(count):
        detail = number % 12 == 5
        target = f"{STREAM}/{dice.choice(DETAILS)}" if detail else STREAM + dice.choice(SELECTIONS)
        habits.append(
            Habit(target=target, gzip=number % 3 != 0, slow=number % 20 == 7, followed=number < followed),
        )
    return habits


class Connection(asyncio.Protocol):
    """One connection; ``over`` is done when it has ended."""

    def __init__(self, visitor: "Visitor") -> None:
        self._visitor = visitor
        self.transport: asyncio.Transport | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._visitor.receive(data)

    def connection_lost(self, _: Exception | None) -> None:
        """Say that it is over."""
        if not self.over.done():
            self.over.set_result(None)


class Visitor:
    """Somebody who comes again and again. What it knows outlives a connection."""

    def __init__(self, habit: Habit, address: tuple[str, int], *, stay: float, dice: random.Random) -> None:
        self.habit = habit
        self.seen: Counter[str] = Counter()
        self.documents: Documents = {}
        self.detail: dict[str, Any] = {}
        self.cursor = ""
        self.connected = False
        self._address = address
        self._stay = stay
        self._dice = dice
        self._settled = asyncio.Event()
        self._gone = asyncio.Event()
        self._reset()

    def settle(self) -> None:
        """Come, if away, and stay; read on."""
        self._settled.set()

    def leave(self) -> None:
        """Go for good."""
        self._settled.set()
        self._gone.set()

    async def live(self) -> None:
        """Come and go until ``settle``, then stay until ``leave``."""
        while not self._gone.is_set():
            try:
                await self._visit()
            except OSError:
                self.seen["refused"] += 1
            if not self._settled.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._settled.wait(), self._dice.uniform(0.1, 2.0))
            elif not self._gone.is_set():
                await asyncio.sleep(0.05)

    async def _visit(self) -> None:
        loop = asyncio.get_running_loop()
        plug = socket.socket()
        plug.setblocking(False)
        if self.habit.slow:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
        connection = Connection(self)
        try:
            await loop.sock_connect(plug, self._address)
            await loop.create_connection(lambda: connection, sock=plug)
        except OSError:
            plug.close()
            raise
        assert connection.transport is not None
        # Half of those who could resume do.
        resume = self.cursor if self._settled.is_set() or self._dice.random() < 0.5 else ""
        self._reset()
        connection.transport.write(self._request(resume))
        self.connected = True
        try:
            await self._watch(connection)
        finally:
            self.connected = False
            connection.transport.abort()
            await connection.over

    async def _watch(self, connection: Connection) -> None:
        """Stay for a while, reading or not; who has settled stays, and reads."""
        assert connection.transport is not None
        loop = asyncio.get_running_loop()
        end = loop.time() + self._dice.expovariate(1 / self._stay)
        reading = True
        while not self._settled.is_set() and (left := end - loop.time()) > 0 and not connection.over.done():
            if self.habit.slow:
                (connection.transport.pause_reading if reading else connection.transport.resume_reading)()
                reading = not reading
                left = min(left, self._dice.uniform(1.0, 45.0) if not reading else 5.0)
            await self._wait(connection, self._settled, left)
        if not reading:
            connection.transport.resume_reading()
        if self._settled.is_set():
            await self._wait(connection, self._gone, None)

    async def _wait(self, connection: Connection, event: asyncio.Event, seconds: float | None) -> None:
        waiting: asyncio.Future[Any] = asyncio.create_task(event.wait())
        over: asyncio.Future[Any] = connection.over
        await asyncio.wait([waiting, over], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    def _request(self, resume: str) -> bytes:
        lines = [f"GET {self.habit.target} HTTP/1.1", "Host: localhost", "Accept: text/event-stream"]
        lines.append(f"Accept-Encoding: {'gzip' if self.habit.gzip else 'identity'}")
        if resume:
            lines.append(f"Last-Event-ID: {resume}")
        return "\r\n".join([*lines, "", ""]).encode()

    # What comes.

    def _reset(self) -> None:
        self._head: bytes | None = b""
        self._chunks = Chunks()
        self._parser = Parser(last_id=self.cursor)
        self._inflate = zlib.decompressobj(31) if self.habit.gzip else None

    def receive(self, data: bytes) -> None:
        """Take what came: count it, and fold it if this one is followed."""
        self.seen["bytes"] += len(data)
        if not self.habit.followed:
            if not self.habit.gzip and (at := data.rfind(b"\nid: ")) >= 0 and (end := data.find(b"\n", at + 5)) > 0:
                self.cursor = data[at + 5 : end].decode()
            return
        if self._head is not None:
            self._head += data
            head, end_of_head, data = self._head.partition(b"\r\n\r\n")
            if not end_of_head:
                return
            self._head = None
            self.seen[head.split(b" ", 2)[1].decode()] += 1
        for part in self._chunks.feed(data):
            for event in self._parser.feed(self._inflate.decompress(part) if self._inflate else part):
                self._take(event)

    def _take(self, event: Event) -> None:
        data = orjson.loads(event.data)
        if event.name == "snapshot":
            self.seen[f"snapshot {data['reason']}"] += 1
            self.detail = data.get("detail") or {}
            self.documents = {document["key"]: document for document in data.get("applications", ())}
        elif event.name == "delta":
            self.seen["delta resumed" if data.get("reason") == "resumed" else "delta"] += 1
            if self.habit.target.startswith(f"{STREAM}/"):
                held = {} if data.get("removed") else {**self.detail, **data["changed"]}
                self.detail = {name: value for name, value in held.items() if value is not None}
            else:
                apply(self.documents, data["changed"], data["removed"])
        else:
            self.seen[event.name] += 1
        if event.id is not None:
            self.cursor = event.id
