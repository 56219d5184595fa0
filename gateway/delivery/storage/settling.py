"""What becomes of deliveries, in one transaction: each takes effect once, and is told why where nothing came of it."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from gateway.delivery.events import DeliveryEvent
from gateway.delivery.storage import chronicle, deliveries, factbook
from gateway.delivery.storage.deliveries import Verdict


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one delivery told, to be kept."""

    id: int
    received_at: float
    facts: tuple[DeliveryEvent, ...] = ()
    verdict: Verdict | None = None
    """What became of it, where that is decided without its facts."""


class Settled(msgspec.Struct, frozen=True):
    """The deployments that deliveries touch, and those of the deliveries that weren't settled before."""

    deployments: set[str]
    told: tuple[Told, ...]


def settle(connection: Connection, told: Sequence[Told]) -> Settled:
    """Take the facts of those deliveries that weren't settled before, once each, and say what became of each."""
    claimed = deliveries.claim(connection, [one.id for one in told])
    told = [one for one in told if one.id in claimed]
    facts = [fact for one in told for fact in one.facts]
    touched = factbook.Touched(set(), [])
    if facts:
        touched = factbook.take(connection, facts, told_at=max(one.received_at for one in told))
    place, verdicts = 0, []
    for one in told:
        matched = touched.matched[place : place + len(one.facts)]
        place += len(one.facts)
        verdicts.append(one.verdict or _judge(one, matched))
    deliveries.mark(connection, verdicts)
    chronicle.touch(connection, touched.deployments)
    return Settled(touched.deployments, tuple(told))


def _judge(told: Told, matched: Sequence[bool]) -> Verdict:
    why = None
    lonely = [name for fact, asked in zip(told.facts, matched, strict=True) if not asked and (name := _name(fact))]
    if lonely and not any(matched):
        more = f" and {len(lonely) - 1} more" if len(lonely) > 1 else ""
        why = f"no deployment asked for {lonely[0]}{more} when it came"
    return Verdict(
        id=told.id, outcome=deliveries.Outcome.PROCESSED, why=why, facts=len(told.facts), matched=sum(matched)
    )


def _name(fact: DeliveryEvent) -> str | None:
    sha = getattr(fact, "sha", None)
    image = getattr(fact, "image", None)
    if image:
        return f"image {image}:{getattr(fact, 'tag', None) or getattr(fact, 'digest', None) or ''}".rstrip(":")
    return f"commit {sha[:8]}" if sha else None
