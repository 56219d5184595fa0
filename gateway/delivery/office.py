"""The delivery history as one thing: opened and run by the composition root, asked by the routes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.breaches import Breach
from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.figures import Figures, Targets
from gateway.delivery.intake import Intake, Secrets
from gateway.delivery.kpi import Measure
from gateway.delivery.runner import RETRY, RETRY_MAX, Runner
from gateway.delivery.storage.database import POOL, Database, DatabaseError
from gateway.delivery.storage.dialling import UnreachableError
from gateway.delivery.storage.notices import Aborted, Breached, Changed, Kept, Lost, Notice, Ping, tell_changed
from gateway.delivery.storage.receiver import Receiver
from gateway.delivery.storage.repository import Recomputed, Repository
from gateway.model.application import Observed
from gateway.observability.trace import Trace

_log = structlog.get_logger(__name__)


def _ignore(*_: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Functions that are called with what happens."""

    changes: Callable[[frozenset[str]], None] = _ignore
    """The timelines of these applications may have changed."""
    lost: Callable[[], None] = _ignore
    """All timelines may have: what other gateways told was missed."""
    breach: Callable[[Breach], None] = _ignore
    """Another gateway has found a breach."""
    facts: Callable[[Sequence[DeliveryEvent]], None] = _ignore
    """What senders told and wasn't known to be processed before."""
    measures: Callable[[Sequence[Measure]], None] = _ignore
    """What was measured anew."""
    charge: Callable[[Sequence[Measure] | None], None] = _ignore
    """The history is worked off here from now on, with the latest measures at that moment; with None, it isn't."""


class Office:
    """Everything about deliveries. ``url`` names the database, None one in memory; ``clock`` returns Unix time.

    A database that several gateways share is worked off by the one of them that leads. ``gather`` is the runner's.
    """

    def __init__(
        self,
        *,
        url: str | None,
        pool: int = POOL,
        secrets: Mapping[str, Secrets],
        patterns: TagPatterns,
        targets: Targets,
        retention: float,
        max_body: int,
        clock: Callable[[], float],
        look_again: Callable[[str], None],
        shown: Callable[[], Iterable[Observed]] = tuple,
        gather: float = 0.0,
        trace: Trace | None = None,
    ) -> None:
        self.max_body = max_body
        self.repository = Repository(Database(url, pool=pool), patterns)
        self.runner = Runner(
            self.repository,
            clock=clock,
            retention=retention,
            look_again=look_again,
            changed=self._recomputed,
            heard=self._heard,
            shown=shown,
            charged=self._charged,
            gather=gather,
            trace=trace,
        )
        self.intake = Intake(
            self.repository,
            secrets,
            clock=clock,
            admitted=self.runner.admit,
            doubted=self.runner.look_for_all,
            trace=trace,
        )
        self.figures = Figures(self.repository, targets, retention=retention, clock=clock)
        self._receiver: Receiver | None = None
        if self.repository.database.shared:
            self._receiver = Receiver(self.repository.database, by=self.repository.name, hear=self._hear)
        self._opened = False
        self._telling: set[asyncio.Task[None]] = set()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Have functions called with what happens."""
        self._listeners.append(listener)

    # One of several gateways leads.

    def lead(self) -> None:
        """Work the history off here: record what Argo CD did, process deliveries, run errands. Said twice, it is one.

        What was remembered of applications is read from the database first, so nothing is lost or doubled where another
        led before. Who doesn't lead takes deliveries all the same, and answers from the same history.
        """
        self.runner.lead()

    def follow(self) -> None:
        """Leave that to another gateway; what isn't kept yet is kept first. This is also how one begins.

        A database that no other gateway uses is worked off all the same: nobody else could.
        """
        if self.repository.database.shared:
            self.runner.follow()
        else:
            self.runner.lead()

    def abort(self, key: str, at: float) -> None:
        """An application's rollout says that it was aborted; whoever leads is told."""
        self.runner.abort(key, at)
        self._tell(Aborted(key, at))

    def breached(self, breach: Breach) -> None:
        """A target was missed; the other gateways are told, for they have subscribers, too."""
        self._tell(Breached(breach))

    @property
    def leads(self) -> bool:
        """Whether the history is worked off here."""
        return self.runner.in_charge

    # Its life.

    async def open(self) -> None:
        """Open the database and bring it to today's shape. Raises DatabaseError.

        A server that can't be reached is waited for while everything else is served.
        """
        try:
            await self.repository.database.open()
            self._opened = True
        except UnreachableError as error:
            _log.warning(
                "delivery.database_away", reason=str(error), advice="webhooks are answered with 503 until then"
            )
        if self.repository.database.in_memory and self.intake.senders:
            _log.warning("delivery.in_memory", advice="set GATEWAY_DATABASE_URL, or the history ends with the process")

    async def run(self) -> None:
        """Run until cancelled; then keep what isn't kept yet, and close."""
        beside: list[asyncio.Task[None]] = []
        try:
            await self._reach()
            beside.append(asyncio.create_task(self.figures.read_ahead(), name="figures"))
            if self._receiver is not None:
                beside.append(asyncio.create_task(self._receiver.run(), name="notices"))
            await self.runner.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, *self._telling, return_exceptions=True)
            await self.intake.close()
            await self.runner.close()
            await self.repository.database.close()

    def status(self) -> dict[str, Any]:
        """Return what ``/api/status`` says of deliveries."""
        return {
            "senders": sorted(self.intake.senders),
            "database": self._name_database(),
            "role": "leads" if self.leads else "follows",
            "waiting": self.runner.waiting,
        }

    @property
    def listening(self) -> bool | None:
        """Whether other gateways' notices get through; None where there are no others."""
        return None if self._receiver is None else self._receiver.listening

    def _name_database(self) -> str:
        database = self.repository.database
        if not self._opened:
            return "away"
        return "memory" if database.in_memory else "shared" if database.shared else "kept"

    async def _reach(self) -> None:
        wait = RETRY
        while not self._opened:
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX, 2 * wait)
            try:
                await self.repository.database.open()
                self._opened = True
                _log.info("delivery.database_reached")
            except DatabaseError as error:
                _log.warning("delivery.database_away", reason=str(error), retry_in=wait)

    # What other gateways tell.

    def _hear(self, notice: Notice) -> None:
        match notice:
            case Kept(ids):
                self.runner.look_for(ids)
            case Changed(keys, measures):
                self.figures.refresh(measures)
                self.changed(frozenset(keys))
            case Aborted(key, at):
                self.runner.abort(key, at)
            case Breached(breach):
                for listener in self._listeners:
                    listener.breach(breach)
            case Lost():
                self.runner.look_for_all()
                self.figures.doubt()
                for listener in self._listeners:
                    listener.lost()
            case Ping():
                pass

    def _tell(self, notice: Notice) -> None:
        if self.repository.database.shared:
            task = asyncio.create_task(self._tell_others(notice), name="telling")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell_others(self, notice: Notice) -> None:
        try:
            await self.repository.tell(notice)
        except (SQLAlchemyError, DatabaseError) as error:
            _log.warning("delivery.not_told", notice=type(notice).__name__.lower(), reason=type(error).__name__)

    # What happens here.

    def changed(self, keys: frozenset[str]) -> None:
        """More is known of deployments of these applications."""
        for listener in self._listeners:
            listener.changes(keys)

    def affected(self, keys: frozenset[str]) -> None:
        """The same, and not because of anything that other gateways have heard of."""
        self.changed(keys)
        for notice in tell_changed(sorted(keys), ()):
            self._tell(notice)

    def _recomputed(self, recomputed: Recomputed) -> None:
        self.figures.measured(recomputed.measures)
        self.changed(recomputed.keys)
        for listener in self._listeners:
            listener.measures(recomputed.measures)

    def _heard(self, facts: Sequence[DeliveryEvent]) -> None:
        for listener in self._listeners:
            listener.facts(facts)

    def _charged(self, latest: Sequence[Measure] | None) -> None:
        for listener in self._listeners:
            listener.charge(latest)
