"""A trial of any gateway from outside: many clients of all sorts, and what each promise was worth.

Nothing is written there, and the load is bounded: ``clients`` streams, a handful of questions, one comparison for each
view in each ``ROUND``. Chance is an argument; the times are the event loop's.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.consumer.client import Gateway, UnreachableError, explain_answer, open_session
from gateway.consumer.credential import NOTHING, Credential
from gateway.consumer.fold import ContractError
from gateway.consumer.probes import PIPELINES, probe
from gateway.consumer.promises import Finding, Ledger, Promise
from gateway.consumer.visitor import Behaviour, Visitor
from gateway.consumer.witness import Comparison, Shown, Witness
from gateway.consumer.words import Document, part, plain

ROUND = 1.5
"""Seconds between two comparisons of a view."""

PATIENCE = 20.0
"""Seconds for which a client may need to reach a position: a quiet view's cursor moves with heartbeats, every 15 s."""

SYNC_WITHIN = 30.0
"""Seconds for which a gateway may be without any state at the start."""

SLOW_BUFFER = 4_096
"""Bytes that a slow client's system takes for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a gateway is tried."""

    clients: int = 12
    seconds: float = 30.0
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial found. ``happened`` counts what was seen that is neither good nor bad."""

    url: str
    trial: Trial
    views: tuple[str, ...]
    findings: tuple[Finding, ...]
    happened: Counter[str]

    @property
    def well(self) -> bool:
        """Whether no promise was broken."""
        return all(finding.well is not False for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    query: tuple[tuple[str, str], ...]
    visitors: list[Visitor] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "&".join(f"{name}={value}" for name, value in self.query) or "everything"


async def try_gateway(url: str, trial: Trial, *, dice: random.Random, credential: Credential = NOTHING) -> Outcome:
    """Try a gateway. Raises UnreachableError if there is nothing to try, AddressError if ``url`` is none."""
    ledger = Ledger()
    async with open_session() as session, open_session(receive_buffer=SLOW_BUFFER, read_ahead=1_024) as slow_session:
        gateway, slow = Gateway(url, session, credential), Gateway(url, slow_session, credential)
        first, cursor = await _ask_first(gateway, trial)
        views = [_View(query=query) for query in choose_views(list(first.documents.values()))]
        for view, behaviour, gzip in _cast(views, trial.clients):
            name = f"{view.name}, {'gzip' if gzip else 'identity'}, {behaviour.value}"
            visitor = Visitor(
                slow if behaviour is Behaviour.SLOW else gateway,
                view.query,
                behaviour,
                gzip=gzip,
                witness=Witness(name, ledger),
                ledger=ledger,
                dice=dice,
            )
            view.visitors.append(visitor)
        successor = _hand_over(gateway, first, cursor, ledger, dice)
        views[0].visitors.append(successor)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(visitor.run()) for view in views for visitor in view.visitors]
            await _compare_all(gateway, views, ledger, trial, other=views[-1].query)
            for task in tasks:
                task.cancel()
    if successor.witness.handed_over is not None:
        ledger.judge(
            Promise.HANDOVER, successor.witness.handed_over, "the stream began with a snapshot", seen="resumed"
        )
    return Outcome(
        url=str(gateway.base),
        trial=trial,
        views=tuple(view.name for view in views),
        findings=tuple(ledger.findings()),
        happened=ledger.happened,
    )


def choose_views(documents: Sequence[Document]) -> list[tuple[tuple[str, str], ...]]:
    """Return selections worth watching, as query parameters: everything first, then what the applications offer."""
    healths = Counter(plain(part(each, "health").get("status")) or "Unknown" for each in documents)
    projects = Counter(plain(each["project"]) for each in documents if each.get("project"))
    labels = Counter(f"{name}={value}" for each in documents for name, value in part(each, "labels").items() if value)
    names = sorted(plain(each.get("name")) for each in documents)
    chosen: list[tuple[tuple[str, str], ...]] = [()]
    chosen += [(("projects", project),) for project, _ in projects.most_common(1)]
    chosen += [(("health", health),) for health, _ in healths.most_common(1)] or [(("health", "Healthy"),)]
    chosen += [(("selector", label),) for label, _ in labels.most_common(1)]
    chosen += [(("names", f"{names[0][:3]}*,{names[-1]}"),)] if names else []
    chosen.append((("sync", "OutOfSync,Unknown"), ("health", "Progressing,Degraded,Missing")))
    return chosen


async def _ask_first(gateway: Gateway, trial: Trial) -> tuple[Shown, str]:
    deadline = asyncio.get_running_loop().time() + SYNC_WITHIN
    while True:
        answer = await gateway.get(PIPELINES)
        if answer.status == 200:
            try:
                return Shown.of(answer.json()), answer.headers.get("Gateway-Cursor", "")
            except ContractError as error:
                raise UnreachableError(str(error)) from error
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if answer.status != 503 or asyncio.get_running_loop().time() > deadline:
            raise UnreachableError(f"{gateway.base}{PIPELINES}: {explain_answer(answer.status, kind, answer.body)}")
        await asyncio.sleep(min(1.0, trial.patience))


def _cast(views: list[_View], clients: int) -> Iterator[tuple[_View, Behaviour, bool]]:
    """Give each client a view, a behaviour and an encoding, so that all combinations come in turn."""
    behaviours = list(Behaviour)
    for number in range(clients):
        turn = number // len(behaviours)
        view = views[(number + turn) % len(views)]
        yield view, behaviours[number % len(behaviours)], (number + turn) % 2 == 0


def _hand_over(gateway: Gateway, first: Shown, cursor: str, ledger: Ledger, dice: random.Random) -> Visitor:
    """Return a client that begins with ``/api/pipelines`` and goes on with the stream."""
    witness = Witness("everything, from /api/pipelines", ledger)
    if cursor:
        witness.seed(first, cursor)
    else:
        ledger.break_(Promise.HANDOVER, "/api/pipelines has no Gateway-Cursor")
    return Visitor(gateway, (), Behaviour.STEADY, gzip=True, witness=witness, ledger=ledger, dice=dice)


async def _compare_all(gateway: Gateway, views: list[_View], ledger: Ledger, trial: Trial, *, other: Any) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + trial.seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(probe(gateway, ledger, other_view=other))
        for view in views:
            group.create_task(_compare(gateway, view, ledger, trial, until=end))


async def _compare(gateway: Gateway, view: _View, ledger: Ledger, trial: Trial, *, until: float) -> None:
    """Compare again and again; at the end until every client was compared, for ``patience`` at most."""
    now = asyncio.get_running_loop().time
    while now() < until:
        await _look(gateway, view, view.visitors, ledger, trial)
        await asyncio.sleep(max(0.0, min(ROUND, until - now())))
    for visitor in view.visitors:
        visitor.settle()
    deadline, open_yet = now() + trial.patience, list(view.visitors)
    while open_yet:
        open_yet = await _look(gateway, view, open_yet, ledger, trial)
        if open_yet and now() > deadline:
            for visitor in open_yet:
                ledger.break_(Promise.FOLD, f"{visitor.witness.name}: at no position in the end could it be compared")
            return
        if open_yet:
            await asyncio.sleep(min(0.1, trial.patience))


async def _look(gateway: Gateway, view: _View, visitors: list[Visitor], ledger: Ledger, trial: Trial) -> list[Visitor]:
    """Compare clients with one answer; return those of whom nothing could be said."""
    try:
        answer = await gateway.get(PIPELINES, view.query)
        shown = Shown.of(answer.json()) if answer.status == 200 else None
    except (UnreachableError, ContractError) as error:
        ledger.happened[f"{PIPELINES}: {error}"] += 1
        return visitors
    if shown is None:
        ledger.happened[f"{PIPELINES} answered {answer.status}"] += 1
        return visitors
    said = await asyncio.gather(*(_judge(visitor, shown, ledger, trial) for visitor in visitors))
    return [visitor for visitor, conclusive in zip(visitors, said, strict=True) if not conclusive]


async def _judge(visitor: Visitor, shown: Shown, ledger: Ledger, trial: Trial) -> bool:
    """Wait until a client comes to the position of an answer, and compare; return whether something could be said."""
    now = asyncio.get_running_loop().time
    deadline, witness = now() + trial.patience, visitor.witness
    while (result := witness.compare(shown)) is Comparison.EARLY and now() < deadline:
        await visitor.move(within=deadline - now())
    match result:
        case Comparison.SAME:
            ledger.keep(Promise.FOLD)
            if visitor.pauses:
                ledger.keep(Promise.SLOW)
            return True
        case Comparison.DIFFERENT:
            said = f"{witness.name}: {witness.explain(shown)}"
        case Comparison.EARLY:
            where = f"stands at {witness.standing}" if witness.standing else "has no state"
            said = f"{witness.name}: {where} after {trial.patience:g} s, {witness.explain(shown)}"
        case _:
            return False
    ledger.break_(Promise.FOLD, said)
    if visitor.pauses:
        ledger.break_(Promise.SLOW, said)
    return True
