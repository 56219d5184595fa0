"""A watch that is opened before its driver is there: what it brings is kept until somebody takes it.

Argo CD repeats nothing, so whoever is to go on where another ends must listen already while that one still does.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.upstream.argocd import ArgoCD
from gateway.upstream.messages import Failure

MOST_KEPT = 20_000
"""Events that are kept. Whoever would have to keep more begins with a watch of its own."""

Read = Callable[[tuple[Any, ...], int], None]


class PreparedWatch:
    """A watch without burst, open from the beginning."""

    def __init__(self, client: ArgoCD) -> None:
        self._opened = False
        self._kept: list[tuple[tuple[Any, ...], int]] = []
        self._count = 0
        self._taker: tuple[Callable[[], None], Read] | None = None
        watching = client.watch(burst=False, opened=self._open, read=self._read)
        self._watching = asyncio.create_task(watching, name="prepared watch")

    def __repr__(self) -> str:
        state = "over" if self.over else "taken" if self._taker else "open"
        return f"<PreparedWatch: {state}, {self._count} events kept>"

    @property
    def over(self) -> bool:
        """Whether it has ended: whoever needs a watch has to open another."""
        return self._watching.done()

    async def follow(self, *, opened: Callable[[], None], read: Read) -> Failure:
        """Hold the watch until it ends; return how. What was kept comes first."""
        kept, self._kept, self._count = self._kept, [], 0
        self._taker = opened, read
        if self._opened:
            opened()
        for events, oversized in kept:
            read(events, oversized)
        try:
            return await self._watching
        finally:
            self.close()

    def close(self) -> None:
        """End it, and forget what was kept."""
        self._watching.cancel()
        self._kept.clear()

    def _open(self) -> None:
        self._opened = True
        if self._taker is not None:
            self._taker[0]()

    def _read(self, events: tuple[Any, ...], oversized: int) -> None:
        if self._taker is not None:
            self._taker[1](events, oversized)
            return
        self._kept.append((events, oversized))
        self._count += len(events)
        if self._count > MOST_KEPT:
            self.close()
