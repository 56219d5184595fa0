"""Processes deliveries: what they tell is kept together with the verdict on them, of each once.

A portion at a time; where one of it can't be kept, the others are all the same.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.backlog import Backlog
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.storage.database import DatabaseError, blames_data
from gateway.delivery.storage.deliveries import Outcome, Verdict
from gateway.delivery.storage.repository import Repository
from gateway.delivery.storage.settling import Told
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Reading, Request
from gateway.observability.trace import Trace

PORTION, FETCHED = 40, 10
"""Deliveries that are dealt with before others have their turn: read ones, and those that have to be."""

ASIDE = 128 << 10
"""Bytes from which on a body is read in a thread."""

_log = structlog.get_logger(__name__)


class Processor:
    """Works a ``backlog`` off. ``look_again`` and ``heard`` are the runner's."""

    def __init__(
        self,
        repository: Repository,
        *,
        counts: Counter[str],
        look_again: Callable[[str], None],
        heard: Callable[[Sequence[DeliveryEvent]], None],
        trace: Trace | None = None,
    ) -> None:
        self.backlog = Backlog()
        self._repository = repository
        self._counts = counts
        self._look_again = look_again
        self._heard = heard
        self._trace = trace
        self._touched: set[str] = set()

    async def process(self) -> set[str]:
        """Keep what some deliveries tell; return the deployments that they touch. Raises as a database does."""
        self._touched = set()
        backlog = self.backlog
        try:
            if portion := backlog.take_read(PORTION):
                await self._settle([_tell(*one) for one in portion])
                for _, _, reading in portion:
                    for key in reading.applications:
                        self._look_again(key)
            elif some := backlog.take_elsewhere(FETCHED):
                await self._fetch(some)
            elif backlog.behind:
                backlog.begin_search()
                backlog.end_search(found=await self._fetch(None))
        except (SQLAlchemyError, DatabaseError):
            backlog.doubt()
            raise
        return self._touched

    async def _fetch(self, among: Sequence[int] | None) -> bool:
        """Process some deliveries that the database has; return whether there were any."""
        waiting = await self._repository.unprocessed(FETCHED, among=among)
        await self._settle([await self._read(*one) for one in waiting])
        return bool(waiting)

    async def _read(self, identity: int, sender: str, request: Request) -> Told:
        try:
            read = find_reader(sender)
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
            settled = await self._repository.settle(told)
            if self._trace is not None:
                self._trace.processed((one.id for one in settled.told), began=began)
            self._touched |= settled.deployments
            self._counts["processed"] += len(settled.told)
            facts = [fact for one in settled.told for fact in one.facts]
            self._counts["facts"] += len(facts)
            self._heard(facts)
        except Exception as error:
            if isinstance(error, (SQLAlchemyError, DatabaseError)) and not blames_data(error):
                raise
            if len(told) > 1:
                # One of them is at fault: the others aren't to suffer.
                for one in told:
                    await self._settle([one])
                return
            _log.exception("delivery.broke", delivery=told[0].id)
            self._counts["failed"] += 1
            why = Verdict(id=told[0].id, outcome=Outcome.FAILED, why="the gateway failed at it; its log says why")
            await self._repository.settle([Told(id=told[0].id, received_at=told[0].received_at, verdict=why)])


def find_reader(sender: str) -> Callable[[Request], Reading]:
    """Return what reads a sender's requests. Raises PayloadError for one that only another version knows."""
    if sender not in SENDERS:
        raise PayloadError("this version of the gateway doesn't know the sender; process it again with the newer one")
    return SENDERS[sender].read


def _tell(identity: int, received_at: float, reading: Reading) -> Told:
    verdict = None
    if reading.ignored is not None:
        verdict = Verdict(id=identity, outcome=Outcome.IGNORED, why=reading.ignored)
    return Told(id=identity, received_at=received_at, facts=reading.events, verdict=verdict)
