"""The delivery history as one thing: opened and run by the composition root, asked by the routes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.figures import Figures, Targets
from gateway.delivery.intake import Intake, Secrets
from gateway.delivery.kpi import Measure
from gateway.delivery.runner import Runner
from gateway.delivery.storage.database import Database, DatabaseError
from gateway.delivery.storage.repository import Recomputed, Repository
from gateway.model.application import Observed
from gateway.observability.trace import Trace

_log = structlog.get_logger(__name__)


def _ignore(_: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Functions that are called: with applications whose timeline may have changed, facts, measures, who leads."""

    changes: Callable[[frozenset[str]], None] = _ignore
    facts: Callable[[Sequence[DeliveryEvent]], None] = _ignore
    """What senders told and wasn't known to be processed before."""
    measures: Callable[[Sequence[Measure]], None] = _ignore
    """What was measured anew."""
    charge: Callable[[bool], None] = _ignore
    """Whether the history is worked off here from now on."""


class Office:
    """Everything about deliveries. ``url`` names the database, None one in memory; ``clock`` returns Unix time."""

    def __init__(
        self,
        *,
        url: str | None,
        secrets: Mapping[str, Secrets],
        patterns: TagPatterns,
        targets: Targets,
        retention: float,
        max_body: int,
        clock: Callable[[], float],
        look_again: Callable[[str], None],
        shown: Callable[[], Iterable[Observed]] = tuple,
        trace: Trace | None = None,
    ) -> None:
        self.max_body = max_body
        self.repository = Repository(Database(url), patterns)
        self.runner = Runner(
            self.repository,
            clock=clock,
            retention=retention,
            look_again=look_again,
            changed=self._recomputed,
            heard=self._heard,
            shown=shown,
            charged=self._charged,
            trace=trace,
        )
        self.intake = Intake(self.repository, secrets, clock=clock, admitted=self.runner.admit, trace=trace)
        self.figures = Figures(self.repository, targets, clock=clock)
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
        """Leave that to another gateway; what isn't kept yet is kept first. This is also how one begins."""
        self.runner.follow()

    @property
    def leads(self) -> bool:
        """Whether the history is worked off here."""
        return self.runner.in_charge

    # Its life.

    async def open(self) -> None:
        """Open the database and bring it to today's shape. Raises DatabaseError."""
        await self.repository.database.open()
        if self.repository.database.in_memory and self.intake.senders:
            _log.warning("delivery.in_memory", advice="set GATEWAY_DATABASE_URL, or the history ends with the process")

    async def run(self) -> None:
        """Run until cancelled; then keep what isn't kept yet, and close."""
        try:
            await self.runner.run()
        finally:
            await self.intake.close()
            await self.runner.close()
            await self.repository.database.close()

    def status(self) -> dict[str, Any]:
        """Return what ``/api/status`` says of deliveries."""
        return {
            "senders": sorted(self.intake.senders),
            "database": "memory" if self.repository.database.in_memory else "kept",
            "waiting": self.runner.waiting,
        }

    def changed(self, keys: frozenset[str]) -> None:
        """More is known of deployments of these applications."""
        for listener in self._listeners:
            listener.changes(keys)

    def _recomputed(self, recomputed: Recomputed) -> None:
        self.figures.measured(recomputed.measures)
        self.changed(recomputed.keys)
        for listener in self._listeners:
            listener.measures(recomputed.measures)

    def _heard(self, facts: Sequence[DeliveryEvent]) -> None:
        for listener in self._listeners:
            listener.facts(facts)

    def _charged(self, in_charge: bool) -> None:
        for listener in self._listeners:
            listener.charge(in_charge)


class Teller:
    """Tells those who look at an application its timeline, when it may have changed.

    ``watched`` says whether anybody looks; ``show`` takes a key and the changes, the newest first. Several changes in
    a short time are told once.
    """

    def __init__(
        self,
        tell: Callable[[str], Any],
        *,
        watched: Callable[[str], bool],
        show: Callable[[str, list[dict[str, Any]]], None],
    ) -> None:
        self._tell = tell
        self._watched = watched
        self._show = show
        self._wanted: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def look(self, keys: Iterable[str]) -> None:
        """The timelines of these may have changed, or somebody began to look."""
        self._wanted.update(dict.fromkeys(key for key in keys if self._watched(key)))
        if self._wanted and self._task is None:
            self._task = asyncio.create_task(self._tell_all(), name="timelines", context=Context())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell_all(self) -> None:
        try:
            while self._wanted:
                key = next(iter(self._wanted))
                del self._wanted[key]
                try:
                    self._show(key, await self._tell(key))
                except DatabaseError:
                    return
                except Exception:  # noqa: BLE001 - one that can't be told keeps no other from being told
                    _log.exception("delivery.timeline_broke", key=key)
        finally:
            self._task = None
