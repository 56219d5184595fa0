"""Someone who reads a stream's bytes as they come, and knows nothing of what they mean."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp

from tests.e2e.harness import Stage
from tests.e2e.subscriber import STREAM


@contextlib.asynccontextmanager
async def listen(stage: Stage, parameters: Mapping[str, str], feed: Callable[[bytes], None]) -> AsyncIterator[None]:
    """Open a stream, and pass on all that comes until the block ends."""
    url = stage.url + STREAM

    async def read(session: aiohttp.ClientSession) -> None:
        async with session.get(url, params=parameters, headers={"Accept": "text/event-stream"}) as response:
            assert response.status == 200
            async for part in response.content.iter_any():
                feed(part)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        reading = asyncio.create_task(read(session))
        try:
            yield
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
