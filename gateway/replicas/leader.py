"""Keeps the lease, and while it is held watches Argo CD and has written what that brings."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import structlog

from gateway.line import Line
from gateway.log.entries import make_entries
from gateway.log.lease import Claim, Lease, Step
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Replica
from gateway.log.shared import BrokenEpochError, FencedError, SharedLogError, Taken, count_error
from gateway.log.writer import Writer
from gateway.model.delta import Change
from gateway.upstream.proof import Proof

LAST_WORDS = 0.2
"""Seconds for what waits to be written, before the lease is given back."""

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Leader:
    """Leads whenever the lease can be had. ``clock`` returns Unix time that never goes back.

    There are ``interval`` seconds between two writes.
    ``caught_up`` is set after each step of the reader; ``leads`` is called when it changes whether this process leads.
    """

    def __init__(
        self,
        streams: RedisStreams,
        replica: Replica,
        line: Line,
        *,
        lease: Lease,
        proof: Proof,
        interval: float,
        clock: Callable[[], float],
        caught_up: asyncio.Event,
        leads: Callable[[bool], None],
        counts: Counter[str],
    ) -> None:
        self.lease = lease
        self.counts = counts
        self._streams = streams
        self._replica = replica
        self._line = line
        self._proof = proof
        self._interval = interval
        self._clock = clock
        self._caught_up = caught_up
        self._leads = leads
        self._writer: Writer | None = None
        self._fenced: Claim | None = None
        self._driving: asyncio.Task[None] | None = None
        self._epoch = ""
        """The epoch that this process writes in, while it leads."""
        self._woken = asyncio.Event()
        self._broken: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Leader: {self.lease!r}, {self._writer!r}>"

    @property
    def leading(self) -> bool:
        """Whether this process watches Argo CD, and writes."""
        return self._driving is not None

    @property
    def waiting(self) -> int:
        """How many changes wait to be written."""
        return self._writer.waiting if self._writer else 0

    @property
    def append_seconds(self) -> float:
        """How long the last write took."""
        return self._writer.seconds if self._writer else 0.0

    def wake(self) -> None:
        """More was seen of the lease."""
        self._woken.set()

    async def run(self) -> None:
        """Run until cancelled. Raises whatever breaks the line to Argo CD."""
        self._broken = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(self._keep_lease(), name="lease")
        try:
            done, _ = await asyncio.wait([keeping, self._broken], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * LAST_WORDS):
                    await self.retire()
            await self._follow()

    async def retire(self) -> None:
        """Give the lease back, with all that waits written, and never take it again: this process is about to end."""
        self.lease.resign()
        if (claim := self.lease.held) is not None:
            writer = self._writer
            if writer is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORDS):
                        await writer.empty()
            self.lease.release()
            try:
                async with asyncio.timeout(1.0):
                    await self._streams.release(claim.holder)
            except (SharedLogError, TimeoutError) as error:
                _log.warning("lease.not_released", reason=count_error(self.counts, error))
            else:
                _log.info("lease.released")
            await self._follow()
        self._woken.set()

    def put(self, changes: Sequence[Change], touched: set[str]) -> None:
        """Have what is new at Argo CD written."""
        if (writer := self._writer) is None:
            return
        store = self._line.store
        if not store.published:
            return
        if not writer.epoch:
            # Nobody sees a part of a fleet: the first content is written in one step.
            writer.begin()
        entries = make_entries(changes, store.held, store.tombstones, at=self._clock())
        changed = {entry.key for entry in entries}
        writer.put(entries, touched - changed)

    def hurry(self) -> None:
        """Say at once how upstream is."""
        self.lease.hurry()
        self._woken.set()

    async def _keep_lease(self) -> None:
        while True:
            if self._fenced is not None:
                await self._fence(self._fenced)
            now = self._clock()
            step = self.lease.due(now)
            if step is Step.TAKE:
                await self._take(now)
            elif step is Step.BEAT:
                await self._beat(now)
            elif step is Step.STEP_DOWN:
                _log.warning("lease.lost", reason="it couldn't be renewed in time")
                self.counts["lost"] += 1
                await self._follow()
            else:
                deadline = self.lease.deadline()
                wait = None if deadline is None else max(0.0, deadline - now) + 0.001
                # Not wait_for: before Python 3.12 it may swallow that it was cancelled.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
            self._woken.clear()

    async def _take(self, now: float) -> None:
        assert self.lease.seen is not None
        try:
            taken = await self._streams.take(self.lease.seen, self.lease.name)
        except FencedError as error:
            self.lease.refused(error.claim, self._clock())
        except SharedLogError as error:
            count_error(self.counts, error)
            self.lease.lose_sight()
        else:
            self.lease.taken(taken.claim, now)
            if self.lease.resigned:
                await self.retire()
                return
            self.counts["takeover"] += 1
            _log.info("lease.taken", holder=taken.claim.holder)
            self._begin_to_lead(taken)

    def _begin_to_lead(self, taken: Taken) -> None:
        assert self._driving is None
        self._epoch = taken.epoch
        self._driving = asyncio.create_task(self._lead(taken), name="leading")
        self._driving.add_done_callback(self._led)

    def _led(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and self._broken is not None:
            self._broken.set_exception(error)

    async def _lead(self, taken: Taken) -> None:
        """Go on where the leader before ended, and write what Argo CD brings."""
        replica, log = self._replica, self._replica.log
        while taken.epoch and not (log.epoch == taken.epoch and log.ring.top >= taken.top):
            self._caught_up.clear()
            await self._caught_up.wait()
        writer = self._writer = Writer(
            self._streams,
            taken,
            top=log.ring.top,
            store=lambda: self._line.store,
            replica=replica,
            interval=self._interval,
            clock=self._clock,
            counts=self.counts,
            begun=self._begun,
            fenced=self._hear_fenced,
        )
        if replica.loaded:
            self._line.take_over(
                replica.held.values(), replica.graves, self._proof.life, as_of=self._proof.as_of(self._clock())
            )
            self.put(self._line.store.take(), set())
        else:
            self._line.begin()
        self.hurry()
        self._leads(True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._line.run(), name="upstream")
            group.create_task(writer.run(), name="writer")

    async def _beat(self, now: float) -> None:
        assert self.lease.held is not None
        try:
            async with asyncio.timeout(max(0.3, self.lease.duration / 2)):
                claim = await self._streams.beat(self.lease.held.holder, self._epoch, _encode(self._line.life()))
        except FencedError as error:
            await self._fence(error.claim)
        except BrokenEpochError:
            self.lease.missed(self._clock())
            if self._writer is not None:
                self._writer.begin()
        except (SharedLogError, TimeoutError) as error:
            count_error(self.counts, error)
            self.lease.missed(self._clock())
        else:
            self.lease.beaten(claim, now)

    async def _fence(self, claim: Claim) -> None:
        self._fenced = None
        if self.lease.held is None:
            return
        self.counts["fenced"] += 1
        _log.warning("lease.lost", reason="another replica holds it")
        self.lease.refused(claim, self._clock())
        await self._follow()

    def _begun(self, epoch: str) -> None:
        """Another epoch was begun by this process."""
        self._epoch = epoch
        self.hurry()

    def _hear_fenced(self, claim: Claim) -> None:
        self._fenced = claim
        self._woken.set()

    async def _follow(self) -> None:
        """Lead no more."""
        self.lease.release()
        driving, self._driving, self._writer = self._driving, None, None
        if driving is None:
            return
        self._epoch = ""
        self._leads(False)
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
