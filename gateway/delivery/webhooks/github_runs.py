"""GitHub's runs: workflows and their jobs, checks of other apps, and commit statuses, which other CI sets.

A run is known by its host and id, for every GitHub counts its own; a job, a check and a status likewise.
"""

from gateway.delivery.events import DeliveryEvent, Run, RunState
from gateway.delivery.webhooks import github_raw as raw
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    clean,
    host_of,
    latest,
    read_id,
    read_link,
    read_ref,
    read_sha,
    read_time,
)
from gateway.delivery.webhooks.kinds import tell_kind

UNKNOWN_STATE = "its state is a word that isn't known"

Taken = tuple[DeliveryEvent, ...] | str
"""The facts of an event, or why there are none."""

_STATES = {
    "requested": RunState.QUEUED,
    "queued": RunState.QUEUED,
    "pending": RunState.QUEUED,
    "waiting": RunState.WAITING,
    "in_progress": RunState.RUNNING,
}
_CONCLUSIONS = {
    "success": RunState.SUCCEEDED,
    "neutral": RunState.SUCCEEDED,
    "failure": RunState.FAILED,
    "timed_out": RunState.FAILED,
    "startup_failure": RunState.FAILED,
    "cancelled": RunState.CANCELLED,
    "stale": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
    "action_required": RunState.WAITING,
}
_STATUSES = {
    "pending": RunState.RUNNING,
    "success": RunState.SUCCEEDED,
    "failure": RunState.FAILED,
    "error": RunState.FAILED,
}


def _state(status: str, conclusion: str | None) -> RunState | None:
    return _CONCLUSIONS.get(conclusion or "") if status == "completed" else _STATES.get(status)


def read_workflow_run(event: raw.WorkflowRun, repository: str | None) -> Taken:
    """Return a whole run of a workflow."""
    run, workflow = event.workflow_run, event.workflow
    state = _state(run.status, run.conclusion)
    if state is None:
        return UNKNOWN_STATE
    attempt = max(run.run_attempt or 1, 1)
    started_at = read_time(run.run_started_at, "workflow_run.run_started_at")
    updated_at = read_time(run.updated_at, "workflow_run.updated_at")
    name = clean(workflow.name, NAME_LIMIT) if workflow else None
    return (
        Run(
            sender="github",
            id=f"{host_of(repository, 'github.com')}/run/{read_id(run.id)}",
            name=name or clean(run.name, NAME_LIMIT) or clean(run.path, NAME_LIMIT) or "workflow",
            state=state,
            attempt=attempt,
            repository=repository,
            sha=read_sha(run.head_sha),
            ref=read_ref(run.head_branch),
            # The run is as old as its first attempt; a later one began to wait when it was asked for.
            queued_at=read_time(run.created_at, "workflow_run.created_at") if attempt == 1 else started_at,
            started_at=started_at if state is RunState.RUNNING or state.over else None,
            finished_at=updated_at if state.over else None,
            updated_at=updated_at,
            url=read_link(run.html_url),
            reason=run.conclusion if state is RunState.FAILED and run.conclusion != "failure" else None,
        ),
    )


def read_workflow_job(event: raw.WorkflowJob, repository: str | None) -> Taken:
    """Return a job of a run; its reason is the first step that failed."""
    job = event.workflow_job
    state = _state(job.status, job.conclusion)
    if state is None:
        return UNKNOWN_STATE
    host = host_of(repository, "github.com")
    # A job that waits has a started_at already.
    begun = state is RunState.RUNNING or state.over
    queued_at = read_time(job.created_at, "workflow_job.created_at")
    started_at = read_time(job.started_at, "workflow_job.started_at") if begun else None
    finished_at = read_time(job.completed_at, "workflow_job.completed_at") if state.over else None
    failed_step = next((step.name for step in job.steps or () if step.conclusion == "failure"), None)
    return (
        Run(
            sender="github",
            id=f"{host}/job/{read_id(job.id)}",
            name=clean(job.name, NAME_LIMIT) or "job",
            state=state,
            kind=tell_kind(job.name),
            attempt=max(job.run_attempt or 1, 1),
            parent=f"{host}/run/{read_id(job.run_id)}",
            repository=repository,
            sha=read_sha(job.head_sha),
            ref=read_ref(job.head_branch),
            queued_at=queued_at,
            started_at=started_at,
            finished_at=finished_at,
            updated_at=latest(queued_at, started_at, finished_at),
            url=read_link(job.html_url),
            reason=clean(failed_step, NAME_LIMIT) if state is RunState.FAILED else None,
        ),
    )


def read_check_run(event: raw.CheckRun, repository: str | None) -> Taken:
    """Return a check of an app other than GitHub Actions."""
    check = event.check_run
    if check.app and check.app.slug == "github-actions":
        return "a job of GitHub Actions, which workflow_job tells more about"
    state = _state(check.status, check.conclusion)
    if state is None:
        return UNKNOWN_STATE
    started_at = read_time(check.started_at, "check_run.started_at")
    finished_at = read_time(check.completed_at, "check_run.completed_at") if state.over else None
    return (
        Run(
            sender="github",
            id=f"{host_of(repository, 'github.com')}/check/{read_id(check.id)}",
            name=clean(check.name, NAME_LIMIT) or "check",
            state=state,
            kind=tell_kind(check.name),
            repository=repository,
            sha=read_sha(check.head_sha),
            ref=read_ref(check.check_suite.head_branch if check.check_suite else None),
            started_at=started_at if state is RunState.RUNNING or state.over else None,
            finished_at=finished_at,
            updated_at=latest(started_at, finished_at),
            url=read_link(check.html_url, check.details_url),
            reason=clean(check.output.title) if check.output and state is RunState.FAILED else None,
        ),
    )


def read_status(event: raw.Status, repository: str | None) -> Taken:
    """Return what a commit's status says; one context of a commit is one run."""
    state = _STATUSES.get(event.state)
    sha = read_sha(event.sha)
    if state is None or sha is None:
        return UNKNOWN_STATE if sha else "sha isn't a commit's id"
    context = clean(event.context, NAME_LIMIT) or "default"
    updated_at = read_time(event.updated_at, "updated_at")
    branches = event.branches or ()
    return (
        Run(
            sender="github",
            # A status has an id of its own each time; what goes on is the context's.
            id=f"{repository or 'github.com'}/status/{sha}/{context}",
            name=context,
            state=state,
            kind=tell_kind(context),
            repository=repository,
            sha=sha,
            ref=read_ref(branches[0].name) if len(branches) == 1 else None,
            started_at=read_time(event.created_at, "created_at") if state is RunState.RUNNING else None,
            finished_at=updated_at if state.over else None,
            updated_at=updated_at,
            url=read_link(event.target_url),
            reason=clean(event.description) if state is RunState.FAILED else None,
        ),
    )
