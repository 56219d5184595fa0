"""Feeds the delivery history: what Argo CD shows and what senders tell, in order, beside everything else.

Nothing here keeps anybody waiting: what comes is put into a queue, and the work is done in small portions. Deliveries
are kept already when they come; where there are too many, they are read from the database again, as after a crash.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.bell import Bell
from gateway.delivery.breaches import FRESH
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.kpi import Measure
from gateway.delivery.observatory import Observatory
from gateway.delivery.processor import Processor
from gateway.delivery.recorder import Recorder
from gateway.delivery.sightings import Sightings
from gateway.delivery.sparing import spare_others
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.leadership import DeposedError
from gateway.delivery.storage.repository import Recomputed, Repository
from gateway.delivery.sweeping import Sweeper
from gateway.delivery.webhooks.sender import Reading
from gateway.model.application import Observed
from gateway.observability.trace import Trace
from gateway.store.state import Sighting

SIGHTINGS, DEPLOYMENTS = 20, 32
"""Sightings and deployments that are dealt with before others have their turn."""

ABORTS = 1_000
"""Aborted rollouts that are remembered while another process leads."""

POLL_INTERVAL = 10.0
"""Seconds between looks for what others have kept, where several processes share a database."""

RETRY, RETRY_MAX = 1.0, 30.0
"""Seconds until the database is tried again, at first and at most."""

_log = structlog.get_logger(__name__)


class Runner:
    """Runs the delivery history.

    ``look_again`` is called with the key of an application that Argo CD says has changed, ``changed`` with what was
    correlated and measured anew, ``heard`` with facts that are kept now, ``charged`` with the latest measures when
    this process begins to work the history off, and with None when it ends. ``shown`` returns what Argo CD has shown.
    For ``gather`` seconds what it shows in quick succession may wait.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        clock: Callable[[], float],
        retention: float,
        look_again: Callable[[str], None],
        changed: Callable[[Recomputed], None],
        heard: Callable[[Sequence[DeliveryEvent]], None] = lambda _: None,
        shown: Callable[[], Iterable[Observed]] = tuple,
        charged: Callable[[Sequence[Measure] | None], None] = lambda _: None,
        gather: float = 0.0,
        trace: Trace | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened: ``processed``, ``failed``, ``facts``, ``deployment``, ``recompute``, ``retry``, ``lead``, …"""
        self._repository = repository
        self._touched: set[str] = set()
        self._recorder = Recorder(
            repository, clock=clock, counts=self.counts, changed=lambda changed: self._touched.update(changed)
        )
        self._clock = clock
        self._changed = changed
        self._charged = charged
        self._told_to_lead = False
        self.in_charge = False
        """Whether what was remembered is here, and everything is worked off by this process."""
        self._charged_at = 0.0
        self._sweeper = Sweeper(repository, clock=clock, retention=retention)
        self._sightings = Sightings(shown)
        self._aborts: deque[tuple[str, float]] = deque(maxlen=ABORTS)
        self._processor = Processor(repository, counts=self.counts, look_again=look_again, heard=heard, trace=trace)
        self._bell = Bell(gather)

    def __repr__(self) -> str:
        return f"<Runner: {self.waiting} deliveries, {len(self._sightings)} sightings, {self.observatory!r}>"

    @property
    def observatory(self) -> Observatory:
        """What is remembered of every application."""
        return self._recorder.observatory

    @property
    def waiting(self) -> int:
        """Deliveries that wait in memory."""
        return len(self._processor.backlog)

    @property
    def unseen(self) -> int:
        """What Argo CD showed and nobody has looked at, in memory."""
        return len(self._sightings)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return self._bell.quiet

    # Whose work it is.

    def lead(self) -> None:
        """Everything is to be worked off here from now on."""
        if not self._told_to_lead:
            self._told_to_lead = True
            self._sightings.look_around(self._clock())
            self._bell.ring()

    def follow(self) -> None:
        """Another process works everything off from now on."""
        if self._told_to_lead:
            self._told_to_lead = False
            self._bell.ring()

    # What comes.

    def show(self, sightings: Iterable[Sighting]) -> None:
        """Argo CD showed something."""
        if self._told_to_lead:
            self._sightings.add(sightings)
            self._bell.ring_soon()

    def abort(self, key: str, at: float) -> None:
        """An application's rollout says that it was aborted."""
        # Whoever follows remembers it, too: whoever leads may be gone before it is kept.
        self._aborts.append((key, at))
        self._bell.ring()

    def admit(self, identity: int, received_at: float, reading: Reading) -> None:
        """A delivery was kept."""
        if self.in_charge:
            self._processor.backlog.admit((identity, received_at, reading))
            self._bell.ring()

    def look_for(self, identities: Iterable[int]) -> None:
        """Other processes have kept these deliveries."""
        if self.in_charge:
            self._processor.backlog.look_for(identities)
            self._bell.ring()

    def look_for_all(self) -> None:
        """Deliveries may have been kept of which nobody told."""
        self._processor.backlog.doubt()
        self._bell.ring()

    async def redeliver(self, identity: int) -> bool | None:
        """Process a delivery again; None if there is none, False if its body isn't kept any more."""
        found = await self._repository.requeue(identity)
        if found:
            self.look_for_all()
        return found

    # What is done.

    async def run(self) -> None:
        """Run until cancelled."""
        wait = RETRY
        try:
            while True:
                try:
                    await self._go_on()
                    wait = RETRY
                except DeposedError:
                    self.counts["deposed"] += 1
                    # Who has taken over may not know yet that it isn't to; whoever is told to goes on. Two that are
                    # both told to take turns, longer and longer.
                    lasted = self._clock() - self._charged_at
                    pause = RETRY if lasted > RETRY_MAX else min(RETRY_MAX, max(RETRY, 2 * lasted))
                    _log.warning("delivery.deposed", retry_in=pause)
                    await self._resign()
                    await asyncio.sleep(pause)
                    if self._told_to_lead:
                        self._sightings.look_around(self._clock())
                except (SQLAlchemyError, DatabaseError) as error:
                    self.counts["retry"] += 1
                    _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=wait)
                    await asyncio.sleep(wait)
                    wait = min(RETRY_MAX, 2 * wait)
        finally:
            await self._sweeper.stop()

    async def close(self) -> None:
        """Keep what isn't kept yet."""
        if not self.in_charge:
            return
        with contextlib.suppress(SQLAlchemyError, DatabaseError):
            while self._sightings:
                self._observe()
            while self.observatory.dirty(self._clock(), hurry=True):
                await self._recorder.record(hurry=True)

    async def _go_on(self) -> None:
        if self.in_charge and self._told_to_lead:
            await self._work()
        elif self._told_to_lead:
            await self._take_over()
        elif self.in_charge:
            await self.close()
            await self._resign()
        else:
            self._bell.hear()
            await self._bell.rest(None)

    async def _take_over(self) -> None:
        """Go on where whoever led before has left off."""
        now = self._clock()
        await self._repository.take_over(now=now)
        memories = await self._repository.recall()
        self._touched = await self._repository.touched()
        latest, _ = await self._repository.measures(now - FRESH, float("inf"))
        self._recorder.begin(memories)
        self._processor.backlog.doubt()
        self._sightings.begin(self._clock())
        self.in_charge = True
        self._sweeper.start()
        self.counts["lead"] += 1
        self._charged_at = now
        self._charged(latest)

    async def _resign(self) -> None:
        self.in_charge = False
        self._charged(None)
        await self._sweeper.stop()
        self._recorder.begin({})
        self._sightings.forget()
        self._touched.clear()
        self._processor.backlog.forget()
        self._processor.backlog.doubt()

    async def _work(self) -> None:
        """Do some of everything, or wait until there is something to do."""
        self._bell.hear()
        # All that was shown, however slow the database is: memories are one for each application, sightings would grow.
        while True:
            self._observe()
            if not self._sightings:
                break
            await asyncio.sleep(0)
        self.observatory.pass_time(self._clock())
        await self._recorder.record()
        self._touched |= await self._processor.process()
        await self._recompute()
        if self._sightings or self._processor.backlog.waits or self._touched or self.observatory.dirty(self._clock()):
            await asyncio.sleep(0)
            return
        deadline = self.observatory.deadline()
        wait = None if deadline is None else max(0.0, deadline - self._clock()) + 0.001
        if not self._repository.database.shared:
            await self._bell.rest(wait)
        elif not await self._bell.rest(POLL_INTERVAL if wait is None else min(wait, POLL_INTERVAL)):
            # Others tell what they keep, if nothing is lost on the way.
            self._processor.backlog.doubt()

    def _observe(self) -> None:
        for _ in range(min(len(self._sightings), SIGHTINGS)):
            self.observatory.see(self._sightings.take())
        while self._aborts and not self._sightings:
            self.observatory.abort(*self._aborts.popleft(), self._clock())

    async def _recompute(self) -> None:
        """Correlate some of those deployments anew of which more was told."""
        if portion := list(islice(self._touched, DEPLOYMENTS)):
            await spare_others(portion, self._correlate, self._give_up_correlating)

    async def _correlate(self, portion: Sequence[str]) -> None:
        recomputed = await self._repository.recompute(portion)
        self._touched.difference_update(portion)
        self.counts["recompute"] += len(portion)
        self._changed(recomputed)

    def _give_up_correlating(self, identity: str) -> None:
        _log.exception("delivery.correlation_broke", deployment=identity)
        self.counts["failed"] += 1
        self._touched.discard(identity)
