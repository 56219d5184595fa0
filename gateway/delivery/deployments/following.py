"""What becomes of a deployment after its sync: healthy, degraded, its rollout aborted; and restarts.

Health at a sync's end is still that of the time before it, until Argo CD has looked again; nothing in an Application
says when that was. So it counts when it changed after the end, or when the comparison that came with it is a later one
and the new images run, or when it has stood for a minute.
"""

import msgspec

from gateway.delivery.deployments.deployment import Deployment, Kind, Outcome, RollbackBy, identify, unix_time
from gateway.model.application import ApplicationStatus

SETTLED = 60.0
"""Seconds without a change after which what is shown is taken for the outcome. Argo CD looks at changed resources at
once, and gathers images with up to a minute's delay (recorded: old pods' images stayed for 50 s)."""

RESTART_AFTER = 30.0
"""Seconds after an operation within which changes of health are its own."""

RESTARTS_APART = 600.0
"""Seconds between two restarts: an application that scales all the time is one that restarts once."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What an application showed last. ``changed_at`` is when we saw its health or images change, by our clock."""

    health: str | None = None
    since: float | None = None
    message: str = ""
    sync: str | None = None
    revisions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    changed_at: float

    def settled(self, since: float | None, now: float) -> bool:
        """Whether health and images have stood still for long enough, also after ``since``."""
        return now - max(self.changed_at, since or 0.0) >= SETTLED


def look(document: ApplicationStatus, before: Seen | None, now: float) -> Seen:
    """Return what an application shows now."""
    health, sync = document.health, document.sync
    seen = Seen(
        health=health.status if health else None,
        since=unix_time(health.since) if health else None,
        message=(health.message or "") if health else "",
        sync=sync.status if sync else None,
        revisions=sync.revisions if sync else (),
        images=tuple(sorted(document.images)),
        changed_at=now,
    )
    if before is None and seen.since is not None:
        # At the first look: health says itself since when it holds.
        return msgspec.structs.replace(seen, changed_at=min(now, seen.since))
    if before is not None and (seen.health, seen.since, seen.images) == (before.health, before.since, before.images):
        return msgspec.structs.replace(seen, changed_at=before.changed_at)
    return seen


def follow(deployment: Deployment, seen: Seen, now: float) -> Deployment:
    """Return a synced deployment as what the application shows now leaves it."""
    if not is_followed(deployment):
        return deployment
    if seen.health == "Healthy" and _is_about(deployment, seen, now):
        healthy_at = max(deployment.finished_at or 0.0, seen.since or 0.0)
        return msgspec.structs.replace(deployment, healthy_at=healthy_at, outcome=Outcome.SUCCEEDED)
    if seen.health != "Degraded" or not _is_new(deployment, seen, now):
        return deployment
    if deployment.degraded_at is None:
        degraded_at = max(deployment.started_at or 0.0, seen.since or 0.0)
        deployment = msgspec.structs.replace(deployment, degraded_at=degraded_at, outcome=Outcome.FAILED)
    return abort(deployment, deployment.degraded_at) if _is_aborted(deployment, seen) else deployment


def is_followed(deployment: Deployment) -> bool:
    """Whether what the application shows can still change what became of a deployment."""
    return (
        deployment.phase == "Succeeded"
        and deployment.healthy_at is None
        and deployment.outcome in (Outcome.PROGRESSING, Outcome.FAILED)
    )


def abort(deployment: Deployment, at: float | None) -> Deployment:
    """Return a deployment whose rollout was aborted: taken back by itself."""
    return msgspec.structs.replace(
        deployment,
        outcome=Outcome.ROLLED_BACK,
        rolled_back_at=at,
        rolled_back_by=deployment.id,
        rolled_back_how=RollbackBy.ABORT,
    )


def settle_images(deployment: Deployment, seen: Seen, now: float) -> Deployment:
    """Fill in what a deployment set where Argo CD (before 3.6) doesn't tell: what runs when all has come to rest."""
    rests = seen.health == "Healthy" and bool(seen.images) and seen.settled(deployment.finished_at, now)
    if deployment.images is not None or deployment.phase != "Succeeded" or not rests:
        return deployment
    return msgspec.structs.replace(deployment, images=seen.images)


def notice_restart(before: Seen | None, seen: Seen, ended_at: float | None) -> bool:
    """Whether pods seem to be replaced without any operation: from Healthy to Progressing with nothing to sync."""
    return (
        before is not None
        and (before.health, seen.health, seen.sync) == ("Healthy", "Progressing", "Synced")
        and seen.since is not None
        and seen.since > (ended_at or 0.0) + RESTART_AFTER
    )


def restart(document: ApplicationStatus, uid: str, seen: Seen, images: tuple[str, ...] | None) -> Deployment:
    """Return the record of a restart."""
    return Deployment(
        id=identify(uid, document.health.since if document.health else None, "restart"),
        key=document.key,
        uid=uid,
        kind=Kind.RESTART,
        outcome=Outcome.PROGRESSING,
        project=document.project,
        service=document.service,
        environment=document.environment,
        team=document.team,
        revisions=seen.revisions,
        images=images,
        before_images=images,
        phase="Succeeded",
        started_at=seen.since,
        finished_at=seen.since,
    )


def _is_about(deployment: Deployment, seen: Seen, now: float) -> bool:
    if seen.since is not None and seen.since > (deployment.finished_at or 0.0):
        return True
    compared = seen.sync == "Synced" and seen.revisions == deployment.revisions
    running = all(image in seen.images for image in deployment.new_images)
    return (compared and running and deployment.images is not None) or seen.settled(deployment.finished_at, now)


def _is_new(deployment: Deployment, seen: Seen, now: float) -> bool:
    began = seen.since is not None and seen.since >= (deployment.started_at or 0.0)
    return began or seen.settled(deployment.finished_at, now)


def _is_aborted(deployment: Deployment, seen: Seen) -> bool:
    """Whether a rollout gave up. Newer versions only say whose fault it is: then what it brought is gone."""
    if "RolloutAborted" in seen.message:
        return True
    brought = deployment.new_images
    gone = bool(seen.images) and bool(brought) and not any(image in seen.images for image in brought)
    return gone and "/Rollout:" in seen.message
