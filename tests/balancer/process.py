"""A gateway in a process of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

from tests.fakes.argocd import SECRET, FakeArgoCD


class Process:
    """A gateway's process and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.address = ("", 0)
        self.events: list[str] = []
        self._process = process
        self._reading: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    async def begin(self) -> None:
        """Wait until it listens."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            entry = orjson.loads(line)
            self.events.append(entry["event"])
            if entry["event"] == "gateway.listening":
                self.address = entry["host"], entry["port"]
                self._reading = asyncio.create_task(self._read())
                return
        raise AssertionError(self.events)

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.events.append(orjson.loads(line)["event"])

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def worked(self) -> float:
        """Return its processor time in seconds."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def end(self) -> int:
        """Wait for its end; return the status."""
        status = await self._process.wait()
        if self._reading is not None:
            await self._reading
        return status


@contextlib.asynccontextmanager
async def run_process(argocd: FakeArgoCD, **settings: str) -> AsyncIterator[Process]:
    """Run a gateway; it is killed at the end, if it is still there."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "ARGOCD_"))}
    environ = {
        **clean,
        "ARGOCD_BASE_URL": argocd.url,
        "ARGOCD_AUTH_TOKEN": SECRET,
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_LOG_FORMAT": "json",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", env=environ, stderr=asyncio.subprocess.PIPE
    )
    gateway = Process(process)
    try:
        await gateway.begin()
        yield gateway
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await gateway.end()
