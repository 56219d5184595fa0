"""The log of deliveries: each request of a sender that was believed, what became of it, and why.

One that was accepted is kept with its body until it is processed, and for a while after, to be processed again. Of
those that were refused only the last are kept, without their bodies: anybody may send those.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, func, select, update

from gateway.delivery.storage.database import insert
from gateway.delivery.storage.tables import DELIVERIES
from gateway.delivery.webhooks.request import Request

REFUSED_KEPT = 1_000
"""Refused requests that are kept in the log."""

BODY_AGE = 14 * 86_400.0
"""Seconds for which a body is kept to be processed again."""

BODY_BYTES = 512 << 20
"""Bytes of bodies that are kept in all."""

_C = DELIVERIES.c
_SHOWN = (
    _C.id,
    _C.sender,
    _C.delivery_id,
    _C.event,
    _C.received_at,
    _C.outcome,
    _C.why,
    _C.size,
    _C.facts,
    _C.matched,
    _C.repeats,
    _C.body.is_not(None).label("kept"),
)


_REPEAT = update(DELIVERIES).where(_C.id == bindparam("which")).values(repeats=_C.repeats + bindparam("times"))
_MARK = (
    update(DELIVERIES)
    .where(_C.id == bindparam("which"))
    .values(outcome=bindparam("became"), why=bindparam("because"), facts=bindparam("told"), matched=bindparam("asked"))
)


class Outcome(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    """Kept, and waiting to be processed."""
    PROCESSED = "processed"
    IGNORED = "ignored"
    """Nothing in it that is of use."""
    REJECTED = "rejected"
    """Refused: not believed, not readable, or too large."""
    FAILED = "failed"
    """The gateway failed at it; it can be processed again."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that was believed and can be read; ``headers`` without those that hold a secret."""

    sender: str
    delivery_id: str
    event: str
    received_at: float
    headers: Mapping[str, str]
    body: bytes
    ignored: str | None = None


class Stored(msgspec.Struct, frozen=True):
    """Where an arrival is kept; ``repeated`` if it was there before."""

    id: int
    repeated: bool


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one delivery: how many facts it told, and how many of them deployments ask for."""

    id: int
    outcome: Outcome
    why: str | None = None
    facts: int | None = None
    matched: int | None = None


def keep_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that say what a request is, without any that prove whose it is."""
    kept = ("content-type", "webhook-id", "idempotency-key")
    return {
        name: value
        for name, value in headers.items()
        if (name in kept or name.startswith(("x-github-", "x-gitlab-", "ce-"))) and "token" not in name
    }


def append(connection: Connection, arrivals: Sequence[Arrival]) -> list[Stored]:
    """Keep arrivals; one that is there already is only counted."""
    # The first of several that came together is the one that is new.
    fresh: dict[tuple[str, str], Arrival] = {}
    for one in arrivals:
        fresh.setdefault(_identify(one), one)
    known = _find_known(connection, fresh)
    # In one order, for others may insert the same at the same time, and wait for each other.
    rows = [_row(one) for identity, one in sorted(fresh.items()) if identity not in known]
    new: dict[tuple[str, str], int] = {}
    if rows:
        statement = insert(connection, DELIVERIES).on_conflict_do_nothing(index_elements=[_C.sender, _C.delivery_id])
        kept = connection.execute(statement.returning(_C.sender, _C.delivery_id, _C.id), rows)
        new = {(row.sender, row.delivery_id): row.id for row in kept}
        if missing := fresh.keys() - known.keys() - new.keys():
            # Kept by another gateway in this moment.
            known |= _find_known(connection, missing)
    stored = [
        Stored(new[identity], fresh[identity] is not one) if identity in new else Stored(known[identity], True)
        for one in arrivals
        for identity in [_identify(one)]
    ]
    if repeated := Counter(one.id for one in stored if one.repeated):
        connection.execute(_REPEAT, [{"which": id_, "times": times} for id_, times in sorted(repeated.items())])
    return stored


def _identify(one: Arrival) -> tuple[str, str]:
    return one.sender, one.delivery_id.replace("\0", "\ufffd")


def _find_known(connection: Connection, identities: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    query = select(_C.sender, _C.delivery_id, _C.id).where(_C.delivery_id.in_({name for _, name in identities}))
    return {(row.sender, row.delivery_id): row.id for row in connection.execute(query)}


def _row(one: Arrival) -> dict[str, Any]:
    return {
        "sender": one.sender,
        "delivery_id": one.delivery_id,
        "event": one.event,
        "received_at": one.received_at,
        "outcome": str(Outcome.ACCEPTED if one.ignored is None else Outcome.IGNORED),
        "why": one.ignored,
        "size": len(one.body),
        "repeats": 0,
        "headers": msgspec.json.encode(dict(one.headers)).decode(),
        "body": one.body,
    }


def refuse(connection: Connection, *, sender: str, received_at: float, size: int, why: str) -> None:
    """Note a refused request, and forget the oldest of those."""
    connection.execute(
        insert(connection, DELIVERIES).values(
            sender=sender, received_at=received_at, outcome=str(Outcome.REJECTED), why=why, size=size, repeats=0
        )
    )
    rejected = _C.outcome == str(Outcome.REJECTED)
    oldest = select(_C.id).where(rejected).order_by(_C.id.desc()).offset(REFUSED_KEPT).limit(1).scalar_subquery()
    connection.execute(delete(DELIVERIES).where(rejected, _C.id <= oldest))


def claim(connection: Connection, identities: Iterable[int]) -> set[int]:
    """Return which of these deliveries wait to be processed; nobody else processes them in this transaction."""
    accepted = _C.outcome == str(Outcome.ACCEPTED)
    query = select(_C.id).where(_C.id.in_(sorted(identities)), accepted).order_by(_C.id).with_for_update()
    return set(connection.execute(query).scalars())


def mark(connection: Connection, verdicts: Iterable[Verdict]) -> None:
    """Write down what became of deliveries."""
    told = [
        {"which": one.id, "became": str(one.outcome), "because": one.why, "told": one.facts, "asked": one.matched}
        for one in verdicts
    ]
    if told:
        connection.execute(_MARK, told)


def unprocessed(
    connection: Connection, *, limit: int, among: Sequence[int] | None = None
) -> list[tuple[int, str, Request]]:
    """Return deliveries that wait to be processed, the oldest first: id, sender, request; ``among`` some, or all."""
    query = select(_C.id, _C.sender, _C.headers, _C.body, _C.received_at).where(_C.outcome == str(Outcome.ACCEPTED))
    if among is not None:
        query = query.where(_C.id.in_(among))
    found = connection.execute(query.order_by(_C.id).limit(limit))
    return [(row.id, row.sender, _request(row)) for row in found]


def _request(row: Any) -> Request:
    headers = msgspec.json.decode(row.headers or "{}", type=dict[str, str])
    return Request(headers=headers, body=row.body or b"", received_at=row.received_at)


def requeue(connection: Connection, identity: int) -> bool | None:
    """Have a delivery processed again; None if there is none, False if its body isn't kept any more."""
    row = connection.execute(select(_C.body.is_not(None)).where(_C.id == identity)).first()
    if row is None:
        return None
    if row[0]:
        values = {"outcome": str(Outcome.ACCEPTED), "why": "to be processed again"}
        connection.execute(update(DELIVERIES).where(_C.id == identity).values(values))
    return bool(row[0])


def browse(
    connection: Connection, *, sender: str | None, outcome: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return deliveries, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if sender is not None:
        conditions.append(_C.sender == sender)
    if outcome is not None:
        conditions.append(_C.outcome == outcome)
    if before is not None:
        conditions.append(_C.id < before)
    found = connection.execute(select(*_SHOWN).where(*conditions).order_by(_C.id.desc()).limit(limit))
    return [dict(row._mapping) for row in found]


def forget_bodies(connection: Connection, *, now: float, limit: int) -> int:
    """Drop bodies that are too old, and the oldest where all together are too large; return how many."""
    kept = _C.body.is_not(None) & (_C.outcome != str(Outcome.ACCEPTED))
    total = connection.execute(select(func.sum(case((_C.body.is_not(None), _C.size), else_=0)))).scalar() or 0
    condition = kept if total > BODY_BYTES else kept & (_C.received_at < now - BODY_AGE)
    ids = connection.execute(select(_C.id).where(condition).order_by(_C.id).limit(limit)).scalars().all()
    if ids:
        connection.execute(update(DELIVERIES).where(_C.id.in_(ids)).values(body=None, headers=None))
    return len(ids)


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete deliveries from before a moment; return how many."""
    ids = connection.execute(select(_C.id).where(_C.received_at < before).limit(limit)).scalars().all()
    if ids:
        connection.execute(delete(DELIVERIES).where(_C.id.in_(ids)))
    return len(ids)
