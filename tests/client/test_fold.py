"""The client's fold against ours: whatever a gateway may send, both hold the same and call the same changed."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.delta import apply
from tests.client.node import Folder
from tests.effort import examples

KEYS = st.sampled_from(["argocd/a", "argocd/b", "team/a", "__proto__", "constructor", "7", "\u202ea/\U0001f680"])
FIELDS = st.sampled_from(["health", "images", "project", "__proto__", "toString", "0"])
TEXTS = st.sampled_from(["", "x", "<b>", "\u2028\U0001f680"])
NAMES = st.sampled_from(["status", "__proto__", "1"])
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
DOCUMENTS = st.dictionaries(FIELDS, VALUES, max_size=4)
CHANGES = st.dictionaries(FIELDS, st.none() | VALUES, min_size=1, max_size=3)

Documents = dict[str, dict[str, Any]]


@st.composite
def _snapshots(draw: st.DrawFn) -> tuple[str, Any]:
    documents = draw(st.dictionaries(KEYS, DOCUMENTS, max_size=4))
    listed = [{**document, "key": key} for key, document in documents.items()]
    return "snapshot", {"reason": "new", "position": "e-1", "applications": listed}


@st.composite
def _deltas(draw: st.DrawFn) -> tuple[str, Any]:
    changed = draw(st.dictionaries(KEYS, CHANGES, max_size=3))
    removed = draw(st.lists(KEYS.filter(lambda key: key not in changed), unique=True, max_size=2))
    whole = draw(st.booleans())
    return "delta", {
        "changed": {key: {**fields, "key": key} if whole else fields for key, fields in changed.items()},
        "removed": removed,
    }


_OTHERS = st.just(("heartbeat", {"at": "", "upstream": {"state": "live"}})) | st.just(("dance", {"new": True}))


def _write(document: dict[str, Any] | None) -> str:
    """Return a document as text: to Python alone, ``False`` is 0."""
    return json.dumps(document, sort_keys=True)


@settings(max_examples=examples(150))
@given(st.lists(_snapshots() | _deltas() | _OTHERS, max_size=8))
def test_both_folds_hold_the_same_after_the_same_events(folder: Folder, events: list[tuple[str, Any]]) -> None:
    held: Documents = {}
    known = False
    expected: list[set[str]] = []
    for name, data in events:
        before = {key: dict(document) for key, document in held.items()}
        touched: set[str] = set()
        if name == "snapshot":
            # Copies: what is applied later would be in the event as well.
            held = {document["key"]: dict(document) for document in data["applications"]}
            touched = {key for key in before | held if known and _write(before.get(key)) != _write(held.get(key))}
        elif name == "delta":
            apply(held, data["changed"], data["removed"])
            touched = {*data["changed"], *(before.keys() & set(data["removed"]))}
        known = known or name in ("snapshot", "delta")
        expected.append(touched)
    answer = folder.fold(events)
    assert dict(answer["held"]) == held
    assert [set(changes) for changes in answer["changes"]] == expected


@st.composite
def _details(draw: st.DrawFn) -> tuple[str, Any]:
    if draw(st.booleans()):
        return "snapshot", {"reason": "new", "position": "e-1", "detail": draw(DOCUMENTS)}
    if draw(st.booleans()):
        return "delta", {"changed": draw(CHANGES)}
    return "delta", {"changed": {}, "removed": True}


@given(st.lists(_details() | _OTHERS, max_size=8))
def test_a_detail_folds_by_the_same_rule(folder: Folder, events: list[tuple[str, Any]]) -> None:
    held: Documents = {}
    for name, data in events:
        if name == "snapshot":
            held = {"it": dict(data["detail"])}
        elif name == "delta":
            gone = ["it"] if data.get("removed") else []
            apply(held, {} if gone else {"it": data["changed"]}, gone)
    assert folder.fold(events, detail=True)["held"] == held.get("it")
