"""GitHub: pushes, Actions, checks, commit statuses, deployments, packages (ghcr.io), code scanning.

The event's name is in the header ``X-GitHub-Event``. Ids of runs carry the host, for every GitHub counts its own.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from gateway.delivery.events import Commit, Deployed, RunState, Scanned
from gateway.delivery.webhooks import github_raw as raw
from gateway.delivery.webhooks.body import decode, identify, unwrap_form
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    clean,
    gather_files,
    host_of,
    name_word,
    read_id,
    read_link,
    read_ref,
    read_repository,
    read_sha,
    read_time,
)
from gateway.delivery.webhooks.github_packages import Package, read_package
from gateway.delivery.webhooks.github_runs import (
    UNKNOWN_STATE,
    Taken,
    read_check_run,
    read_status,
    read_workflow_job,
    read_workflow_run,
)
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_hub

COMMITS_LIMIT = 100
"""Commits taken of one push, the newest: GitHub lists up to 2,048."""

_DEPLOYMENT_STATES = {
    "pending": RunState.QUEUED,
    "queued": RunState.QUEUED,
    "waiting": RunState.WAITING,
    "in_progress": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failure": RunState.FAILED,
    "error": RunState.FAILED,
}

T = TypeVar("T")


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify ``X-Hub-Signature-256``; raises SignatureError. The older SHA-1 signature is not enough."""
    verify_hub(request, secrets)


def read(request: Request) -> Reading:
    """Read an event; raises PayloadError."""
    event = request.headers.get("x-github-event", "").strip()
    if not event:
        raise PayloadError("the header X-GitHub-Event is missing, which says what the body is")
    body = unwrap_form(request)
    envelope = decode(raw.ENVELOPE, body)
    delivery_id = clean(request.headers.get("x-github-delivery"), NAME_LIMIT) or identify("github", event, body)
    reader = _READERS.get(event)
    taken: Taken = reader(body, _repository(envelope, request)) if reader else _IGNORED.get(event, "not used")
    name = ".".join(name_word(part) for part in (event, envelope.action) if part)
    if isinstance(taken, str):
        return Reading(delivery_id=delivery_id, event=name, ignored=taken)
    return Reading(delivery_id=delivery_id, event=name, events=taken)


def _repository(envelope: raw.Envelope, request: Request) -> str | None:
    repository = envelope.repository
    if repository is None:
        return None
    if name := read_repository(repository.html_url, repository.clone_url, where="repository.html_url"):
        return name
    if not repository.full_name:
        return None
    host = request.headers.get("x-github-enterprise-host") or "github.com"
    return read_repository(f"{host}/{repository.full_name}", where="repository.full_name")


def _typed(kind: type[T], read_event: Callable[[T, str | None], Taken]) -> Callable[[bytes, str | None], Taken]:
    decoder = msgspec.json.Decoder(kind)
    return lambda body, repository: read_event(decode(decoder, body), repository)


def _push(push: raw.Push, repository: str | None) -> Taken:
    if push.deleted or (push.head_commit is None and read_sha(push.after) is None):
        return "a tag was deleted" if (push.ref or "").startswith("refs/tags/") else "a branch was deleted"
    if repository is None:
        raise PayloadError("repository.html_url is missing, without which a commit is nobody's")
    head = push.head_commit or raw.RawCommit(id=push.after or "")
    others = [commit for commit in push.commits or () if commit.id != head.id]
    return tuple(_commit(commit, push, repository) for commit in [*others[-COMMITS_LIMIT + 1 :], head])


def _commit(commit: raw.RawCommit, push: raw.Push, repository: str) -> Commit:
    sha = read_sha(commit.id)
    if sha is None:
        raise PayloadError("head_commit.id, or one of commits[].id, isn't a commit's id in hex")
    author = commit.author
    return Commit(
        repository=repository,
        sha=sha,
        ref=read_ref(push.ref),
        author=clean(author.username, NAME_LIMIT) or clean(author.name, NAME_LIMIT) if author else None,
        message=clean(commit.message),
        committed_at=read_time(commit.timestamp, "head_commit.timestamp"),
        pushed_at=read_time(push.repository.pushed_at if push.repository else None, "repository.pushed_at"),
        url=read_link(commit.url),
        parent=read_sha(push.before),
        files=gather_files(commit.added, commit.modified, commit.removed),
    )


def _deployment(event: raw.Deployment, repository: str | None) -> Taken:
    return (_deployed(event.deployment, repository, RunState.QUEUED),)


def _deployment_status(event: raw.DeploymentStatus, repository: str | None) -> Taken:
    status = event.deployment_status
    state = _DEPLOYMENT_STATES.get(status.state)
    if state is None:
        return "superseded by a newer deployment" if status.state == "inactive" else UNKNOWN_STATE
    deployed = _deployed(event.deployment, repository, state)
    return (
        msgspec.structs.replace(
            deployed,
            environment=clean(status.environment, NAME_LIMIT) or deployed.environment,
            at=read_time(status.created_at, "deployment_status.created_at"),
            url=read_link(status.log_url, status.target_url, status.environment_url),
        ),
    )


def _deployed(deployment: raw.RawDeployment, repository: str | None, state: RunState) -> Deployed:
    return Deployed(
        sender="github",
        id=f"{host_of(repository, 'github.com')}/deployment/{read_id(deployment.id)}",
        state=state,
        environment=clean(deployment.environment, NAME_LIMIT),
        repository=repository,
        sha=read_sha(deployment.sha),
        at=read_time(deployment.created_at, "deployment.created_at"),
    )


def _alert(event: raw.Alert, repository: str | None) -> Taken:
    if event.action not in ("created", "reopened", "appeared_in_branch"):
        return "the alert isn't new"
    alert, rule = event.alert, event.alert.rule or raw.RawRule()
    found = clean(rule.id, NAME_LIMIT)
    return (
        Scanned(
            tool=(clean(alert.tool.name, NAME_LIMIT) if alert.tool else None) or "code scanning",
            counts={name_word(rule.security_severity_level or rule.severity or "unknown").upper(): 1},
            repository=repository,
            sha=read_sha(event.commit_oid),
            scanned_at=read_time(alert.updated_at or alert.created_at, "alert.updated_at"),
            url=read_link(alert.html_url),
            findings=(found,) if found else (),
        ),
    )


_READERS: dict[str, Callable[[bytes, str | None], Taken]] = {
    "push": _typed(raw.Push, _push),
    "workflow_run": _typed(raw.WorkflowRun, read_workflow_run),
    "workflow_job": _typed(raw.WorkflowJob, read_workflow_job),
    "check_run": _typed(raw.CheckRun, read_check_run),
    "status": _typed(raw.Status, read_status),
    "package": _typed(Package, read_package),
    "registry_package": _typed(Package, read_package),
    "deployment": _typed(raw.Deployment, _deployment),
    "deployment_status": _typed(raw.DeploymentStatus, _deployment_status),
    "code_scanning_alert": _typed(raw.Alert, _alert),
}
_IGNORED = {
    "ping": "a ping: the webhook works",
    "check_suite": "workflow_run and check_run tell the same, and more",
}
