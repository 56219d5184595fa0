"""A small TCP balancer: round robin over the replicas that take a connection, and cuts on demand."""

import asyncio
import contextlib

CONNECT_TIMEOUT = 1.0


class Balancer:
    """Passes connections on. ``ports`` are the replicas', ``delay`` what each piece is held back, in seconds."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.down: set[int] = set()
        """Replicas that get no new connections, as if their readiness probe had failed."""
        self.delay = 0.0
        self.blocked = False
        """Whether nothing passes, in either direction, though connections stay."""
        self._turn = 0
        self._open: dict[asyncio.Task[None], int] = {}
        self._server: asyncio.Server | None = None
        self._unblocked = asyncio.Event()
        self._unblocked.set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def count(self) -> dict[int, int]:
        """Return how many connections each replica has."""
        counts = dict.fromkeys(self.ports, 0)
        for port in self._open.values():
            counts[port] += 1
        return counts

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=4_096)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    def cut(self, *, only: int | None = None) -> int:
        """Cut all connections, or those to one replica; return how many."""
        cut = [task for task, port in self._open.items() if only in (None, port)]
        for task in cut:
            task.cancel()
        return len(cut)

    def block(self) -> None:
        """Let nothing pass, without a word."""
        self.blocked = True
        self._unblocked.clear()

    def unblock(self) -> None:
        self.blocked = False
        self._unblocked.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        onward: asyncio.StreamWriter | None = None
        try:
            found = await self._connect()
            if found is None:
                return
            port, back, onward = found
            self._open[task] = port
            async with asyncio.TaskGroup() as group:
                there = group.create_task(self._pass(reader, onward))
                here = group.create_task(self._pass(back, writer))
                await asyncio.wait([there, here], return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                here.cancel()
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.pop(task, None)
            for end in (writer, onward):
                if end is not None:
                    end.transport.abort()

    async def _connect(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.ports:
            self._turn += 1
            port = self.ports[self._turn % len(self.ports)]
            if port in self.down:
                continue
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                return port, reader, writer
        return None

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._unblocked.wait()
            writer.write(data)
            await writer.drain()
