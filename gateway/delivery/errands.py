"""What is done around the delivery history: others are asked (Argo CD, a Prometheus), breaches told, things counted.

Nothing here keeps a delivery or a subscriber waiting: what comes is noted, and the requests are made beside it.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.breaches import FRESH, Breach, Breaches
from gateway.delivery.events import Commit, DeliveryEvent
from gateway.delivery.kpi import DAY, Measure, Question
from gateway.delivery.office import Office
from gateway.delivery.prometheus import Prometheus, Questions
from gateway.delivery.refresher import Refresher
from gateway.delivery.releases import Releases, WaiverFile
from gateway.delivery.scorecard import Score, score
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.tally import Tally
from gateway.model.application import ApplicationStatus
from gateway.observability.services import Place
from gateway.upstream.argocd import ArgoCD

BUDGET_INTERVAL, BUDGET_SPAN = 300.0, 30 * DAY
"""Seconds between two looks at the error budgets, and of what they are the budgets."""

FIRST_LOOK = 60.0
"""Seconds until the budgets are looked at first: right after the start little is known."""

JUDGE_INTERVAL = 15.0
"""Seconds between two looks at deployments that aren't healthy yet: when their time is over, nobody says so."""

BROKEN_FOR = 60.0
"""Seconds after which what broke is tried again."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the settings want. ``gate`` is how many findings of each severity may pass."""

    gate: Mapping[str, int]
    waivers: Path | None = None
    refresh: bool = False
    questions: Questions | None = None


class Errands:
    """Runs errands. ``documents`` returns all applications, ``stale`` why they may be old; ``tell`` takes breaches."""

    def __init__(
        self,
        wishes: Wishes,
        *,
        office: Office,
        client: ArgoCD,
        documents: Callable[[], Mapping[str, ApplicationStatus]],
        stale: Callable[[], str | None],
        tell: Callable[[Breach], None],
        clock: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``refresh_asked``, ``refresh_failed``, ``breach_sync``, …"""
        self.tally = Tally(office.figures.targets.judgement, since=clock())
        self.budgets: dict[str, float] = {}
        """What remains of each SLO's error budget, as a share; below 0 it is overspent."""
        self.scores: Mapping[Place, Score] = {}
        """The KPIs of each service."""
        self.releases = Releases(
            office.repository,
            client,
            gate=wishes.gate,
            waivers=WaiverFile(wishes.waivers),
            documents=documents,
            stale=stale,
            clock=clock,
        )
        targets = office.figures.targets
        self._breaches = Breaches(targets.slos, targets.judgement)
        self._judgement = targets.judgement
        self._open: dict[str, Measure] = {}
        """Deployments of which it is open whether they succeed."""
        self.refresher = Refresher(client, documents=documents, counts=self.counts, clock=clock)
        self._refresh = wishes.refresh
        self._office = office
        self._client = client
        self._documents = documents
        self._tell = tell
        self._clock = clock
        self._prometheus: Prometheus | None = None
        if wishes.questions is not None:
            self._prometheus = Prometheus(
                wishes.questions,
                office.repository.database,
                documents=documents,
                told=office.affected,
                counts=self.counts,
                clock=clock,
                trace=client.trace,
            )
        self._in_charge = False
        self._woken = asyncio.Event()

    # What comes.

    def take_charge(self, latest: Sequence[Measure] | None) -> None:
        """Run errands from now on, ``latest`` being what was measured lately; with None, leave them to others."""
        self._in_charge = latest is not None
        self._open.clear()
        if latest is not None:
            self._follow_open(latest)
            # Whoever led before has told of these.
            self._breaches.find(latest, now=self._clock())
        self._woken.set()

    def hear_breach(self, breach: Breach) -> None:
        """Another gateway has found a breach."""
        self._breaches.told(breach)
        self._tell(breach)

    def hear(self, facts: Iterable[DeliveryEvent]) -> None:
        """Senders told something that is kept."""
        with _unharmed("hear"):
            self._hear(facts)

    def _hear(self, facts: Iterable[DeliveryEvent]) -> None:
        commits = [fact for fact in facts if isinstance(fact, Commit)] if self._refresh else []
        if commits:
            self.refresher.push(commits)

    def measured(self, measures: Sequence[Measure]) -> None:
        """Something was measured anew."""
        with _unharmed("measured"):
            self._measured(measures)

    def _measured(self, measures: Sequence[Measure]) -> None:
        now = self._clock()
        self._follow_open(measures)
        self.tally.count(measures, now=now, refreshed=[one.id for one in measures if self._was_refreshed(one)])
        for breach in self._breaches.find(measures, now=now):
            self.counts[f"breach_{breach.slo}"] += 1
            self._tell(breach)
            self._office.breached(breach)

    def _follow_open(self, measures: Sequence[Measure]) -> None:
        now = self._clock()
        for one in measures:
            self._open.pop(one.id, None)
            if not one.superseded and now - one.at <= FRESH and self._judgement.judge(one, now) is None:
                self._open[one.id] = one

    def _was_refreshed(self, measure: Measure) -> bool:
        """Whether Argo CD was asked to look between the commit and the end of its deployment."""
        asked_at = self.refresher.asked_at(measure.key)
        return (
            asked_at is not None
            and measure.sync is not None
            and measure.at - measure.sync - 2.0 <= asked_at <= measure.at
        )

    # What is done.

    async def run(self) -> None:
        """Run until cancelled."""
        beside: list[asyncio.Task[None]] = []
        refreshing = asyncio.create_task(_keep_on(self.refresher.run, "refresh"), name="refreshes")
        try:
            while True:
                self._woken.clear()
                if self._in_charge and not beside:
                    beside = self._begin()
                elif not self._in_charge and beside:
                    await self._end(beside)
                    beside = []
                await self._woken.wait()
        finally:
            await self._end([*beside, refreshing])

    def _begin(self) -> list[asyncio.Task[None]]:
        """Begin with what is done again and again."""
        errands = {"budgets": self._look_at_budgets, "judging": self._judge_open}
        if self._prometheus is not None:
            errands["prometheus"] = self._prometheus.run
        return [asyncio.create_task(_keep_on(act, name), name=name) for name, act in errands.items()]

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.budgets, self.scores = {}, {}

    async def _judge_open(self) -> None:
        while True:
            await asyncio.sleep(JUDGE_INTERVAL)
            now = self._clock()
            if over := [one for one in self._open.values() if self._judgement.judge(one, now) is not None]:
                self.measured(over)

    async def _look_at_budgets(self) -> None:
        wait = FIRST_LOOK
        while True:
            await asyncio.sleep(wait)
            wait, now = BUDGET_INTERVAL, self._clock()
            question = Question(since=now - BUDGET_SPAN, until=now)
            try:
                for group in await self._office.figures.ask(question, {}):
                    self.budgets = {budget["slo"]: budget["remaining"] for budget in group["budgets"]}
                measures = await self._office.figures.read(question.since)
                self.scores = await asyncio.to_thread(score, measures, self._judgement, now=now)
            except (SQLAlchemyError, DatabaseError) as error:
                _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=BUDGET_INTERVAL)


@contextlib.contextmanager
def _unharmed(errand: str) -> Iterator[None]:
    """Let a failure that nobody expected be logged, and end nothing else: deliveries matter more than errands."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, the log says it
        _log.exception("delivery.errand_broke", errand=errand)


async def _keep_on(act: Callable[[], Awaitable[None]], errand: str) -> None:
    """Do something for ever, again after a while if it breaks."""
    while True:
        with _unharmed(errand):
            await act()
        await asyncio.sleep(BROKEN_FOR)
