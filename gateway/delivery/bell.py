"""Waking whoever works the history off.

A single change of an application costs less to remember than to be woken for: the work's turn, its look at everything
that could be due, and the timer for what isn't. So what can wait is worked off together with what comes soon after.
"""

import asyncio
import contextlib


class Bell:
    """Wakes one who rests. ``gather`` is for how many seconds what can wait does, after the last that was woken for."""

    def __init__(self, gather: float = 0.0) -> None:
        self._gather = gather
        self._rung = asyncio.Event()
        self._rang_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._resting = False

    @property
    def quiet(self) -> bool:
        """Whether whoever works is resting, and nothing is going to wake it."""
        return self._resting and self._timer is None and not self._rung.is_set()

    def ring(self) -> None:
        """There is something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rung.set()

    def ring_soon(self) -> None:
        """There is something to do that can wait a little: at once after quiet, else with what else comes."""
        if self._timer is not None or self._rung.is_set():
            return
        loop = asyncio.get_running_loop()
        due = self._rang_at + self._gather
        if due <= loop.time():
            self._rang_at = loop.time()
            self.ring()
        else:
            self._timer = loop.call_at(due, self._ring_late)

    def hear(self) -> None:
        """All that was rung for until now is going to be done."""
        self._rung.clear()

    async def rest(self, seconds: float | None) -> bool:
        """Wait until there is something to do, at most for so long; return whether there is."""
        self._resting = True
        try:
            # Not ``wait_for``: before Python 3.12 it may lose a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await self._rung.wait()
        finally:
            self._resting = False
        return False

    def _ring_late(self) -> None:
        self._timer = None
        self._rang_at = asyncio.get_running_loop().time()
        self.ring()
