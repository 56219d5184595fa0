"""What the parts ask of traces, where there are any. ``tracing`` answers; it is imported only where traces are wanted.

Where they aren't, the parts hold None instead, and pay nothing but a look at that.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import aiohttp
from aiohttp.typedefs import Middleware


class Trace(Protocol):
    """Spans of what happens. Moments are in nanoseconds since 1970; attributes hold no secret."""

    # The way of an event of Argo CD's: all in one piece, until its tick.

    def way(self, events: Sequence[Any], *, began: int) -> AbstractContextManager[None]:
        """Follow events that were just decoded, while the context lasts and until the tick that shows them."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Be one step of the way that is being followed; of none, where there is none."""

    def changed(self) -> None:
        """The log grew."""

    def ticked(self, *, seconds: float, subscribers: int) -> None:
        """A tick is over, and took that long."""

    # Requests.

    def make_middleware(self, find_route: Callable[[Any], str | None]) -> Middleware:
        """Return a middleware that makes a span of each request whose route it is told."""

    def span(self, name: str) -> AbstractContextManager[None]:
        """Be a part of the request that is being answered."""

    def note(self, **attributes: str | int) -> None:
        """Say something about what is being done."""

    def watch_client(self, name: str) -> aiohttp.TraceConfig:
        """Return what makes spans of a client session's requests, and tells those who are asked which trace it is."""

    # Webhooks: kept while their sender waits, processed afterwards.

    def here(self) -> object:
        """Return what is being done, for ``kept``."""

    def kept(self, delivery: int, where: object) -> None:
        """A delivery is to be processed."""

    def processed(self, deliveries: Iterable[int], *, began: int) -> None:
        """Deliveries were processed."""

    # Logs, and the end.

    def names(self) -> dict[str, str]:
        """Return what a line of the log says of the trace that it belongs to."""

    async def close(self) -> None:
        """Send what there is."""
