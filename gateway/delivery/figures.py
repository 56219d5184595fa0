"""Answers to questions about KPIs: read before anybody asks, calculated in a thread, and good for a moment."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.kpi import Judgement, Measure, Question, Slo, summarise
from gateway.delivery.shelf import DOUBTED, HOLDS, RUNS_CHANGE, RUNS_GOOD_FOR, Shelf
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.repository import Repository

GOOD_FOR = 10.0
"""Seconds for which an answer is given again."""

ANSWERS = 64
"""Answers that are kept."""

KEPT_FOR = 600.0
"""Seconds for which more than is held for good is kept after the last question."""

FORGETTING = 0.01
"""After which share of the retention time what is older is let go: the history has forgotten it, too."""

AHEAD, AHEAD_AFTER, SLICE, PAUSE = 366 * 86_400.0, 10.0, 14 * 86_400.0, 0.2
"""Seconds that are read before anybody asks, from when on, how many at once, and how long others have their turn."""

FILTERS = ("application", "service", "environment", "project", "team")
"""What a question may be restricted to; ``application`` is a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is aimed at, and when a deployment has succeeded."""

    slos: tuple[Slo, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What whoever asks may see: by key and project of an application. ``scope`` is the same text for the same."""

    scope: str
    sees: Callable[[str, str | None], bool]


class Figures:
    """Answers questions from a repository, which keeps ``retention`` seconds. ``clock`` returns Unix time."""

    def __init__(
        self, repository: Repository, targets: Targets, *, retention: float, clock: Callable[[], float]
    ) -> None:
        self.targets = targets
        self._repository = repository
        self._retention = retention
        self._forgot_at = clock()
        self._clock = clock
        self._shelf = Shelf()
        self._asked_at = 0.0
        self._answers: OrderedDict[object, tuple[float, list[dict[str, Any]]]] = OrderedDict()
        self._reading = asyncio.Lock()
        self._elsewhere: set[str] = set()
        self._refreshing: asyncio.Task[None] | None = None

    # What is known.

    async def read_ahead(self) -> None:
        """Read what may be asked for, a month at a time, so that nobody waits for it: as far as it is held for good."""
        await asyncio.sleep(AHEAD_AFTER)
        since = self._clock()
        end = since - min(self._retention, AHEAD)
        # Whoever asks is told if the database is away, and reads it.
        with contextlib.suppress(SQLAlchemyError, DatabaseError):
            oldest = await self._repository.oldest_measure()
            while since > end and len(self._shelf) < HOLDS:
                # Before the oldest there is nothing, of which one look is enough.
                since = end if oldest is None or since <= oldest else since - SLICE
                async with self._reading:
                    await self._reach(since, self._clock(), share=True)
                await asyncio.sleep(PAUSE)

    def doubt(self) -> None:
        """What was read may be old: something was measured elsewhere, and nobody knows what."""
        self._shelf.doubted = True

    def refresh(self, identities: Iterable[str]) -> None:
        """Another gateway has measured these deployments anew."""
        if self._shelf.begun:
            self._elsewhere.update(identities)
            if self._elsewhere and self._refreshing is None:
                self._refreshing = asyncio.create_task(self._refresh(), name="figures")

    async def _refresh(self) -> None:
        try:
            while self._elsewhere:
                wanted, self._elsewhere = self._elsewhere, set()
                self.measured(await self._repository.measured(sorted(wanted)))
        except (SQLAlchemyError, DatabaseError):
            self.doubt()
        finally:
            self._refreshing = None

    def measured(self, measures: Sequence[Measure]) -> None:
        """Something was measured anew."""
        if len(self._shelf) > HOLDS and self._clock() - self._asked_at > KEPT_FOR:
            self._shelf = Shelf()
        if self._shelf.begun:
            self._shelf.measured(measures)
        self._forget()

    def _forget(self) -> None:
        now = self._clock()
        if now - self._forgot_at >= FORGETTING * self._retention:
            self._forgot_at = now
            self._shelf.forget(now - self._retention)

    # What is asked.

    async def read(self, since: float) -> list[Measure]:
        """Return all that is measured of the deployments since a moment."""
        now = self._asked_at = self._clock()
        async with self._reading:
            shelf = await self._read(since, now)
        return [one for one in shelf.list_measures() if one.at >= since]

    async def ask(
        self, question: Question, only: Mapping[str, str], *, within: Within | None = None
    ) -> list[dict[str, Any]]:
        """Return the groups of an answer. Deployments appear in it within some seconds, runs within a minute.

        ``within`` leaves out what whoever asks may not see.
        """
        now = self._asked_at = self._clock()
        # Until now is another moment with each question; the answer is the same for a while.
        span = question.until - question.since
        scope = None if within is None else within.scope
        filters = tuple(sorted(only.items()))
        identity = (question.by, question.bucket, span, round(question.until / GOOD_FOR), filters, scope)
        if (known := self._answers.get(identity)) is not None and now - known[0] < GOOD_FOR:
            return known[1]
        async with self._reading:
            shelf = await self._read(question.since, now)
        answer = await asyncio.to_thread(_answer, shelf, question, only, within, self.targets)
        self._answers[identity] = (now, answer)
        while len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)
        return answer

    async def _read(self, since: float, now: float) -> Shelf:
        await self._reach(since, now)
        shelf = self._shelf
        if shelf.doubted:
            begin = max(shelf.since, now - DOUBTED)
            with shelf.reading():
                shelf.renew(begin, *await self._repository.measures(begin, float("inf")), now=now)
        elif now - shelf.runs_read_at >= RUNS_GOOD_FOR:
            # Of runs only the latest can have changed.
            begin = shelf.runs_read_at - RUNS_CHANGE
            shelf.lay_runs(await self._repository.runs(begin, float("inf")), now=now)
        return shelf

    async def _reach(self, since: float, now: float, *, share: bool = False) -> None:
        """Have everything since a moment on the shelf."""
        shelf = self._shelf
        if since < shelf.since:
            with shelf.reading():
                shelf.lay(since, *await self._repository.measures(since, shelf.since, share=share), now=now)


def _answer(
    shelf: Shelf, question: Question, only: Mapping[str, str], within: Within | None, targets: Targets
) -> list[dict[str, Any]]:
    measures = shelf.list_measures()
    builds = shelf.list_builds()
    if within is not None:
        measures = [one for one in measures if within.sees(one.key, one.project)]
    if only or within is not None:
        wanted = [("key" if name == "application" else name, value) for name, value in only.items()]
        measures = [one for one in measures if all(getattr(one, name) == value for name, value in wanted)]
        keys = {one.key for one in measures}
        builds = [one for one in builds if any(key in keys for key in one.applications)]
    return summarise(measures, builds, question=question, slos=targets.slos, judgement=targets.judgement)
