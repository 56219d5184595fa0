"""Why an application isn't well, in a sentence each: what it is, since when, and what is usually done.

Codes are stable, so that a page may say it in another language. What is said follows from what Argo CD told; where that
leaves the cause open, so does the sentence.
"""

import re
from collections.abc import Iterator, Sequence

from gateway.detail.sentences import (
    Explanation,
    end,
    enumerate_resources,
    first_line,
    make,
    name_resource,
    shorten,
    tell_deployment,
)
from gateway.model.application import Condition, Deployment, Observed, Operation
from gateway.upstream.parts import Applied, Inventory, Resource

LONG = 600.0
"""Seconds of progressing from which on that is worth a word: Kubernetes' own progressDeadlineSeconds."""

_FAILED = frozenset({"Failed", "Error"})
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def explain(observed: Observed, inventory: Inventory | None, *, progressing_long: bool) -> list[Explanation]:
    """Return what there is to say, the worst first. ``progressing_long`` says that it has been so for ``LONG``."""
    resources = inventory.resources if inventory is not None else ()
    applied = (inventory.applied or ()) if inventory is not None else ()
    return [
        *_conditions(observed),
        *_operation(observed, applied),
        *_health(observed, resources, progressing_long=progressing_long),
        *_difference(observed, resources),
        *_deletion(observed),
    ]


# How it compares.


def _difference(observed: Observed, resources: Sequence[Resource]) -> Iterator[Explanation]:
    document = observed.document
    sync = document.sync
    if sync is None or sync.status != "OutOfSync":
        return
    differing = [resource for resource in resources if resource.status == "OutOfSync"]
    revision = f"revision {shorten(sync.revisions[0])}" if len(sync.revisions) == 1 else "the sources"
    if len(differing) == 1:
        text = f"{name_resource(differing[0])} differs from what {revision} says."
    elif differing:
        text = f"{len(differing)} resources differ from what {revision} says: {enumerate_resources(differing)}."
    else:
        text = f"The cluster differs from what {revision} says."
    yield make(
        "out-of-sync",
        text,
        since=sync.since,
        at_least=sync.at_least,
        advice=_advise_difference(observed, differing),
        command=f"argocd app diff {document.key}",
        subjects=differing,
    )


def _advise_difference(observed: Observed, differing: Sequence[Resource]) -> str:
    document = observed.document
    auto, operation, sync = document.auto_sync, document.operation, document.sync
    assert sync is not None
    if operation is not None and operation.phase == "Running":
        return "A sync is under way: wait for it."
    if auto is None:
        return "Automatic sync is off: look at the difference, then sync by hand."
    if differing and all(resource.requires_pruning for resource in differing) and not auto.prune:
        return (
            "The sources no longer have these, and automatic sync doesn't prune here: sync and prune, or delete them."
        )
    synced = operation is not None and operation.revisions == sync.revisions
    if synced and operation is not None and operation.phase in _FAILED:
        return (
            "The last sync of this revision failed, and Argo CD doesn't repeat it by itself: "
            "mend what it failed of, then commit or sync by hand."
        )
    if synced and not auto.self_heal:
        return (
            "This revision was synced, so the cluster was changed since, and self-heal is off: "
            "sync again to undo the change, or commit it."
        )
    if synced:
        return (
            "This revision was synced and self-heal is on, so something else keeps changing the same fields, "
            "such as an autoscaler or an operator: let one of the two go, or list them in ignoreDifferences."
        )
    return "Automatic sync is on and should begin by itself; if it doesn't, look at sync windows and at the conditions."


# What Argo CD found wrong.

_CONDITIONS = {
    "ComparisonError": (
        "Argo CD can't compare it with its sources",
        "Usually manifests that can't be rendered, or a repository that can't be reached; until then nothing syncs.",
    ),
    "InvalidSpecError": (
        "The Application itself isn't valid",
        "Mend its source, destination or project; the project may not permit them.",
    ),
    "SyncError": (
        "Automatic sync doesn't go on",
        "Mend the cause and commit, or sync by hand: Argo CD doesn't repeat a sync of the same revision that failed.",
    ),
    "DeletionError": ("It can't be deleted", "Usually a finalizer, or a cluster that can't be reached."),
    "OrphanedResourceWarning": (
        "Its namespace has resources that no application manages",
        "Adopt them, delete them, or let the project ignore them.",
    ),
    "SharedResourceWarning": (
        "Another application manages some of the same resources",
        "Let one of the two applications go of them, or both will overwrite each other.",
    ),
    "RepeatedResourceWarning": ("Its sources have some resources twice", "Remove one of the two definitions."),
    "ExcludedResourceWarning": (
        "Its sources have resources that Argo CD is told to exclude",
        "Remove them from the sources, or from the exclusions.",
    ),
}


def _conditions(observed: Observed) -> Iterator[Explanation]:
    whole = observed.detail.condition_messages
    for index, condition in enumerate(observed.document.conditions):
        message = (whole[index] if index < len(whole) else None) or condition.message
        yield _condition(observed, condition, message)


def _condition(observed: Observed, condition: Condition, message: str | None) -> Explanation:
    words = _WORDS.sub(" ", condition.type)
    says, advice = _CONDITIONS.get(condition.type, (words, None))
    reads = condition.type == "ComparisonError"
    return make(
        words.lower().replace(" ", "-"),
        end(f"{says}: {first_line(message)}" if message else says),
        since=condition.since,
        advice=advice,
        command=f"argocd app get {observed.document.key} --hard-refresh" if reads else None,
    )


# How the last operation went.


def _operation(observed: Observed, applied: Sequence[Applied]) -> Iterator[Explanation]:
    operation = observed.document.operation
    if operation is None:
        return
    waiting = operation.phase == "Running" and operation.finished_at is not None
    if operation.phase not in _FAILED and not waiting:
        return
    failed = [each for each in applied if each.status == "SyncFailed" or each.hook_phase in _FAILED]
    what = "The last sync failed" if not waiting else "An attempt to sync failed, and another is due"
    if failed:
        named = f"{name_resource(failed[0])}: {first_line(failed[0].message)}" if failed[0].message else ""
        more = f" ({len(failed)} resources in all)" if len(failed) > 1 else ""
        text = f"{what}{more}: {named or name_resource(failed[0])}"
    else:
        message = observed.detail.operation_message or operation.message
        text = f"{what}: {first_line(message)}" if message else what
    yield make(
        "operation-failed",
        end(text),
        since=operation.finished_at,
        advice="Mend what it says; then commit, or sync again by hand.",
        command=f"argocd app get {observed.document.key} --show-operation",
        subjects=failed,
        deployment=operation,
    )


# How it is.


def _health(observed: Observed, resources: Sequence[Resource], *, progressing_long: bool) -> Iterator[Explanation]:
    health = observed.document.health
    if health is None:
        return
    ill = [each for each in resources if each.health is not None and each.health.status == health.status]
    match health.status:
        case "Degraded":
            text, code = _tell(ill, "degraded", observed.detail.health_message or health.message), "degraded"
            advice = (
                "Look at its events and logs. If the last deployment brought it, going back is the quickest way out."
            )
        case "Missing":
            text, code = _tell(ill, "missing from the cluster", health.message), "missing"
            advice = "It wasn't synced yet, or was deleted in the cluster: sync."
        case "Unknown":
            text, code = _tell(ill, "of unknown health", health.message), "unknown-health"
            advice = "Usually a cluster that Argo CD can't reach, or a health check of its own that fails."
        case "Suspended":
            text, code = _tell(ill, "suspended", health.message), "suspended"
            advice = "Somebody or something paused it, such as a step of a rollout: promote or resume it."
        case "Progressing" if progressing_long:
            text, code = _tell(ill, "still not there", health.message), "progressing"
            advice = (
                "Look at the pods that aren't ready: images that can't be pulled, probes that fail, no room to run."
            )
        case _:
            return
    deployed = _deployed_before(observed, health.since) if code in ("degraded", "progressing", "missing") else None
    if deployed is not None:
        text += f" {tell_deployment(deployed)}"
    yield make(code, text, since=health.since, advice=advice, subjects=ill, deployment=deployed)


def _tell(ill: Sequence[Resource], state: str, message: str | None) -> str:
    if not ill:
        return end(f"The application is {state}: {first_line(message)}" if message else f"The application is {state}")
    said = ill[0].health.message if ill[0].health is not None else ""
    if len(ill) == 1:
        text = f"{name_resource(ill[0])} is {state}"
    else:
        text = f"{len(ill)} resources are {state}: {enumerate_resources(ill)}"
        said = f"{name_resource(ill[0])} says {first_line(said)}" if said else ""
        return end(f"{text}. {said}") if said else end(text)
    return end(f"{text}: {first_line(said)}" if said else text)


# What came before.


def _deployed_before(observed: Observed, since: str | None) -> Deployment | Operation | None:
    """Return what was deployed last before a moment; times of one form compare as text."""
    if since is None:
        return None
    operation = observed.document.operation
    if operation is not None and operation.started_at is not None and operation.started_at <= since:
        return operation
    for deployment in reversed(observed.detail.history):
        began = deployment.started_at or deployment.deployed_at
        if began is not None and began <= since:
            return deployment
    return None


def _deletion(observed: Observed) -> Iterator[Explanation]:
    if (since := observed.document.deletion_timestamp) is not None:
        yield make(
            "deleting",
            "It is being deleted.",
            since=since,
            advice="If that takes long, a finalizer waits: its resources are still there, or can't be reached.",
        )
