"""Many views, many applications, many events: what grows with them, and what doesn't."""

import contextlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.crowd import Remote
from benchmarks.gateway import fold_differs, request
from benchmarks.server import Server, Upstream, serve, settle

KEPT = 2


@contextlib.contextmanager
def _serving(*fleets: int) -> Iterator[list[tuple[Upstream, Server]]]:
    """Serve some fleets of so many applications, each by a gateway of its own."""
    serving: list[tuple[Upstream, Server]] = []
    with contextlib.ExitStack() as stack:
        for applications in fleets:
            upstream = Upstream()
            stack.callback(upstream.stop)
            for number in range(applications):
                upstream.put(
                    f"app-{number}", project=f"project-{number % 200}", labels={"team": f"team-{number % 200}"}
                )
            serving.append((upstream, stack.enter_context(serve(upstream))))
            serving[-1][1].wait_for(applications)
        settle(*(server for _, server in serving))
        yield serving


def _change(upstream: Upstream, number: int, turn: int) -> None:
    project, labels = f"project-{number % 200}", {"team": f"team-{number % 200}"}
    upstream.put(f"app-{number}", project=project, labels=labels, health="Degraded", message=f"turn {turn}")


def _cost(upstream: Upstream, server: Server, changes: int, *, number: int = 0) -> float:
    """Return the CPU milliseconds of one isolated change of an application."""
    began = server.cpu()
    for turn in range(changes):
        _change(upstream, number, time.monotonic_ns() + turn)
        time.sleep(0.12)
    return (server.cpu() - began) / changes * 1e3


def many_views(*, applications: int = 1_000, views: int = 200, changes: int = 40, rounds: int = 3) -> dict[str, Any]:
    """One view alone, then 200 of different selections: what a change costs that reaches one of them."""
    kinds = (
        "?projects=project-{}",
        "?selector=team%3Dteam-{}",
        "?names=app-{},*-{}",
        "?projects=project-{}&sync=Synced",
    )
    with _serving(applications) as [(upstream, server)], Remote() as watched, Remote() as others:
        watched.call("join", 10, server.address, request(query="?projects=project-0"), keep=KEPT)
        watched.call("rest")
        _cost(upstream, server, 5)
        alone = [_cost(upstream, server, changes) for _ in range(rounds)]
        for number in range(1, views):
            query = kinds[number % len(kinds)].format(number % 200, number)
            others.call("join", 1, server.address, request(query=query))
        others.call("rest")
        assert server.get("/api/status")["subscribers"]["views"] >= views * 0.9
        _cost(upstream, server, 5)
        among = [_cost(upstream, server, changes) for _ in range(rounds)]
        differing = fold_differs(server, watched, "?projects=project-0")
    return {
        "alone_ms": statistics.median(alone),
        "among_ms": statistics.median(among),
        "ratio": statistics.median(among) / statistics.median(alone),
        "fold_differs": differing,
    }


def many_applications(*, most: int = 10_000, changes: int = 40, rounds: int = 3) -> dict[str, Any]:
    """The same change where there are 100 applications and, in turns, where there are 10,000."""
    fleets = (100, most)
    costs: dict[int, list[float]] = {applications: [] for applications in fleets}
    differing = 0
    with contextlib.ExitStack() as stack:
        serving = dict(zip(fleets, stack.enter_context(_serving(*fleets)), strict=True))
        crowds = {applications: stack.enter_context(Remote()) for applications in fleets}
        for applications, (upstream, server) in serving.items():
            crowds[applications].call("join", 100, server.address, request("gzip"), keep=KEPT)
            crowds[applications].call("rest")
            _cost(upstream, server, 5)
        for _ in range(rounds):
            for applications, (upstream, server) in serving.items():
                costs[applications].append(_cost(upstream, server, changes))
        memory = {applications: server.memory() / 1e6 for applications, (_, server) in serving.items()}
        pauses = {
            name: serving[most][1].metric(f"gateway_gc_{name}") for name in ("pause_seconds_sum", "pause_seconds_count")
        }
        for applications, (_, server) in serving.items():
            differing += fold_differs(server, crowds[applications])
    medians = {applications: statistics.median(each) for applications, each in costs.items()}
    return {
        "ms": {str(applications): cost for applications, cost in medians.items()},
        "memory_mb": {str(applications): size for applications, size in memory.items()},
        "ratio": medians[most] / medians[100],
        "gc": pauses,
        "fold_differs": differing,
    }
