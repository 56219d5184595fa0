"""aiohttp-sse in the ordinary way: a queue for each subscriber, and ``send()`` to each.

``python -m benchmarks.ordinary``: prints its port, then sends each line on standard input to all who subscribe. On
uvloop, as the gateway.
"""

import asyncio
import resource
import sys

import uvloop
from aiohttp import web
from aiohttp_sse import sse_response

QUEUES: set[asyncio.Queue[str]] = set()


async def stream(request: web.Request) -> web.StreamResponse:
    """Serve a subscriber, as the library's documentation shows it."""
    async with sse_response(request, sep="\n", ping_interval=3_600) as response:
        queue: asyncio.Queue[str] = asyncio.Queue()
        QUEUES.add(queue)
        try:
            while response.is_connected():
                await response.send(await queue.get())
        finally:
            QUEUES.discard(queue)
    return response


async def main() -> None:
    """Serve until standard input ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard > 0 else soft, hard))
    app = web.Application()
    app.router.add_get("/", stream)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        for queue in QUEUES:
            queue.put_nowait(line.decode().rstrip("\n"))


if __name__ == "__main__":
    uvloop.run(main())
