"""The course of one operation, from its beginning to its end, as records of a deployment."""

import msgspec

from gateway.delivery.correlation.tags import parse_image
from gateway.delivery.deployments.deployment import Deployment, Kind, Origin, Outcome, unix_time
from gateway.delivery.events import name_repository
from gateway.model.application import ApplicationStatus, InitiatedBy, Observed, Operation, OperationDetail
from gateway.model.application import Deployment as HistoryEntry


def nature_of(detail: OperationDetail) -> str:
    """Return what keeps operations of one second apart: the history knows whole syncs alone, those have no nature."""
    if detail.dry_run:
        return "dry-run"
    return "partial" if detail.resources else ""


def begin(
    identity: str, observed: Observed, started_at: float, *, requested_at: float | None, seeded: bool
) -> Deployment:
    """Return the record of an operation that has just begun, or is seen for the first time."""
    operation = observed.document.operation
    detail = observed.detail.operation or OperationDetail()
    by = operation.initiated_by if operation else None
    record = _record(identity, observed, by)
    return msgspec.structs.replace(
        record,
        kind=Kind.DRY_RUN if detail.dry_run else Kind.DEPLOYMENT,
        revisions=operation.revisions if operation else (),
        resources=detail.resources,
        requested_at=requested_at,
        started_at=started_at,
        seeded=seeded,
    )


def found(identity: str, observed: Observed, entry: HistoryEntry) -> Deployment:
    """Return the record of a past operation that Argo CD's history tells of: a full sync that succeeded."""
    return msgspec.structs.replace(
        _record(identity, observed, entry.initiated_by),
        outcome=Outcome.PROGRESSING,
        revisions=entry.revisions,
        phase="Succeeded",
        started_at=unix_time(entry.started_at or entry.deployed_at),
        finished_at=unix_time(entry.deployed_at),
        seeded=True,
    )


def progress(deployment: Deployment, operation: Operation, detail: OperationDetail) -> Deployment:
    """Return an operation's record as it is shown now. What a retry clears (its result) is kept until there is more."""
    waiting_for_retry = operation.phase == "Running" and operation.finished_at is not None
    return msgspec.structs.replace(
        deployment,
        revisions=operation.revisions or deployment.revisions,
        images=deployment.images if detail.images is None else detail.images,
        info=detail.info or deployment.info,
        resources=detail.resources or deployment.resources,
        only_changed=detail.only_changed,
        phase=operation.phase,
        message=operation.message,
        attempts=max(deployment.attempts, operation.retry_count + (0 if waiting_for_retry else 1)),
    )


def conclude(deployment: Deployment, phase: str, finished_at: float | None) -> Deployment:
    """Return the record of an operation that has ended."""
    outcome = Outcome.PROGRESSING if phase == "Succeeded" else Outcome.FAILED
    return msgspec.structs.replace(deployment, phase=phase, finished_at=finished_at, outcome=outcome)


def carry_over(deployment: Deployment, before: tuple[str, ...] | None) -> Deployment:
    """Return the record with the images that a sync of changed resources alone left as they were."""
    if not deployment.only_changed or not before:
        return deployment
    images = deployment.images or ()
    named = {parse_image(image).name for image in images}
    kept = [image for image in before if parse_image(image).name not in named]
    return msgspec.structs.replace(deployment, images=tuple(sorted({*images, *kept})))


def _record(identity: str, observed: Observed, by: InitiatedBy | None) -> Deployment:
    document = observed.document
    return Deployment(
        id=identity,
        key=document.key,
        uid=observed.uid,
        kind=Kind.DEPLOYMENT,
        outcome=Outcome.RUNNING,
        project=document.project,
        service=document.service,
        environment=document.environment,
        team=document.team,
        origins=_origins(document),
        automated=by.automated if by else None,
        initiated_by=by.username if by else None,
    )


def _origins(document: ApplicationStatus) -> tuple[Origin, ...]:
    return tuple(
        Origin(repository=name_repository(source.repo_url), path=(source.path or "").strip("/") or None)
        for source in document.sources
        if source.repo_url
    )
