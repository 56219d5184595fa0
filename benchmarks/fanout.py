"""Fan-out: one change, many at once, more and more subscribers, and some who read slowly. In turns with the peers."""

import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.crowd import Remote, marker
from benchmarks.gateway import FleetChange, GatewayPeer, fleet_changes, fold_differs, request
from benchmarks.processes import Peer, bare, cpu_of, memory_of, nchan, ordinary
from benchmarks.server import Upstream, serve
from tests.fakes import recordings

SUBSCRIBERS = 2_000
SIZE = 330
"""Bytes of an event, about."""

PACE = 0.125
"""Seconds between two isolated changes: more than a tick."""

DELIVERIES = 480_000
RATE = 50_000.0
"""Deliveries in all, and a second, of each size in ``scale``: about a third of a core."""

KEPT = 5
"""Subscribers whose fold is compared with the truth."""


class Seat:
    """A peer, and those who subscribe to it."""

    def __init__(self, peer: Peer, crowd: Remote) -> None:
        self.peer = peer
        self.crowd = crowd
        self.micros: list[float] = []
        self.figures: list[dict[str, float]] = []

    def cpu(self) -> float:
        """Return what the peer has cost so far, in seconds."""
        return cpu_of(*self.peer.pids)


@contextlib.contextmanager
def seated(peer: Peer | None, subscribers: int, **more: Any) -> Iterator[Seat | None]:
    """Let so many subscribe."""
    if peer is None:
        yield None
        return
    with Remote() as crowd:
        crowd.call("join", subscribers, peer.address, peer.request, keep=KEPT, **more)
        crowd.call("begin")
        crowd.call("rest")
        yield Seat(peer, crowd)


def line(peer: Peer, number: int, size: int = SIZE) -> str:
    """Return what makes an event of so many bytes of a peer, with the moment, and another for each number."""
    return f"{marker()} {number:06}".ljust(size - peer.overhead, "x")


def measure(seat: Seat, changes: int, subscribers: int, pace: float = PACE, *, size: int = SIZE) -> float:
    """Publish changes one at a time, each when everybody has the last; return the CPU per delivery in microseconds."""
    seat.crowd.call("mark")
    began = seat.cpu()
    for number in range(changes):
        due = time.monotonic() + pace
        seat.peer.publish(line(seat.peer, number, size))
        seat.crowd.call("reach", number + 1)
        time.sleep(max(0.0, due - time.monotonic()))
    figures = seat.crowd.call("figures")
    assert figures["fewest"] == figures["most"] == changes, f"{seat.peer.name}: {figures}"
    micros = (seat.cpu() - began) / (changes * subscribers) * 1e6
    seat.micros.append(micros)
    seat.figures.append(figures)
    return micros


def isolated_change(
    *, subscribers: int = SUBSCRIBERS, rounds: int = 3, changes: int = 60, with_ordinary: bool = True
) -> dict[str, Any]:
    """One change at a time to all, in turns with every peer."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(upstream))
        server.wait_for(20)
        if with_ordinary:
            server.settle()
        peers: list[Peer | None] = [
            stack.enter_context(bare(subscribers)),
            stack.enter_context(nchan()),
            GatewayPeer(server, upstream),
            stack.enter_context(ordinary()) if with_ordinary else None,
        ]
        seats = [seat for peer in peers if (seat := stack.enter_context(seated(peer, subscribers))) is not None]
        for seat in seats:
            measure(seat, 3, subscribers)
            seat.micros.clear()
            seat.figures.clear()
        for turn in range(rounds):
            for seat in (*seats[turn % len(seats) :], *seats[: turn % len(seats)]):
                # Who can't keep up needs no more than a few changes to show what each costs.
                measure(seat, changes if seat.peer.name != "aiohttp-sse" else max(3, changes // 6), subscribers)
        differing = fold_differs(server, next(seat.crowd for seat in seats if seat.peer.name == "gateway"))
        memory = {seat.peer.name: memory_of(*seat.peer.pids) for seat in seats}
    upstream.stop()
    limit, gateway = seats[0], next(seat for seat in seats if seat.peer.name == "gateway")
    servers = {
        seat.peer.name: {
            "microseconds": statistics.median(seat.micros),
            "ratio": _ratio(seat.micros, limit.micros),
            "p50_ms": statistics.median(one["p50_ms"] for one in seat.figures),
            "p99_ms": statistics.median(one["p99_ms"] for one in seat.figures),
            "event_bytes": seat.figures[-1]["bytes"] / seat.figures[-1]["events"],
            "rss_mb": memory[seat.peer.name] / 1e6,
        }
        for seat in seats
    }
    result: dict[str, Any] = {"limit": limit.peer.name, "servers": servers, "fold_differs": differing}
    result["ratio"] = servers["gateway"]["ratio"]
    if (hub := next((seat for seat in seats if seat.peer.name == "nchan"), None)) is not None:
        result["to_nchan"] = _ratio(gateway.micros, hub.micros)
        result["p99_to_nchan"] = servers["gateway"]["p99_ms"] / servers["nchan"]["p99_ms"]
    return result


def _ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


def burst(*, subscribers: int = SUBSCRIBERS, rounds: int = 3, quick: bool = False) -> dict[str, Any]:
    """1,000 changes within a second to 1,000 of 1,028 applications, as they were recorded; nchan sends them singly.

    Beside it what the same changes cost where nobody subscribes, and what a bare loop takes for frames as many and as
    large as were sent. A ``quick`` look has neither these nor nchan.
    """
    upstream = Upstream()
    fleet = upstream.load("fleet/burst.sse")
    changes = fleet_changes(1_000)
    ours, theirs, late, after, frames, bare_loops = [], [], [], [], [], []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(upstream))
        server.wait_for(fleet)
        if not quick:
            server.settle()
        alone = []
        for forth in () if quick else (True, False):
            began = server.cpu()
            _change_all(upstream, changes, forth=forth)
            time.sleep(0.5)
            alone.append(server.cpu() - began)
            server.settle()
        gateway = stack.enter_context(seated(GatewayPeer(server, upstream), subscribers))
        hub = stack.enter_context(seated(stack.enter_context(nchan()), subscribers)) if not quick else None
        limit = stack.enter_context(seated(stack.enter_context(bare(subscribers)), subscribers))
        assert gateway is not None
        assert limit is not None
        single = [measure(limit, 20, subscribers) for _ in range(rounds)]
        for turn in range(rounds):
            forth = turn % 2 == 0
            gateway.crowd.call("mark")
            delivered = server.deliveries()
            began = gateway.cpu()
            last = _change_all(upstream, changes, forth=forth)
            late.append(gateway.crowd.call("rest") - last)
            ours.append(gateway.cpu() - began)
            frames.append(round((server.deliveries() - delivered) / subscribers))
            figures = gateway.crowd.call("figures")
            assert figures["fewest_bytes"] == figures["most_bytes"], "everybody gets the same"
            if quick:
                continue
            began = gateway.cpu()
            server.settle()
            after.append(gateway.cpu() - began)
            size = int(figures["most_bytes"] / frames[-1])
            bare_loops.append(measure(limit, frames[-1], subscribers, size=size) * frames[-1] * subscribers / 1e6)
            if hub is not None:
                hub.crowd.call("mark")
                began = hub.cpu()
                lines = [change.line(forth) for change in changes]
                _spread(len(changes), lambda number, lines=lines: hub.peer.publish(lines[number]))
                hub.crowd.call("reach", len(changes), 240.0)
                theirs.append(hub.cpu() - began)
        dropped = server.metric("gateway_lags_total")
        differing = fold_differs(server, gateway.crowd)
    upstream.stop()
    result: dict[str, Any] = {
        "cpu_s": statistics.median(ours),
        "converged_s": statistics.median(late),
        "converged_last_s": max(late),
        "lagged": dropped,
        "bytes": figures["most_bytes"],
        "frames": statistics.median(frames),
        "fold_differs": differing,
        # What a loop that sends each change by itself would take.
        "to_bare": statistics.median(ours) / (statistics.median(single) * len(changes) * subscribers / 1e6),
    }
    if not quick:
        result |= {"alone_s": statistics.mean(alone), "history_s": statistics.median(after)}
        result["sending_limit_s"] = statistics.median(bare_loops)
    if theirs:
        result |= {"nchan_cpu_s": statistics.median(theirs), "to_nchan": _ratio(ours, theirs)}
    return result


def _change_all(upstream: Upstream, changes: Sequence[FleetChange], *, forth: bool) -> float:
    """Make all changes within a second; return when the last was made (``time.monotonic()``)."""
    ways = [change.way(forth) for change in changes]
    return _spread(len(changes), lambda number: upstream.show(ways[number]))


def _spread(count: int, do: Any) -> float:
    """Do something so many times within a second; return when the last was done (``time.monotonic()``)."""
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / count - time.monotonic()))
        do(number)
    return time.monotonic()


def deploy_day_fast(*, subscribers: int = 1_000, speed: float = 20.0) -> dict[str, Any]:
    """A quarter of an hour of Argo CD's stream, twenty times as fast, to a thousand browsers."""
    upstream = Upstream()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(upstream))
        server.wait_for(0)
        crowd = stack.enter_context(Remote())
        crowd.call("join", subscribers, server.address, request("gzip"), keep=KEPT)
        crowd.call("rest")
        crowd.call("mark")
        began = server.cpu()
        upstream.call(upstream.argocd.play("deploy-day/stream.sse", speed=speed))
        crowd.call("rest")
        cpu = server.cpu() - began
        figures = crowd.call("figures")
        lagged = server.metric("gateway_lags_total")
        differing = fold_differs(server, crowd)
    upstream.stop()
    theirs = len(recordings.body("deploy-day/stream.sse"))
    return {
        "cpu_ms_per_subscriber": cpu / subscribers * 1e3,
        "bytes": figures["most_bytes"],
        "ratio": figures["most_bytes"] / theirs,
        "lagged": lagged,
        "fold_differs": differing,
    }


def scale(*, sizes: Sequence[int] = (500, 1_000, 2_000, 4_000, 8_000), rounds: int = 3) -> dict[str, Any]:
    """From 500 to 8,000 subscribers, in turns with the bare loop: what a delivery costs, each round in new processes.

    All sizes get as many deliveries a second, and in all: the fewer there are, the more often something changes. Else
    a process with few subscribers would be measured resting, one with many at work.

    A change is read, decoded, remembered and encoded once, for however many. What that costs is measured beside it,
    with one subscriber. Where a process' memory happens to be is worth a tenth: so one alone says little.
    """
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            found[size].append(_deliver(size))
    points = {
        str(size): {name: statistics.median(one[name] for one in turns) for name in turns[0]}
        for size, turns in found.items()
    }
    ratios = [point["ratio"] for point in points.values()]
    costs = [point["microseconds"] for point in points.values()]
    return {
        "points": points,
        # The system's own part grows with the connections, also for the bare loop.
        "raw_spread": max(costs) / min(costs) - 1,
        "once_ms": statistics.median(point["once_us"] for point in points.values()) / 1e3,
        "spread": max(ratios) / min(ratios) - 1,
        # By what it is ever above what it was with fewer subscribers: with few, each bears more of what is done once.
        "growth": max(later / earlier for place, earlier in enumerate(ratios) for later in ratios[place:]) - 1,
        "fold_differs": sum(one["fold_differs"] for turns in found.values() for one in turns),
    }


def _deliver(subscribers: int) -> dict[str, float]:
    """Measure deliveries to so many by one gateway, beside those of a bare loop."""
    changes, pace = DELIVERIES // subscribers, subscribers / RATE
    upstream = Upstream()
    upstream.put("app-1", project="p")
    with contextlib.ExitStack() as stack:
        # Every change goes out by itself, however soon after the one before.
        server = stack.enter_context(serve(upstream, GATEWAY_TICK="10ms"))
        server.wait_for(1)
        server.settle()
        with seated(GatewayPeer(server, upstream), 1) as single:
            assert single is not None
            measure(single, 3, 1)
            once = measure(single, 30, 1)
        gateway = stack.enter_context(seated(GatewayPeer(server, upstream), subscribers))
        limit = stack.enter_context(seated(stack.enter_context(bare(subscribers)), subscribers))
        assert gateway is not None
        assert limit is not None
        for seat in (gateway, limit):
            measure(seat, 3, subscribers, pace)
        least = measure(limit, changes, subscribers, pace)
        micros = measure(gateway, changes, subscribers, pace)
        differing = fold_differs(server, gateway.crowd)
    upstream.stop()
    return {
        "microseconds": micros,
        "once_us": once,
        "bare": least,
        "ratio": micros / least,
        "fold_differs": differing,
    }


def slow_tenth(*, subscribers: int = 1_000, seconds: float = 20.0) -> dict[str, Any]:
    """One in ten reads 10 kB a second while 100 applications change each second: what the others notice."""
    waits, memory = [], []
    for slow in (0, subscribers // 10):
        upstream = Upstream()
        for number in range(100):
            upstream.put(f"app-{number}", project="p")
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(serve(upstream, GATEWAY_SLOW_LIMIT="10m"))
            server.wait_for(100)
            peer = GatewayPeer(server, upstream)
            seat = stack.enter_context(seated(peer, subscribers - slow))
            assert seat is not None
            crawling = stack.enter_context(Remote())
            crawling.call("join", slow, peer.address, peer.request, keep=KEPT, slow=True)
            seat.crowd.call("mark")
            end, number = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                upstream.put(f"app-{number % 100}", project="p", health="Degraded", message=f"{marker()} {'y' * 900}")
                number += 1
                time.sleep(0.01)
            seat.crowd.call("rest")
            waits.append(seat.crowd.call("figures"))
            memory.append(server.memory())
            lagged = server.metric("gateway_lags_total")
            differing = fold_differs(server, seat.crowd)
            if slow:
                # They read on at their pace, what the system holds for them first, and end up with the same.
                crawling.call("rest", 300.0)
                deadline = time.monotonic() + 180
                while (late := fold_differs(server, crawling)) and time.monotonic() < deadline:
                    time.sleep(2)
                differing += late
        upstream.stop()
    return {
        "p99_ms": waits[1]["p99_ms"],
        "p99_ms_without": waits[0]["p99_ms"],
        "moved": waits[1]["p99_ms"] / waits[0]["p99_ms"],
        "memory_mb": memory[1] / 1e6,
        "memory_mb_without": memory[0] / 1e6,
        "lagged": lagged,
        "fold_differs": differing,
    }
