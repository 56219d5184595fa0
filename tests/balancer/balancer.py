"""A TCP balancer of the tests' own: it asks each backend whether it is ready, and acts on the answer seconds late."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

import aiohttp

POLL = 0.2
"""Seconds between two looks at a backend."""


class Balancer:
    """Passes connections on to the backends in turn. ``late`` is how old, in seconds, what it knows of them is."""

    def __init__(self, backends: list[tuple[str, int]], *, late: float) -> None:
        self.refused: Counter[tuple[str, int]] = Counter()
        """How often a backend refused a connection that was sent there."""
        self.unready_at: dict[tuple[str, int], float] = {}
        """When a backend first said that it isn't ready, by the loop's clock; it may not be known yet."""
        self.port = 0
        self._backends = backends
        self._late = late
        self._seen: dict[tuple[str, int], deque[tuple[float, bool]]] = {backend: deque() for backend in backends}
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        for backend in self._backends:
            self._start(self._look_after(backend))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self, backend: tuple[str, int]) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                ready = False
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get("http://{}:{}/readyz".format(*backend)) as response:
                        ready = response.status == 200
                now = asyncio.get_running_loop().time()
                if not ready:
                    self.unready_at.setdefault(backend, now)
                self._seen[backend].append((now, ready))
                await asyncio.sleep(POLL)

    def _is_in(self, backend: tuple[str, int]) -> bool:
        """Whether a backend was ready, as far as is known by now."""
        seen = self._seen[backend]
        known = asyncio.get_running_loop().time() - self._late
        while len(seen) > 1 and seen[1][0] <= known:
            seen.popleft()
        return not seen or seen[0][0] > known or seen[0][1]

    def _choose(self) -> tuple[str, int] | None:
        for _ in self._backends:
            self._turn += 1
            backend = self._backends[self._turn % len(self._backends)]
            if self._is_in(backend):
                return backend
        return None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend = self._choose()
        if backend is None:
            writer.transport.abort()
            return
        try:
            there, thither = await asyncio.open_connection(*backend)
        except OSError:
            self.refused[backend] += 1
            writer.transport.abort()
            return
        self._start(_pass_on(reader, thither))
        self._start(_pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on, and the end of them."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
