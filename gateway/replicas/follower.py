"""Follows the shared log: reads it into this process's replica, and passes on what is said beside it."""

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec
import structlog

from gateway.log.entries import UnreadableError
from gateway.log.lease import Claim, Lease
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Numbered, Replica
from gateway.log.shared import Place, Read, SharedLogError, Signal, count_error
from gateway.model.delta import Change
from gateway.upstream.proof import Life, Proof

RETRY, RETRY_MAX = 0.1, 2.0
"""Seconds until Redis is tried again, at first and at most."""

_log = structlog.get_logger(__name__)
_lives = msgspec.json.Decoder(Life)


class Follower:
    """Follows. ``clock`` returns Unix time that never goes back; ``jitter`` 0 ≤ x < 1.

    ``loaded`` is called when another state or epoch is shown, ``shown`` with changes, ``told`` with what was said
    beside the log, ``proved`` when more is known of upstream, and ``seen`` when more is known of the lease.
    """

    def __init__(
        self,
        streams: RedisStreams,
        replica: Replica,
        *,
        lease: Lease,
        proof: Proof,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        loaded: Callable[[], None],
        shown: Callable[[list[Change]], None],
        told: Callable[[str, bytes], None],
        proved: Callable[[], None],
        seen: Callable[[], None],
        counts: Counter[str],
    ) -> None:
        self.counts = counts
        self.caught_up = asyncio.Event()
        """Set after each step."""
        self._streams = streams
        self._replica = replica
        self._lease = lease
        self._proof = proof
        self._clock = clock
        self._jitter = jitter
        self._loaded = loaded
        self._shown = shown
        self._told = told
        self._proved = proved
        self._seen = seen
        self._place: Place | None = None
        """Up to where was read; None where the whole has to be loaded."""
        self._out_of_sight: str | None = "starting"

    def __repr__(self) -> str:
        return f"<Follower at {self._place}: {self._replica!r}>"

    @property
    def connected(self) -> bool:
        """Whether Redis can be read."""
        return self._out_of_sight is None

    async def run(self) -> None:
        """Read until cancelled."""
        wait = RETRY
        while True:
            try:
                if self._place is None:
                    await self._load()
                assert self._place is not None
                self._take_in(await self._streams.read(self._place))
                wait = RETRY
            except (SharedLogError, UnreadableError) as error:
                self._lost_sight(error)
                if isinstance(error, UnreadableError):
                    self._place = None
                await asyncio.sleep(wait * (0.5 + 0.5 * self._jitter()))
                wait = min(RETRY_MAX, 2 * wait)

    async def _load(self) -> None:
        loaded = await self._streams.load()
        now = self._clock()
        stored = loaded.stored
        log = self._replica.log
        if stored is not None and (stored.epoch != log.epoch or stored.top > log.ring.top or not self._replica.loaded):
            self._replica.load(stored)
            self.counts["load"] += 1
            _log.info("log.loaded", epoch=stored.epoch, applications=len(stored.held), changes=len(stored.history))
        if loaded.life and self._proof.life is None:
            self._hear(loaded.life, now, late=loaded.late)
        self._place = loaded.place
        self._in_sight()
        self._loaded()
        self.caught_up.set()
        self._lease.observe(loaded.claim, now)
        self._seen()

    def _take_in(self, read: Read) -> None:
        now = self._clock()
        self._in_sight()
        if read.epoch and read.epoch != self._replica.log.epoch:
            self._place = None
            return
        self._place = read.place
        batch: list[Numbered] = []
        for entry in read.entries:
            if isinstance(entry, Numbered):
                if not self._replica.follows(entry, behind=len(batch)):
                    # The log was trimmed past where we were, or another epoch began: only the whole helps.
                    self._place = None
                    break
                batch.append(entry)
            else:
                self._take_batch(batch)
                self._replica.renew(entry)
        self._take_batch(batch)
        observed = read.claim
        for signal in read.signals:
            observed = self._hear_signal(signal, now) or observed
        if self._lease.held is None and observed != self._lease.seen:
            self._lease.observe(observed, now)
            self._seen()
        self.caught_up.set()

    def _take_batch(self, batch: list[Numbered]) -> None:
        if batch:
            self.counts["read"] += len(batch)
            self._shown(self._replica.take(batch))
            batch.clear()

    def _hear_signal(self, signal: Signal, now: float) -> Claim | None:
        match signal.kind:
            case "life":
                holder, beats, life = signal.body.split(b" ", 2)
                self._hear(life, now)
                return Claim(holder=holder.decode(), beats=int(beats))
            case "claim":
                holder, beats = signal.body.split(b" ", 1)
                return Claim(holder=holder.decode(), beats=int(beats))
            case "epoch":
                if signal.body.decode() != self._replica.log.epoch:
                    self._place = None
            case kind:
                self._told(kind, signal.body)
        return None

    def _hear(self, life: bytes, now: float, *, late: float = 0.0) -> None:
        try:
            self._proof.hear(_lives.decode(life), now, late=late)
        except msgspec.DecodeError:
            self.counts["unreadable"] += 1
            return
        self._proved()

    def _in_sight(self) -> None:
        if self._out_of_sight is not None:
            if self._out_of_sight != "starting":
                _log.info("redis.back")
            self._out_of_sight = None
            self._replica.log.lagging = False

    def _lost_sight(self, error: SharedLogError | UnreadableError) -> None:
        reason = count_error(self.counts, error)
        self._lease.lose_sight()
        self._replica.log.lagging = True
        self._proof.doubt("redis")
        if self._out_of_sight != reason:
            self._out_of_sight = reason
            _log.warning("redis.failed", reason=reason, message=str(error), advice="what is held is served on")
