"""Joins: thousands at once, all of them again after a restart and after a short loss; and thousands who are idle."""

import statistics
import time
from typing import Any

from benchmarks.crowd import Remote
from benchmarks.gateway import fold, fold_differs, request
from benchmarks.processes import Peer, cpu_of, joining
from benchmarks.server import Server, Upstream, serve

SUBSCRIBERS = 2_000
KEPT = 5


def _storm(server: Server, crowd: Remote, subscribers: int, ask: bytes) -> dict[str, float]:
    """Let all join at once, and be served: from the first connection until the last byte of the last snapshot."""
    began, at = server.cpu(), time.monotonic()
    crowd.call("join", subscribers, server.address, ask, keep=KEPT)
    last = crowd.call("rest", 120.0)
    sizes = crowd.call("figures")
    assert sizes["fewest_bytes"] > 0, "everybody is served"
    return {
        "cpu_ms": (server.cpu() - began) / subscribers * 1e3,
        "seconds": last - at,
        "bytes": sizes["bytes"] / subscribers,
    }


def joins(*, subscribers: int = SUBSCRIBERS, rounds: int = 3) -> dict[str, Any]:
    """All join at once to the recorded fleet of 1,028 applications, as plain text and as gzip, and leave again.

    In turns with a loop that does nothing but accept, read a request and send as many bytes.
    """
    upstream = Upstream()
    fleet = upstream.load("fleet/burst.sse")
    result: dict[str, Any] = {}
    differing = 0
    with serve(upstream) as server, Remote() as crowd:
        server.wait_for(fleet)
        server.settle()
        memory: list[float] = []
        for coding in ("identity", "gzip"):
            warm = _storm(server, crowd, subscribers, request(coding))
            _leave(server, crowd)
            memory.append(server.memory())
            storms, limits = [], []
            with joining(int(warm["bytes"])) as limit:
                for _ in range(rounds):
                    storm = _storm(server, crowd, subscribers, request(coding))
                    differing += fold_differs(server, crowd)
                    peak, before = server.memory(), server.cpu()
                    _leave(server, crowd)
                    storms.append(storm | {"leave_ms": (server.cpu() - before) / subscribers * 1e3})
                    memory.append(server.memory())
                    if limit is not None:
                        limits.append(_bare(limit, crowd, subscribers))
            result[coding] = {name: statistics.median(storm[name] for storm in storms) for name in storms[0]}
            result[coding]["peak_mb"] = peak / 1e6
            if limits:
                result[coding]["limit_ms"] = statistics.median(limits)
                result[coding]["to_limit"] = statistics.median(
                    storm["cpu_ms"] / least for storm, least in zip(storms, limits, strict=True)
                )
    upstream.stop()
    # The first storm may leave behind what every process needs once; those after it may not.
    result["memory_mb"] = [size / 1e6 for size in memory]
    result["memory_drift"] = max(abs(size / memory[0] - 1) for size in memory)
    result["fold_differs"] = differing
    return result


def _bare(limit: Peer, crowd: Remote, subscribers: int) -> float:
    """Return the CPU milliseconds of a join where nothing is done for it."""
    began = cpu_of(*limit.pids)
    crowd.call("join", subscribers, limit.address, limit.request)
    crowd.call("rest", 120.0)
    cost = (cpu_of(*limit.pids) - began) / subscribers * 1e3
    crowd.call("leave")
    return cost


def _leave(server: Server, crowd: Remote) -> None:
    crowd.call("leave")
    end = time.monotonic() + 30
    while server.get("/api/status")["subscribers"]["open"]:
        assert time.monotonic() < end, "everybody leaves"
        time.sleep(0.1)
    time.sleep(1.0)


def reconnects(*, subscribers: int = SUBSCRIBERS) -> dict[str, Any]:
    """Everybody comes back with a cursor: at once after a loss of the line, and after a restart of the gateway."""
    upstream = Upstream()
    fleet = upstream.load("fleet/burst.sse")
    settings = {"GATEWAY_TICK": "100ms"}
    with Remote() as crowd:
        with serve(upstream, **settings) as server:
            server.wait_for(fleet)
            _storm(server, crowd, subscribers, request("gzip"))
            cursor = fold(crowd.call("kept")[0]).last_id
            crowd.call("leave")
            resumed = _storm(server, crowd, subscribers, request("gzip", cursor=cursor))
            crowd.call("leave")
        with serve(upstream, **settings) as server:
            # They don't wait until it is ready.
            restarted = _storm(server, crowd, subscribers, request("gzip", cursor=cursor))
            server.wait_for(fleet)
            crowd.call("rest")
            differing = fold_differs(server, crowd)
            crowd.call("leave")
    upstream.stop()
    return {"resumed": resumed, "restarted": restarted, "fold_differs": differing}


def idle(*, subscribers: int = 5_000, seconds: float = 60.0) -> dict[str, Any]:
    """Memory of a subscriber to whom nothing happens, and what all of them cost, with heartbeats as they are."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    with serve(upstream, GATEWAY_HEARTBEAT="15s") as server, Remote() as crowd:
        server.wait_for(20)
        crowd.call("join", 200, server.address, request())
        crowd.call("rest")
        before = server.memory()
        crowd.call("join", subscribers, server.address, request(), keep=KEPT)
        crowd.call("begin")
        crowd.call("rest")
        size = (server.memory() - before) / subscribers
        crowd.call("mark")
        began, at = server.cpu(), time.monotonic()
        time.sleep(seconds)
        cpu = (server.cpu() - began) / (time.monotonic() - at)
        heartbeats = crowd.call("figures")["fewest"]
        differing = fold_differs(server, crowd)
    upstream.stop()
    return {"bytes": size, "cpu_share": cpu, "heartbeats": heartbeats, "fold_differs": differing}
