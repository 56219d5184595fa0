"""A thousand deliveries a second: none lost, and what they cost those who watch.

``python -m benchmarks.webhooks PORT RATE SECONDS`` is the sender, a process of its own.
"""

import asyncio
import hashlib
import hmac
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

from benchmarks import databases
from benchmarks.server import Server, Upstream, serve

RATE, SECONDS = 1_000, 10
CONNECTIONS = 32
SECRET = "secret-of-the-benchmark"  # noqa: S105 - of nothing
PACE = 0.05
"""Seconds between changes whose way to a subscriber is measured."""


def push(number: int) -> bytes:
    """Return a push of one commit, or a run that it started, as GitHub posts them."""
    sha = hashlib.sha256(str(number // 2).encode()).hexdigest()[:40]
    repository = {"full_name": "example/shop", "html_url": "https://github.com/example/shop", "name": "shop"}
    commit: dict[str, Any] = {
        "id": sha,
        "message": f"Change {number}",
        "timestamp": "2026-11-20T23:17:48Z",
        "url": "https://x/y",
    }
    commit |= {"author": {"name": "Somebody"}, "added": [], "removed": [], "modified": ["main.py"]}
    if number % 2:
        run = {"id": number, "name": "Build", "head_sha": sha, "head_branch": "main", "run_attempt": 1}
        run |= {"status": "completed", "conclusion": "success", "event": "push", "html_url": "https://x/y"}
        run |= {"created_at": "2026-11-20T23:17:48Z", "updated_at": "2026-11-20T23:19:48Z"}
        run |= {"run_started_at": "2026-11-20T23:17:50Z", "path": ".github/workflows/build.yml", "run_number": 1}
        content: dict[str, Any] = {"action": "completed", "workflow_run": run, "repository": repository}
        event = "workflow_run"
    else:
        content = {"ref": "refs/heads/main", "before": "0" * 40, "after": sha, "commits": [commit]}
        content |= {
            "repository": repository,
            "head_commit": commit,
            "pusher": {"name": "somebody"},
            "padding": "x" * 4_000,
        }
        event = "push"
    body = json.dumps(content).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /api/webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-GitHub-Event: {event}\r\nX-GitHub-Delivery: delivery-{number}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, rate: int, seconds: int) -> dict[str, Any]:
    """Send at a steady rate over connections that are kept; return how long answers took, and what they were."""
    requests = [push(number) for number in range(rate * seconds)]
    waits: list[float] = []
    statuses: dict[str, int] = {}
    began = time.perf_counter()

    async def send(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(place, len(requests), CONNECTIONS):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            at = time.perf_counter()
            writer.write(requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            waits.append(time.perf_counter() - at)
            status = head.split(b" ")[1].decode()
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(send(place) for place in range(CONNECTIONS)))
    took = time.perf_counter() - began
    waits.sort()
    return {
        "seconds": took,
        "statuses": statuses,
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[len(waits) * 99 // 100] * 1e3,
    }


class Watcher:
    """A subscriber that notes when each change arrives."""

    def __init__(self, server: Server) -> None:
        self.arrived: dict[str, float] = {}
        self._socket = socket.create_connection(server.address)
        self._socket.sendall(
            b"GET /api/stream/pipelines HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := self._socket.recv(1 << 16):
            now = time.perf_counter()
            for part in data.split(b"mark-")[1:]:
                self.arrived.setdefault(part.split(b"-")[0].decode(), now)

    def close(self) -> None:
        """Go."""
        self._socket.close()


def webhooks(kind: str = "sqlite") -> dict[str, Any]:
    """Measure the way of changes to a subscriber without deliveries, then with a thousand a second."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    with databases.make(kind) as database:
        settings = {"GATEWAY_DATABASE_URL": database, "GATEWAY_WEBHOOK_GITHUB_SECRET": SECRET, "GATEWAY_TICK": "10ms"}
        with serve(upstream, **settings) as server:
            server.wait_for(20)
            watcher = Watcher(server)
            quiet = _ways(upstream, watcher, "q", SECONDS)
            before = server.cpu()
            sending = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.webhooks", str(server.address[1]), str(RATE), str(SECONDS)],
                stdout=subprocess.PIPE,
            )
            assert sending.stdout is not None
            sending.stdout.readline()
            busy = _ways(upstream, watcher, "b", SECONDS)
            sent = json.loads(sending.stdout.read())
            sending.wait()
            accepted = time.perf_counter()
            while not _all_processed(server):
                time.sleep(0.1)
            lag, cpu = time.perf_counter() - accepted, server.cpu() - before
            watcher.close()
            memory = server.memory()
    upstream.stop()
    return {
        "quiet": quiet,
        "busy": busy,
        "moved_ms": busy["p99_ms"] - quiet["p99_ms"],
        "sent": sent,
        "lost": RATE * SECONDS - sent["statuses"].get("202", 0),
        "processed_after_s": lag,
        "cpu_s": cpu,
        "memory_mb": memory / 1e6,
    }


def _all_processed(server: Server) -> bool:
    return not server.get("/api/deliveries?outcome=accepted&limit=1")["deliveries"]


def _ways(upstream: Upstream, watcher: Watcher, name: str, seconds: float) -> dict[str, float]:
    began: dict[str, float] = {}
    end = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < end:
        mark = f"{name}{number}"
        began[mark] = time.perf_counter()
        upstream.put("app-1", project="p", health="Degraded", message=f"mark-{mark}-")
        number += 1
        time.sleep(PACE)
    time.sleep(1.0)
    # Two changes within one tick are one for those who watch.
    ways = sorted(watcher.arrived[mark] - at for mark, at in began.items() if mark in watcher.arrived)
    assert len(ways) > 0.9 * number, "nearly every change arrives by itself"
    return {"p50_ms": statistics.median(ways) * 1e3, "p99_ms": ways[int(len(ways) * 0.99)] * 1e3, "count": number}


if __name__ == "__main__":
    print("ready", flush=True)
    print(json.dumps(asyncio.run(send_all(*map(int, sys.argv[1:4])))))
