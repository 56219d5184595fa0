"""The document's shape on the wire: camelCase, an absent value is an absent field, a change is whole fields."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.application import (
    FIELDS,
    ApplicationStatus,
    AutoSync,
    Condition,
    Deployment,
    Destination,
    Detail,
    Health,
    InitiatedBy,
    Operation,
    Owner,
    Source,
    Sync,
    differing_fields,
    in_full,
    to_wire,
)

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(("", "a", "b"))
PERHAPS = st.none() | WORDS
SEVERAL = st.lists(WORDS, max_size=2).map(tuple)

documents = st.builds(
    ApplicationStatus,
    key=st.just("argocd/web"),
    name=st.just("web"),
    namespace=st.just("argocd"),
    project=PERHAPS,
    labels=st.none() | st.dictionaries(WORDS, WORDS, max_size=2),
    owner=st.none() | st.builds(Owner, kind=WORDS, name=WORDS),
    destination=st.none() | st.builds(Destination, server=PERHAPS, name=PERHAPS, namespace=PERHAPS),
    sources=st.lists(st.builds(Source, repo_url=WORDS, path=PERHAPS), max_size=2).map(tuple),
    auto_sync=st.none() | st.builds(AutoSync, prune=st.booleans(), self_heal=st.booleans()),
    sync=st.none() | st.builds(Sync, status=PERHAPS, revisions=SEVERAL, since=PERHAPS, at_least=st.booleans()),
    health=st.none() | st.builds(Health, status=WORDS, message=PERHAPS),
    operation=st.none()
    | st.builds(
        Operation,
        phase=WORDS,
        revisions=SEVERAL,
        retry_count=st.integers(0, 1),
        initiated_by=st.none() | st.builds(InitiatedBy, username=PERHAPS, automated=st.booleans()),
    ),
    images=SEVERAL,
    urls=SEVERAL,
    conditions=st.lists(st.builds(Condition, type=WORDS, message=PERHAPS), max_size=2).map(tuple),
    created_at=PERHAPS,
    deletion_timestamp=PERHAPS,
)


def application(**fields: Any) -> ApplicationStatus:
    return ApplicationStatus(key="argocd/web", name="web", namespace="argocd", **fields)


def wire(value: object) -> dict[str, Any]:
    """Return what a client reads of a value that goes out as JSON."""
    read: dict[str, Any] = json.loads(json.dumps(value))
    return read


def has_null(value: object) -> bool:
    match value:
        case dict():
            return any(map(has_null, value.values()))
        case list():
            return any(map(has_null, value))
    return value is None


def test_a_document_on_the_wire_is_camel_case_as_documented() -> None:
    document = application(
        project="shop",
        labels={"team": "shop"},
        owner=Owner(kind="ApplicationSet", name="store"),
        destination=Destination(server="https://kubernetes.default.svc", namespace="shop"),
        sources=(Source(repo_url="https://git.example.org/deploy.git", path="apps/web", target_revision="HEAD"),),
        auto_sync=AutoSync(prune=True, self_heal=False),
        sync=Sync(status="Synced", revisions=("babb",), since="2026-11-20T23:17:49Z", at_least=True),
        health=Health(status="Healthy", since="2026-11-20T23:17:49Z"),
        operation=Operation(
            phase="Running",
            started_at="2026-11-20T23:17:49Z",
            finished_at="2026-11-20T23:17:50Z",
            initiated_by=InitiatedBy(automated=True),
            retry_count=1,
        ),
        images=("ghcr.io/example/web:1",),
        urls=("https://shop.example.org",),
        conditions=(Condition(type="ComparisonError", message="no such path"),),
        created_at="2026-11-20T23:17:00Z",
        deletion_timestamp="2026-11-21T00:00:00Z",
    )
    assert wire(to_wire(document)) == {
        "key": "argocd/web",
        "name": "web",
        "namespace": "argocd",
        "project": "shop",
        "labels": {"team": "shop"},
        "owner": {"kind": "ApplicationSet", "name": "store"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "sources": [{"repoURL": "https://git.example.org/deploy.git", "path": "apps/web", "targetRevision": "HEAD"}],
        "autoSync": {"prune": True, "selfHeal": False},
        "sync": {"status": "Synced", "revisions": ["babb"], "since": "2026-11-20T23:17:49Z", "atLeast": True},
        "health": {"status": "Healthy", "since": "2026-11-20T23:17:49Z"},
        "operation": {
            "phase": "Running",
            "startedAt": "2026-11-20T23:17:49Z",
            "finishedAt": "2026-11-20T23:17:50Z",
            "initiatedBy": {"automated": True},
            "retryCount": 1,
        },
        "images": ["ghcr.io/example/web:1"],
        "urls": ["https://shop.example.org"],
        "conditions": [{"type": "ComparisonError", "message": "no such path"}],
        "createdAt": "2026-11-20T23:17:00Z",
        "deletionTimestamp": "2026-11-21T00:00:00Z",
    }


def test_an_absent_value_is_an_absent_field() -> None:
    assert to_wire(application()) == {"key": "argocd/web", "name": "web", "namespace": "argocd"}
    assert to_wire(application(sync=Sync(), health=Health(status=""))) == {
        "key": "argocd/web",
        "name": "web",
        "namespace": "argocd",
        "sync": {},
        "health": {"status": ""},
    }


@at_any_speed
@given(documents)
def test_a_document_is_never_null_anywhere(document: ApplicationStatus) -> None:
    assert not has_null(wire(to_wire(document)))


@at_any_speed
@given(documents)
def test_a_document_survives_the_wire(document: ApplicationStatus) -> None:
    assert msgspec.convert(wire(to_wire(document)), ApplicationStatus) == document


def test_every_field_is_listed_with_its_name_on_the_wire() -> None:
    assert dict(FIELDS)["auto_sync"] == "autoSync"
    assert [name for name, _ in FIELDS] == list(ApplicationStatus.__struct_fields__)


def test_only_the_fields_that_differ_are_told() -> None:
    before = application(
        project="shop", images=("web:1",), health=Health(status="Healthy", since="2026-11-20T00:00:00Z")
    )
    after = application(project="shop", images=("web:2",), health=Health(status="Degraded"))
    assert wire(differing_fields(before, after)) == {"images": ["web:2"], "health": {"status": "Degraded"}}
    assert differing_fields(before, before) == {}


def test_a_field_that_went_absent_is_null() -> None:
    before = application(project="shop", images=("web:1",), labels={"a": "b"}, health=Health(status="Healthy"))
    assert differing_fields(before, application()) == {"project": None, "images": None, "labels": None, "health": None}


def test_a_field_that_is_there_and_empty_is_not_null() -> None:
    before = application(labels={"a": "b"}, project="shop", sync=Sync(status="Synced"))
    after = application(labels={}, project="", sync=Sync())
    assert differing_fields(before, after) == {"labels": {}, "project": "", "sync": {}}


@at_any_speed
@given(documents, documents)
def test_assigning_the_differing_fields_makes_the_later_document(
    before: ApplicationStatus, after: ApplicationStatus
) -> None:
    made = to_wire(before) | differing_fields(before, after)
    assert {field: value for field, value in made.items() if value is not None} == to_wire(after)


def test_the_full_view_has_history_and_whole_messages() -> None:
    document = application(
        health=Health(status="Degraded", message="back…"),
        operation=Operation(phase="Failed", message="one…"),
        conditions=(
            Condition(type="SyncError", message="fail…"),
            Condition(type="OrphanedResourceWarning", message="1"),
        ),
    )
    detail = Detail(
        history=(Deployment(id=7, revisions=("babb",), deployed_at="2026-11-20T23:17:49Z"),),
        health_message="back-off restarting",
        operation_message="one or more tasks failed",
        condition_messages=("failed to sync", None),
    )
    before = to_wire(document)
    full = wire(in_full(document, detail))
    assert full["health"] == {"status": "Degraded", "message": "back-off restarting"}
    assert full["operation"] == {"phase": "Failed", "message": "one or more tasks failed"}
    assert full["conditions"] == [
        {"type": "SyncError", "message": "failed to sync"},
        {"type": "OrphanedResourceWarning", "message": "1"},
    ]
    assert full["history"] == [{"id": 7, "revisions": ["babb"], "deployedAt": "2026-11-20T23:17:49Z"}]
    assert to_wire(document) == before


@at_any_speed
@given(documents)
def test_the_full_view_without_anything_more_is_the_document_and_an_empty_history(document: ApplicationStatus) -> None:
    assert wire(in_full(document, Detail())) == wire(to_wire(document)) | {"history": []}


def test_a_document_is_frozen() -> None:
    with pytest.raises(AttributeError):
        application().project = "other"  # type: ignore[misc]
