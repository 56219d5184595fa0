"""The status document: what a subscriber may know of one Argo CD Application.

The shape is the wire's own (camelCase, an absent value is an absent field). Fields are only ever added. What orders and
identifies events inside the gateway (resourceVersion, uid) is not in the document, so an event that moves only those is
no change.
"""

from typing import Any

import msgspec

# None of these can be part of a cycle, so the garbage collector needn't know them: of 10,000 applications there are
# 100,000.


class Owner(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """The controller that made the application, for example an ApplicationSet."""

    kind: str
    name: str


class Destination(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Where the application is deployed: a cluster, by API server or by name, and a namespace."""

    server: str | None = None
    name: str | None = None
    namespace: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Where manifests come from. Single-source and multi-source applications look alike: a list of these."""

    repo_url: str = msgspec.field(name="repoURL")
    path: str | None = None
    target_revision: str | None = None
    chart: str | None = None
    ref: str | None = None


class AutoSync(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """Automated sync; absent where an operator must start each sync."""

    prune: bool
    self_heal: bool


class Sync(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """How the cluster compares with the sources.

    ``revisions`` are those compared, one for each source. ``since`` is the gateway's own observation, for Argo CD keeps
    none; ``at_least`` says that the status may be older than that.
    """

    status: str | None = None
    revisions: tuple[str, ...] = ()
    since: str | None = None
    at_least: bool = False


class Health(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Argo CD's verdict on the application's resources, and since when it holds."""

    status: str
    message: str | None = None
    since: str | None = None


class InitiatedBy(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Who asked for an operation: a user, or automated sync."""

    username: str | None = None
    automated: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """The current or last operation.

    ``phase`` Running with ``finished_at`` set means: that attempt failed, a retry is due (argo-cd
    controller/appcontroller.go).
    """

    phase: str
    started_at: str | None = None
    finished_at: str | None = None
    revisions: tuple[str, ...] = ()
    initiated_by: InitiatedBy | None = None
    retry_count: int = 0
    message: str | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Something Argo CD found wrong or remarkable; the end of ``type`` (Error, Warning) is its severity."""

    type: str
    message: str | None = None
    since: str | None = None


class ApplicationStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """The status document of one application. Times are RFC 3339, UTC.

    ``key`` is ``namespace/name``, opaque to clients, and never changes. ``service``, ``environment`` and ``team`` are
    what the rules of ``naming`` find; Argo CD has no such words.
    """

    key: str
    name: str
    namespace: str
    project: str | None = None
    service: str | None = None
    environment: str | None = None
    team: str | None = None
    labels: dict[str, str] | None = None
    owner: Owner | None = None
    destination: Destination | None = None
    sources: tuple[Source, ...] = ()
    auto_sync: AutoSync | None = None
    sync: Sync | None = None
    health: Health | None = None
    operation: Operation | None = None
    images: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    created_at: str | None = None
    deletion_timestamp: str | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """One entry of Argo CD's own history: a full, successful sync."""

    id: int
    revisions: tuple[str, ...] = ()
    started_at: str | None = None
    deployed_at: str | None = None
    initiated_by: InitiatedBy | None = None


class OperationDetail(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What tells one operation from another, and isn't shown with the application.

    ``info`` are the pairs that whoever asked for it gave along. ``resources`` (``kind/name``, or with the group before)
    are those that it was confined to: by self-heal where it is automated, else by a person. ``images`` are those in the
    manifests that it applied, None where Argo CD doesn't tell (it does since 3.6). ``only_changed`` says that unchanged
    resources were left out of it, and so of ``images``.
    """

    info: tuple[tuple[str, str], ...] = ()
    dry_run: bool = False
    resources: tuple[str, ...] = ()
    only_changed: bool = False
    images: tuple[str, ...] | None = None


class Detail(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What isn't in the document: its history and the messages that it cuts, for the view of a single application.

    ``operation`` has no view: it is what else deployments need to know of the document's operation.
    """

    history: tuple[Deployment, ...] = ()
    operation: OperationDetail | None = None
    health_message: str | None = None
    operation_message: str | None = None
    condition_messages: tuple[str | None, ...] = ()


class Observed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One application as Argo CD showed it, with what orders and identifies events inside the gateway.

    ``version`` is the resourceVersion as an integer: one counter for all objects of an Argo CD's Kubernetes API, so a
    recreated application is newer too. ``uid`` changes with each creation.
    """

    version: int
    uid: str
    document: ApplicationStatus
    detail: Detail


class Tombstone(msgspec.Struct, frozen=True):
    """The version at which an application was deleted, and when we learned of it (Unix time)."""

    version: int
    at: float


FIELDS: tuple[tuple[str, str], ...] = tuple(
    (field.name, field.encode_name) for field in msgspec.structs.fields(ApplicationStatus)
)
"""Each top-level field of the document: its name in Python and on the wire."""


def to_wire(value: object) -> Any:
    """Return the JSON-able form of a document or of a part of it, absent fields left out."""
    return msgspec.to_builtins(value)


def differing_fields(before: ApplicationStatus, after: ApplicationStatus) -> dict[str, Any]:
    """Return the fields in which ``after`` differs, in wire form; a field that went absent is None.

    The top-level fields of a document are the unit of change.
    """
    fields: dict[str, Any] = {}
    for name, wire_name in FIELDS:
        value = getattr(after, name)
        if value != getattr(before, name):
            fields[wire_name] = None if value is None or value == () else to_wire(value)
    return fields


def in_full(document: ApplicationStatus, detail: Detail) -> dict[str, Any]:
    """Return one application in wire form with its history and with its messages whole."""
    full: dict[str, Any] = to_wire(document)
    if detail.health_message is not None:
        full["health"]["message"] = detail.health_message
    if detail.operation_message is not None:
        full["operation"]["message"] = detail.operation_message
    for condition, message in zip(full.get("conditions", ()), detail.condition_messages, strict=False):
        if message is not None:
            condition["message"] = message
    full["history"] = to_wire(detail.history)
    return full
