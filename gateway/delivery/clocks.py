"""How long each part of a change took. A part whose beginning or end isn't known has no duration: nothing is guessed.

- build: the run of CI that built it, from its start to its end;
- pipeline: from the push of the source commit until it was healthy; lead: the same from the commit itself;
- sync: from the manifests' commit to the operation's end. That is: detect (until Argo CD compared with it), wait (until
  the operation began), apply;
- rollout: from the operation's end until it was healthy.

A rollback has none of those that begin with the source commit: that commit's way was another.
"""

import msgspec

from gateway.delivery.correlation.builds import whole_of
from gateway.delivery.correlation.links import Correlation, Grade, ManifestLink, SourceLink
from gateway.delivery.deployments.deployment import Deployment, Kind, RollbackBy
from gateway.delivery.events import Run, RunState

TOLERANCE = 2.0
"""Seconds by which two clocks may contradict each other before their difference is no duration: Argo CD and Git cut to
whole seconds."""


class Durations(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Seconds; None where that can't be known."""

    build: float | None = None
    pipeline: float | None = None
    detect: float | None = None
    wait: float | None = None
    apply: float | None = None
    sync: float | None = None
    rollout: float | None = None
    lead: float | None = None


def measure(deployment: Deployment, correlation: Correlation) -> Durations:
    """Return how long each part took."""
    source = source_of(correlation)
    if deployment.kind is not Kind.DEPLOYMENT or (source is not None and source.link.grade is Grade.WEAK):
        source = None
    commit = source.commit if source else None
    changed_at = manifest_time(manifest_of(correlation)) if _waited_for(deployment) else None
    applied_at = deployment.finished_at if deployment.phase == "Succeeded" else None
    run = build_of(correlation) if deployment.kind is Kind.DEPLOYMENT else None
    succeeded = run is not None and run.state is RunState.SUCCEEDED
    return Durations(
        build=between(run.started_at, run.finished_at) if run and succeeded else None,
        pipeline=between(commit.pushed_at if commit else None, deployment.healthy_at),
        detect=between(changed_at, deployment.compared_at),
        wait=between(deployment.compared_at, deployment.started_at),
        apply=between(deployment.started_at, applied_at),
        sync=between(changed_at, applied_at),
        rollout=between(applied_at, deployment.healthy_at),
        lead=between(commit.committed_at if commit else None, deployment.healthy_at),
    )


def _waited_for(deployment: Deployment) -> bool:
    """Whether the manifests' commit set the clock going: not for a first deployment, nor for a return to an old one."""
    return bool(deployment.before_revisions) and deployment.rollback_by is not RollbackBy.ARGOCD


def between(begin: float | None, end: float | None) -> float | None:
    """Return the seconds between two moments; None where one is unknown, or where clocks contradict each other."""
    if begin is None or end is None or end < begin - TOLERANCE:
        return None
    return round(max(0.0, end - begin), 3)


def source_of(correlation: Correlation) -> SourceLink | None:
    """Return the commit that a change is about: the surest; of several equally sure, the last that was made.

    The manifests' own stands for it only where no image is new: else the sources' is another that nobody told of.
    """
    sources = [source for source in correlation.sources if not (source.own and correlation.images)]
    if not sources:
        return None
    surest = [source for source in sources if source.link.grade is sources[0].link.grade]
    return max(surest, key=lambda one: ((one.commit.committed_at if one.commit else None) or 0.0, one.sha))


def manifest_of(correlation: Correlation) -> ManifestLink | None:
    """Return the commit that changed the application's manifests: the last one, if the revision itself didn't."""
    changing = [one for one in correlation.manifests if one.touches or (one.revision and one.touches is None)]
    return max(changing, key=lambda one: (manifest_time(one) or 0.0, one.revision, one.sha), default=None)


def manifest_time(manifest: ManifestLink | None) -> float | None:
    """Return when a change of manifests could be seen: at its push, as far as that is known."""
    commit = manifest.commit if manifest else None
    if commit is None:
        return None
    return commit.pushed_at if commit.pushed_at is not None else commit.committed_at


def build_of(correlation: Correlation) -> Run | None:
    """Return the run that built the change, as a whole where that is known; None where several might have."""
    wholes: dict[tuple[str, str, int], Run] = {}
    for part in (link.run for link in correlation.runs if link.builds):
        whole = whole_of(part, correlation.runs)
        run = part if whole is None else whole
        wholes[run.sender, run.id, run.attempt] = run
    return next(iter(wholes.values())) if len(wholes) == 1 else None
