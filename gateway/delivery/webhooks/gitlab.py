"""GitLab: pushes of branches and tags, pipelines with their jobs, jobs, deployments.

The body itself says what it is (``object_kind``). A job that is retried is another job, with an id of its own.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from gateway.delivery.events import Commit, DeliveryEvent, Deployed, Run, RunState
from gateway.delivery.webhooks import gitlab_raw as raw
from gateway.delivery.webhooks.body import decode, identify
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    clean,
    gather_files,
    host_of,
    latest,
    name_word,
    read_id,
    read_link,
    read_ref,
    read_repository,
    read_sha,
    read_time,
    read_whole_sha,
)
from gateway.delivery.webhooks.kinds import tell_kind
from gateway.delivery.webhooks.request import PayloadError, Reading, Request, SignatureError
from gateway.delivery.webhooks.signature import STANDARD_SIGNATURE, verify_standard, verify_token

JOBS_LIMIT = 300

Taken = tuple[DeliveryEvent, ...] | str
"""The facts of an event, or why there are none."""

_STATES = {
    "created": RunState.QUEUED,
    "waiting_for_resource": RunState.QUEUED,
    "waiting_for_callback": RunState.QUEUED,
    "preparing": RunState.QUEUED,
    "pending": RunState.QUEUED,
    "scheduled": RunState.QUEUED,
    "manual": RunState.WAITING,
    "blocked": RunState.WAITING,
    "running": RunState.RUNNING,
    "canceling": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
    "canceled": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
}
_UNKNOWN_STATE = "its status is a word that isn't known"
# What GitLab says of every job that didn't tell why, and of those that succeeded.
_NO_REASON = "unknown_failure"
_DELIVERY_HEADERS = ("webhook-id", "idempotency-key", "x-gitlab-webhook-uuid")

T = TypeVar("T")


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify ``webhook-signature`` by the secrets ``whsec_…``, else ``X-Gitlab-Token`` by all others.

    Raises SignatureError. A signing token is never taken as a plain one.
    """
    plain = [secret for secret in secrets if secret and not secret.startswith("whsec_")]
    signing = [secret for secret in secrets if secret.startswith("whsec_")]
    token = request.headers.get("x-gitlab-token")
    if STANDARD_SIGNATURE in request.headers and (signing or token is None):
        verify_standard(request, signing)
    elif signing and not plain:
        raise SignatureError("the header webhook-signature is missing: set the signing token at GitLab, too")
    else:
        verify_token(token, plain, where="X-Gitlab-Token")


def read(request: Request) -> Reading:
    """Read an event; raises PayloadError."""
    envelope = decode(raw.ENVELOPE, request.body)
    kind = envelope.object_kind
    if not kind:
        raise PayloadError("object_kind is missing, which says what the body is: was it replaced by a custom template?")
    given = next((value for name in _DELIVERY_HEADERS if (value := clean(request.headers.get(name), NAME_LIMIT))), None)
    delivery_id = given or identify("gitlab", request.body)
    reader = _READERS.get(kind)
    event = "job" if kind == "build" else name_word(kind)
    taken: Taken = reader(request.body) if reader else "not used"
    if isinstance(taken, str):
        return Reading(delivery_id=delivery_id, event=event, ignored=taken)
    first = taken[0]
    name = f"{event}.{first.state.value}" if isinstance(first, Run | Deployed) else event
    return Reading(delivery_id=delivery_id, event=name, events=taken)


def _typed(kind: type[T], read_event: Callable[[T], Taken]) -> Callable[[bytes], Taken]:
    decoder = msgspec.json.Decoder(kind)
    return lambda body: read_event(decode(decoder, body))


def _repository(event: raw.Envelope) -> str | None:
    project, repository = event.project or raw.RawProject(), event.repository or raw.RawRepository()
    candidates = (project.web_url, project.git_http_url, repository.homepage, repository.git_http_url)
    return read_repository(*candidates, where="project.web_url")


def _web_url(event: raw.Envelope) -> str | None:
    if event.project and event.project.web_url:
        return event.project.web_url
    return event.repository.homepage if event.repository else None


def _push(push: raw.Push) -> Taken:
    sha = read_sha(push.checkout_sha)
    if sha is None:
        return "a tag was deleted" if (push.ref or "").startswith("refs/tags/") else "a branch was deleted"
    repository = _repository(push)
    if repository is None:
        raise PayloadError("project.web_url is missing, without which a commit is nobody's")
    commits = push.commits or []
    head = next((commit for commit in commits if commit.id == push.checkout_sha), raw.RawCommit(id=sha))
    ordered = [*(commit for commit in commits[-JOBS_LIMIT:] if commit is not head), head]
    return tuple(_commit(commit, push, repository) for commit in ordered)


def _commit(commit: raw.RawCommit, push: raw.Push, repository: str) -> Commit:
    sha = read_sha(commit.id)
    if sha is None:
        raise PayloadError("commits[].id isn't a commit's id in hex")
    web_url = _web_url(push)
    return Commit(
        repository=repository,
        sha=sha,
        ref=read_ref(push.ref),
        author=clean(commit.author.name, NAME_LIMIT) if commit.author else None,
        message=clean(commit.message),
        committed_at=read_time(commit.timestamp, "commits[].timestamp"),
        url=read_link(commit.url, f"{web_url}/-/commit/{sha}" if web_url else None),
        parent=read_sha(push.before),
        files=gather_files(commit.added, commit.modified, commit.removed),
    )


def _pipeline(event: raw.Pipeline) -> Taken:
    pipeline, repository = event.object_attributes, _repository(event)
    state = _STATES.get(pipeline.status)
    if state is None:
        return _UNKNOWN_STATE
    identity = f"{host_of(repository, 'gitlab')}/pipeline/{read_id(pipeline.id)}"
    web_url = _web_url(event)
    run = Run(
        sender="gitlab",
        id=identity,
        name=clean(pipeline.name, NAME_LIMIT) or "pipeline",
        state=state,
        repository=repository,
        sha=read_sha(pipeline.sha),
        ref=read_ref(pipeline.ref),
        queued_at=read_time(pipeline.created_at, "object_attributes.created_at"),
        url=read_link(pipeline.url, f"{web_url}/-/pipelines/{read_id(pipeline.id)}" if web_url else None),
    )
    jobs = [job for build in (event.builds or [])[:JOBS_LIMIT] if (job := _build(build, run, web_url))]
    begun = [job.started_at for job in jobs if job.started_at is not None]
    finished_at = read_time(pipeline.finished_at, "object_attributes.finished_at") if state.over else None
    known = latest(run.queued_at, finished_at, *(job.updated_at for job in jobs))
    failed = next((job for job in jobs if job.state is RunState.FAILED), None) if state is RunState.FAILED else None
    whole = msgspec.structs.replace(
        run,
        started_at=min(begun) if begun else None,
        finished_at=finished_at,
        updated_at=known,
        reason=clean(": ".join(part for part in (failed.name, failed.reason) if part)) if failed else None,
    )
    return (whole, *jobs)


def _build(build: raw.RawBuild, pipeline: Run, web_url: str | None) -> Run | None:
    """Return a job of a pipeline; None where its status isn't known, which spoils nothing else."""
    state = _STATES.get(build.status)
    if state is None:
        return None
    queued_at = read_time(build.created_at, "builds[].created_at")
    started_at = read_time(build.started_at, "builds[].started_at")
    finished_at = read_time(build.finished_at, "builds[].finished_at") if state.over else None
    return Run(
        sender="gitlab",
        id=f"{host_of(pipeline.repository, 'gitlab')}/job/{read_id(build.id)}",
        name=clean(build.name, NAME_LIMIT) or "job",
        state=state,
        kind=tell_kind(build.name, build.stage, "deploy" if build.environment else None),
        parent=pipeline.id,
        repository=pipeline.repository,
        sha=pipeline.sha,
        ref=pipeline.ref,
        queued_at=queued_at,
        started_at=started_at,
        finished_at=finished_at,
        updated_at=latest(queued_at, started_at, finished_at),
        url=read_link(f"{web_url}/-/jobs/{read_id(build.id)}" if web_url else None),
        reason=_reason(build.failure_reason, state),
    )


def _job(event: raw.Job) -> Taken:
    state = _STATES.get(event.build_status)
    if state is None:
        return _UNKNOWN_STATE
    repository, web_url = _repository(event), _web_url(event)
    commit = event.commit or raw.RawJobCommit()
    host = host_of(repository, "gitlab")
    pipeline = event.pipeline_id if event.pipeline_id is not None else commit.id
    queued_at = read_time(event.build_created_at, "build_created_at")
    started_at = read_time(event.build_started_at, "build_started_at")
    finished_at = read_time(event.build_finished_at, "build_finished_at") if state.over else None
    return (
        Run(
            sender="gitlab",
            id=f"{host}/job/{read_id(event.build_id)}",
            name=clean(event.build_name, NAME_LIMIT) or "job",
            state=state,
            kind=tell_kind(event.build_name, event.build_stage),
            parent=f"{host}/pipeline/{read_id(pipeline)}" if pipeline is not None else None,
            repository=repository,
            sha=read_sha(event.sha) or read_sha(commit.sha),
            ref=read_ref(event.ref),
            queued_at=queued_at,
            started_at=started_at,
            finished_at=finished_at,
            updated_at=latest(queued_at, started_at, finished_at),
            url=read_link(f"{web_url}/-/jobs/{read_id(event.build_id)}" if web_url else None),
            reason=_reason(event.build_failure_reason, state),
        ),
    )


def _deployment(event: raw.Deployment) -> Taken:
    state = _STATES.get(event.status)
    if state is None:
        return _UNKNOWN_STATE
    repository = _repository(event)
    if event.deployment_id is not None:
        identity = f"deployment/{read_id(event.deployment_id)}"
    elif event.deployable_id is not None:
        identity = f"job/{read_id(event.deployable_id)}"
    else:
        raise PayloadError("deployment_id is missing, by which a deployment is known again")
    commit = read_whole_sha((event.commit_url or "").rstrip("/").rpartition("/")[2])
    return (
        Deployed(
            sender="gitlab",
            id=f"{host_of(repository, 'gitlab')}/{identity}",
            state=state,
            environment=clean(event.environment, NAME_LIMIT),
            repository=repository,
            sha=commit or read_sha(event.short_sha),
            at=read_time(event.status_changed_at, "status_changed_at"),
            url=read_link(event.deployable_url, event.environment_external_url),
        ),
    )


def _reason(text: str | None, state: RunState) -> str | None:
    return clean(text) if state is RunState.FAILED and text != _NO_REASON else None


_READERS: dict[str, Callable[[bytes], Taken]] = {
    "push": _typed(raw.Push, _push),
    "tag_push": _typed(raw.Push, _push),
    "pipeline": _typed(raw.Pipeline, _pipeline),
    "build": _typed(raw.Job, _job),
    "deployment": _typed(raw.Deployment, _deployment),
}
