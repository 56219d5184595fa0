"""Answers to questions about KPIs: read once, calculated in a thread, and good for a moment.

What was read is kept while somebody asks, and renewed by what is measured anew, for a year of it takes a while to read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.delivery.kpi import BuildMeasure, Judgement, Measure, Question, Slo, summarise
from gateway.delivery.storage.repository import Repository

GOOD_FOR = 10.0
"""Seconds for which an answer is given again."""

ANSWERS = 64
"""Answers that are kept."""

KEPT_FOR = 600.0
"""Seconds for which what was read is kept after the last question."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """What was read: measures from ``since`` on, by id, and runs."""

    since: float
    read_at: float
    measures: dict[str, Measure]
    builds: list[BuildMeasure]


class Figures:
    """Answers questions from a repository. ``clock`` returns Unix time."""

    def __init__(self, repository: Repository, targets: Targets, *, clock: Callable[[], float]) -> None:
        self.targets = targets
        self._repository = repository
        self._clock = clock
        self._shelf: _Shelf | None = None
        self._asked_at = 0.0
        self._answers: OrderedDict[object, tuple[float, list[dict[str, Any]]]] = OrderedDict()
        self._reading = asyncio.Lock()

    def measured(self, measures: Sequence[Measure]) -> None:
        """Something was measured anew."""
        if self._shelf is None:
            return
        if self._clock() - self._asked_at > KEPT_FOR:
            self._shelf = None
            return
        for one in measures:
            self._shelf.measures[one.id] = one

    async def read(self, since: float) -> list[Measure]:
        """Return all that is measured of the deployments since a moment."""
        now = self._asked_at = self._clock()
        async with self._reading:
            shelf = await self._read(since, now)
        return [one for one in shelf.measures.values() if one.at >= since]

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

    async def _read(self, since: float, now: float) -> _Shelf:
        shelf = self._shelf
        if shelf is not None and shelf.since <= since and now - shelf.read_at < 60.0:
            return shelf
        if shelf is not None and shelf.since <= since:
            # Of runs only the latest can have changed.
            begin = shelf.read_at - 3_600.0
            _, recent = await self._repository.measures(begin, now + 60.0)
            builds = [build for build in shelf.builds if build.at < begin] + recent
            self._shelf = _Shelf(since=shelf.since, read_at=now, measures=shelf.measures, builds=builds)
        else:
            measures, builds = await self._repository.measures(since, float("inf"))
            by_id = {one.id: one for one in measures}
            self._shelf = _Shelf(since=since, read_at=now, measures=by_id, builds=builds)
        return self._shelf


def _answer(
    shelf: _Shelf, question: Question, only: Mapping[str, str], within: Within | None, targets: Targets
) -> list[dict[str, Any]]:
    measures = list(shelf.measures.values())
    builds: Sequence[BuildMeasure] = shelf.builds
    if within is not None:
        measures = [one for one in measures if within.sees(one.key, one.project)]
    if only or within is not None:
        wanted = [("key" if name == "application" else name, value) for name, value in only.items()]
        measures = [one for one in measures if all(getattr(one, name) == value for name, value in wanted)]
        keys = {one.key for one in measures}
        builds = [one for one in builds if any(key in keys for key in one.applications)]
    return summarise(measures, builds, question=question, slos=targets.slos, judgement=targets.judgement)
