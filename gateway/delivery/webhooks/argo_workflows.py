"""Argo Workflows and Argo Events: a Workflow, a small body of a template's own, or a message around either of them.

A message of the event sources ``github`` and ``gitlab`` holds their webhook, and is read as theirs. A Workflow has no
field for a commit or an image: parameters, labels and annotations name them (``clues``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gateway.delivery.events import Run, RunState
from gateway.delivery.webhooks import argo_workflows_raw as raw
from gateway.delivery.webhooks import github, gitlab
from gateway.delivery.webhooks.body import decode, identify, is_there
from gateway.delivery.webhooks.clues import Clues, find_clues
from gateway.delivery.webhooks.facts import NAME_LIMIT, clean, latest, name_word, read_link, read_time
from gateway.delivery.webhooks.kinds import tell_kind
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_shared

NODES_LIMIT = 300

_STATES = {
    "": RunState.QUEUED,
    "Pending": RunState.QUEUED,
    "Running": RunState.RUNNING,
    "Succeeded": RunState.SUCCEEDED,
    "Failed": RunState.FAILED,
    "Error": RunState.FAILED,
    "Skipped": RunState.SKIPPED,
    "Omitted": RunState.SKIPPED,
}
_UNKNOWN_PHASE = "its phase is a word that isn't known"
# Nodes that do something themselves; all others group them. A Suspend waits for people.
_DOERS = frozenset({"Pod", "HTTP", "Plugin", "Suspend"})
_TEMPLATE_LABELS = (
    "workflows.argoproj.io/workflow-template",
    "workflows.argoproj.io/cluster-workflow-template",
    "workflows.argoproj.io/cron-workflow",
)
_WRAPPED = {"github": github.read, "gitlab": gitlab.read}


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify the secret that a template's or a trigger's header sends; raises SignatureError."""
    verify_shared(request, secrets)


def read(request: Request) -> Reading:
    """Read a Workflow, a summary or an Argo Events message; raises PayloadError."""
    probe = decode(raw.PROBE, request.body)
    if probe.context is not None and is_there(probe.data):
        return _message(probe.context, bytes(probe.data), request)
    return _body(request.body)


def _body(body: bytes) -> Reading:
    probe = decode(raw.PROBE, body)
    if is_there(probe.workflow):
        return _summary(body)
    if is_there(probe.metadata):
        return _workflow(decode(raw.WORKFLOW, body), body)
    raise PayloadError(
        "neither a Workflow (metadata, status), nor a summary of one (workflow, status), nor an Argo Events message"
        " (context, data)"
    )


def _message(context: raw.RawContext, data: bytes, request: Request) -> Reading:
    """Read what an Argo Events message holds; its own id, not the one within, identifies the delivery."""
    delivery_id = identify("argo-workflows", request.body)
    if context.id is not None:
        delivery_id = f"{clean(context.source, NAME_LIMIT) or '-'}#{clean(str(context.id), NAME_LIMIT)}"
    kind = name_word(context.type or "")
    reader = _WRAPPED.get(context.type or "")
    if reader is None and context.type not in ("resource", "webhook"):
        return Reading(delivery_id=delivery_id, event=kind, ignored="not an event source that is used")
    content = decode(raw.DATA, _unquote(data))
    if not is_there(content.body):
        raise PayloadError("data.body is missing, which holds what the event source took in")
    body = _unquote(bytes(content.body))
    if reader is not None:
        inner = reader(Request(headers=_headers(content), body=body, received_at=request.received_at))
    else:
        inner = _body(body)
    return replace(inner, delivery_id=delivery_id, event=f"{kind}.{inner.event}")


def _unquote(json: bytes) -> bytes:
    """Return JSON that a sensor sends as a text, as it does unless ``useRawData`` is set, as JSON again."""
    return decode(raw.TEXT, json).encode() if json.startswith(b'"') else json


def _headers(content: raw.RawData) -> dict[str, str]:
    """Return headers with lower-case names; the body is JSON by now, whatever it was sent as."""
    pairs = ((name.lower(), values) for name, values in (content.headers or {}).items())
    firsts = {name: values if isinstance(values, str) else next(iter(values), "") for name, values in pairs}
    firsts.pop("content-type", None)
    return firsts


def _workflow(workflow: raw.Workflow, body: bytes) -> Reading:
    metadata, status, spec = workflow.metadata, workflow.status or raw.RawStatus(), workflow.spec or raw.RawSpec()
    delivery_id = identify("argo-workflows", body)
    state = _STATES.get(status.phase or "")
    if state is None:
        return Reading(delivery_id=delivery_id, event="workflow", ignored=_UNKNOWN_PHASE)
    if state is RunState.FAILED and spec.shutdown:
        state = RunState.CANCELLED
    clues = find_clues(_values(metadata, spec, status))
    queued_at = read_time(metadata.creation_timestamp, "metadata.creationTimestamp")
    started_at = read_time(status.started_at, "status.startedAt")
    # A running one can carry a finishedAt of an earlier moment.
    finished_at = read_time(status.finished_at, "status.finishedAt") if state.over else None
    run = Run(
        sender="argo-workflows",
        id=_identify(metadata.uid, metadata.namespace, metadata.name),
        name=_name(metadata),
        state=state,
        repository=clues.repository,
        sha=clues.sha,
        ref=clues.ref,
        queued_at=queued_at,
        started_at=started_at,
        finished_at=finished_at,
        updated_at=latest(queued_at, started_at, finished_at, *_node_times(status)),
        reason=clean(status.message) if state is RunState.FAILED else None,
        artifacts=clues.images if state is RunState.SUCCEEDED else (),
    )
    nodes = tuple(_nodes(metadata.name, status, run))
    return Reading(delivery_id=delivery_id, event=f"workflow.{state.value}", events=(run, *nodes))


def _identify(uid: str | None, namespace: str | None, name: str) -> str:
    return clean(uid, NAME_LIMIT) or f"{clean(namespace, NAME_LIMIT) or 'default'}/{clean(name, NAME_LIMIT)}"


def _name(metadata: raw.RawMetadata) -> str:
    """Name the pipeline, not this run of it: by its template, else by what its name was generated from."""
    labels = metadata.labels or {}
    template = next((labels[label] for label in _TEMPLATE_LABELS if labels.get(label)), None)
    generated = (metadata.generate_name or "").rstrip("-")
    return clean(template or generated or metadata.name, NAME_LIMIT) or "workflow"


def _values(metadata: raw.RawMetadata, spec: raw.RawSpec, status: raw.RawStatus) -> Iterator[tuple[str, Any]]:
    """Yield all that may name a commit or an image: what came out, what was asked for, then the object's own notes."""
    for part in (status.outputs, spec.arguments):
        for parameter in (part.parameters if part else None) or ():
            yield parameter.name, parameter.value
    for notes in (metadata.annotations, metadata.labels):
        yield from (notes or {}).items()


def _node_times(status: raw.RawStatus) -> Iterable[float | None]:
    for node in list((status.nodes or {}).values())[:NODES_LIMIT]:
        yield read_time(node.started_at, "status.nodes[].startedAt")


def _nodes(name: str, status: raw.RawStatus, run: Run) -> Iterator[Run]:
    for node in list((status.nodes or {}).values())[:NODES_LIMIT]:
        state = _STATES.get(node.phase or "")
        # Exit handlers tell of the run, they aren't part of it.
        if state is None or node.type not in _DOERS or (node.name or "").startswith(f"{name}.onExit"):
            continue
        if node.type == "Suspend" and state is RunState.RUNNING:
            state = RunState.WAITING
        shown = node.template_name if node.display_name in (None, "", name) else node.display_name
        started_at = read_time(node.started_at, "status.nodes[].startedAt")
        finished_at = read_time(node.finished_at, "status.nodes[].finishedAt") if state.over else None
        yield Run(
            sender="argo-workflows",
            id=f"{run.id}/{clean(node.id, NAME_LIMIT)}",
            name=clean(shown, NAME_LIMIT) or "step",
            state=state,
            kind=tell_kind(shown, node.template_name),
            parent=run.id,
            repository=run.repository,
            sha=run.sha,
            ref=run.ref,
            started_at=started_at,
            finished_at=finished_at,
            updated_at=latest(started_at, finished_at),
            reason=clean(node.message) if state is RunState.FAILED else None,
        )


def _summary(body: bytes) -> Reading:
    summary, fields = decode(raw.SUMMARY, body), decode(raw.FIELDS, body)
    delivery_id = identify("argo-workflows", body)
    state = _STATES.get(summary.status)
    if state is None:
        return Reading(delivery_id=delivery_id, event="workflow", ignored=_UNKNOWN_PHASE)
    parameters = fields.get("parameters")
    nested = parameters.items() if isinstance(parameters, dict) else ()
    clues = find_clues([*fields.items(), *nested])
    run = _summarised(summary, state, clues)
    steps = tuple(_failures(summary.failures, run))
    return Reading(delivery_id=delivery_id, event=f"workflow.{state.value}", events=(run, *steps))


def _summarised(summary: raw.Summary, state: RunState, clues: Clues) -> Run:
    queued_at = read_time(summary.created_at, "createdAt")
    started_at = read_time(summary.started_at, "startedAt")
    finished_at = read_time(summary.finished_at, "finishedAt") if state.over else None
    duration = _duration(summary.duration)
    if started_at is None and finished_at is not None and duration is not None:
        started_at = finished_at - duration
    elif finished_at is None and started_at is not None and duration is not None and state.over:
        finished_at = started_at + duration
    failed = [step for step in _read_failures(summary.failures) if step.message] if state is RunState.FAILED else []
    first = f"{failed[0].display_name or 'step'}: {failed[0].message}" if failed else None
    return Run(
        sender="argo-workflows",
        id=_identify(summary.uid, summary.namespace, summary.workflow),
        name=clean(summary.name or summary.workflow, NAME_LIMIT) or "workflow",
        state=state,
        repository=clues.repository,
        sha=clues.sha,
        ref=clues.ref,
        queued_at=queued_at,
        started_at=started_at,
        finished_at=finished_at,
        updated_at=latest(queued_at, started_at, finished_at),
        url=read_link(summary.url),
        reason=clean(summary.message or first) if state is RunState.FAILED else None,
        artifacts=clues.images if state is RunState.SUCCEEDED else (),
    )


def _duration(duration: str | float | None) -> float | None:
    """Return seconds; what a template left unfilled isn't an error, only unknown."""
    try:
        seconds = float(duration) if duration not in (None, "") else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 1e9 else None


def _read_failures(text: str | None) -> list[raw.RawFailure]:
    """Read ``{{workflow.failures}}``: a list, or ``null``, in JSON within a text, that may be quoted once more."""
    if not text or not text.strip():
        return []
    try:
        inner = decode(raw.TEXT, text.encode()) if text.lstrip().startswith('"') else text
        return (decode(raw.FAILURES, inner.encode()) or [])[:NODES_LIMIT]
    except PayloadError as error:
        raise PayloadError(f"failures has to be {{{{workflow.failures}}}}, unquoted: {error}") from None


def _failures(text: str | None, run: Run) -> Iterator[Run]:
    for step in _read_failures(text):
        state = _STATES.get(step.phase or "")
        identity = clean(step.pod_name, NAME_LIMIT) or clean(step.display_name, NAME_LIMIT)
        if state is None or identity is None:
            continue
        finished_at = read_time(step.finished_at, "failures[].finishedAt") if state.over else None
        yield Run(
            sender="argo-workflows",
            id=f"{run.id}/{identity}",
            name=clean(step.display_name, NAME_LIMIT) or identity,
            state=state,
            kind=tell_kind(step.display_name, step.template_name),
            parent=run.id,
            repository=run.repository,
            sha=run.sha,
            ref=run.ref,
            finished_at=finished_at,
            updated_at=finished_at,
            reason=clean(step.message) if state is RunState.FAILED else None,
        )
