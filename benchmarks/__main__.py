"""``python -m benchmarks``: all scenarios, a table, and a failure where a budget is exceeded."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import databases, history, pipeline, webhooks
from benchmarks.crowd import QUIET, Crowd
from benchmarks.server import Server, Upstream, cpu_of, serve

SUBSCRIBERS = 2_000
ROUNDS = 3
CHANGES = 60
PACE = 0.05
IDLE = 5_000
FRAME = 330


def request(accept_encoding: str = "identity") -> bytes:
    """Return what a subscriber sends."""
    return (
        "GET /api/stream/pipelines HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        f"Accept-Encoding: {accept_encoding}\r\n\r\n"
    ).encode()


def isolated_change() -> dict[str, Any]:
    """One change at a time to 2,000 subscribers, in turns with a loop that does nothing but send."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    ours, theirs = [], []
    # A tick shorter than the pace: each change goes out alone, and nothing is gathered.
    with serve(upstream, GATEWAY_TICK="10ms") as server:
        server.wait_for(20)
        crowd, bare_crowd = Crowd(), Crowd()
        crowd.join(SUBSCRIBERS, server.address, request())
        crowd.read_until_quiet()
        bare = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare", str(SUBSCRIBERS), str(FRAME)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert bare.stdin is not None
        assert bare.stdout is not None
        bare_crowd.join(SUBSCRIBERS, ("127.0.0.1", int(bare.stdout.readline())), request())
        bare_crowd.read_until_quiet()
        state = 0
        for _ in range(ROUNDS):
            began, before = cpu_of(bare.pid), bare_crowd.total
            for _ in range(CHANGES):
                bare.stdin.write(b"\n")
                bare.stdin.flush()
                bare_crowd.read_for(PACE)
            bare_crowd.read_until_quiet()
            assert bare_crowd.total - before == CHANGES * SUBSCRIBERS * FRAME
            theirs.append((cpu_of(bare.pid) - began) / (CHANGES * SUBSCRIBERS) * 1e6)
            began, before, delivered = server.cpu(), crowd.total, server.deliveries()
            for _ in range(CHANGES):
                state += 1
                # About as many bytes as the bare loop's frame.
                upstream.put("app-1", project="p", health="Degraded", message=f"{state:06}" + "x" * 140)
                crowd.read_for(PACE)
            crowd.read_until_quiet()
            assert len(set(crowd.received.values())) == 1, "every subscriber gets the same"
            assert server.deliveries() - delivered == CHANGES * SUBSCRIBERS, "every change goes to everyone"
            size = (crowd.total - before) / (CHANGES * SUBSCRIBERS)
            ours.append((server.cpu() - began) / (CHANGES * SUBSCRIBERS) * 1e6)
        bare.kill()
        bare.wait()
        crowd.leave()
        bare_crowd.leave()
    upstream.stop()
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "microseconds": statistics.median(ours),
        "bare_microseconds": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "frame_bytes": size,
    }


def joins() -> dict[str, Any]:
    """2,000 joins to the recorded fleet of 1,028 applications, as plain text and as gzip."""
    upstream = Upstream()
    fleet = upstream.load("fleet/burst.sse")
    result: dict[str, Any] = {}
    with serve(upstream) as server:
        server.wait_for(fleet)
        for coding in ("identity", "gzip"):
            crowd = Crowd()
            crowd.join(10, server.address, request(coding))
            crowd.read_until_quiet()
            crowd.leave()
            cpu, seconds = [], []
            for _ in range(ROUNDS):
                began, at = server.cpu(), time.monotonic()
                crowd.join(SUBSCRIBERS, server.address, request(coding))
                crowd.read_until_quiet()
                seconds.append(time.monotonic() - at - QUIET)
                cpu.append((server.cpu() - began) / SUBSCRIBERS * 1e3)
                size = crowd.total // SUBSCRIBERS
                crowd.leave()
            result[coding] = {
                "cpu_ms": statistics.median(cpu),
                "seconds": statistics.median(seconds),
                "bytes": size,
            }
    upstream.stop()
    return result


def idle() -> dict[str, Any]:
    """Memory of a subscriber to whom nothing happens."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    with serve(upstream) as server:
        server.wait_for(20)
        crowd = Crowd()
        _settle(crowd, server, 200)
        before = server.memory()
        _settle(crowd, server, IDLE)
        size = (server.memory() - before) / IDLE
        cpu = server.cpu()
        crowd.read_for(5)
        cpu = (server.cpu() - cpu) / 5
        crowd.leave()
    upstream.stop()
    return {"bytes": size, "idle_cpu_share": cpu}


def _settle(crowd: Crowd, server: Server, count: int) -> None:
    crowd.join(count, server.address, request())
    crowd.read_until_quiet()


def main() -> int:
    """Run all, print a table, write JSON, and say which budgets are kept."""
    chosen = sys.argv[1:]
    results: dict[str, Any] = {}
    for name, scenario in SCENARIOS.items():
        if not chosen or name in chosen:
            print(f"running {name} …", file=sys.stderr, flush=True)
            results[name] = scenario()
    broken = 0
    print(f"{'what':52} {'measured':>12} {'budget':>12}")
    for scenario_name, label, read, unit, budget in BUDGETS:
        if scenario_name in results:
            value = read(results[scenario_name])
            broken += value > budget
            print(f"{label:52} {value:>9.3g} {unit:<3}{budget:>9.3g} {unit:<3}{'' if value <= budget else ' EXCEEDED'}")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(results, indent=2) + "\n")
    return 1 if broken else 0


SCENARIOS: dict[str, Callable[[], dict[str, Any]]] = {
    "ingest": pipeline.ingest,
    "deploy-day": pipeline.deploy_day,
    "isolated-change": isolated_change,
    "joins": joins,
    "idle": idle,
    "webhooks": webhooks.webhooks,
    "kpis": history.kpis,
}
if databases.HAS_POSTGRESQL:
    SCENARIOS["webhooks-postgresql"] = partial(webhooks.webhooks, "postgresql")
    SCENARIOS["kpis-postgresql"] = partial(history.kpis, "postgresql")

BUDGETS: tuple[tuple[str, str, Callable[[dict[str, Any]], float], str, float], ...] = (
    ("ingest", "ingest of fleet/create, 10 MB", lambda r: r["seconds"], "s", 1.0),
    ("deploy-day", "deploy day, bytes to a browser to Argo CD's", lambda r: r["gzip_ratio"] * 100, "%", 2.0),
    ("deploy-day", "deploy day, without compression", lambda r: r["plain_ratio"] * 100, "%", 4.0),
    ("isolated-change", "isolated change, CPU to a bare send loop's", lambda r: r["ratio"], "×", 1.6),
    ("joins", "join to 1,028 applications, CPU", lambda r: r["identity"]["cpu_ms"], "ms", 1.0),
    ("joins", "join, gzip, CPU", lambda r: r["gzip"]["cpu_ms"], "ms", 1.0),
    ("idle", "idle subscriber, memory", lambda r: r["bytes"] / 1000, "kB", 16.0),
    ("webhooks", "1,000 deliveries a second: lost", lambda r: r["lost"], "", 0.0),
    ("webhooks", "the stream's p99, moved by them", lambda r: r["moved_ms"], "ms", 10.0),
    ("webhooks-postgresql", "the same on PostgreSQL: lost", lambda r: r["lost"], "", 0.0),
    ("webhooks-postgresql", "the stream's p99, moved by them", lambda r: r["moved_ms"], "ms", 10.0),
    ("kpis", "figures of a year, right after the start", lambda r: r["at_once"], "ms", 1_000.0),
    ("kpis", "figures of a year, first asked", lambda r: r["first"], "ms", 200.0),
    ("kpis", "figures of a year, asked again", lambda r: r["again"], "ms", 200.0),
    ("kpis-postgresql", "the same on PostgreSQL, right after the start", lambda r: r["at_once"], "ms", 1_000.0),
    ("kpis-postgresql", "the same on PostgreSQL, first asked", lambda r: r["first"], "ms", 200.0),
)

if __name__ == "__main__":
    sys.exit(main())
