"""Every shape in which Argo CD shows an application becomes one kind of document."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from gateway.model.application import (
    ApplicationStatus,
    AutoSync,
    Condition,
    Deployment,
    Destination,
    Health,
    InitiatedBy,
    Observed,
    Operation,
    OperationDetail,
    Owner,
    Source,
    Sync,
    in_full,
    to_wire,
)
from gateway.upstream.fields import WATCH_FIELDS
from gateway.upstream.normalise import COUNT_LIMIT, INFO_LIMIT, MESSAGE_LIMIT, cut, normalise
from gateway.upstream.raw import RawError, RawEvent
from gateway.upstream.wire import decode
from tests.fakes import recordings
from tests.fakes.applications import FINISHED, REPOSITORY, REVISION, STARTED, application
from tests.fakes.fields import FieldsFilter

OTHER = "https://git.example.org/charts.git"
LONG = "x" * (MESSAGE_LIMIT + 1)
HYDRATOR = {
    "drySource": {"repoURL": REPOSITORY, "targetRevision": "HEAD", "path": "dry"},
    "syncSource": {"targetBranch": "environments/prod", "path": "wet"},
    "hydrateTo": {"targetBranch": "environments/prod-next"},
}
PARTIAL = [{"kind": "ConfigMap", "name": "settings"}, {"group": "apps", "kind": "Deployment", "name": "core"}]
REQUESTED = {
    "sync": {
        "revision": "f00",
        "prune": True,
        "source": {"repoURL": REPOSITORY},
        "dryRun": True,
        "resources": PARTIAL,
    },
    "info": [{"name": "commit", "value": "1a2b3c4d"}],
    "initiatedBy": {"username": "mira"},
    "retry": {"limit": 5},
}
CONDITIONS = [{"type": "SyncError", "message": "no such path", "lastTransitionTime": FINISHED}]


def change(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the application with one field changed; None removes it."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(whole))
    *parents, last = path.split(".")
    target = copy
    for parent in parents:
        target = target.setdefault(parent, {})
    target.pop(last, None)
    if value is not None:
        target[last] = value
    return copy


SINGLE = application(
    "core",
    project="shop",
    labels={"team": "core"},
    owner="store",
    images=["web:1"],
    urls=["https://shop.example.org"],
    conditions=CONDITIONS,
    deletion_timestamp=FINISHED,
    sources=[{"repoURL": OTHER, "path": "p", "chart": "web", "targetRevision": "1.2", "ref": "values"}],
    operation_state={"retryCount": 2, "syncResult": {"revision": "abc"}},
    destination={"server": "https://kubernetes.default.svc", "name": "prod", "namespace": "shop"},
    version=326,
)
MULTI = application(
    "multi",
    sources=[
        {"repoURL": REPOSITORY, "path": "a", "targetRevision": "main"},
        {"repoURL": OTHER, "chart": "web", "targetRevision": "1.2", "ref": "values"},
    ],
    revision=["r1", "r2"],
    phase="Running",
    operation_state={"syncResult": None},
)
DONE = change(
    application(
        "done",
        revision=["r1", "r2"],
        sources=[{"repoURL": REPOSITORY}, {"repoURL": OTHER}],
        operation_state={
            "syncResult": {
                "revisions": ["s1", "s2"],
                "resources": [{"name": "core", "images": ["web:2", "proxy:1"]}, {"name": "settings"}],
            },
            "operation": {
                "sync": {
                    "revisions": ["r1", "r2"],
                    "dryRun": True,
                    "resources": PARTIAL,
                    "syncOptions": ["CreateNamespace=true", "ApplyOutOfSyncOnly=true"],
                },
                "info": [{"name": "commit", "value": "1a2b3c4d"}],
                "initiatedBy": {"username": "mira"},
            },
        },
    ),
    "status.history",
    [{"id": 7, "revision": "r1", "deployedAt": FINISHED, "deployStartedAt": STARTED}],
)
WAITING = application("waiting", phase=None, operation=REQUESTED)
WAITING_MULTI = application("waiting", phase=None, operation={"sync": {"revisions": ["r1", "r2"]}})
HYDRATED = change(
    application("hydrated", phase="Running", operation_state={"syncResult": None}), "spec.sourceHydrator", HYDRATOR
)
RICH = (SINGLE, MULTI, DONE, WAITING, WAITING_MULTI, HYDRATED)
"""Applications that have, together, everything that is ever read."""


def observe(body: dict[str, Any]) -> Observed | RawError | object:
    """Return what becomes of the body of an event; or of what is no event."""
    event = decode(b"data: " + orjson.dumps(body))
    return (event.type, normalise(event.application)) if isinstance(event, RawEvent) else event


def observed(whole: dict[str, Any]) -> Observed:
    """Normalise an application; asking for the fields that we read makes no difference."""
    body = {"result": {"type": "MODIFIED", "application": whole}}
    filtered = FieldsFilter(",".join(WATCH_FIELDS)).prune(body)
    assert observe(filtered) == observe(body)
    event = decode(orjson.dumps(body))
    assert isinstance(event, RawEvent)
    return normalise(event.application)


def document(whole: dict[str, Any]) -> ApplicationStatus:
    return observed(whole).document


# The whole


def test_an_application_becomes_its_document() -> None:
    seen = observed(SINGLE)
    assert (seen.version, seen.uid) == (326, SINGLE["metadata"]["uid"])
    assert seen.document == ApplicationStatus(
        key="argocd/core",
        name="core",
        namespace="argocd",
        project="shop",
        labels={"team": "core"},
        owner=Owner(kind="ApplicationSet", name="store"),
        destination=Destination(server="https://kubernetes.default.svc", name="prod", namespace="shop"),
        sources=(Source(repo_url=OTHER, path="p", chart="web", target_revision="1.2", ref="values"),),
        auto_sync=AutoSync(prune=True, self_heal=True),
        sync=Sync(status="Synced", revisions=(REVISION,)),
        health=Health(status="Healthy", since=FINISHED),
        operation=Operation(
            phase="Succeeded",
            started_at=STARTED,
            finished_at=FINISHED,
            revisions=("abc",),
            initiated_by=InitiatedBy(automated=True),
            retry_count=2,
            message="successfully synced (all tasks run)",
        ),
        images=("web:1",),
        urls=("https://shop.example.org",),
        conditions=(Condition(type="SyncError", message="no such path", since=FINISHED),),
        created_at=SINGLE["metadata"]["creationTimestamp"],
        deletion_timestamp=FINISHED,
    )


def test_an_application_that_was_never_reconciled_is_little_but_its_name() -> None:
    raw: dict[str, Any] = {"metadata": {"name": "new", "namespace": "apps", "resourceVersion": "7"}}
    assert to_wire(document(raw)) == {"key": "apps/new", "name": "new", "namespace": "apps"}
    empty = {"sync": {"status": "", "comparedTo": {}}, "health": {}, "summary": {}, "sourceHydrator": {}}
    raw |= {"spec": {"source": {}, "destination": {}, "syncPolicy": {}}, "status": empty}
    assert to_wire(document(raw)) == {"key": "apps/new", "name": "new", "namespace": "apps"}


def test_nulls_are_as_good_as_absent_fields() -> None:
    metadata = {"name": "new", "namespace": "apps", "resourceVersion": "7", "labels": None, "ownerReferences": None}
    spec = {"source": None, "sources": None, "destination": None, "syncPolicy": None, "sourceHydrator": None}
    status = {
        "sync": None,
        "health": None,
        "conditions": None,
        "operationState": None,
        "summary": None,
        "history": None,
    }
    raw = {"metadata": metadata, "spec": spec, "operation": None, "status": status}
    assert to_wire(document(raw)) == {"key": "apps/new", "name": "new", "namespace": "apps"}


@pytest.mark.parametrize(
    "field", ["metadata.resourceVersion", "metadata.uid", "status.reconciledAt", "metadata.annotations"]
)
def test_an_event_that_moves_only_what_is_not_shown_is_no_change(field: str) -> None:
    value = {"a": "b"} if field.endswith("annotations") else "999"
    assert document(change(SINGLE, field, value)) == document(SINGLE)


@pytest.mark.parametrize("recording", ["deploy-day/stream.sse", "canary/app.sse"])
def test_recorded_events_are_the_same_with_and_without_the_field_list(recording: str) -> None:
    for event in recordings.events(recording):
        observed(event["application"])


# Project, labels, owner, destination


@pytest.mark.parametrize(("project", "shown"), [("shop", "shop"), ("", "default"), (None, None)])
def test_an_empty_project_is_default_and_an_absent_one_unknown(project: str | None, shown: str | None) -> None:
    assert document(change(SINGLE, "spec.project", project)).project == shown


def test_no_labels_are_absent() -> None:
    assert document(change(SINGLE, "metadata.labels", {})).labels is None


@pytest.mark.parametrize(
    ("references", "owner"),
    [
        ([], None),
        ([{"kind": "X", "name": "x"}], Owner(kind="X", name="x")),
        ([{"kind": "X", "name": "x"}, {"kind": "Y", "name": "y", "controller": True}], Owner(kind="Y", name="y")),
        ([{"kind": "X", "name": "x", "controller": False}, {"kind": "Y", "name": "y"}], Owner(kind="X", name="x")),
    ],
)
def test_the_owner_is_the_controller_else_the_first(references: list[dict[str, Any]], owner: Owner | None) -> None:
    assert document(change(SINGLE, "metadata.ownerReferences", references)).owner == owner


@pytest.mark.parametrize(
    ("raw", "destination"),
    [
        ({}, None),
        (None, None),
        ({"server": "https://k"}, Destination(server="https://k")),
        ({"name": "prod", "server": "", "namespace": "n"}, Destination(name="prod", namespace="n")),
    ],
)
def test_a_destination_is_by_server_or_by_name(raw: dict[str, str] | None, destination: Destination | None) -> None:
    assert document(change(SINGLE, "spec.destination", raw)).destination == destination


# Sources


def test_several_sources_are_shown_in_their_order_with_their_revisions() -> None:
    multi = document(MULTI)
    assert multi.sources == (
        Source(repo_url=REPOSITORY, path="a", target_revision="main"),
        Source(repo_url=OTHER, chart="web", target_revision="1.2", ref="values"),
    )
    assert multi.sync is not None
    assert multi.sync.revisions == ("r1", "r2")


def test_where_there_are_several_sources_the_single_one_does_not_count() -> None:
    both = change(MULTI, "spec.source", {"repoURL": "https://old.example.org"})
    assert document(both).sources == document(MULTI).sources


@pytest.mark.parametrize(
    ("synced", "source"),
    [
        ({}, Source(repo_url=REPOSITORY, path="wet", target_revision="environments/prod")),
        ({"repoURL": OTHER}, Source(repo_url=OTHER, path="wet", target_revision="environments/prod")),
    ],
)
@pytest.mark.parametrize("whole", [SINGLE, MULTI], ids=["single", "multi"])
def test_a_hydrators_synced_branch_is_the_source(whole: dict[str, Any], synced: dict[str, str], source: Source) -> None:
    hydrator = {**HYDRATOR, "syncSource": {**HYDRATOR["syncSource"], **synced}}
    assert document(change(whole, "spec.sourceHydrator", hydrator)).sources == (source,)


# Automated sync


@pytest.mark.parametrize(
    ("automated", "shown"),
    [
        (None, None),
        ({}, AutoSync(prune=False, self_heal=False)),
        ({"prune": True}, AutoSync(prune=True, self_heal=False)),
        ({"selfHeal": True, "enabled": True}, AutoSync(prune=False, self_heal=True)),
        ({"prune": True, "selfHeal": True, "enabled": False}, None),
    ],
)
def test_automated_sync_is_on_unless_it_says_that_it_is_not(
    automated: dict[str, bool] | None, shown: AutoSync | None
) -> None:
    assert document(application("core", automated=automated)).auto_sync == shown


# Sync and health


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, None),
        ({"status": ""}, None),
        ({"status": "Synced"}, Sync(status="Synced")),
        ({"status": "", "revision": "r1"}, Sync(revisions=("r1",))),
        (
            {"status": "Synced", "revision": "", "revisions": ["r1", "r2"]},
            Sync(status="Synced", revisions=("r1", "r2")),
        ),
        ({"status": "SomethingNew"}, Sync(status="SomethingNew")),
    ],
)
def test_sync_is_what_was_compared(raw: dict[str, Any] | None, shown: Sync | None) -> None:
    assert document(change(SINGLE, "status.sync", raw)).sync == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, None),
        ({}, None),
        ({"message": LONG}, None),
        ({"status": "SomethingNew"}, Health(status="SomethingNew")),
        (
            {"status": "Degraded", "message": "no", "lastTransitionTime": FINISHED},
            Health(status="Degraded", message="no", since=FINISHED),
        ),
    ],
)
def test_health_is_argo_cds_own_word(raw: dict[str, Any] | None, shown: Health | None) -> None:
    seen = observed(change(SINGLE, "status.health", raw))
    assert seen.document.health == shown
    in_full(seen.document, seen.detail)


# Operations


def test_what_tells_operations_apart_is_in_the_detail_and_not_shown() -> None:
    seen = observed(DONE)
    assert seen.detail.operation == OperationDetail(
        info=(("commit", "1a2b3c4d"),),
        dry_run=True,
        resources=("ConfigMap/settings", "apps/Deployment/core"),
        only_changed=True,
        images=("proxy:1", "web:2"),
    )
    assert "info" not in str(in_full(seen.document, seen.detail))


def test_of_a_requested_operation_that_has_not_begun_it_is_the_requested_ones() -> None:
    whole = change(DONE, "operation", {"sync": {"revision": "f00"}, "info": [{"name": "ci", "value": "run 7"}]})
    assert observed(whole).detail.operation == OperationDetail(info=(("ci", "run 7"),))


def test_of_an_ordinary_operation_there_is_nothing_more_to_know() -> None:
    assert observed(application("core")).detail.operation is None
    assert observed(application("core", phase=None)).detail.operation is None


def test_what_anybody_may_write_into_an_operation_is_bounded() -> None:
    info = [{"name": "n" * 9_000, "value": "v" * 9_000}] * 100
    whole = change(SINGLE, "status.operationState.operation", {"info": info})
    detail = observed(whole).detail.operation
    assert detail is not None
    assert detail.info == (("n" * INFO_LIMIT, "v" * INFO_LIMIT),) * COUNT_LIMIT


def operation(whole: dict[str, Any]) -> Operation | None:
    return document(whole).operation


def test_without_an_operation_there_is_none() -> None:
    assert operation(application("core", phase=None)) is None
    assert operation(change(SINGLE, "status.operationState", {})) is None


@pytest.mark.parametrize("phase", [None, "Succeeded", "Failed", "Error"])
def test_a_requested_operation_waits_to_start(phase: str | None) -> None:
    waiting = application("core", phase=phase, operation=REQUESTED)
    assert operation(waiting) == Operation(
        phase="Running", revisions=("f00",), initiated_by=InitiatedBy(username="mira"), message="waiting to start"
    )


@pytest.mark.parametrize("phase", ["Running", "Terminating", "SomethingNew"])
def test_a_requested_operation_that_has_begun_is_shown_as_it_goes(phase: str) -> None:
    begun = operation(application("core", phase=phase, operation=REQUESTED))
    assert begun is not None
    assert (begun.phase, begun.started_at) == (phase, STARTED)


def test_an_operation_without_details_waits_to_start_all_the_same() -> None:
    assert operation(application("core", phase=None, operation={"info": []})) == Operation(
        phase="Running", message="waiting to start"
    )


def test_an_attempt_that_failed_and_will_be_retried_is_running_and_finished() -> None:
    retrying = operation(
        application("core", phase="Running", operation_state={"finishedAt": FINISHED, "retryCount": 3, "message": "no"})
    )
    assert retrying is not None
    assert (retrying.phase, retrying.finished_at, retrying.retry_count) == ("Running", FINISHED, 3)


def test_until_there_is_a_result_an_operation_is_known_by_what_it_was_asked_for() -> None:
    assert operation(MULTI) == Operation(
        phase="Running", started_at=STARTED, revisions=("r1", "r2"), initiated_by=InitiatedBy(automated=True)
    )
    nothing = application("core", operation_state={"syncResult": None, "operation": None})
    assert operation(nothing) == Operation(
        phase="Succeeded", started_at=STARTED, finished_at=FINISHED, message="successfully synced (all tasks run)"
    )


def test_a_user_is_named_and_nobody_is_absent() -> None:
    asked = {"operation": {"initiatedBy": {"username": "mira"}}}
    by_user = operation(application("core", operation_state=asked))
    by_nobody = operation(application("core", operation_state={"operation": {"initiatedBy": {}}}))
    assert by_user is not None
    assert by_nobody is not None
    assert by_user.initiated_by == InitiatedBy(username="mira")
    assert by_nobody.initiated_by is None


# Messages and history


@pytest.mark.parametrize(
    ("length", "shown"), [(0, 0), (1, 1), (MESSAGE_LIMIT, MESSAGE_LIMIT), (MESSAGE_LIMIT + 1, MESSAGE_LIMIT + 1)]
)
def test_a_message_is_cut_at_a_thousand_characters(length: int, shown: int) -> None:
    message = cut("é" * length)
    assert len(message or "") == shown
    assert (message or "").endswith("…") is (length > MESSAGE_LIMIT)


def test_cut_messages_are_whole_in_the_detail() -> None:
    conditions = [{"type": "A", "message": "short"}, {"type": "B", "message": LONG}]
    seen = observed(
        application("core", health="Degraded", message=LONG, operation_state={"message": LONG}, conditions=conditions)
    )
    document, full = to_wire(seen.document), in_full(seen.document, seen.detail)
    shown = LONG[:MESSAGE_LIMIT] + "…"
    for part, message in ((document, shown), (full, LONG)):
        assert part["health"]["message"] == part["operation"]["message"] == message
        assert [condition.get("message") for condition in part["conditions"]] == ["short", message]


def test_short_messages_are_not_kept_twice() -> None:
    detail = observed(application("core", message="short", conditions=CONDITIONS)).detail
    assert (detail.health_message, detail.operation_message, detail.condition_messages) == (None, None, ())


def test_the_history_is_in_the_detail() -> None:
    history = observed(MULTI).detail.history
    assert history == (
        Deployment(
            id=0,
            revisions=("r1", "r2"),
            started_at=STARTED,
            deployed_at=FINISHED,
            initiated_by=InitiatedBy(automated=True),
        ),
    )


def test_a_condition_may_be_bare() -> None:
    assert document(change(SINGLE, "status.conditions", [{"type": "NewWarning"}])).conditions == (
        Condition(type="NewWarning"),
    )


def test_the_document_survives_being_stored() -> None:
    for rich in RICH:
        seen = observed(rich)
        assert msgspec.json.decode(msgspec.json.encode(seen), type=Observed) == seen
