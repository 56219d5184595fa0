"""One line for each change, from its commit until it is healthy: what was told, put in the order in which it happens.

The structures are the wire's own: camelCase, times as RFC 3339, what isn't known is absent.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.delivery.clocks import Durations, measure
from gateway.delivery.correlation.correlate import correlate
from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.links import Correlation
from gateway.delivery.correlation.tags import TagPatterns, name_image, parse_image
from gateway.delivery.deployments.deployment import Deployment, Outcome
from gateway.delivery.stages import Stage, stages_of
from gateway.model.upstream import rfc3339

_DEFAULT = TagPatterns()


class Rollback(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """For a rollback: what it took back (``of``). For what was taken back: by what (``by``) and when. And how."""

    how: str
    of: str | None = None
    by: str | None = None
    at: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """One change of one application. ``remarks`` say what couldn't be linked, and why."""

    id: str
    application: str
    project: str | None = None
    service: str | None = None
    environment: str | None = None
    team: str | None = None
    outcome: str
    kind: str
    automated: bool | None = None
    initiated_by: str | None = None
    revisions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    started_at: str | None = None
    ended_at: str | None = None
    seeded: bool = False
    stages: tuple[Stage, ...] = ()
    durations: Durations = Durations()
    rollback: Rollback | None = None
    superseded_by: str | None = None
    remarks: tuple[str, ...] = ()


def assemble(deployment: Deployment, index: Index, patterns: TagPatterns = _DEFAULT) -> Change:
    """Return the line of one deployment."""
    return tell(deployment, correlate(deployment, index, patterns))


def tell(deployment: Deployment, correlation: Correlation) -> Change:
    """Return the line of a deployment that has been correlated."""
    return Change(
        id=deployment.id,
        application=deployment.key,
        project=deployment.project,
        service=deployment.service,
        environment=deployment.environment,
        team=deployment.team,
        outcome=str(deployment.outcome),
        kind=str(deployment.kind),
        automated=deployment.automated,
        initiated_by=deployment.initiated_by,
        revisions=deployment.revisions,
        images=deployment.images or (),
        started_at=_time(deployment.started_at),
        ended_at=_time(_ended_at(deployment)),
        seeded=deployment.seeded,
        stages=stages_of(deployment, correlation),
        durations=measure(deployment, correlation) if deployment.counts else Durations(),
        rollback=_rollback(deployment),
        superseded_by=deployment.superseded_by,
        remarks=correlation.remarks,
    )


def timeline(
    deployments: Iterable[Deployment],
    index: Index,
    *,
    patterns: TagPatterns = _DEFAULT,
    commit: str | None = None,
    image: str | None = None,
) -> dict[str, Any]:
    """Return the lines of deployments in wire form, the newest first.

    With ``commit`` (a SHA, or the beginning of one) or ``image`` (with or without tag or digest) only those to which it
    belongs.
    """
    changes = []
    for deployment in sorted(deployments, key=_order, reverse=True):
        if image is not None and not _has_image(deployment, image):
            continue
        correlation = correlate(deployment, index, patterns)
        if commit is None or _has_commit(correlation, commit.lower()):
            changes.append(tell(deployment, correlation))
    return {"changes": msgspec.to_builtins(changes)}


def _order(deployment: Deployment) -> tuple[float, str]:
    return deployment.started_at or 0.0, deployment.id


def _has_image(deployment: Deployment, wanted: str) -> bool:
    want = parse_image(wanted)
    bare = "/" not in want.name.removeprefix("docker.io/library/")
    for reference in deployment.images or ():
        image = parse_image(reference)
        named = image.name == name_image(want.name) or (bare and image.short == want.short)
        if named and want.tag in (None, image.tag) and want.digest in (None, image.digest):
            return True
    return False


def _has_commit(correlation: Correlation, wanted: str) -> bool:
    shas = [source.sha for source in correlation.sources] + [manifest.sha for manifest in correlation.manifests]
    # What is known of a source may be shorter than what is asked for.
    return any(sha.startswith(wanted) or (len(sha) >= 7 and wanted.startswith(sha)) for sha in shas)


def _ended_at(deployment: Deployment) -> float | None:
    match deployment.outcome:
        case Outcome.SUCCEEDED:
            return deployment.healthy_at or deployment.finished_at
        case Outcome.FAILED:
            return deployment.degraded_at or deployment.finished_at
        case Outcome.ROLLED_BACK:
            return deployment.rolled_back_at
        case _:
            return None


def _rollback(deployment: Deployment) -> Rollback | None:
    if deployment.rolled_back_how is not None:
        return Rollback(
            how=str(deployment.rolled_back_how),
            of=deployment.id,
            by=deployment.rolled_back_by,
            at=_time(deployment.rolled_back_at),
        )
    if deployment.rollback_by is not None:
        return Rollback(how=str(deployment.rollback_by), of=deployment.rollback_of, by=deployment.id)
    return None


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
