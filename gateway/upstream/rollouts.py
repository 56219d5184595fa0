"""Argo Rollouts' Rollout as far as people want to see it: where a canary or a blue-green stands, and why it stopped.

Read from its manifest. Field names and meanings are those of argo-rollouts pkg/apis/rollouts/v1alpha1/types.go; weights
are reckoned as its command line does (utils/replicaset/canary.go, pkg/kubectl-argo-rollouts/info).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.upstream.manifest import Manifest, later, parse_duration

STEPS = 100
"""Steps that are shown at most."""

_KINDS = (
    "setWeight",
    "pause",
    "analysis",
    "experiment",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """One step of a canary. ``kind`` is the name of its field in the manifest, ``weight`` in percent.

    ``duration`` is that of a pause, in seconds; a pause without one waits for somebody. ``state`` is done, current,
    ahead, or failed where the rollout was aborted in it.
    """

    kind: str
    weight: int | None = None
    replicas: int | None = None
    duration: float | None = None
    templates: tuple[str, ...] = ()
    state: str = ""


class PodTemplate(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A version of the pods: the hash in their ReplicaSet's name, and their images where those are known."""

    hash: str
    images: tuple[str, ...] = ()


class Replicas(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Pods: how many are wanted, ready, of the new version, and available."""

    desired: int
    ready: int
    updated: int
    available: int


class BlueGreen(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """What is peculiar to blue-green: its services, and whether it is promoted without somebody's say."""

    active_service: str | None = None
    preview_service: str | None = None
    active_revision: str | None = None
    preview_revision: str | None = None
    auto_promotion: bool
    auto_promotion_seconds: int | None = None


class Rollout(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """A rollout. ``step`` is the one that is under way, counted from 1; absent where none is.

    ``weight`` is the share of the canary in percent as it is, ``desired_weight`` as the steps want it.
    """

    name: str
    namespace: str
    strategy: str | None = None
    phase: str | None = None
    message: str | None = None
    step: int | None = None
    steps: tuple[Step, ...] = ()
    weight: int | None = None
    desired_weight: int | None = None
    paused_since: str | None = None
    pause_reason: str | None = None
    pause_ends_at: str | None = None
    stable_revision: PodTemplate | None = None
    canary_revision: PodTemplate | None = None
    replicas: Replicas | None = None
    blue_green: BlueGreen | None = None
    aborted: bool = False
    aborted_at: str | None = None
    reason: str | None = None
    promoted_fully: bool = False

    @property
    def outcome(self) -> str | None:
        """How the rollout ended: ``promoted``, ``aborted``; None while it moves, or where it isn't known."""
        if self.phase == "Progressing":
            return None
        if self.aborted:
            return "aborted"
        whole = self.stable_revision is not None and self.canary_revision is None
        return "promoted" if whole and self.phase == "Healthy" else None

    @property
    def moves(self) -> bool:
        """Whether it is under way, be it that it pauses."""
        return self.phase in ("Progressing", "Paused")


def read_rollout(manifest: Manifest, images: Mapping[str, tuple[str, ...]], failed_step: int | None = None) -> Rollout:
    """Return what a manifest says.

    ``images`` are those of pods that run, by their hash; ``failed_step`` is the one, counted from 0, whose analysis
    failed.
    """
    status, spec = manifest.part("status"), manifest.part("spec")
    strategy = _name_strategy(spec)
    stable, current = status.text("stableRS"), status.text("currentPodHash")
    whole = stable is not None and stable == current
    aborted = status.flag("abort") is True
    raw_steps = spec.part("strategy", "canary").parts("steps")[:STEPS]
    position = None if not raw_steps else status.integer("currentStepIndex")
    observed = _is_observed(manifest)
    paused = _read_pause(manifest, raw_steps, position)
    return Rollout(
        name=manifest.part("metadata").text("name") or "",
        namespace=manifest.part("metadata").text("namespace") or "",
        strategy=strategy,
        phase=(status.text("phase") if observed else "Progressing"),
        message=status.text("message") if observed else "waiting for the controller to see what is wanted now",
        step=None if position is None or whole or aborted or not 0 <= position < len(raw_steps) else position + 1,
        steps=_read_steps(raw_steps, position, whole=whole, aborted=aborted, failed_step=failed_step),
        weight=_weigh(status, whole=whole) if strategy == "canary" else None,
        desired_weight=_wish(raw_steps, position, whole=whole, aborted=aborted) if strategy == "canary" else None,
        paused_since=paused.get("since"),
        pause_reason=paused.get("reason"),
        pause_ends_at=paused.get("ends"),
        stable_revision=_tell_template(stable, images, spec if whole else None),
        canary_revision=None if whole else _tell_template(current, images, spec),
        replicas=_count(spec, status),
        blue_green=_read_blue_green(spec, status) if strategy == "blueGreen" else None,
        aborted=aborted,
        aborted_at=status.time("abortedAt") if aborted else None,
        reason=_tell_reason(status) if aborted else None,
        promoted_fully=status.flag("promoteFull") is True,
    )


def name_current_runs(manifest: Manifest) -> frozenset[str]:
    """Return the names of the analysis runs that a rollout's status points at."""
    status = manifest.part("status")
    runs = [status.part("canary", f"current{which}AnalysisRunStatus") for which in ("Step", "Background")]
    runs += [status.part("blueGreen", f"{which}PromotionAnalysisRunStatus") for which in ("pre", "post")]
    return frozenset(name for run in runs if (name := run.text("name")) is not None)


def hash_of(manifest: Manifest) -> str | None:
    """Return the hash of the pods that the rollout is to bring."""
    return manifest.part("status").text("currentPodHash")


def _name_strategy(spec: Manifest) -> str | None:
    return next((name for name in ("canary", "blueGreen") if name in spec.part("strategy")), None)


def _is_observed(manifest: Manifest) -> bool:
    """Whether the status is about what is wanted now: ``observedGeneration`` is the generation, as text."""
    wanted = manifest.part("metadata").text("generation")
    seen = manifest.part("status").text("observedGeneration")
    return wanted is None or seen is None or wanted == seen


def _read_steps(
    raw: list[Manifest], position: int | None, *, whole: bool, aborted: bool, failed_step: int | None
) -> tuple[Step, ...]:
    """Return the steps. An abort sets ``currentStepIndex`` back: then only a failed analysis tells where that was."""
    if position is None:
        position = len(raw) if whole else -1
    at, mark = (position, "current") if not aborted else (failed_step if failed_step is not None else -1, "failed")
    if whole and not aborted:
        at = len(raw)
    states = ("done" if index < at else mark if index == at else "ahead" for index in range(len(raw)))
    return tuple(_read_step(step, state) for step, state in zip(raw, states, strict=True))


def _read_step(raw: Manifest, state: str) -> Step:
    names = raw.names()
    kind = next((kind for kind in _KINDS if kind in names), names[0] if names else "unknown")
    content = raw.part(kind)
    templates = tuple(name for each in content.parts("templates") if (name := each.text("templateName")) is not None)
    return Step(
        kind=kind,
        weight=raw.integer("setWeight") if kind == "setWeight" else content.integer("weight"),
        replicas=content.integer("replicas"),
        duration=parse_duration(content.text("duration")),
        templates=templates,
        state=state,
    )


def _weigh(status: Manifest, *, whole: bool) -> int | None:
    """Return the canary's share: what the traffic router was told, or else its part of the pods that are available.

    The status doesn't count available pods by version: those that aren't new are taken for available first.
    """
    if whole:
        return 100
    routed = status.part("canary", "weights", "canary").integer("weight")
    if routed is not None:
        return routed
    available, replicas = status.integer("availableReplicas") or 0, status.integer("replicas")
    if replicas is None:
        return None
    new = max(0, available - max(0, replicas - (status.integer("updatedReplicas") or 0)))
    return min(100, round(100 * new / available)) if available > 0 else 0


def _wish(raw: list[Manifest], position: int | None, *, whole: bool, aborted: bool) -> int | None:
    """Return the weight of the last step that sets one; a canary without steps goes to 100 at once."""
    if aborted and not whole:
        return 0
    if whole or not raw or (position is not None and position >= len(raw)):
        return 100
    if position is None or position < 0:
        return None
    weights = (step.integer("setWeight") for step in reversed(raw[: position + 1]))
    return next((weight for weight in weights if weight is not None), 0)


def _read_pause(manifest: Manifest, steps: list[Manifest], position: int | None) -> dict[str, str]:
    """Return since when, why, and until when it pauses: only a step's pause and auto-promotion end by themselves."""
    spec, conditions = manifest.part("spec"), manifest.part("status").parts("pauseConditions")
    if not conditions:
        return {"reason": "Paused"} if spec.flag("paused") else {}
    since, reason = conditions[0].time("startTime"), conditions[0].text("reason")
    seconds: float | None = None
    if len(conditions) == 1 and not spec.flag("paused"):
        if reason == "CanaryPauseStep" and position is not None and 0 <= position < len(steps):
            seconds = parse_duration(steps[position].part("pause").text("duration"))
        elif reason == "BlueGreenPause":
            seconds = spec.part("strategy", "blueGreen").integer("autoPromotionSeconds")
    told = {"since": since, "reason": reason, "ends": later(since, seconds)}
    return {name: text for name, text in told.items() if text is not None}


def _tell_template(
    name: str | None, images: Mapping[str, tuple[str, ...]], spec: Manifest | None
) -> PodTemplate | None:
    """Return a version of the pods; that of the manifest's own template has its images there."""
    if name is None:
        return None
    written = _list_images(spec.part("template", "spec")) if spec is not None else ()
    return PodTemplate(hash=name, images=written or images.get(name, ()))


def _list_images(pod: Manifest) -> tuple[str, ...]:
    images = (container.text("image") for container in pod.parts("containers"))
    return tuple(dict.fromkeys(image for image in images if image is not None))


def _count(spec: Manifest, status: Manifest) -> Replicas | None:
    if "replicas" not in spec and "replicas" not in status:
        return None
    desired = spec.integer("replicas")
    return Replicas(
        # Kubernetes' own default.
        desired=1 if desired is None else desired,
        ready=status.integer("readyReplicas") or 0,
        updated=status.integer("updatedReplicas") or 0,
        available=status.integer("availableReplicas") or 0,
    )


def _read_blue_green(spec: Manifest, status: Manifest) -> BlueGreen:
    wanted, known = spec.part("strategy", "blueGreen"), status.part("blueGreen")
    return BlueGreen(
        active_service=wanted.text("activeService"),
        preview_service=wanted.text("previewService"),
        active_revision=known.text("activeSelector"),
        preview_revision=known.text("previewSelector"),
        # Absent means yes.
        auto_promotion=wanted.flag("autoPromotionEnabled") is not False,
        auto_promotion_seconds=wanted.integer("autoPromotionSeconds"),
    )


def _tell_reason(status: Manifest) -> str | None:
    """Return why it was aborted: the message of the condition that says so, or the status' own."""
    said: list[Any] = [each for each in status.parts("conditions") if each.text("reason") == "RolloutAborted"]
    return (said[0].text("message") if said else None) or status.text("message")
