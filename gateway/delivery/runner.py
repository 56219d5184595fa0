"""Feeds the delivery history: what Argo CD shows and what senders tell, in order, beside everything else.

Nothing here keeps anybody waiting: what comes is put into a queue, and the work is done in small portions. Deliveries
are kept already when they come; where there are too many, they are read from the database again, as after a crash.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.events import DeliveryEvent
from gateway.delivery.observatory import Observatory
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.deliveries import Outcome, Verdict
from gateway.delivery.storage.repository import Recomputed, Repository, Told
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Reading, Request
from gateway.model.application import Observed
from gateway.observability.trace import Trace
from gateway.store.state import Sighting

QUEUE = 2_000
"""Deliveries that wait in memory; what is beyond them waits in the database."""

PORTION, SIGHTINGS, KEYS, DEPLOYMENTS = 40, 20, 25, 32
"""Deliveries, sightings, applications and deployments that are dealt with before others have their turn."""

ASIDE = 128 << 10
"""Bytes from which on a body is read in a thread."""

SWEEP_INTERVAL = 3_600.0
"""Seconds between looks for what is older than its retention."""

RETRY, RETRY_MAX = 1.0, 30.0
"""Seconds until the database is tried again, at first and at most."""

_log = structlog.get_logger(__name__)


class Runner:
    """Runs the delivery history.

    ``look_again`` is called with the key of an application that Argo CD says has changed, ``changed`` with what was
    correlated and measured anew, ``heard`` with facts that are kept now, ``charged`` with whether it is this process
    that works the history off. ``shown`` returns what Argo CD has shown so far.
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
        charged: Callable[[bool], None] = lambda _: None,
        trace: Trace | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``processed``, ``failed``, ``facts``, ``deployment``, ``recompute``, ``retry``."""
        self.observatory = Observatory()
        self._repository = repository
        self._clock = clock
        self._retention = retention
        self._look_again = look_again
        self._changed = changed
        self._heard = heard
        self._shown = shown
        self._charged = charged
        self._trace = trace
        self._told_to_lead = False
        self.in_charge = False
        """Whether what was remembered is here, and everything is worked off by this process."""
        self._sweeping: asyncio.Task[None] | None = None
        self._sightings: deque[Sighting] = deque()
        self._aborts: deque[tuple[str, float]] = deque()
        self._queue: deque[tuple[int, float, Reading]] = deque()
        self._behind, self._missed = True, False
        self._touched: set[str] = set()
        self._woken = asyncio.Event()
        self._resting = False

    def __repr__(self) -> str:
        return f"<Runner: {len(self._queue)} deliveries, {len(self._sightings)} sightings, {self.observatory!r}>"

    @property
    def waiting(self) -> int:
        """Deliveries that wait in memory."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return self._resting and not self._woken.is_set()

    # Whose work it is.

    def lead(self) -> None:
        """Everything is to be worked off here from now on."""
        if not self._told_to_lead:
            self._told_to_lead = True
            self._look_around()
            self._woken.set()

    def follow(self) -> None:
        """Another process works everything off from now on."""
        if self._told_to_lead:
            self._told_to_lead = False
            self._woken.set()

    def _look_around(self) -> None:
        """What was shown before was another's to see; what it didn't keep is found in what is there now."""
        now = self._clock()
        self._sightings.extend(Sighting(observed, now, False) for observed in self._shown())

    # What comes.

    def show(self, sightings: Iterable[Sighting]) -> None:
        """Argo CD showed something."""
        if self._told_to_lead:
            self._sightings.extend(sightings)
            self._woken.set()

    def abort(self, key: str, at: float) -> None:
        """An application's rollout says that it was aborted."""
        self._aborts.append((key, at))
        self._woken.set()

    def admit(self, identity: int, received_at: float, reading: Reading) -> None:
        """A delivery was kept."""
        if not self.in_charge:
            return
        if self._behind or len(self._queue) >= QUEUE:
            self._behind = self._missed = True
        else:
            self._queue.append((identity, received_at, reading))
        self._woken.set()

    async def redeliver(self, identity: int) -> bool | None:
        """Process a delivery again; None if there is none, False if its body isn't kept any more."""
        found = await self._repository.requeue(identity)
        if found:
            self._behind = self._missed = True
            self._woken.set()
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
                except (SQLAlchemyError, DatabaseError) as error:
                    self.counts["retry"] += 1
                    _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=wait)
                    await asyncio.sleep(wait)
                    wait = min(RETRY_MAX, 2 * wait)
        finally:
            await self._stop_sweeping()

    async def close(self) -> None:
        """Keep what isn't kept yet."""
        if not self.in_charge:
            return
        with contextlib.suppress(SQLAlchemyError, DatabaseError):
            while self._sightings:
                self._observe()
            while self.observatory.dirty(self._clock(), hurry=True):
                await self._record(hurry=True)

    async def _go_on(self) -> None:
        if self.in_charge and self._told_to_lead:
            await self._work()
        elif self._told_to_lead:
            await self._take_over()
        elif self.in_charge:
            await self._hand_over()
        else:
            self._woken.clear()
            await self._rest(None)

    async def _take_over(self) -> None:
        """Go on where whoever led before has left off."""
        memories = await self._repository.recall()
        self.observatory = Observatory()
        self.observatory.remember(memories)
        self._behind = True
        self.in_charge = True
        self._sweeping = asyncio.create_task(self._sweep(), name="sweeping")
        self._charged(True)

    async def _hand_over(self) -> None:
        await self.close()
        await self._resign()

    async def _resign(self) -> None:
        self.in_charge = False
        self._charged(False)
        await self._stop_sweeping()
        self.observatory = Observatory()
        for waiting in (self._sightings, self._aborts, self._queue, self._touched):
            waiting.clear()
        self._behind = True

    async def _stop_sweeping(self) -> None:
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    async def _work(self) -> None:
        """Do some of everything, or wait until there is something to do."""
        self._woken.clear()
        self._observe()
        self.observatory.pass_time(self._clock())
        await self._record()
        await self._process()
        await self._recompute()
        if self._sightings or self._queue or self._behind or self._touched or self.observatory.dirty(self._clock()):
            await asyncio.sleep(0)
            return
        deadline = self.observatory.deadline()
        await self._rest(None if deadline is None else max(0.0, deadline - self._clock()) + 0.001)

    async def _rest(self, seconds: float | None) -> None:
        """Wait until there is something to do, at most for so long."""
        self._resting = True
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)
        finally:
            self._resting = False

    def _observe(self) -> None:
        for _ in range(min(len(self._sightings), SIGHTINGS)):
            self.observatory.see(self._sightings.popleft())
        while self._aborts and not self._sightings:
            self.observatory.abort(*self._aborts.popleft(), self._clock())

    async def _record(self, *, hurry: bool = False) -> None:
        """Keep what is new of some applications, deployments and memory together: neither twice nor lost."""
        now = self._clock()
        if not (keys := self.observatory.dirty(now, hurry=hurry)[:KEYS]):
            return
        deployments, memories = self.observatory.state_of(keys)
        changed = await self._repository.record(deployments, memories, now=now)
        self.observatory.kept(deployments, memories, now)
        self.counts["deployment"] += len(changed)
        self._touched.update(deployment.id for deployment in changed)

    async def _process(self) -> None:
        """Keep what some deliveries tell."""
        if self._queue:
            portion = [self._queue.popleft() for _ in range(min(len(self._queue), PORTION))]
            told = [_tell(identity, received_at, reading) for identity, received_at, reading in portion]
            try:
                await self._settle(told)
            except (SQLAlchemyError, DatabaseError):
                self._behind = True
                raise
            for _, _, reading in portion:
                for key in reading.applications:
                    self._look_again(key)
        elif self._behind:
            self._missed = False
            waiting = await self._repository.unprocessed(PORTION // 4)
            await self._settle([await self._read(*one) for one in waiting])
            self._behind = bool(waiting) or self._missed

    async def _read(self, identity: int, sender: str, request: Request) -> Told:
        read = SENDERS[sender].read
        try:
            reading = await asyncio.to_thread(read, request) if len(request.body) > ASIDE else read(request)
        except PayloadError as error:
            why = Verdict(id=identity, outcome=Outcome.REJECTED, why=str(error))
            return Told(id=identity, received_at=request.received_at, verdict=why)
        for key in reading.applications:
            self._look_again(key)
        return _tell(identity, request.received_at, reading)

    async def _settle(self, told: Sequence[Told]) -> None:
        if not told:
            return
        began = time.time_ns()
        try:
            self._touched |= await self._repository.settle(told)
            if self._trace is not None:
                self._trace.processed((one.id for one in told), began=began)
            self.counts["processed"] += len(told)
            facts = [fact for one in told for fact in one.facts]
            self.counts["facts"] += len(facts)
            self._heard(facts)
        except (SQLAlchemyError, DatabaseError):
            raise
        except Exception:  # noqa: BLE001 - a delivery that can't be kept is said to be one, and all others have their turn
            if len(told) > 1:
                # One of them is at fault: the others aren't to suffer.
                for one in told:
                    await self._settle([one])
                return
            _log.exception("delivery.broke", delivery=told[0].id)
            self.counts["failed"] += 1
            why = Verdict(id=told[0].id, outcome=Outcome.FAILED, why="the gateway failed at it; its log says why")
            await self._repository.settle([Told(id=told[0].id, received_at=told[0].received_at, verdict=why)])

    async def _recompute(self) -> None:
        """Correlate some of those deployments anew of which more was told."""
        portion = [self._touched.pop() for _ in range(min(len(self._touched), DEPLOYMENTS))]
        if not portion:
            return
        try:
            recomputed = await self._repository.recompute(portion)
        except (SQLAlchemyError, DatabaseError):
            self._touched.update(portion)
            raise
        except Exception:  # noqa: BLE001 - these stay as they were; all others have their turn
            _log.exception("delivery.correlation_broke", deployments=portion[:10])
            self.counts["failed"] += 1
            return
        self.counts["recompute"] += len(portion)
        self._changed(recomputed)

    async def _sweep(self) -> None:
        while True:
            try:
                if gone := await self._repository.sweep(now=self._clock(), retention=self._retention):
                    _log.info("delivery.swept", rows=gone)
            except (SQLAlchemyError, DatabaseError) as error:
                _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=SWEEP_INTERVAL)
            await asyncio.sleep(SWEEP_INTERVAL)


def _tell(identity: int, received_at: float, reading: Reading) -> Told:
    verdict = None
    if reading.ignored is not None:
        verdict = Verdict(id=identity, outcome=Outcome.IGNORED, why=reading.ignored)
    return Told(id=identity, received_at=received_at, facts=reading.events, verdict=verdict)
