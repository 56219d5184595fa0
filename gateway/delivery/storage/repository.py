"""Everything that is kept of deliveries, behind one door: few large transactions, and never long without a pause.

What is read and written stands in ``deliveries``, ``factbook``, ``chronicle`` and ``history``; here is what belongs
into one transaction.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from sqlalchemy import Connection, delete

from gateway.delivery.correlation.correlate import correlate
from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.deployments.memory import Memory
from gateway.delivery.kpi import BuildMeasure, Measure
from gateway.delivery.storage import (
    chronicle,
    deliveries,
    effects,
    factbook,
    history,
    leadership,
    measured,
    notices,
)
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.deliveries import Arrival, Stored
from gateway.delivery.storage.settling import Settled, Told, settle
from gateway.delivery.storage.tables import TOUCHED
from gateway.delivery.timeline import timeline
from gateway.delivery.webhooks.request import Request

SLICE = 8
"""Deployments that are correlated in one turn of the event loop: some milliseconds."""

SWEEP = 500
"""Rows that are deleted in one transaction."""


T = TypeVar("T")
P = ParamSpec("P")


class Recomputed(msgspec.Struct, frozen=True, kw_only=True):
    """The applications whose timeline may have changed, and what was measured anew."""

    keys: frozenset[str]
    measures: tuple[Measure, ...]


class Repository:
    """Keeps deliveries, facts and deployments in a database; ``patterns`` find commits in image tags."""

    def __init__(self, database: Database, patterns: TagPatterns) -> None:
        self.database = database
        self.patterns = patterns
        self.name = secrets.token_hex(8)
        """This process among those that use the database."""
        self._term: int | None = None

    # Whose work it is.

    async def take_over(self, *, now: float) -> None:
        """Begin to work the history off: from now on, what another began before writes nothing any more.

        What ``settle``, ``record`` and ``recompute`` write raises DeposedError once somebody else has taken over.
        """
        self._term = await self.database.write(leadership.take_over, now=now)

    async def tell(self, *told: notices.Notice) -> None:
        """Tell the other gateways on this database."""
        if self.database.shared:
            await self.database.write(notices.announce, told, by=self.name)

    # Deliveries.

    async def append(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Keep arrivals; when this returns, they outlive the process."""
        return await self.database.write(self._append, arrivals)

    def _append(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[Stored]:
        stored = deliveries.append(connection, arrivals)
        kept = [
            place.id for one, place in zip(arrivals, stored, strict=True) if one.ignored is None and not place.repeated
        ]
        notices.announce(connection, [*notices.tell_kept(kept)], by=self.name)
        return stored

    async def refuse(self, *, sender: str, received_at: float, size: int, why: str) -> None:
        """Note a refused request in the log."""
        await self.database.write(deliveries.refuse, sender=sender, received_at=received_at, size=size, why=why)

    async def unprocessed(self, limit: int, *, among: Sequence[int] | None = None) -> list[tuple[int, str, Request]]:
        """Return deliveries that wait to be processed, the oldest first; ``among`` some, or all."""
        return await self.database.read(deliveries.unprocessed, limit=limit, among=among)

    async def requeue(self, identity: int) -> bool | None:
        """Have a delivery processed again; None if there is none, False if its body isn't kept any more."""
        return await self.database.write(self._requeue, identity)

    def _requeue(self, connection: Connection, identity: int) -> bool | None:
        found = deliveries.requeue(connection, identity)
        if found:
            notices.announce(connection, [*notices.tell_kept([identity])], by=self.name)
        return found

    async def browse(
        self, *, sender: str | None = None, outcome: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return the log of deliveries, the newest first."""
        return await self.database.read(deliveries.browse, sender=sender, outcome=outcome, before=before, limit=limit)

    # Facts and deployments.

    async def settle(self, told: Sequence[Told]) -> Settled:
        """Keep the facts of deliveries and say in the log what became of them, of each once."""
        return await self.database.write(self._in_term, settle, told)

    async def record(
        self, deployments: Iterable[Deployment], memories: Mapping[str, Memory], *, now: float
    ) -> list[Deployment]:
        """Keep deployments and what is remembered of applications; return those of which more is known than before."""
        return await self.database.write(self._in_term, _record, deployments, memories, now)

    async def recall(self) -> dict[str, Memory]:
        """Return what is remembered of all applications."""
        memories: dict[str, Memory] = {}
        while page := await self.database.read(chronicle.recall, after=max(memories, default=""), limit=SWEEP // 10):
            memories |= page
            await asyncio.sleep(0)
        return memories

    async def touched(self) -> set[str]:
        """Return the deployments that nobody has correlated since more was told of them."""
        return await self.database.read(chronicle.find_touched)

    async def recompute(self, identities: Iterable[str]) -> Recomputed:
        """Correlate deployments anew; keep what is measured of them."""
        keys: set[str] = set()
        measures: list[Measure] = []
        for some in _slices(sorted(set(identities))):
            findings = await self.database.read(self._correlate, some)
            measures += await self.database.write(self._in_term, self._conclude, some, findings)
            keys |= {finding.deployment.key for finding in findings}
            await asyncio.sleep(0)
        return Recomputed(keys=frozenset(keys), measures=tuple(measures))

    def _conclude(
        self, connection: Connection, identities: Sequence[str], findings: Sequence[chronicle.Finding]
    ) -> list[Measure]:
        measures = chronicle.conclude(connection, findings)
        connection.execute(delete(TOUCHED).where(TOUCHED.c.deployment_id.in_(identities)))
        keys = sorted({finding.deployment.key for finding in findings})
        told = notices.tell_changed(keys, [one.id for one in measures])
        notices.announce(connection, [*told], by=self.name)
        return measures

    def _in_term(
        self, connection: Connection, work: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> T:
        """Do work that is the leader's alone."""
        if self._term is not None:
            leadership.stay(connection, self._term)
        return work(connection, *args, **more)

    def _correlate(self, connection: Connection, identities: Sequence[str]) -> list[chronicle.Finding]:
        found = list(chronicle.find(connection, identities).values())
        index, asked = factbook.gather(connection, found, self.patterns)
        return [
            chronicle.Finding(one, correlate(one, index, self.patterns), frozenset(asked[one.id].listen()))
            for one in found
        ]

    # What is asked.

    async def timeline(self, wanted: history.Wanted) -> list[dict[str, Any]]:
        """Return the changes that are asked for as the wire has them, the newest first."""
        changes: list[dict[str, Any]] = []
        for some in _slices(await self.database.read(history.find, wanted)):
            index, _ = await self.database.read(factbook.gather, some, self.patterns)
            told = timeline(some, index, patterns=self.patterns, commit=wanted.commit, image=wanted.image)["changes"]
            known = await self.database.read(effects.find, [change["id"] for change in told])
            changes += [
                change | {"effects": known[one]} if (one := change["id"]) in known else change for change in told
            ]
            if len(changes) >= wanted.limit:
                break
            await asyncio.sleep(0)
        return changes[: wanted.limit]

    async def oldest_measure(self) -> float | None:
        """Return from when the oldest measure is; None where there is none."""
        return await self.database.read(measured.find_oldest)

    async def measures(
        self, since: float, until: float, *, share: bool = False
    ) -> tuple[list[Measure], list[BuildMeasure]]:
        """Return the measures of a time: of deployments, and of runs.

        With ``share``, equal values are one in memory: that takes twice as long, and half of the memory.
        """
        told = await self.database.read(measured.read_measures, since, until)
        measures = await asyncio.to_thread(measured.decode_measures, told, share=share)
        return measures, await self.runs(since, until, share=share)

    async def runs(self, since: float, until: float, *, share: bool = False) -> list[BuildMeasure]:
        """Return the measures of the runs of a time."""
        built = await self.database.read(measured.read_builds, since, until)
        return await asyncio.to_thread(measured.decode_builds, built, share=share)

    async def measured(self, identities: Sequence[str]) -> list[Measure]:
        """Return the measures of some deployments."""
        told = await self.database.read(measured.read_some, identities)
        return measured.decode_measures(told)

    async def export(self, table: str, since: float) -> AsyncIterator[bytes]:
        """Yield ``facts`` or ``deployments`` since a moment, each as JSON."""
        after = ""
        while page := await self.database.read(history.export_page, table, since=since, after=after):
            after = page[-1][0]
            for _, payload in page:
                yield payload

    async def sweep(self, *, now: float, retention: float) -> int:
        """Delete what is older than ``retention`` seconds, and old bodies, a few rows at a time; return how many."""
        gone = 0
        for forget in (deliveries.forget, factbook.forget, chronicle.forget, effects.forget):
            while count := await self.database.write(forget, before=now - retention, limit=SWEEP):
                gone += count
                # The next request's turn.
                await asyncio.sleep(0)
        while await self.database.write(deliveries.forget_bodies, now=now, limit=SWEEP):
            pass
        return gone


def _slices(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    for place in range(0, len(whole), SLICE):
        yield whole[place : place + SLICE]


def _record(
    connection: Connection, deployments: Iterable[Deployment], memories: Mapping[str, Memory], now: float
) -> list[Deployment]:
    changed = chronicle.record(connection, deployments)
    chronicle.remember(connection, memories, now=now)
    chronicle.touch(connection, [deployment.id for deployment in changed])
    return changed
