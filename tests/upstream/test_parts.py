"""What Argo CD tells of one application is read as it was recorded, and garbage is said to be garbage."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.parts import (
    TREE_LIMIT,
    Commit,
    LineError,
    RawInventory,
    RawTree,
    Tree,
    decode_tree_line,
    make_inventory,
    make_tree,
    to_wire,
)
from tests.fakes import recordings


def trees(name: str) -> list[Tree]:
    return [decode_tree_line(line) for line in recordings.lines(name)]


@pytest.mark.parametrize("name", ["canary/tree.ndjson", "rollout/resource-tree.ndjson"])
def test_every_recorded_tree_is_read_whole(name: str) -> None:
    for line, tree in zip(recordings.lines(name), trees(name), strict=True):
        raw = msgspec.json.decode(line)["result"]["nodes"]
        shown = to_wire(tree)["nodes"]
        by_uid = {node["uid"]: node for node in shown}
        assert [node["uid"] for node in shown] == [node["uid"] for node in raw]
        for node, told in zip(raw, shown, strict=True):
            for field in ("group", "version", "kind", "namespace", "name", "createdAt", "images", "health"):
                assert told.get(field) == (node.get(field) or None)
            assert [each["name"] for each in told.get("info", [])] == [each["name"] for each in node.get("info", [])]
            parents = [by_uid[uid] for uid in told.get("parents", [])]
            assert [(each["kind"], each["name"]) for each in parents] == [
                (each["kind"], each["name"]) for each in node.get("parentRefs", [])
            ]


def test_a_tree_is_read_alike_from_an_answer_and_from_either_framing() -> None:
    body = recordings.answer("http/tree.http").body
    tree = make_tree(msgspec.json.decode(body, type=RawTree))
    line = b'{"result":' + body.strip() + b"}"
    assert decode_tree_line(line) == decode_tree_line(b"data: " + line + b" ") == tree
    assert {node.kind for node in tree.nodes} >= {"Pod", "ReplicaSet", "Rollout"}


def test_resources_and_the_last_syncs_result_are_read_from_a_recorded_application() -> None:
    inventory = make_inventory(msgspec.json.decode(recordings.answer("http/get.http").body, type=RawInventory))
    assert {resource.kind for resource in inventory.resources} == {"ConfigMap", "Service", "Deployment"}
    assert inventory.applied is not None
    assert {each.status for each in inventory.applied} == {"Synced"}
    assert to_wire(inventory.resources[0])["name"]


def test_a_recorded_commit_is_read() -> None:
    commit = msgspec.json.decode(recordings.answer("http/revmeta.http").body, type=Commit)
    assert to_wire(commit) == {
        "author": "Example CI <ci@example.org>",
        "date": "2026-11-20T23:20:41Z",
        "message": "Release store 2026.11.1",
    }


def test_a_huge_tree_is_cut_and_says_so() -> None:
    raw = msgspec.convert({"nodes": [{"uid": str(n), "kind": "Pod"} for n in range(TREE_LIMIT + 7)]}, RawTree)
    tree = make_tree(raw)
    assert (len(tree.nodes), tree.omitted) == (TREE_LIMIT, 7)
    assert to_wire(make_tree(RawTree())) == {"nodes": ()}


def test_an_error_within_the_stream_is_told_with_its_status() -> None:
    with pytest.raises(LineError, match="gone") as caught:
        decode_tree_line(b'data: {"error":{"grpc_code":5,"http_code":404,"message":"gone","http_status":"Not Found"}}')
    assert caught.value.status == 404


@given(st.binary(max_size=60) | st.just(b"{" * 10_000))
def test_garbage_is_a_line_error_and_nothing_else(line: bytes) -> None:
    with pytest.raises(LineError):
        decode_tree_line(line)
