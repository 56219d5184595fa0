"""Thousands of subscribers in one process: raw sockets and one epoll, so that reading costs little.

A *marker* is ``@`` and 16 digits: ``time.monotonic_ns()`` of when something was sent off. Who reads one knows how long
it took. ``Crowd`` reads in the caller's process, ``Remote`` has one that reads in a process of its own.
"""

import contextlib
import multiprocessing
import resource
import select
import socket
import time
from multiprocessing.connection import Connection
from typing import Any, Self

from benchmarks.drain import MOST_CONNECTIONS, Drain, Tally, find_drain

QUIET = 0.3
"""Seconds without a byte after which a crowd is at rest."""

DIGITS = 16
_NEWLINE = ord("\n")


def marker() -> str:
    """Return the moment, to be read by a crowd."""
    return f"@{time.monotonic_ns():0{DIGITS}}"


class Crowd:
    """Connections that send a request and then only read."""

    def __init__(self, library: str | None = None) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(MOST_CONNECTIONS, hard) if hard > 0 else soft, hard))
        self.poll = select.epoll()
        self._tallies = (Tally * MOST_CONNECTIONS)()
        self._drain = Drain(library, self._tallies) if library is not None else None
        self._connections: dict[int, socket.socket] = {}
        self._quick: list[Tally] = []
        self._kept: dict[int, bytearray] = {}
        self._slow: list[int] = []
        self._slow_read_at = 0.0
        self.waits: list[int] = []
        self.arrived_at = 0.0
        """When the last byte came (``time.monotonic()``)."""

    @property
    def received(self) -> dict[int, int]:
        """How many bytes came on each connection."""
        return {descriptor: self._tallies[descriptor].received for descriptor in self._connections}

    def join(self, count: int, address: tuple[str, int], request: bytes, *, keep: int = 0, slow: bool = False) -> None:
        """Connect, send the request, and read what comes meanwhile; keep all that the first ``keep`` get.

        Who is ``slow`` reads 10 kB a second, and lets the system hold little.
        """
        for number in range(count):
            connection = socket.socket()
            if slow:
                # Room for some segments as a network's, not for one of loopback's: whose window never has room for a
                # segment is to the other end somebody who takes nothing at all.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_460)
            connection.connect(address)
            connection.sendall(request)
            connection.setblocking(False)
            self._add(connection, keep=number < keep, slow=slow)
            if number % 50 == 49:
                self.read_for(0)

    def _add(self, connection: socket.socket, *, keep: bool, slow: bool) -> None:
        descriptor = connection.fileno()
        self._connections[descriptor] = connection
        self._tallies[descriptor] = Tally(drained=self._drain is not None and not keep and not slow)
        if keep:
            self._kept[descriptor] = bytearray()
        if slow:
            self._slow.append(descriptor)
        else:
            self._quick.append(self._tallies[descriptor])
            self.poll.register(descriptor, select.EPOLLIN)

    def read_for(self, seconds: float) -> None:
        """Read whatever comes for some time, at least once."""
        end = time.monotonic() + seconds
        while True:
            self.read_once(max(0.0, min(0.05, end - time.monotonic())))
            if time.monotonic() >= end:
                return

    def read_once(self, timeout: float) -> None:
        """Read what comes within a time."""
        for descriptor in self._look(timeout):
            if descriptor in self._connections:
                self._read(descriptor, 1 << 18)
        if self._slow and time.monotonic() - self._slow_read_at >= 0.1:
            self._slow_read_at = time.monotonic()
            for descriptor in self._slow:
                self._read(descriptor, 1_000)

    def _look(self, timeout: float) -> list[int]:
        """Return on what there is something to read that isn't drained."""
        if self._drain is None:
            return [descriptor for descriptor, _ in self.poll.poll(timeout, 1024)]
        found = self._drain.read(self.poll.fileno(), timeout)
        self.waits += found.wait[: found.waits]
        self.arrived_at = max(self.arrived_at, found.arrived_at / 1e9)
        return found.other[: found.others]

    def read_until_quiet(self, quiet: float = QUIET, limit: float = 60.0) -> None:
        """Read until nothing has come for a while."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            began = time.monotonic()
            self.read_for(quiet)
            if self.arrived_at < began:
                return
        raise TimeoutError("the stream doesn't come to rest")

    def _read(self, descriptor: int, most: int) -> None:
        try:
            data = self._connections[descriptor].recv(most)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("the server ended a stream")
        now = time.monotonic_ns()
        self.arrived_at = now / 1e9
        tally = self._tallies[descriptor]
        tally.received += len(data)
        tally.marked += len(data)
        if descriptor in self._kept:
            self._kept[descriptor] += data
        if not tally.begun and b"\r\n\r\n" in data:
            tally.begun = True
        tally.events += data.count(b"\n\n") + (tally.last == _NEWLINE == data[0])
        tally.last = data[-1]
        at = data.find(b"@")
        while at >= 0:
            digits = data[at + 1 : at + 1 + DIGITS]
            if len(digits) == DIGITS and digits.isdigit():
                self.waits.append(now - int(digits))
            at = data.find(b"@", at + 1)

    # What a benchmark asks for; all of it can be pickled.

    def begin(self, limit: float = 60.0) -> float:
        """Read until everybody has the head of the answer."""
        return self._until(lambda: all(tally.begun for tally in self._quick), limit)

    def mark(self) -> None:
        """Count from here on."""
        self.waits.clear()
        for descriptor in self._connections:
            self._tallies[descriptor].events = self._tallies[descriptor].marked = 0

    def reach(self, events: int, limit: float = 60.0) -> float:
        """Read until everybody who isn't slow has had so many events since the mark; return the seconds it took."""
        return self._until(lambda: all(tally.events >= events for tally in self._quick), limit)

    def rest(self, limit: float = 60.0) -> float:
        """Read until nothing comes any more; return when the last byte came (``time.monotonic()``)."""
        self.read_until_quiet(limit=limit)
        return self.arrived_at

    def _until(self, holds: Any, limit: float) -> float:
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > limit:
                raise TimeoutError(f"not within {limit:g} s: {self.figures()}")
            self.read_for(0.001)
        return time.monotonic() - began

    def figures(self) -> dict[str, float]:
        """Return what came since the mark, of those who aren't slow: events, bytes, and waits in milliseconds."""
        events = [tally.events for tally in self._quick] or [0]
        sizes = [tally.marked for tally in self._quick] or [0]
        waits = sorted(self.waits) or [0]
        return {
            "events": sum(events),
            "fewest": min(events),
            "most": max(events),
            "bytes": sum(sizes),
            "fewest_bytes": min(sizes),
            "most_bytes": max(sizes),
            "p50_ms": waits[len(waits) // 2] / 1e6,
            "p99_ms": waits[len(waits) * 99 // 100] / 1e6,
            "max_ms": waits[-1] / 1e6,
        }

    def kept(self) -> list[bytes]:
        """Return all bytes of those who keep them."""
        return [bytes(body) for body in self._kept.values()]

    def leave(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            with contextlib.suppress(OSError):
                connection.close()
        for group in (self._connections, self._quick, self._kept, self._slow):
            group.clear()


class Remote:
    """A crowd in a process of its own, that reads whatever else is asked of it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, find_drain()), daemon=True)
        self._process.start()
        there.close()

    def call(self, name: str, *arguments: Any, **more: Any) -> Any:
        """Have the crowd do something, and return what that returns."""
        self._here.send((name, arguments, more))
        failed, result = self._here.recv()
        if failed:
            raise RuntimeError(result)
        return result

    def close(self) -> None:
        """End it."""
        self._here.close()
        self._process.join(5)
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(pipe: Connection, library: str | None) -> None:
    crowd = Crowd(library)
    crowd.poll.register(pipe.fileno(), select.EPOLLIN)
    while True:
        crowd.read_once(0.05)
        if not pipe.poll():
            continue
        try:
            name, arguments, more = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send((False, getattr(crowd, name)(*arguments, **more)))
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            pipe.send((True, f"{name}: {error!r}"))
