"""Deployments in the database: what Argo CD did, what is remembered of each application, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from gateway.delivery.clocks import build_of, measure
from gateway.delivery.correlation.links import Correlation
from gateway.delivery.deployments.deployment import Deployment, Outcome, RollbackBy, choose
from gateway.delivery.deployments.memory import Memory
from gateway.delivery.kpi import DURATIONS, Measure
from gateway.delivery.storage.database import upsert
from gateway.delivery.storage.factbook import name_identity
from gateway.delivery.storage.measured import keep_built, keep_measures
from gateway.delivery.storage.tables import (
    BUILDS,
    DEPLOYMENT_KEYS,
    DEPLOYMENTS,
    MEASURES,
    MEMORIES,
    TOUCHED,
)

_decode_deployment = msgspec.json.Decoder(Deployment).decode
_decode_memory = msgspec.json.Decoder(Memory).decode
_encode = msgspec.json.Encoder().encode

NEVER = 0.0
"""The time of what has none; it sorts before all others."""


class Finding(msgspec.Struct, frozen=True):
    """What was found to belong to a deployment, and what later facts must name to change that."""

    deployment: Deployment
    correlation: Correlation
    listens: frozenset[str]


def remember(connection: Connection, memories: Mapping[str, Memory], *, now: float) -> None:
    """Keep what is remembered of applications."""
    rows = [{"key": key, "updated_at": now, "payload": _encode(memory)} for key, memory in memories.items()]
    upsert(connection, MEMORIES, rows)


def recall(connection: Connection, *, after: str, limit: int) -> dict[str, Memory]:
    """Return what is remembered of the applications whose keys come after one, in order."""
    query = select(MEMORIES.c.key, MEMORIES.c.payload).where(MEMORIES.c.key > after).order_by(MEMORIES.c.key)
    return {row.key: _decode_memory(row.payload) for row in connection.execute(query.limit(limit))}


def record(connection: Connection, deployments: Iterable[Deployment]) -> list[Deployment]:
    """Keep deployments as they are now; return those of which more is known than before."""
    given = {deployment.id: deployment for deployment in deployments}
    known = find(connection, given)
    kept = {identity: choose(known.get(identity), deployment) for identity, deployment in given.items()}
    changed = [deployment for identity, deployment in kept.items() if deployment != known.get(identity)]
    upsert(connection, DEPLOYMENTS, map(_row, changed))
    return changed


def _row(deployment: Deployment) -> dict[str, Any]:
    return {
        "id": deployment.id,
        "key": deployment.key,
        "uid": deployment.uid,
        "project": deployment.project,
        "service": deployment.service,
        "environment": deployment.environment,
        "team": deployment.team,
        "started_at": NEVER if deployment.started_at is None else deployment.started_at,
        "finished_at": deployment.finished_at,
        "kind": str(deployment.kind),
        "outcome": str(deployment.outcome),
        "payload": _encode(deployment),
    }


def touch(connection: Connection, identities: Iterable[str]) -> None:
    """Note that deployments have to be correlated and measured anew."""
    upsert(connection, TOUCHED, [{"deployment_id": identity} for identity in sorted(identities)], keep=True)


def find_touched(connection: Connection) -> set[str]:
    """Return the deployments that have to be correlated and measured anew."""
    return set(connection.execute(select(TOUCHED.c.deployment_id)).scalars())


def find(connection: Connection, identities: Iterable[str]) -> dict[str, Deployment]:
    """Return deployments by their ids."""
    query = select(DEPLOYMENTS.c.payload).where(DEPLOYMENTS.c.id.in_(list(identities)))
    found = map(_decode_deployment, connection.execute(query).scalars())
    return {deployment.id: deployment for deployment in found}


def decode(payload: bytes) -> Deployment:
    """Return a deployment as it was kept."""
    return _decode_deployment(payload)


def conclude(connection: Connection, findings: Sequence[Finding]) -> list[Measure]:
    """Keep what was found to belong to deployments, and what is measured of them."""
    identities = [finding.deployment.id for finding in findings]
    column = DEPLOYMENT_KEYS.c
    query = select(column.deployment_id, column.key).where(column.deployment_id.in_(identities))
    known = {(row.deployment_id, row.key) for row in connection.execute(query)}
    listens = {(finding.deployment.id, key) for finding in findings for key in finding.listens}
    for identity, key in known - listens:
        connection.execute(delete(DEPLOYMENT_KEYS).where(column.deployment_id == identity, column.key == key))
    fresh = [{"key": key, "deployment_id": identity} for identity, key in sorted(listens - known)]
    upsert(connection, DEPLOYMENT_KEYS, fresh, keep=True)
    counting = [finding for finding in findings if finding.deployment.counts]
    measures = [make_measure(finding) for finding in counting]
    keep_measures(connection, measures)
    idle = [finding.deployment.id for finding in findings if not finding.deployment.counts]
    if idle:
        # What an operation was may turn out later.
        connection.execute(delete(MEASURES).where(MEASURES.c.id.in_(idle)))
    built = {
        (name_identity(run), finding.deployment.key)
        for finding in counting
        if (run := build_of(finding.correlation)) is not None
    }
    if built:
        keep_built(connection, built)
    return measures


def make_measure(finding: Finding) -> Measure:
    """Return what is measured of a deployment."""
    one = finding.deployment
    durations = measure(one, finding.correlation)
    clocks = {clock: _whole(getattr(durations, clock)) for clock in DURATIONS}
    aborted = one.rolled_back_how is RollbackBy.ABORT
    return Measure(
        id=one.id,
        key=one.key,
        at=next((at for at in (one.finished_at, one.started_at) if at is not None), NEVER),
        project=one.project,
        service=one.service,
        environment=one.environment,
        team=one.team,
        failed=aborted or one.phase in ("Failed", "Error"),
        healthy_at=one.healthy_at,
        rolled_back_at=one.rolled_back_at,
        # Of what was found to have gone well nobody knows when that was: no success that could be measured, no failure.
        superseded=one.outcome is Outcome.SUPERSEDED or (one.outcome is Outcome.SUCCEEDED and one.healthy_at is None),
        **clocks,
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete deployments, measures and builds from before a moment; return how many."""
    ids = connection.execute(select(DEPLOYMENTS.c.id).where(DEPLOYMENTS.c.started_at < before).limit(limit))
    gone = ids.scalars().all()
    if gone:
        connection.execute(delete(DEPLOYMENT_KEYS).where(DEPLOYMENT_KEYS.c.deployment_id.in_(gone)))
        connection.execute(delete(MEASURES).where(MEASURES.c.id.in_(gone)))
        connection.execute(delete(DEPLOYMENTS).where(DEPLOYMENTS.c.id.in_(gone)))
    built = connection.execute(select(BUILDS.c.id).where(BUILDS.c.at < before).limit(limit)).scalars().all()
    if built:
        connection.execute(delete(BUILDS).where(BUILDS.c.id.in_(built)))
    connection.execute(delete(MEMORIES).where(MEMORIES.c.updated_at < before))
    return len(gone) + len(built)
