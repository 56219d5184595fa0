"""The audience: who holds which stream, and what let them in; looked at again whenever that may be another.

A stream outlives the request that opened it. So what a file, a token or a session says now is held against each open
stream: what somebody may no longer see is removed from it, and where they may no longer be here at all, it ends.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.auth.grant import NOTHING, Grant
from gateway.auth.identity import Identity
from gateway.hub.feed import Selection
from gateway.hub.hub import Hub, OverloadedError
from gateway.hub.subscriber import Ending, Subscriber
from gateway.web.guard import Guard

RECHECK_INTERVAL = 2.0
"""Seconds between looks, for what changes without a word, such as a session that ended elsewhere."""

AT_ONCE = 50
"""Streams that are looked at in one turn of the event loop: each may need a delta of its own."""

_log = structlog.get_logger(__name__)

Narrow = Callable[[Grant], Selection]
"""From a grant to what a stream shows within it."""


class _Seat:
    """What let somebody in, and what they asked for."""

    __slots__ = ("grant", "identity", "narrow")

    def __init__(self, identity: Identity, grant: Grant, narrow: Narrow) -> None:
        self.identity = identity
        self.grant = grant
        self.narrow = narrow


class Audience:
    """Whoever holds a stream. ``clock`` returns Unix time, ``nudge`` has the hub look after those who are behind."""

    def __init__(self, hub: Hub, guard: Guard, *, clock: Callable[[], float], nudge: Callable[[], None]) -> None:
        self._hub = hub
        self._guard = guard
        self._clock = clock
        self._nudge = nudge
        self._seats: dict[Subscriber, _Seat] = {}
        self._asked = asyncio.Event()

    def enter(self, subscriber: Subscriber, identity: Identity, grant: Grant, narrow: Narrow) -> None:
        """Somebody has joined."""
        self._seats[subscriber] = _Seat(identity, grant, narrow)
        # Between the request and the join something may have changed.
        self._look(subscriber, self._seats[subscriber], self._clock())

    def leave(self, subscriber: Subscriber) -> None:
        """Somebody has gone."""
        self._seats.pop(subscriber, None)

    def grant_of(self, subscriber: Subscriber) -> Grant:
        """Return what somebody may see; nothing, once they have been shown out."""
        seat = self._seats.get(subscriber)
        return NOTHING if seat is None else seat.grant

    def turn(self, subscriber: Subscriber, narrow: Narrow, now: float) -> None:
        """Let somebody see something else from now on. Raises OverloadedError."""
        seat = self._seats[subscriber]
        seat.narrow = narrow
        self._hub.transfer(subscriber, narrow(seat.grant), now)

    def recheck(self) -> None:
        """Have everybody looked at again, soon: something may have changed."""
        self._asked.set()

    async def run(self) -> None:
        """Look at everybody when asked to and every few seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(RECHECK_INTERVAL):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            await self._look_at_all()

    async def _look_at_all(self) -> None:
        everybody = list(self._seats.items())
        for start in range(0, len(everybody), AT_ONCE):
            self._look_at(everybody[start : start + AT_ONCE], self._clock())
            await asyncio.sleep(0)
        self._nudge()

    def _look_at(self, some: Sequence[tuple[Subscriber, _Seat]], now: float) -> None:
        """Look at some. Whoever holds the same identity and grant as one for whom nothing has changed needs no look."""
        unchanged: set[tuple[int, int]] = set()
        for subscriber, seat in some:
            holds = (id(seat.identity), id(seat.grant))
            if holds not in unchanged and subscriber in self._seats and not self._look(subscriber, seat, now):
                unchanged.add(holds)

    def _look(self, subscriber: Subscriber, seat: _Seat, now: float) -> bool:
        """Look at one; return whether what it holds is another now."""
        identity = self._guard.authenticator.recheck(seat.identity, now)
        if identity is None:
            _log.info("audit.stream_ended", identity=seat.identity.name, method=seat.identity.method)
            self._hub.end(subscriber, Ending.EXPIRED, now)
            self._seats.pop(subscriber, None)
            return True
        if changed := identity is not seat.identity:
            seat.identity = identity
            self._hub.expire_at(subscriber, identity.expires_at)
        grant = self._guard.grant(identity)
        if grant is seat.grant:
            return changed
        seat.grant = grant
        try:
            self._hub.transfer(subscriber, seat.narrow(grant), now)
        except OverloadedError:
            # It must not go on seeing what it saw, and there is no room to show it anything else.
            self._hub.cut(subscriber, now, "overloaded")
        return True
