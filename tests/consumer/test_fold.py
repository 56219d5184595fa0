"""Events into documents, and changes into words."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.consumer.fold import Change, ContractError, Fold
from gateway.consumer.sse import Event
from gateway.consumer.words import describe, is_well, shorten_revision, summarise
from tests.effort import examples

REVISION = "1a2b3c4" + "0" * 33


def document(name: str = "core", **fields: Any) -> dict[str, Any]:
    well = {"health": {"status": "Healthy"}, "sync": {"status": "Synced", "revisions": [REVISION]}}
    return {"key": f"argocd/{name}", "name": name, "namespace": "argocd", "project": "astrago", **well, **fields}


def event(name: str, data: Any, id: str | None = None) -> Event:  # noqa: A002 - the field's own name
    return Event(name=name, id=id, data=json.dumps(data))


def snapshot(*documents: dict[str, Any], id: str = "e-1-v") -> Event:  # noqa: A002
    return event("snapshot", {"reason": "new", "position": "e-1", "applications": list(documents)}, id)


def delta(changed: dict[str, Any], *removed: str, id: str = "e-2-v") -> Event:  # noqa: A002
    return event("delta", {"changed": changed, "removed": list(removed)}, id)


def said(changes: list[Change]) -> list[str]:
    return [f"{change.title}  {text(line)}" for change in changes for line in change.lines]


def text(words: Any) -> str:
    return "".join(word.text for word in words)


def in_words(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    return [text(line) for line in describe(before, after)]


def test_a_fold_follows_the_rule_of_every_client() -> None:
    fold = Fold()
    assert fold.take(snapshot(document("a"), document("b", images=["x"]))) == []
    changes = fold.take(
        delta({"argocd/a": {"health": {"status": "Degraded"}}, "argocd/c": document("c")}, "argocd/b", id="e-2-v")
    )
    assert set(fold.documents) == {"argocd/a", "argocd/c"}
    assert fold.documents["argocd/a"] == document("a", health={"status": "Degraded"})
    assert fold.cursor == "e-2-v"
    assert said(changes) == [
        "astrago/a  Healthy → Degraded",
        "astrago/b  removed",
        "astrago/c  appeared  Healthy  Synced 1a2b3c4",
    ]


def test_a_null_removes_a_field_and_an_event_without_an_id_keeps_the_cursor() -> None:
    fold = Fold()
    fold.take(snapshot(document("a", images=["x"])))
    fold.take(delta({"argocd/a": {"images": None}}, id="e-2-v"))
    fold.take(event("heartbeat", {"at": "…", "upstream": {"state": "stale", "reason": "silent"}}))
    assert fold.documents == {"argocd/a": document("a")}
    assert (fold.cursor, fold.upstream["state"]) == ("e-2-v", "stale")


def test_a_later_snapshot_says_only_in_what_it_differs() -> None:
    fold = Fold()
    fold.take(snapshot(document("a"), document("b")))
    changes = fold.take(snapshot(document("b", health={"status": "Missing"}), document("c"), id="f-1-v"))
    assert said(changes) == [
        "astrago/a  removed",
        "astrago/b  Healthy → Missing",
        "astrago/c  appeared  Healthy  Synced 1a2b3c4",
    ]


def test_where_names_are_not_unique_keys_are_shown() -> None:
    fold = Fold()
    twin = {**document("a"), "key": "team/a", "namespace": "team"}
    fold.take(snapshot(document("a"), twin))
    assert said(fold.take(delta({"team/a": {"health": {"status": "Missing"}}}))) == ["team/a  Healthy → Missing"]


def test_who_asked_for_a_part_is_not_told_of_removals() -> None:
    fold = Fold(selected=True)
    fold.take(snapshot(document("a")))
    assert said(fold.take(delta({}, "argocd/a"))) == ["astrago/a  no longer among these"]


@pytest.mark.parametrize(
    ("name", "data"),
    [("snapshot", "{"), ("snapshot", "[]"), ("snapshot", "{}"), ("snapshot", '{"applications":[1]}'), ("delta", "{}"),
     ("delta", '{"changed":{"a":1},"removed":[]}'), ("delta", '{"changed":{},"removed":7}'), ("heartbeat", "nonsense")],
)  # fmt: skip
def test_what_no_gateway_sends_is_an_error_of_the_contract(name: str, data: str) -> None:
    with pytest.raises(ContractError):
        Fold().take(Event(name=name, id=None, data=data))


def test_unknown_events_say_nothing() -> None:
    fold = Fold()
    assert fold.take(event("dance", {"new": True})) == []
    assert not fold.filled


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"health": {"status": "Progressing", "message": "waiting"}}, ["Healthy → Progressing  waiting"]),
        ({"health": {"status": "Healthy", "since": "later"}}, []),
        ({"sync": {"status": "OutOfSync", "revisions": [REVISION]}}, ["sync Synced → OutOfSync 1a2b3c4"]),
        ({"sync": {"status": "Synced", "revisions": ["1.2.0", REVISION]}}, ["sync Synced 1.2.0, 1a2b3c4"]),
        (
            {"operation": {"phase": "Running", "startedAt": "t", "initiatedBy": {"automated": True}, "message": "go"}},
            ["operation Running  by automated sync  go"],
        ),
        (
            {"operation": {"phase": "Failed", "startedAt": "t", "initiatedBy": {"username": "mia"}, "retryCount": 2}},
            ["operation Failed  by mia  retry 2"],
        ),
        ({"images": ["r:5000/core:v2"]}, ["image core v1 → v2"]),
        ({"images": ["r:5000/core:v1", "web"]}, ["image web"]),
        ({"images": []}, ["image r:5000/core:v1 no longer runs"]),
        ({"conditions": [{"type": "SyncError", "message": "no\nway"}]}, ["SyncError  no way"]),
        ({"project": "coelho"}, ["project astrago → coelho"]),
        ({"deletionTimestamp": "t"}, ["is being deleted"]),
        ({"urls": ["u"], "labels": {"a": "b"}}, ["labels, urls changed"]),
        ({"health": {"status": "Dancing"}}, ["Healthy → Dancing"]),
        ({"health": None}, ["Healthy → Unknown"]),
        ({"health": {"status": "Degraded", "message": "\x1b[2J\u202eevil"}}, ["Healthy → Degraded   [2J evil"]),
    ],
)
def test_each_change_has_its_words(fields: dict[str, Any], words: list[str]) -> None:
    before = document(images=["r:5000/core:v1"])
    assert in_words(before, {**before, **fields}) == words


def test_an_operation_that_goes_absent_has_not_ended() -> None:
    assert in_words(document(operation={"phase": "Succeeded"}), document()) == []


def test_a_condition_that_goes_is_over() -> None:
    before = document(conditions=[{"type": "SyncError"}])
    assert in_words(before, document()) == ["SyncError is over"]


def test_commits_are_short_and_versions_whole() -> None:
    assert [shorten_revision(each) for each in (REVISION, "v1.2.3-rc.1", "main")] == ["1a2b3c4", "v1.2.3-rc.1", "main"]


def test_who_is_well_is_healthy_synced_and_idle() -> None:
    assert is_well(document(operation={"phase": "Succeeded"}))
    assert not is_well(document(operation={"phase": "Running"}))
    assert not is_well({})
    assert text(summarise(document(operation={"phase": "Running"}))) == "Healthy  Synced 1a2b3c4  operation Running"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["health", "sync", "operation", "images", "conditions", "project", "status", "revisions", "type"]
)
ANYTHING = st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON))


@settings(max_examples=examples(60))
@given(ANYTHING, ANYTHING)
def test_words_take_any_shape_and_are_one_printable_line(before: dict[str, Any], after: dict[str, Any]) -> None:
    for line in [*in_words(before, after), *in_words(None, after), *in_words(before, None)]:
        assert line.isprintable()
