"""The shapes of Argo CD's JSON, as far as the gateway reads it.

Anything may be absent or null; what isn't named here is skipped without building objects. Field names and meanings are
those of argo-cd pkg/apis/application/v1alpha1/types.go.
"""

import msgspec


class RawModel(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Parts of Argo CD's JSON as it comes; anything may be absent or null."""


class RawOwner(RawModel, frozen=True):
    """An owner reference."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class RawMetadata(RawModel, frozen=True):
    """Identity and version of an application."""

    name: str
    namespace: str
    resource_version: str
    uid: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[RawOwner] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class RawSource(RawModel, frozen=True):
    """One source; all empty where a ``fields`` filter left only its braces."""

    repo_url: str = msgspec.field(default="", name="repoURL")
    path: str = ""
    target_revision: str = ""
    chart: str = ""
    ref: str = ""


class RawSyncSource(RawModel, frozen=True):
    """The hydrated branch that Argo CD syncs from; of the dry source's repository where it names none."""

    repo_url: str = msgspec.field(default="", name="repoURL")
    target_branch: str = ""
    path: str = ""


class RawDrySource(RawModel, frozen=True):
    """The unhydrated source."""

    repo_url: str = msgspec.field(default="", name="repoURL")


class RawHydrator(RawModel, frozen=True):
    """A source hydrator; where set, the effective source is ``sync_source``."""

    dry_source: RawDrySource | None = None
    sync_source: RawSyncSource | None = None


class RawAutomated(RawModel, frozen=True):
    """Automated sync; ``enabled`` false switches it off although it is there."""

    prune: bool | None = None
    self_heal: bool | None = None
    enabled: bool | None = None


class RawSyncPolicy(RawModel, frozen=True):
    """The sync policy."""

    automated: RawAutomated | None = None


class RawDestination(RawModel, frozen=True):
    """The destination."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class RawSpec(RawModel, frozen=True):
    """What was asked for."""

    project: str | None = None
    destination: RawDestination | None = None
    source: RawSource | None = None
    sources: list[RawSource] | None = None
    source_hydrator: RawHydrator | None = None
    sync_policy: RawSyncPolicy | None = None


class RawInitiatedBy(RawModel, frozen=True):
    """Who began an operation."""

    username: str = ""
    automated: bool = False


class RawRevisions(RawModel, frozen=True):
    """One revision, or one for each source."""

    revision: str = ""
    revisions: list[str] | None = None


class RawInfo(RawModel, frozen=True):
    """One of the pairs that whoever asked for an operation gave along."""

    name: str = ""
    value: str = ""


class RawSyncResource(RawModel, frozen=True):
    """One of the resources that a sync is confined to."""

    group: str = ""
    kind: str = ""
    name: str = ""


class RawSyncOperation(RawRevisions, frozen=True):
    """The sync that an operation asks for."""

    dry_run: bool | None = None
    resources: list[RawSyncResource] | None = None
    sync_options: list[str] | None = None


class RawOperation(RawModel, frozen=True):
    """A requested operation."""

    info: list[RawInfo] | None = None
    sync: RawSyncOperation | None = None
    initiated_by: RawInitiatedBy | None = None


class RawResourceResult(RawModel, frozen=True):
    """What a sync did with one resource; ``images`` since Argo CD 3.6."""

    images: list[str] | None = None


class RawSyncResult(RawRevisions, frozen=True):
    """What a sync did."""

    resources: list[RawResourceResult] | None = None


class RawOperationState(RawModel, frozen=True):
    """The current or last operation."""

    phase: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    retry_count: int | None = None
    operation: RawOperation | None = None
    sync_result: RawSyncResult | None = None


class RawSync(RawRevisions, frozen=True):
    """The comparison's outcome."""

    status: str = ""


class RawHealth(RawModel, frozen=True):
    """Health; absent or empty on an application that was never assessed."""

    status: str = ""
    message: str = ""
    last_transition_time: str | None = None


class RawCondition(RawModel, frozen=True):
    """A condition."""

    type: str = ""
    message: str = ""
    last_transition_time: str | None = None


class RawSummary(RawModel, frozen=True):
    """What Argo CD gathers from the resource tree."""

    images: list[str] | None = None
    external_urls: list[str] | None = msgspec.field(default=None, name="externalURLs")


class RawHistory(RawRevisions, frozen=True):
    """One entry of the history."""

    id: int = 0
    deploy_started_at: str | None = None
    deployed_at: str | None = None
    initiated_by: RawInitiatedBy | None = None


class RawStatus(RawModel, frozen=True):
    """What Argo CD observed."""

    sync: RawSync | None = None
    health: RawHealth | None = None
    conditions: list[RawCondition] | None = None
    operation_state: RawOperationState | None = None
    summary: RawSummary | None = None
    history: list[RawHistory] | None = None


class RawApplication(RawModel, frozen=True):
    """An Application as Argo CD sends it, of which only what the gateway needs is read."""

    metadata: RawMetadata
    spec: RawSpec = RawSpec()
    operation: RawOperation | None = None
    status: RawStatus = RawStatus()


class RawEvent(RawModel, frozen=True):
    """One watch event; ``type`` is ADDED, MODIFIED or DELETED."""

    type: str
    application: RawApplication


class RawError(RawModel, frozen=True):
    """An error within a stream; its HTTP status may come too late to be the response's."""

    message: str = ""
    http_code: int = msgspec.field(default=0, name="http_code")
