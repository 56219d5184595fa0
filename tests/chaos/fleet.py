"""The gateways, each a process of its own on a port of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.fakes.argocd import SECRET
from tests.ports import find_port

CLEAN = ("GATEWAY_", "ARGOCD_", "PIPELINES_", "PYTHONDONTWRITEBYTECODE")
"""What isn't inherited; without its bytecode kept, each start would compile everything anew."""


class Replica:
    """One gateway process."""

    def __init__(self, number: int, folder: Path, environ: dict[str, str]) -> None:
        self.port, self.metrics_port = find_port(), find_port()
        self.process: asyncio.subprocess.Process | None = None
        self.log = folder / f"gateway-{number}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(CLEAN)}
        self._environ = inherited | {
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_METRICS_PORT": str(self.metrics_port),
            "GATEWAY_LOG_FORMAT": "json",
            "ARGOCD_AUTH_TOKEN": SECRET,
            **environ,
        }

    def __repr__(self) -> str:
        return f"<Replica on {self.port}>"

    async def start(self) -> None:
        """Start; it serves a moment later."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve"), env=self._environ, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """End it as a node's end does."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def terminate(self) -> None:
        """End it as Kubernetes does, and wait until it has gone."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        await self.process.wait()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """Return how much processor time it has taken."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def status(self, session: aiohttp.ClientSession) -> dict[str, Any] | None:
        """Return what it says of itself; None if it doesn't."""
        try:
            timeout = aiohttp.ClientTimeout(total=2.0)
            async with session.get(f"http://127.0.0.1:{self.port}/api/status", timeout=timeout) as answer:
                status: dict[str, Any] = await answer.json()
                return status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None


class Fleet:
    """Some replicas."""

    def __init__(self, number: int, folder: Path, environ: dict[str, str]) -> None:
        self.replicas = [Replica(each, folder, environ) for each in range(number)]

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession()
        await asyncio.gather(*(replica.start() for replica in self.replicas))
        return self

    async def __aexit__(self, *_: object) -> None:
        for replica in self.replicas:
            if replica.process is not None and replica.process.returncode is None:
                replica.resume()
                await replica.kill()
        await self.session.close()

    async def ask(self) -> list[dict[str, Any] | None]:
        """Return what each says of itself."""
        return list(await asyncio.gather(*(replica.status(self.session) for replica in self.replicas)))

    async def leader(self) -> Replica | None:
        """Return the one that leads, if exactly one says so."""
        told = await self.ask()
        leading = [
            replica
            for replica, status in zip(self.replicas, told, strict=True)
            if status is not None and status.get("replica", {}).get("role") == "leader"
        ]
        return leading[0] if len(leading) == 1 else None

    async def live(self, within: float = 180.0, *, alone: bool = False) -> None:
        """Wait until all serve, one leads if there are several, and each says that what it shows is live."""
        async with asyncio.timeout(within):
            while True:
                told = await self.ask()
                states = [status["upstream"]["state"] if status else None for status in told]
                if states == ["live"] * len(self.replicas) and (alone or await self.leader() is not None):
                    return
                await asyncio.sleep(0.1)
