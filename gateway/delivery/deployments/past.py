"""What was deployed before, and what a sync is in its light: something new, a way back, or nothing new.

Whether something is a way back is a question of order, not of repetition: after a rollback the next release may bring
the very images that were taken back, and is none.
"""

from collections.abc import Iterable

import msgspec

from gateway.delivery.correlation.tags import names_commit
from gateway.delivery.deployments.deployment import Deployment, Kind, RollbackBy

LENGTH = 50
"""Deployments of one application that are remembered to recognise a way back."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A deployment, as far as later ones are compared with it."""

    id: str
    started_at: float
    revisions: tuple[str, ...]
    images: tuple[str, ...] | None = None
    failed: bool = False


Past = tuple[Entry, ...]
"""Oldest first."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a sync is; for a rollback, of which deployment and how."""

    kind: Kind
    of: str | None = None
    by: RollbackBy | None = None


def remember(past: Past, deployment: Deployment) -> Past:
    """Return the past with a deployment at its place, instead of an earlier record of it."""
    entry = Entry(
        id=deployment.id,
        started_at=deployment.started_at or 0.0,
        revisions=deployment.revisions,
        images=deployment.images,
        failed=deployment.phase != "Succeeded",
    )
    entries = [other for other in past if other.id != entry.id]
    place = len(entries)
    while place and entries[place - 1].started_at > entry.started_at:
        place -= 1
    entries.insert(place, entry)
    return tuple(entries[-LENGTH:])


def before(past: Past, started_at: float | None, identity: str) -> Past:
    """Return the part of the past that lies before an operation."""
    return tuple(
        entry for entry in past if entry.id != identity and (started_at is None or entry.started_at <= started_at)
    )


def judge(deployment: Deployment, past: Past, last_info: tuple[tuple[str, str], ...] = ()) -> Verdict:
    """Return what an operation is, given the past before it.

    Until its images are known the revisions alone decide. Who syncs by hand and says which commit that brings (an
    image whose tag never changes) deploys, although Argo CD has nothing new to set.
    """
    if (special := _without_past(deployment)) is not None:
        return Verdict(special)
    if not past:
        return Verdict(Kind.DEPLOYMENT)
    last = past[-1]
    same_revisions = deployment.revisions == last.revisions
    if same_revisions and not last.failed and _set_nothing(deployment, last):
        claimed = not deployment.automated and names_commit(deployment.info) and deployment.info != last_info
        return Verdict(Kind.DEPLOYMENT if claimed else Kind.REFRESH)
    if not _set_nothing(deployment, last) and _goes_back(deployment.images, last.images, _image_sets(past, deployment)):
        again = not same_revisions and any(entry.revisions == deployment.revisions for entry in past)
        return Verdict(Kind.ROLLBACK, last.id, RollbackBy.ARGOCD if again else RollbackBy.REVERT)
    if _goes_back(deployment.revisions, last.revisions, [entry.revisions for entry in past]):
        return Verdict(Kind.ROLLBACK, last.id, RollbackBy.ARGOCD)
    return Verdict(Kind.DEPLOYMENT)


def _without_past(deployment: Deployment) -> Kind | None:
    if deployment.kind is Kind.DRY_RUN:
        return Kind.DRY_RUN
    if deployment.resources:
        return Kind.SELF_HEAL if deployment.automated else Kind.PARTIAL
    return None


def _set_nothing(deployment: Deployment, last: Entry) -> bool:
    """Whether no other images were set, as far as that is known."""
    return deployment.images is None or last.images is None or deployment.images == last.images


def _image_sets(past: Past, deployment: Deployment) -> list[tuple[str, ...] | None]:
    """Return the past's image sets; of one that isn't known, that which its revision set another time."""
    of_revision = {entry.revisions: entry.images for entry in past if entry.images is not None}
    if deployment.images is not None:
        of_revision.setdefault(deployment.revisions, deployment.images)
    return [of_revision.get(entry.revisions) if entry.images is None else entry.images for entry in past]


def _goes_back(to: object, since: object, steps: Iterable[object]) -> bool:
    """Whether ``to`` was there before ``since`` first came."""
    for step in steps:
        if step == since:
            return False
        if step == to:
            return True
    return False
