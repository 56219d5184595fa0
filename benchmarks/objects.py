"""What a subscriber is made of: Python's objects, counted by type, and how long a look at all of them takes.

``python -m benchmarks.objects`` is a gateway that counts its own objects whenever a line comes on its standard input.
"""

import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import uvloop

from benchmarks.crowd import Remote
from benchmarks.gateway import request
from benchmarks.server import Upstream, make_environment
from gateway.app import Gateway
from gateway.observability import logs
from gateway.settings.environment import load

SUBSCRIBERS = 1_000
SHOWN = 12
"""Types that are listed, those with the most bytes first."""


def count() -> dict[str, Any]:
    """Count all objects that the garbage collector knows, and time it: one look at the youngest, one at all."""
    pauses = []
    for generation in (0, 2):
        began = time.perf_counter()
        gc.collect(generation)
        pauses.append((time.perf_counter() - began) * 1e3)
    objects = gc.get_objects()
    types, sizes = Counter[str](), Counter[str]()
    for one in objects:
        name = type(one).__qualname__
        types[name] += 1
        sizes[name] += sys.getsizeof(one)
    return {"objects": len(objects), "types": types, "sizes": sizes, "youngest_ms": pauses[0], "all_ms": pauses[1]}


async def main() -> None:
    """Serve until standard input ends."""
    gateway = Gateway(load(os.environ))
    running = asyncio.create_task(gateway.run())
    await gateway.ready.wait()
    gc.collect()
    gc.freeze()
    print(gateway.address[1], flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        print(json.dumps(count()), flush=True)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def objects(*, subscribers: int = SUBSCRIBERS) -> dict[str, Any]:
    """Count what so many idle subscribers add, those on gzip."""
    upstream = Upstream()
    for number in range(20):
        upstream.put(f"app-{number}", project="p")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.objects"],
        env=make_environment(upstream),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask() -> dict[str, Any]:
        process.stdin.write(b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        answer: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        return answer

    try:
        address = ("127.0.0.1", int(process.stdout.readline()))
        with Remote() as crowd:
            crowd.call("join", 100, address, request("gzip"))
            crowd.call("rest")
            before = ask()
            crowd.call("join", subscribers, address, request("gzip"))
            crowd.call("rest")
            after = ask()
    finally:
        process.kill()
        process.wait()
        upstream.stop()
    each = {
        name: {"count": (after["types"][name] - before["types"].get(name, 0)) / subscribers, "bytes": size}
        for name in after["sizes"]
        if (size := (after["sizes"][name] - before["sizes"].get(name, 0)) / subscribers) >= 1
    }
    return {
        "objects": (after["objects"] - before["objects"]) / subscribers,
        "bytes": sum(one["bytes"] for one in each.values()),
        "types": dict(sorted(each.items(), key=lambda item: -item[1]["bytes"])[:SHOWN]),
        "gc_youngest_ms": after["youngest_ms"],
        "gc_all_ms": after["all_ms"],
    }


if __name__ == "__main__":
    logs.configure(level="error", log_format="json")
    uvloop.run(main())
