"""Asks a Prometheus how services did before and after each deployment: once, when the time after it is over.

What it can't answer yet is asked again for a day; what it has nothing of is kept as that.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.promql import NothingError, compare, fill, read_answer
from gateway.delivery.storage import effects
from gateway.delivery.storage.database import Database, DatabaseError
from gateway.model.application import ApplicationStatus
from gateway.observability.trace import Trace

INTERVAL = 30.0
"""Seconds between two looks for deployments to ask about."""

SETTLED = 60.0
"""Seconds after the time in question until it is asked about: Prometheus scrapes, and rules are evaluated, by then."""

FRESH = 86_400.0
"""Seconds after a deployment in which it is asked about."""

AT_ONCE, PORTION = 4, 20
"""Questions that are under way at once, and deployments that are dealt with at once."""

ANSWER_TIMEOUT, ANSWER_LIMIT = 15.0, 1 << 20
"""Seconds for an answer, and bytes of it: it should be one number."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Where to ask, and what: queries by what they are about (``latency``, ``errors``); ``window`` in seconds.

    ``token`` returns the bearer token to send.
    """

    url: str
    queries: Mapping[str, str]
    window: float = 600.0
    token: Callable[[], str | None] = lambda: None


class Prometheus:
    """Asks. ``find_namespace`` tells where an application is deployed to; ``told`` is called with its key."""

    def __init__(
        self,
        questions: Questions,
        database: Database,
        *,
        documents: Callable[[], Mapping[str, ApplicationStatus]],
        told: Callable[[frozenset[str]], None],
        counts: Counter[str],
        clock: Callable[[], float],
        trace: Trace | None = None,
    ) -> None:
        self._questions = questions
        self._database = database
        self._documents = documents
        self._told = told
        self._counts = counts
        self._clock = clock
        self._traced = [trace.watch_client("prometheus")] if trace else None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Run until cancelled."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True, trace_configs=self._traced) as session:
            while True:
                try:
                    more = await self.ask_about_some(session)
                except (SQLAlchemyError, DatabaseError) as error:
                    more = False
                    _log.warning("delivery.database_failed", reason=type(error).__name__, retry_in=INTERVAL)
                if not more:
                    await asyncio.sleep(INTERVAL)

    async def ask_about_some(self, session: aiohttp.ClientSession) -> bool:
        """Ask about some deployments that wait; return whether there may be more that can be answered."""
        now = self._clock()
        until = now - self._questions.window - SETTLED
        waiting = await self._database.read(effects.find_waiting, since=now - FRESH, until=until, limit=PORTION)
        answers = await asyncio.gather(*(self._ask_about(session, one) for one in waiting))
        known = {one.id: answer for one, answer in zip(waiting, answers, strict=True) if answer is not None}
        if known:
            await self._database.write(effects.keep, known, now=now)
            self._told(frozenset(one.key for one in waiting if one.id in known))
        return len(waiting) == PORTION and len(known) == PORTION

    async def _ask_about(self, session: aiohttp.ClientSession, one: Deployment) -> dict[str, Any] | None:
        """Return what is known of a deployment; None if that may be known later."""
        assert one.started_at is not None
        assert one.finished_at is not None
        names = self._name(one)
        moments = (one.started_at, one.finished_at + self._questions.window)
        told: dict[str, Any] = {}
        for about, template in self._questions.queries.items():
            found: list[float | str] = []
            for at in moments:
                try:
                    found.append(await self._ask(session, fill(template, names, window=self._questions.window), at))
                    self._counts["prometheus_answered"] += 1
                except NothingError as error:
                    if not error.final:
                        self._fail(error)
                        return None
                    self._counts["prometheus_empty"] += 1
                    found.append(str(error))
            told[about] = compare(*found)
        return told

    def _name(self, one: Deployment) -> dict[str, str | None]:
        document = self._documents().get(one.key)
        destination = document.destination if document else None
        return {
            "service": one.service,
            "environment": one.environment,
            "namespace": destination.namespace if destination else None,
            "application": one.key.rpartition("/")[2],
        }

    async def _ask(self, session: aiohttp.ClientSession, query: str, at: float) -> float:
        token = self._questions.token()
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        try:
            async with (
                self._room,
                session.post(
                    f"{self._questions.url}/api/v1/query",
                    data={"query": query, "time": f"{at:.3f}"},
                    headers=headers,
                    # A redirect would take the token elsewhere.
                    allow_redirects=False,
                ) as response,
            ):
                return read_answer(response.status, await response.content.read(ANSWER_LIMIT))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NothingError(f"Prometheus doesn't answer: {type(error).__name__}", final=False) from error

    def _fail(self, error: NothingError) -> None:
        self._counts["prometheus_failed"] += 1
        _log.warning("delivery.prometheus_failed", reason=str(error), retry_in=INTERVAL)
