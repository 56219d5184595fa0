"""How much later 500 honest subscribers see a change while 5,000 connections never finish asking.

``python -m benchmarks.halfopen``. The time from a change in Argo CD to its delta, for each subscriber, in turns without
and with the half-open connections; these are opened anew as the gateway closes them.
"""

import json
import select
import socket
import statistics
import sys
import threading
import time
from typing import Any, Self

from benchmarks.crowd import Crowd
from benchmarks.server import Upstream, serve

HONEST, HALF_OPEN = 500, 5_000
ROUNDS, CHANGES, PACE = 3, 120, 0.1
REQUEST = b"GET /api/stream/pipelines HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
HALF = b"GET /api/stream/pipelines HTTP/1.1\r\nHost: localh"
AT_ONCE = 200
"""Connections that are opened between two looks."""


class Attack:
    """Half-open connections, in a thread; those that are closed are opened again."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        self._address = address
        self._count = count
        self._open: dict[int, socket.socket] = {}
        self._poll = select.epoll()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.opened = 0
        """How many were opened in all."""
        self.complete = threading.Event()
        """Set once all are open."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.complete.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._open.values():
            connection.close()

    def _run(self) -> None:
        while not self._over.is_set():
            for _ in range(min(AT_ONCE, self._count - len(self._open))):
                self._begin()
            if len(self._open) >= self._count:
                self.complete.set()
            for descriptor, _ in self._poll.poll(0.02, 1_024):
                self._poll.unregister(descriptor)
                self._open.pop(descriptor).close()

    def _begin(self) -> None:
        connection = socket.create_connection(self._address, timeout=10)
        connection.sendall(HALF)
        self._poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLHUP)
        self._open[connection.fileno()] = connection
        self.opened += 1


def watch(crowd: Crowd, upstream: Upstream, state: int) -> list[float]:
    """Return, in milliseconds, after what time each subscriber had each of some changes."""
    delays = []
    for step in range(CHANGES):
        crowd.read_for(0)
        before = crowd.received
        upstream.put("app-1", project="p", health="Degraded", message=f"{state}-{step}")
        began, late = time.monotonic(), set(before)
        while late and time.monotonic() < began + 10:
            crowd.read_for(0.001)
            now = time.monotonic()
            received = crowd.received
            seen = {descriptor for descriptor in late if received[descriptor] > before[descriptor]}
            delays += [(now - began) * 1e3] * len(seen)
            late -= seen
        assert not late, f"{len(late)} subscribers didn't see a change within 10 s"
        time.sleep(PACE)
    return delays


def measure(half_open: int = HALF_OPEN, honest: int = HONEST) -> dict[str, Any]:
    """Return p50 and p99 in both conditions, the median of three rounds in turns, and their ratio."""
    upstream, crowd = Upstream(), Crowd()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    quiet, attacked, opened = [], [], 0
    with serve(upstream, GATEWAY_TICK="10ms") as server:
        server.wait_for(20)
        crowd.join(honest, server.address, REQUEST)
        crowd.read_until_quiet()
        memory = server.memory()
        for number in range(ROUNDS):
            quiet.append(watch(crowd, upstream, 2 * number))
            with Attack(server.address, half_open) as attack:
                attacked.append(watch(crowd, upstream, 2 * number + 1))
                grown = (server.memory() - memory) / half_open
                opened += attack.opened
        crowd.leave()
    upstream.stop()
    result: dict[str, Any] = {"half_open": half_open, "honest": honest, "opened": opened}
    for name, rounds in (("quiet", quiet), ("attacked", attacked)):
        for share in (50, 99):
            result[f"{name}_p{share}_ms"] = round(
                statistics.median(statistics.quantiles(each, n=100)[share - 1] for each in rounds), 1
            )
    result["p99_ratio"] = round(result["attacked_p99_ms"] / result["quiet_p99_ms"], 2)
    result["bytes_each"] = round(grown)
    return result


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=2))
