"""The stages of a change: commit, build, image, manifest, sync, rollout, healthy."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway.delivery.clocks import build_of, manifest_of, source_of
from gateway.delivery.correlation.links import Correlation, ImageLink, Link, RunLink
from gateway.delivery.deployments.deployment import Deployment, Outcome
from gateway.delivery.events import Run, RunState, Scanned
from gateway.model.upstream import rfc3339

ITEMS = 50
"""Parts of a stage that are shown."""


class StageLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How sure it is that this belongs to the change, and why."""

    grade: str
    evidence: tuple[str, ...]


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """A part of a stage: a job, an image, one of several commits. ``counts`` are a scan's findings by severity."""

    title: str
    state: str | None = None
    kind: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    detail: str | None = None
    url: str | None = None
    counts: dict[str, int] | None = None
    link: StageLink | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """One stage; ``state`` is done, running, failed, skipped or unknown."""

    stage: str
    state: str
    title: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    detail: str | None = None
    url: str | None = None
    items: tuple[Item, ...] = ()
    link: StageLink | None = None


def stages_of(deployment: Deployment, correlation: Correlation) -> tuple[Stage, ...]:
    """Return all seven stages, in the order in which they happen."""
    return (
        _commit(correlation),
        _build(deployment, correlation),
        _image(deployment, correlation),
        _manifest(correlation),
        _sync(deployment),
        _rollout(deployment),
        _healthy(deployment),
    )


def _commit(correlation: Correlation) -> Stage:
    source = source_of(correlation)
    if source is None:
        return Stage(stage="commit", state="unknown", detail="; ".join(correlation.remarks) or None)
    commit = source.commit
    others = [
        Item(title=_title(other.commit.message if other.commit else None, other.sha), link=_link(other.link))
        for other in correlation.sources
        if other is not source and not other.own
    ]
    return Stage(
        stage="commit",
        state="done",
        title=_title(commit.message if commit else None, source.sha),
        started_at=_time(commit.committed_at if commit else None),
        finished_at=_time(commit.pushed_at if commit else None),
        detail=_join(source.sha[:12], source.repository, commit.author if commit else None),
        url=commit.url if commit else None,
        items=tuple(others[:ITEMS]),
        link=_link(source.link),
    )


def _build(deployment: Deployment, correlation: Correlation) -> Stage:
    runs = correlation.runs
    if not runs:
        told = bool(correlation.images) or deployment.images is None
        return Stage(stage="build", state="unknown" if told else "skipped")
    chosen = [link for link in runs if link.builds]
    whole = build_of(correlation)
    shown = [whole] if whole else [link.run for link in chosen or runs]
    state = _state_of([link.run for link in chosen] or shown)
    first = chosen[0] if chosen else runs[0]
    failed = next((run.reason for run in shown if run.state is RunState.FAILED and run.reason), None)
    return Stage(
        stage="build",
        state=state,
        title=shown[0].name if len(shown) == 1 else f"{len(shown)} runs",
        started_at=_time(_earliest(run.started_at for run in shown)),
        finished_at=_time(_latest(run.finished_at for run in shown)) if state in ("done", "failed") else None,
        detail=failed or (chosen[0].run.name if len(chosen) == 1 else None),
        url=shown[0].url or first.run.url,
        items=tuple([*(_run_item(link) for link in runs), *(_scan_item(scan) for scan in correlation.scans)][:ITEMS]),
        link=_link(first.link),
    )


def _image(deployment: Deployment, correlation: Correlation) -> Stage:
    images = correlation.images
    if not images:
        unknown = deployment.images is None
        return Stage(stage="image", state="unknown" if unknown else "skipped", detail=None if unknown else "unchanged")
    pushed = [image.pushed for image in images if image.pushed is not None]
    first = images[0]
    surest = next((image.link for image in images if image.link is not None), None)
    return Stage(
        stage="image",
        state="done" if len(pushed) == len(images) else "unknown",
        title=_image_title(first) if len(images) == 1 else f"{len(images)} images",
        finished_at=_time(_latest(push.pushed_at for push in pushed)),
        url=pushed[0].url if pushed else None,
        items=tuple([item for image in images for item in _image_items(image)][:ITEMS]),
        link=_link(surest) if surest else None,
    )


def _manifest(correlation: Correlation) -> Stage:
    manifest = manifest_of(correlation)
    if manifest is None:
        synced = next((one for one in correlation.manifests if one.revision), None)
        if synced is None:
            return Stage(stage="manifest", state="unknown")
        detail = f"{synced.sha[:12]} changes nothing of this application"
        return Stage(stage="manifest", state="skipped", detail=detail, link=_link(synced.link))
    commit = manifest.commit
    others = [one for one in correlation.manifests if one is not manifest]
    return Stage(
        stage="manifest",
        state="done" if commit else "unknown",
        title=_title(commit.message if commit else None, manifest.sha),
        started_at=_time(commit.committed_at if commit else None),
        finished_at=_time(commit.pushed_at if commit else None),
        detail=_join(manifest.sha[:12], manifest.repository, commit.author if commit else None),
        url=commit.url if commit else None,
        items=tuple(
            Item(title=_title(one.commit.message if one.commit else None, one.sha), link=_link(one.link))
            for one in others[:ITEMS]
        ),
        link=_link(manifest.link),
    )


def _sync(deployment: Deployment) -> Stage:
    running = deployment.outcome is Outcome.RUNNING
    state = "running" if running else "done" if deployment.phase == "Succeeded" else "failed"
    if deployment.phase not in ("Succeeded", "Failed", "Error") and not running:
        state = "unknown"
    who = deployment.initiated_by or ("automated" if deployment.automated else None)
    attempts = f"{deployment.attempts} attempts" if deployment.attempts > 1 else None
    return Stage(
        stage="sync",
        state=state,
        title=_join(str(deployment.kind), who, attempts),
        started_at=_time(deployment.started_at),
        finished_at=_time(deployment.finished_at),
        detail=deployment.message,
        items=tuple(Item(title=f"{name}: {value}") for name, value in deployment.info[:ITEMS]),
    )


def _rollout(deployment: Deployment) -> Stage:
    if deployment.phase != "Succeeded" or not (deployment.counts or deployment.kind == "restart"):
        state = "unknown" if deployment.outcome is Outcome.RUNNING else "skipped"
        return Stage(stage="rollout", state=state)
    ended_at = deployment.healthy_at or deployment.degraded_at
    return Stage(
        stage="rollout",
        state=_aftermath(deployment),
        started_at=_time(deployment.finished_at),
        finished_at=_time(ended_at),
        detail="aborted" if deployment.rolled_back_how == "abort" else None,
    )


def _healthy(deployment: Deployment) -> Stage:
    state = _rollout(deployment).state
    if state == "running":
        state = "unknown"
    return Stage(stage="healthy", state=state, finished_at=_time(deployment.healthy_at or deployment.degraded_at))


def _aftermath(deployment: Deployment) -> str:
    if deployment.healthy_at is not None:
        return "done"
    if deployment.degraded_at is not None:
        return "failed"
    return "running" if deployment.outcome is Outcome.PROGRESSING else "unknown" if deployment.seeded else "skipped"


def _run_item(link: RunLink) -> Item:
    run = link.run
    return Item(
        title=run.name,
        state=_state_of([run]),
        kind=run.kind,
        started_at=_time(run.started_at),
        finished_at=_time(run.finished_at),
        detail=run.reason,
        url=run.url,
        link=_link(link.link),
    )


def _image_items(image: ImageLink) -> list[Item]:
    pushed = image.pushed
    item = Item(
        title=_image_title(image),
        state="done" if pushed else "unknown",
        kind="image",
        finished_at=_time(pushed.pushed_at if pushed else None),
        detail=(pushed.digest if pushed else None) or image.image.digest,
        url=pushed.url if pushed else None,
        link=_link(image.link) if image.link else None,
    )
    return [item, *(_scan_item(scan) for scan in image.scans)]


def _scan_item(scan: Scanned) -> Item:
    return Item(
        title=scan.tool, state="done", kind="scan", finished_at=_time(scan.scanned_at), url=scan.url, counts=scan.counts
    )


def _state_of(runs: Sequence[Run]) -> str:
    states = {run.state for run in runs}
    if any(not state.over for state in states):
        return "running"
    if states & {RunState.FAILED, RunState.CANCELLED}:
        return "failed"
    return "done" if RunState.SUCCEEDED in states else "skipped"


def _image_title(image: ImageLink) -> str:
    return f"{image.image.short}:{image.image.tag or (image.image.digest or '')[:19]}"


def _title(message: str | None, sha: str) -> str:
    return (message or "").strip().partition("\n")[0] or sha[:12]


def _join(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _earliest(times: Iterable[float | None]) -> float | None:
    return min((at for at in times if at is not None), default=None)


def _latest(times: Iterable[float | None]) -> float | None:
    return max((at for at in times if at is not None), default=None)


def _link(link: Link) -> StageLink:
    return StageLink(grade=str(link.grade), evidence=link.evidence)


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
