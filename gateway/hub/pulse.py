"""The hub's timers: when to tick, to take a turn, and to beat. The only part of the hub that knows an event loop."""

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import NamedTuple

from gateway.hub.hub import Hub
from gateway.observability.histogram import INSTANTS, Histogram

TURN_INTERVAL = 0.05
"""Seconds between looks at those who are behind, while anybody is."""

BEAT_INTERVAL = 1.0
"""Seconds between beats."""

MANY = 32
"""Documents changed by one tick from which on showing each at once matters less than what it costs to show all."""

SHARE = 0.1
"""The part of the time that ticks may take where each changes many; as far as ``LONGEST`` allows."""

LONGEST = 4
"""How many times as long as usual changes gather at most."""


class Pulse:
    """Keeps a hub going. ``tick`` is for how long changes are gathered, in seconds; ``clock`` returns Unix time."""

    def __init__(self, hub: Hub, *, tick: float, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._tick_interval = tick
        self._clock = clock
        self._ticked_at = float("-inf")
        self._apart = tick
        """Seconds from the last tick to the next."""
        self._ticking: _Timer | None = None
        self._turning: _Timer | None = None
        self._beating: _Timer | None = None
        # Timers are nothing of the request during which they were set.
        self._context = Context()
        self._followers: list[Callable[[float], None]] = []
        self.tick_seconds = 0.0
        """How long the last tick took."""
        self.fan_outs = Histogram(INSTANTS)
        """How long ticks took."""
        self.lags = Histogram(INSTANTS)
        """How late the event loop was for the timers here: one a second, and one for each tick and turn."""

    def start(self) -> None:
        """Begin to beat, in the running event loop."""
        self._beat()

    def stop(self) -> None:
        """Stop all timers."""
        for timer in (self._ticking, self._turning, self._beating):
            if timer is not None:
                timer.handle.cancel()

    def follow(self, ticked: Callable[[float], None]) -> None:
        """Have a function called with the time after each tick."""
        self._followers.append(ticked)

    def changed(self) -> None:
        """The log grew: tick at once after quiet, else when the interval since the last tick is over.

        That is longer in a burst to many: where all ticks change much, fewer and larger ones cost a part of as many.

        At once means behind everything that the event loop has to do now, so that what came in one piece goes out in
        one.
        """
        if self._ticking is None:
            since = asyncio.get_running_loop().time() - self._ticked_at
            self._ticking = self._call_later(max(0.0, self._apart - since), self._tick)

    def nudge(self) -> None:
        """Somebody may be behind: look after them soon."""
        if self._turning is None and self._hub.behind:
            self._turning = self._call_later(TURN_INTERVAL, self._turn)

    def _tick(self) -> None:
        self._fired(self._ticking)
        self._ticking = None
        self._ticked_at = asyncio.get_running_loop().time()
        began = time.perf_counter()
        self._hub.tick(self._clock())
        self.tick_seconds = time.perf_counter() - began
        self.fan_outs.add(self.tick_seconds)
        self._apart = self._tick_interval
        if self._hub.gathered >= MANY:
            self._apart = min(max(self._apart, self.tick_seconds / SHARE), LONGEST * self._tick_interval)
        for ticked in self._followers:
            ticked(self._clock())
        self.nudge()

    def _turn(self) -> None:
        self._fired(self._turning)
        self._turning = None
        self._hub.turn(self._clock())
        self.nudge()

    def _beat(self) -> None:
        self._fired(self._beating)
        self._beating = self._call_later(BEAT_INTERVAL, self._beat)
        self._hub.beat(self._clock())
        self.nudge()

    def _call_later(self, delay: float, call: Callable[[], None]) -> "_Timer":
        loop = asyncio.get_running_loop()
        return _Timer(loop.call_later(delay, call, context=self._context), loop.time() + delay)

    def _fired(self, timer: "_Timer | None") -> None:
        """Note how late a timer was; the first beat has none."""
        if timer is not None:
            self.lags.add(max(0.0, asyncio.get_running_loop().time() - timer.due))


class _Timer(NamedTuple):
    """A timer, and when it is due. uvloop's own doesn't know that where there is nothing to wait for."""

    handle: asyncio.Handle
    due: float
