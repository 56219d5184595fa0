"""Ports for programs that have to be told theirs, and may restart on it.

They are below those that the kernel hands out: any connection of another process could have one of those while its
program is down, and keep it for as long as a test lasts.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator

PORTS = range(12_000, 32_000)

_WORKERS = 32
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_own = PORTS[_worker::_WORKERS]
_first = random.SystemRandom().randrange(len(_own))  # Other runs on this machine have begun elsewhere.
_turns: Iterator[int] = itertools.cycle((*_own[_first:], *_own[:_first]))


def find_port() -> int:
    """Return a port that nobody listens on, and that no other process of these tests will be given."""
    for port in itertools.islice(_turns, len(_own)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError(f"no free port among {_own}")
