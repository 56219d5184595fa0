"""Argo CD notifications: which application changed, and what its last operation came to.

The body is the operator's own template. The one of ``k8s/argocd/notifications-cm.yaml`` is understood, and any other
with the Application, or its parts, under ``application`` or ``app``. What Argo CD itself says on the watch counts more:
``applications`` are to be read again.
"""

from collections.abc import Sequence

import msgspec

from gateway.delivery.events import Deployed, RunState
from gateway.delivery.webhooks.body import Raw, decode, identify
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    Time,
    clean,
    latest,
    name_word,
    read_link,
    read_repository,
    read_time,
)
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_shared

_IMAGES = 100
_PHASES = {
    "Running": RunState.RUNNING,
    "Terminating": RunState.RUNNING,
    "Failed": RunState.FAILED,
    "Error": RunState.FAILED,
}
# What a finished sync comes to, by the health that it leads to.
_HEALTH = {"Healthy": RunState.SUCCEEDED, "Degraded": RunState.FAILED}


class RawMetadata(Raw, frozen=True):
    """The application's identity."""

    name: str
    namespace: str
    uid: str | None = None


class RawSource(Raw, frozen=True):
    """Where it is synced from."""

    repo_url: str | None = msgspec.field(default=None, name="repoURL")


class RawSync(Raw, frozen=True):
    """Revisions, or one; of the operation that was asked for, or of its result."""

    revision: str | None = None
    revisions: list[str] | None = None
    source: RawSource | None = None
    sources: list[RawSource] | None = None


class RawResource(Raw, frozen=True):
    """A synced resource, with the images that were set in it."""

    images: list[str] | None = None


class RawResult(RawSync, frozen=True):
    """What a sync did."""

    resources: list[RawResource] | None = None


class RawOperation(Raw, frozen=True):
    """What was asked for."""

    sync: RawSync | None = None


class RawOperationState(Raw, frozen=True, rename="camel"):
    """The last operation."""

    phase: str | None = None
    started_at: Time = None
    finished_at: Time = None
    operation: RawOperation | None = None
    sync_result: RawResult | None = None


class RawHealth(Raw, frozen=True, rename="camel"):
    """The application's health."""

    status: str | None = None
    last_transition_time: Time = None


class RawStatus(Raw, frozen=True, rename="camel"):
    """What Argo CD observed."""

    health: RawHealth | None = None
    operation_state: RawOperationState | None = None


class RawApplication(RawStatus, frozen=True, kw_only=True):
    """An application, whole (with ``status``) or with what belongs to its status beside its metadata."""

    metadata: RawMetadata
    status: RawStatus | None = None


class Body(Raw, frozen=True):
    """A notification."""

    trigger: str | None = None
    argocd_url: str | None = msgspec.field(default=None, name="argocdUrl")
    application: RawApplication | None = None
    app: RawApplication | None = None


_BODY = msgspec.json.Decoder(Body)


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify the secret that the service's ``headers`` or ``basicAuth`` send; raises SignatureError."""
    verify_shared(request, secrets)


def read(request: Request) -> Reading:
    """Read a notification; raises PayloadError."""
    body = decode(_BODY, request.body)
    application = body.application or body.app
    if application is None:
        raise PayloadError('application is missing: write {"application": {"metadata": …}} into the template')
    name, namespace = application.metadata.name, application.metadata.namespace
    if not name or not namespace:
        raise PayloadError("application.metadata.name and .namespace may not be empty: together they are the key")
    status = application.status or application
    state = status.operation_state or application.operation_state
    deployed = _deployed(application, state, status.health or application.health, body.argocd_url) if state else None
    return Reading(
        delivery_id=identify("argocd", request.body),
        event=name_word(body.trigger) if body.trigger else "notification",
        events=(deployed,) if deployed else (),
        applications=(_key(application),),
    )


def _key(application: RawApplication) -> str:
    return f"{clean(application.metadata.namespace, NAME_LIMIT)}/{clean(application.metadata.name, NAME_LIMIT)}"


def _deployed(
    application: RawApplication, operation: RawOperationState, health: RawHealth | None, argocd_url: str | None
) -> Deployed | None:
    state = _state(operation, health)
    started_at = read_time(operation.started_at, "operationState.startedAt")
    if state is None or started_at is None:
        return None
    result, asked = operation.sync_result, operation.operation.sync if operation.operation else None
    key = _key(application)
    finished_at = read_time(operation.finished_at, "operationState.finishedAt")
    changed_at = read_time(health.last_transition_time if health else None, "health.lastTransitionTime")
    if state is RunState.RUNNING:
        at: float | None = started_at
    else:
        # Healthy or Degraded comes after the sync, unless nothing moved.
        at = latest(finished_at, changed_at) if operation.phase == "Succeeded" else finished_at
    sources = [source for part in (result, asked) if part for source in (part.source, *(part.sources or ())) if source]
    return Deployed(
        sender="argocd",
        id=f"{clean(application.metadata.uid, NAME_LIMIT) or key}/{started_at:.0f}",
        state=state,
        application=key,
        repository=read_repository(*(source.repo_url for source in sources), where="operationState.….source.repoURL"),
        revisions=_revisions(result) or _revisions(asked),
        images=_images(result),
        at=at,
        url=read_link(f"{argocd_url.rstrip('/')}/applications/{key}" if argocd_url else None),
    )


def _state(operation: RawOperationState, health: RawHealth | None) -> RunState | None:
    if operation.phase == "Succeeded":
        return _HEALTH.get((health.status if health else None) or "", RunState.RUNNING)
    return _PHASES.get(operation.phase or "")


def _revisions(sync: RawSync | None) -> tuple[str, ...]:
    if sync is None:
        return ()
    revisions = (clean(revision, NAME_LIMIT) for revision in sync.revisions or (sync.revision,))
    return tuple(revision for revision in revisions if revision)[:_IMAGES]


def _images(result: RawResult | None) -> tuple[str, ...]:
    resources = (result.resources if result else None) or ()
    images = dict.fromkeys(clean(image, NAME_LIMIT) for resource in resources for image in resource.images or ())
    return tuple(image for image in images if image)[:_IMAGES]
