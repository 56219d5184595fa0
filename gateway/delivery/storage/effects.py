"""Effects in the database: what a Prometheus said of each deployment, asked once, when the time after it is over."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from gateway.delivery.deployments.deployment import Deployment, Kind
from gateway.delivery.storage.chronicle import decode
from gateway.delivery.storage.database import upsert
from gateway.delivery.storage.tables import DEPLOYMENTS, EFFECTS

_encode = msgspec.json.Encoder().encode
_COUNTING = tuple(str(kind) for kind in Kind if kind.counts)


def find_waiting(connection: Connection, *, since: float, until: float, limit: int) -> list[Deployment]:
    """Return deployments that finished in a time and weren't asked about yet, the oldest first."""
    column = DEPLOYMENTS.c
    joined = DEPLOYMENTS.outerjoin(EFFECTS, EFFECTS.c.deployment_id == column.id)
    query = (
        select(column.payload)
        .select_from(joined)
        .where(
            # Within a day nothing runs so long that its start would lie beyond this.
            column.started_at >= since - 86_400.0,
            column.finished_at >= since,
            column.finished_at < until,
            column.kind.in_(_COUNTING),
            EFFECTS.c.deployment_id.is_(None),
        )
        .order_by(column.finished_at)
        .limit(limit)
    )
    return list(map(decode, connection.execute(query).scalars()))


def keep(connection: Connection, effects: Mapping[str, Mapping[str, Any]], *, now: float) -> None:
    """Keep what was said of deployments, by their ids."""
    rows = [{"deployment_id": name, "asked_at": now, "payload": _encode(effect)} for name, effect in effects.items()]
    upsert(connection, EFFECTS, rows)


def find(connection: Connection, identities: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what is known, by the ids of deployments."""
    query = select(EFFECTS.c.deployment_id, EFFECTS.c.payload).where(EFFECTS.c.deployment_id.in_(list(identities)))
    return {row.deployment_id: msgspec.json.decode(row.payload) for row in connection.execute(query)}


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete what was said before a moment; return how much."""
    column = EFFECTS.c
    ids = connection.execute(select(column.deployment_id).where(column.asked_at < before).limit(limit)).scalars().all()
    if ids:
        connection.execute(delete(EFFECTS).where(column.deployment_id.in_(ids)))
    return len(ids)
