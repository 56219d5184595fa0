"""The shapes of GitLab's webhook bodies, as far as they are read (docs.gitlab.com, "Webhook events")."""

import msgspec

from gateway.delivery.webhooks.body import Raw
from gateway.delivery.webhooks.facts import Id, Time


class RawProject(Raw, frozen=True):
    """The project that the event is about."""

    web_url: str | None = None
    git_http_url: str | None = None


class RawRepository(Raw, frozen=True):
    """The same in older events, which have no project."""

    homepage: str | None = None
    git_http_url: str | None = None


class Envelope(Raw, frozen=True):
    """What all events have."""

    object_kind: str | None = None
    project: RawProject | None = None
    repository: RawRepository | None = None


class RawAuthor(Raw, frozen=True):
    """The author within a commit; the address is never read."""

    name: str | None = None


class RawCommit(Raw, frozen=True):
    """A commit of a push."""

    id: str
    message: str | None = None
    timestamp: Time = None
    url: str | None = None
    author: RawAuthor | None = None
    added: list[str] | None = None
    modified: list[str] | None = None
    removed: list[str] | None = None


class Push(Envelope, frozen=True):
    """``push`` and ``tag_push``; ``after`` is a tag object's id where an annotated tag was pushed."""

    ref: str | None = None
    before: str | None = None
    checkout_sha: str | None = None
    commits: list[RawCommit] | None = None


class RawEnvironment(Raw, frozen=True):
    """The environment that a job deploys to."""

    name: str | None = None


class RawBuild(Raw, frozen=True):
    """A job within a pipeline's event."""

    id: Id
    status: str
    name: str | None = None
    stage: str | None = None
    created_at: Time = None
    started_at: Time = None
    finished_at: Time = None
    failure_reason: str | None = None
    environment: RawEnvironment | str | None = None


class RawPipeline(Raw, frozen=True):
    """A pipeline."""

    id: Id
    status: str
    name: str | None = None
    sha: str | None = None
    ref: str | None = None
    url: str | None = None
    created_at: Time = None
    finished_at: Time = None


class Pipeline(Envelope, frozen=True, kw_only=True):
    """``pipeline``."""

    object_attributes: RawPipeline
    builds: list[RawBuild] | None = None


class RawJobCommit(Raw, frozen=True):
    """The pipeline within a job's event: ``id`` is the pipeline's, ``sha`` the commit's."""

    id: Id | None = None
    sha: str | None = None


class Job(Envelope, frozen=True, kw_only=True):
    """``build``, as jobs are called there."""

    build_id: Id
    build_status: str
    build_name: str | None = None
    build_stage: str | None = None
    build_created_at: Time = None
    build_started_at: Time = None
    build_finished_at: Time = None
    build_failure_reason: str | None = None
    pipeline_id: Id | None = None
    sha: str | None = None
    ref: str | None = None
    commit: RawJobCommit | None = None


class Deployment(Envelope, frozen=True, kw_only=True):
    """``deployment``."""

    status: str
    deployment_id: Id | None = None
    deployable_id: Id | None = None
    deployable_url: str | None = None
    environment: str | None = None
    environment_external_url: str | None = None
    short_sha: str | None = None
    commit_url: str | None = None
    status_changed_at: Time = None


ENVELOPE = msgspec.json.Decoder(Envelope)
