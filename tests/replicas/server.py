"""A real redis-server of the tests' own, with its faults as verbs."""

import asyncio
import contextlib
import shutil
import signal
from pathlib import Path

import redis.asyncio
import redis.exceptions

from tests.ports import find_port

PROGRAM = shutil.which("redis-server")


class RedisServer:
    """A redis-server in a folder; it keeps its port over restarts, and its data only where it is told to save."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.port = port or find_port()
        self.folder = folder
        self.options = options
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.asyncio.Redis:
        """Return a client of the test's own."""
        return redis.asyncio.Redis(port=self.port, protocol=2)

    async def start(self, *more: str) -> None:
        """Start, and wait until it answers; where another process has its port just now, until that has gone."""
        await self._launch(*more)
        async with self.client() as client:
            while True:
                assert self.process is not None
                if self.process.returncode is not None:
                    await self._launch(*more)
                with contextlib.suppress(redis.exceptions.RedisError):
                    info = await client.info("server")
                    if info["process_id"] == self.process.pid:
                        return
                await asyncio.sleep(0.02)

    async def _launch(self, *more: str) -> None:
        assert PROGRAM is not None
        self.process = await asyncio.create_subprocess_exec(
            *(PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no", "--protected-mode", "no", *self.options, *more),
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def save(self) -> None:
        """Write its data to the disk, from which the next start reads."""
        async with self.client() as client:
            await client.save()

    async def stop(self, *, kill: bool = True) -> None:
        """End it, at once or in order."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        await process.wait()

    async def restart(self, *, save: bool) -> None:
        """Restart it, with its data or empty."""
        if save:
            await self.save()
        else:
            (self.folder / "dump.rdb").unlink(missing_ok=True)
        await self.stop()
        await self.start()

    def pause(self) -> None:
        """Let it do nothing, with all its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
