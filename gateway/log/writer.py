"""Writes what the leader finds: in order, several changes in one step where they come together, none of them twice.

What can't be written waits, no longer than the lease lasts without being renewed; then another replica finds it anew.
"""

import asyncio
import contextlib
import secrets
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Protocol

import structlog

from gateway.log.entries import Entry, Renewal
from gateway.log.lease import Claim
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Replica
from gateway.log.shared import BrokenEpochError, FencedError, SharedLogError, Taken, count_error
from gateway.model.application import Observed, Tombstone

BATCH = 400
"""Changes that are written in one step."""

LINGER = 1.0
"""Seconds for which what nobody sees may wait for a change to be written with."""

RETRY = 0.2
"""Seconds until a write is tried again."""

_log = structlog.get_logger(__name__)


class Held(Protocol):
    """What a writer needs of a store."""

    @property
    def held(self) -> Mapping[str, Observed]:
        """Every application, by key."""

    @property
    def tombstones(self) -> Mapping[str, Tombstone]:
        """Deletions, by key."""


class Writer:
    """Writes for as long as one lease is held; made anew with each.

    After quiet a change is written at once; what follows is gathered for ``interval`` seconds, as ticks would do it.
    ``begun`` is called with the epoch when another one was begun, ``fenced`` when somebody else has the lease.
    """

    def __init__(
        self,
        streams: RedisStreams,
        taken: Taken,
        *,
        top: int,
        store: Callable[[], Held],
        replica: Replica,
        interval: float,
        clock: Callable[[], float],
        counts: Counter[str],
        begun: Callable[[str], None],
        fenced: Callable[[Claim], None],
    ) -> None:
        self.epoch = taken.epoch
        """The epoch to write in; empty while there is none."""
        self.seconds = 0.0
        """How long the last write took."""
        self._holder = taken.claim.holder
        self._name = secrets.token_hex(4)
        self._streams = streams
        self._top = top
        self._store = store
        self._replica = replica
        self._interval = interval
        self._clock = clock
        self._counts = counts
        self._begun = begun
        self._fenced = fenced
        self._entries: deque[Entry] = deque()
        self._renewed: dict[str, None] = {}
        self._batches = 0
        self._beginning = False
        self._written_at = self._changed_at = float("-inf")
        """When the last write began, and the last one with a change in it (the loop's time)."""
        self._hurried = asyncio.Event()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __repr__(self) -> str:
        return f"<Writer at {self.epoch}-{self._top}: {len(self._entries)} changes wait>"

    @property
    def waiting(self) -> int:
        """How many changes wait to be written."""
        return len(self._entries)

    def put(self, entries: Sequence[Entry], touched: set[str]) -> None:
        """Write changes, and what is newer of applications without one."""
        self._entries.extend(entries)
        self._renewed.update(dict.fromkeys(touched))
        if entries or any(map(self._is_shown, touched)):
            self._wake()

    def begin(self) -> None:
        """Begin another epoch with all that the store holds, instead of writing what waits."""
        if not self._beginning:
            self._beginning = True
            self._wake()

    async def empty(self) -> None:
        """Write what waits, gathering no longer; return when it is there."""
        self._hurried.set()
        self._woken.set()
        await self._idle.wait()

    def _wake(self) -> None:
        self._idle.clear()
        self._woken.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LINGER if self._renewed else None):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            while self._beginning or self._entries or self._renewed:
                await self._gather()
                try:
                    await (self._begin() if self._beginning else self._append())
                except FencedError as error:
                    self._fenced(error.claim)
                    return
            self._idle.set()

    async def _gather(self) -> None:
        """Let more come, until the interval since the last write is over."""
        loop = asyncio.get_running_loop()
        while (wait := self._find_due() - loop.time()) > 0:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()
        self._written_at = loop.time()
        if self._entries or self._beginning:
            self._changed_at = self._written_at

    def _find_due(self) -> float:
        """Return when to write what waits. What nobody waits for never delays a change."""
        if self._beginning or self._hurried.is_set() or len(self._entries) >= BATCH:
            return float("-inf")
        return (self._changed_at if self._entries else self._written_at) + self._interval

    async def _begin(self) -> None:
        store, epoch, base = self._store(), secrets.token_hex(4), self._top + 1
        self._entries.clear()
        self._renewed.clear()
        held, graves = dict(store.held), dict(store.tombstones)
        try:
            await self._streams.begin(self._holder, epoch, base=base, at=self._clock(), held=held, graves=graves)
        except FencedError:
            raise
        except SharedLogError as error:
            await self._fail(error)
            return
        self.epoch, self._top, self._beginning = epoch, base, False
        self._counts["epoch"] += 1
        _log.info("log.epoch_begun", epoch=epoch, applications=len(held))
        self._begun(epoch)

    async def _append(self) -> None:
        """Write what waits, some of it; until it is known to be there."""
        entries = list(islice(self._entries, BATCH))
        store = self._store()
        renewals = [
            Renewal(observed=store.held[key], shown=self._is_shown(key)) for key in self._renewed if key in store.held
        ]
        self._renewed.clear()
        self._batches += 1
        batch = f"{self._name}:{self._batches}"
        ring = self._replica.log.ring
        while not self._beginning:
            began = self._clock()
            try:
                self._top = await self._streams.append(
                    self._holder,
                    self.epoch,
                    top=self._top,
                    batch=batch,
                    keep=ring.trimmed + 1 if ring.trimmed else 0,
                    entries=entries,
                    renewals=renewals,
                )
            except FencedError:
                raise
            except BrokenEpochError:
                self._beginning = True
                return
            except SharedLogError as error:
                await self._fail(error)
            else:
                self.seconds = self._clock() - began
                self._counts["append"] += 1
                self._counts["change"] += len(entries)
                for _ in entries:
                    self._entries.popleft()
                return

    async def _fail(self, error: SharedLogError) -> None:
        count_error(self._counts, error)
        await asyncio.sleep(RETRY)

    def _is_shown(self, key: str) -> bool:
        """Whether replicas show what is newer of an application: they hold another detail."""
        ours, theirs = self._store().held.get(key), self._replica.held.get(key)
        return ours is not None and theirs is not None and (ours.detail != theirs.detail or ours.uid != theirs.uid)
