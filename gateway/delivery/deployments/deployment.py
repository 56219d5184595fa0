"""What a deployment is: one operation of Argo CD, or something that looks like one, and what became of it.

Times are Unix seconds. Argo CD's own are whole seconds, cut off; those that only the gateway saw (``requested_at``,
``compared_at``) are by its clock and absent where it didn't look at that moment.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import msgspec


class Kind(StrEnum):
    """What an operation was; only ``deployment`` and ``rollback`` count as deployments."""

    DEPLOYMENT = "deployment"
    ROLLBACK = "rollback"
    """Back to an earlier image set or revision."""
    RESTART = "restart"
    """Pods were replaced without any operation. Argo CD doesn't tell a restart from a scaling or from lost nodes."""
    SELF_HEAL = "self-heal"
    """Argo CD undid a drift of some resources."""
    PARTIAL = "partial"
    """A person synced some resources."""
    DRY_RUN = "dry-run"
    REFRESH = "refresh"
    """A sync that set nothing new: the same revisions and images again."""

    @property
    def counts(self) -> bool:
        """Whether it is a deployment for lists of deployments and for KPIs."""
        return self in (Kind.DEPLOYMENT, Kind.ROLLBACK)


class Outcome(StrEnum):
    """What became of it."""

    RUNNING = "running"
    """The operation hasn't ended."""
    PROGRESSING = "progressing"
    """Synced, and not healthy yet."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The operation failed, or the application is Degraded since; it may still become healthy."""
    ROLLED_BACK = "rolled-back"
    SUPERSEDED = "superseded"
    """A newer one began before this was healthy."""


class RollbackBy(StrEnum):
    """How a deployment was taken back."""

    REVERT = "revert"
    """A new revision with an earlier image set: a ``git revert``."""
    ARGOCD = "argocd"
    """An operation to an earlier revision: Argo CD's own rollback."""
    ABORT = "abort"
    """Argo Rollouts gave its canary up; the revision stays."""


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Where an application's manifests come from; ``repository`` as ``events.name_repository`` names it."""

    repository: str
    path: str | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One operation of an application.

    ``images`` are what it set, ``before_images`` what was set before; None where that isn't known. ``seeded`` says that
    it was found in what Argo CD remembers, its course unseen: such a one never replaces an observed one of that id.
    """

    id: str
    key: str
    uid: str
    kind: Kind
    outcome: Outcome
    project: str | None = None
    service: str | None = None
    environment: str | None = None
    team: str | None = None
    origins: tuple[Origin, ...] = ()
    revisions: tuple[str, ...] = ()
    before_revisions: tuple[str, ...] = ()
    images: tuple[str, ...] | None = None
    before_images: tuple[str, ...] | None = None
    automated: bool | None = None
    initiated_by: str | None = None
    info: tuple[tuple[str, str], ...] = ()
    resources: tuple[str, ...] = ()
    only_changed: bool = False
    phase: str | None = None
    message: str | None = None
    attempts: int = 1
    requested_at: float | None = None
    compared_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    healthy_at: float | None = None
    degraded_at: float | None = None
    rollback_of: str | None = None
    """What this rollback took back."""
    rollback_by: RollbackBy | None = None
    """How it, as a rollback, goes back."""
    rolled_back_at: float | None = None
    rolled_back_by: str | None = None
    """The id of the rollback that took this back; this one's own where its rollout was aborted."""
    rolled_back_how: RollbackBy | None = None
    superseded_by: str | None = None
    seeded: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a deployment for lists of deployments and for KPIs."""
        return self.kind.counts

    @property
    def new_images(self) -> tuple[str, ...]:
        """The images that it brought; all, where what was there before isn't known."""
        return tuple(image for image in self.images or () if image not in (self.before_images or ()))


_COURSE = (
    "images",
    "finished_at",
    "healthy_at",
    "degraded_at",
    "rolled_back_at",
    "rolled_back_by",
    "rolled_back_how",
    "superseded_by",
)
"""What becomes known of a deployment in its course."""


def choose(known: Deployment | None, new: Deployment) -> Deployment:
    """Return what to keep of two records with one id: the new one, unless it was only found and the other observed.

    What was found may yet know the end of what was observed (the gateway was away then).
    """
    if known is None or known.seeded or not new.seeded:
        return new
    later = {
        name: getattr(new, name) for name in _COURSE if getattr(known, name) is None and getattr(new, name) is not None
    }
    open_still = known.outcome in (Outcome.RUNNING, Outcome.PROGRESSING)
    if new.outcome is Outcome.ROLLED_BACK or (open_still and new.outcome is not Outcome.PROGRESSING):
        later["outcome"] = new.outcome
    if known.outcome is Outcome.RUNNING:
        later["phase"] = new.phase
        later.setdefault("outcome", new.outcome)
    return msgspec.structs.replace(known, **later)


@lru_cache(maxsize=4_096)
def identify(uid: str, started_at: str | None, nature: str = "") -> str:
    """Return the stable id of an operation.

    An application's ``uid`` and ``startedAt`` identify it, also in the history; the revision doesn't, for a retry may
    renew it. ``startedAt`` is in whole seconds and an empty sync takes a third of one, so that ``nature`` keeps a dry
    run apart from the sync that follows it.
    """
    return hashlib.blake2s(f"{uid}\n{started_at or ''}\n{nature}".encode(), digest_size=10).hexdigest()


@lru_cache(maxsize=4_096)
def unix_time(text: str | None) -> float | None:
    """Return one of Argo CD's times as Unix seconds; None for none, and for what is no time with a zone."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.timestamp() if moment is not None and moment.tzinfo is not None else None
