"""The two event loops: what a delivery costs on each, a join, and an idle subscriber."""

import contextlib
import statistics
from typing import Any

from benchmarks.crowd import Remote
from benchmarks.fanout import measure, seated
from benchmarks.gateway import GatewayPeer, fold_differs, request
from benchmarks.processes import bare
from benchmarks.server import Upstream, serve

LOOPS = ("uvloop", "asyncio")


def loops(*, subscribers: int = 1_000, rounds: int = 3, changes: int = 40) -> dict[str, Any]:
    """One change at a time to all, on either loop, in turns with each other and with the bare loop."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    result: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        limit = stack.enter_context(seated(stack.enter_context(bare(subscribers)), subscribers))
        assert limit is not None
        seats = {}
        for name in LOOPS:
            server = stack.enter_context(serve(upstream, GATEWAY_LOOP=name))
            server.wait_for(20)
            server.settle()
            with Remote() as crowd:
                crowd.call("join", 200, server.address, request())
                crowd.call("rest")
                memory, began = server.memory(), server.cpu()
                crowd.call("join", subscribers, server.address, request("gzip"))
                crowd.call("rest")
                result[name] = {
                    "join_ms": (server.cpu() - began) / subscribers * 1e3,
                    "idle_bytes": (server.memory() - memory) / subscribers,
                }
            seat = stack.enter_context(seated(GatewayPeer(server, upstream), subscribers))
            assert seat is not None
            seats[name] = (server, seat)
        for seat in (limit, *(seat for _, seat in seats.values())):
            measure(seat, 3, subscribers)
            seat.micros.clear()
        for _ in range(rounds):
            for seat in (limit, *(seat for _, seat in seats.values())):
                measure(seat, changes, subscribers)
        for name, (server, seat) in seats.items():
            result[name] |= {
                "microseconds": statistics.median(seat.micros),
                "ratio": statistics.median(mine / least for mine, least in zip(seat.micros, limit.micros, strict=True)),
                "p99_ms": statistics.median(one["p99_ms"] for one in seat.figures),
                "fold_differs": fold_differs(server, seat.crowd),
            }
    upstream.stop()
    result["fold_differs"] = sum(result[name]["fold_differs"] for name in LOOPS)
    return result
