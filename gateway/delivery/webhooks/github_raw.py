"""The shapes of GitHub's webhook bodies, as far as they are read (docs.github.com, "Webhook events and payloads")."""

import msgspec

from gateway.delivery.webhooks.body import Raw
from gateway.delivery.webhooks.facts import Id, Time


class RawRepository(Raw, frozen=True):
    """The repository that the event is about."""

    full_name: str | None = None
    html_url: str | None = None
    clone_url: str | None = None
    pushed_at: Time = None


class RawUser(Raw, frozen=True):
    """A person or a bot."""

    login: str | None = None


class Envelope(Raw, frozen=True):
    """What all events have."""

    action: str | None = None
    repository: RawRepository | None = None
    sender: RawUser | None = None


class RawAuthor(Raw, frozen=True):
    """The author within a commit; the address is never read."""

    name: str | None = None
    username: str | None = None


class RawCommit(Raw, frozen=True):
    """A commit of a push; the files are those of this commit alone."""

    id: str
    message: str | None = None
    timestamp: Time = None
    url: str | None = None
    author: RawAuthor | None = None
    added: list[str] | None = None
    modified: list[str] | None = None
    removed: list[str] | None = None


class Push(Envelope, frozen=True):
    """``push``; ``after`` is a tag object's id where an annotated tag was pushed."""

    ref: str | None = None
    before: str | None = None
    after: str | None = None
    deleted: bool | None = None
    head_commit: RawCommit | None = None
    commits: list[RawCommit] | None = None


class RawWorkflow(Raw, frozen=True):
    """The workflow that a run is of."""

    name: str | None = None
    path: str | None = None


class RawRun(Raw, frozen=True):
    """A workflow's run; a re-run keeps the id and raises ``run_attempt``."""

    id: Id
    status: str
    name: str | None = None
    path: str | None = None
    conclusion: str | None = None
    head_sha: str | None = None
    head_branch: str | None = None
    run_attempt: int | None = None
    created_at: Time = None
    run_started_at: Time = None
    updated_at: Time = None
    html_url: str | None = None


class WorkflowRun(Envelope, frozen=True, kw_only=True):
    """``workflow_run``."""

    workflow_run: RawRun
    workflow: RawWorkflow | None = None


class RawStep(Raw, frozen=True):
    """A step of a job."""

    name: str | None = None
    conclusion: str | None = None


class RawJob(Raw, frozen=True):
    """A job; a re-run has an id of its own."""

    id: Id
    run_id: Id
    status: str
    name: str | None = None
    conclusion: str | None = None
    run_attempt: int | None = None
    head_sha: str | None = None
    head_branch: str | None = None
    created_at: Time = None
    started_at: Time = None
    completed_at: Time = None
    html_url: str | None = None
    steps: list[RawStep] | None = None


class WorkflowJob(Envelope, frozen=True, kw_only=True):
    """``workflow_job``."""

    workflow_job: RawJob


class RawOutput(Raw, frozen=True):
    """What a check says of itself."""

    title: str | None = None


class RawApp(Raw, frozen=True):
    """The app that made a check."""

    slug: str | None = None


class RawSuite(Raw, frozen=True):
    """The suite that a check belongs to."""

    head_branch: str | None = None


class RawCheck(Raw, frozen=True):
    """A check."""

    id: Id
    status: str
    name: str | None = None
    conclusion: str | None = None
    head_sha: str | None = None
    started_at: Time = None
    completed_at: Time = None
    html_url: str | None = None
    details_url: str | None = None
    output: RawOutput | None = None
    app: RawApp | None = None
    check_suite: RawSuite | None = None


class CheckRun(Envelope, frozen=True, kw_only=True):
    """``check_run``."""

    check_run: RawCheck


class RawBranch(Raw, frozen=True):
    """A branch that contains a commit."""

    name: str | None = None


class Status(Envelope, frozen=True, kw_only=True):
    """``status``: what CI outside of GitHub says about a commit."""

    sha: str
    state: str
    context: str | None = None
    description: str | None = None
    target_url: str | None = None
    branches: list[RawBranch] | None = None
    created_at: Time = None
    updated_at: Time = None


class RawDeployment(Raw, frozen=True):
    """A deployment."""

    id: Id
    sha: str | None = None
    environment: str | None = None
    created_at: Time = None


class Deployment(Envelope, frozen=True, kw_only=True):
    """``deployment``."""

    deployment: RawDeployment


class RawDeploymentStatus(Raw, frozen=True):
    """What became of a deployment."""

    state: str
    environment: str | None = None
    created_at: Time = None
    log_url: str | None = None
    target_url: str | None = None
    environment_url: str | None = None


class DeploymentStatus(Deployment, frozen=True, kw_only=True):
    """``deployment_status``."""

    deployment_status: RawDeploymentStatus


class RawRule(Raw, frozen=True):
    """What was found."""

    id: str | None = None
    severity: str | None = None
    security_severity_level: str | None = None


class RawTool(Raw, frozen=True):
    """Who found it."""

    name: str | None = None


class RawAlert(Raw, frozen=True):
    """A code scanning alert: one finding."""

    rule: RawRule | None = None
    tool: RawTool | None = None
    html_url: str | None = None
    created_at: Time = None
    updated_at: Time = None


class Alert(Envelope, frozen=True, kw_only=True):
    """``code_scanning_alert``."""

    alert: RawAlert
    commit_oid: str | None = None


ENVELOPE = msgspec.json.Decoder(Envelope)
