"""The real gateway in a process of its own, watching a fake Argo CD that the benchmark steers."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from benchmarks.processes import cpu_of, memory_of
from gateway.delivery.observatory import PATIENCE, TOGETHER
from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

T = TypeVar("T")


class Upstream:
    """A fake Argo CD in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.argocd = FakeArgoCD(token="benchmark")
        self.argocd.keepalive_interval = 15
        self.call(self.argocd.start())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(600)

    def put(self, name: str, **fields: Any) -> None:
        """Create or change an application."""

        async def change() -> None:
            self.argocd.put(application(name, **fields))

        self.call(change())

    def show(self, shown: dict[str, Any]) -> None:
        """Create or change an application to be as this one."""

        async def change() -> None:
            self.argocd.put(shown)

        self.call(change())

    def load(self, name: str) -> int:
        """Begin with what a recording ends with; return how many applications that is."""

        async def load() -> int:
            self.argocd.load(recordings.events(name))
            return len(self.argocd.applications)

        return self.call(load())

    def stop(self) -> None:
        """End it."""
        self.call(self.argocd.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)


class Server:
    """A gateway's process, with what the system says it costs."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, metrics_port: int) -> None:
        self.process = process
        self.address = ("127.0.0.1", port)
        self._metrics_port = metrics_port
        self.pids = (process.pid,)

    def cpu(self) -> float:
        """Return the process' own user and system time, in seconds."""
        return cpu_of(self.process.pid)

    def memory(self) -> int:
        """Return the resident memory, in bytes."""
        return memory_of(self.process.pid)

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.address[1]}{path}") as response:
            return json.load(response)

    def deliveries(self) -> int:
        """Return how many frames were written to subscribers."""
        return int(self.metric("gateway_deliveries_total"))

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels. Raises LookupError where there is none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as response:
            lines = response.read().decode().splitlines()
        values = [float(line.rpartition(" ")[2]) for line in lines if line.partition(" ")[0].partition("{")[0] == name]
        if not values:
            raise LookupError(name)
        return sum(values)

    def wait_for(self, applications: int) -> None:
        """Wait until the gateway shows as many applications."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status = self.get("/api/status")
            if status["applications"] == applications and status["upstream"]["state"] == "live":
                return
            time.sleep(0.1)
        raise TimeoutError("the gateway doesn't come up")

    def settle(self) -> None:
        """Wait until nothing is left to do here."""
        settle(self)


def settle(*servers: Server) -> None:
    """Wait until delivery histories have kept what they saw at the start: that is nobody's cost but the start's."""
    end = time.monotonic() + PATIENCE + TOGETHER + 30
    time.sleep(PATIENCE + TOGETHER)
    while time.monotonic() < end:
        before = [server.cpu() for server in servers]
        time.sleep(0.5)
        if all(server.cpu() - spent < 0.01 for server, spent in zip(servers, before, strict=True)):
            return


def make_environment(upstream: Upstream, **settings: str) -> dict[str, str]:
    """Return the environment of a gateway on the upstream, in which nothing happens that isn't asked for."""
    return {
        **os.environ,
        "ARGOCD_BASE_URL": upstream.argocd.url,
        "ARGOCD_AUTH_TOKEN": "benchmark",
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_LOG_LEVEL": "info",
        "GATEWAY_LOG_FORMAT": "json",
        "GATEWAY_HEARTBEAT": "1h",
        "GATEWAY_STREAM_LIFETIME": "10h",
        **settings,
    }


@contextmanager
def serve(upstream: Upstream, **settings: str) -> Iterator[Server]:
    """Run a gateway on the upstream."""
    environment = make_environment(upstream, **settings)
    process = subprocess.Popen([sys.executable, "-m", "gateway", "serve"], env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            said = json.loads(line)
            if said.get("event") == "gateway.listening":
                break
        # The log must be read on, or the gateway would wait for its reader.
        threading.Thread(target=_discard, args=(process.stderr,), daemon=True).start()
        yield Server(process, said["port"], said["metrics_port"])
    finally:
        process.kill()
        process.wait()


def _discard(stream: Any) -> None:
    for _ in stream:
        pass
