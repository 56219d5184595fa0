"""Thousands of subscribers in one process: raw sockets and one epoll, so that reading costs little."""

import contextlib
import resource
import select
import socket
import time

QUIET = 0.3
"""Seconds without a byte after which a crowd is at rest."""


class Crowd:
    """Connections that send a request and then only read."""

    def __init__(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, hard) if hard > 0 else soft, hard))
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self.received: dict[int, int] = {}
        self.tails: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def total(self) -> int:
        """All bytes that were received."""
        return sum(self.received.values())

    def join(self, count: int, address: tuple[str, int], request: bytes) -> None:
        """Connect, send the request, and read what comes meanwhile."""
        for number in range(count):
            connection = socket.create_connection(address)
            connection.sendall(request)
            connection.setblocking(False)
            descriptor = connection.fileno()
            self._sockets[descriptor] = connection
            self.received[descriptor] = 0
            self.tails[descriptor] = b""
            self._poll.register(descriptor, select.EPOLLIN)
            if number % 100 == 99:
                self.read_for(0)

    def read_for(self, seconds: float) -> None:
        """Read whatever comes for some time, at least once."""
        end = time.monotonic() + seconds
        while True:
            for descriptor, _ in self._poll.poll(max(0.0, min(0.05, end - time.monotonic())), 1024):
                self._read(descriptor)
            if time.monotonic() >= end:
                return

    def read_until_quiet(self, quiet: float = QUIET, limit: float = 60.0) -> None:
        """Read until nothing has come for a while."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            before = self.total
            self.read_for(quiet)
            if self.total == before:
                return
        raise TimeoutError("the stream doesn't come to rest")

    def _read(self, descriptor: int) -> None:
        with contextlib.suppress(BlockingIOError):
            data = self._sockets[descriptor].recv(1 << 18)
            if not data:
                raise ConnectionError("the server ended a stream")
            self.received[descriptor] += len(data)
            self.tails[descriptor] = data[-256:]

    def leave(self) -> None:
        """Close all connections."""
        for descriptor, connection in self._sockets.items():
            self._poll.unregister(descriptor)
            connection.close()
        self._sockets.clear()
        self.received.clear()
        self.tails.clear()
