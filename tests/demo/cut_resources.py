"""Cuts what the demo shows of single applications: resource trees, manifests, and the manifest repository's history.

Two applications' trees were recorded. That of `trombone-pay`, with the Rollout and its AnalysisRuns, moves with its
canaries; a manifest, read every few seconds, is put at the moment at which the tree tells of the change. That of
`trombone-api` was recorded from the eleventh second of its canary on. What is shown of it before is taken from its
first tree (without what the canary made), and after the release of v1.1, of which no tree was recorded, from its last
(without replica sets and pods). Its Rollout was read once, when all was done: before that it is shown without status.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from gateway.demo.recording import Manifest, ResourceName, Tree, list_times
from gateway.demo.trees import name_resource
from tests.demo.cut import cut, find_beginning, find_move, find_start, moved, read, read_timed
from tests.fakes import recordings

API, PAY = "argocd/trombone-api", "argocd/trombone-pay"

RELEASED = "ghcr.io/example/trombone-api:v1.0.1-sha1234"
"""The image of the canary of which the trees are."""

MADE_BY_A_ROLLOUT = frozenset({"ReplicaSet", "Pod"})

Line = tuple[float, str, dict[str, Any]]
"""When, of which application, and what is seen of it."""


def cut_resources() -> bytes:
    """Return the sights, uncompressed: one a line, what is seen at the beginning first."""
    lines = sorted([*cut_api(), *cut_pay()], key=lambda line: line[0])
    return b"".join(orjson.dumps({"at": round(at, 3), "key": key, **seen}) + b"\n" for at, key, seen in lines)


def cut_commits() -> bytes:
    """Return the history on the day's clock, the canaries' commits moved with them."""
    lines = []
    for commit in orjson.loads((recordings.FOLDER / "manifest-commits.json").read_bytes()):
        at = datetime.fromisoformat(commit["date"]).timestamp()
        lines.append(
            {
                "at": round(find_move()(at), 3) if commit["message"].startswith("trombone-pay") else at,
                "sha": commit["sha"],
                "author": f"{commit['author']} <{commit['email']}>",
                "message": commit["message"],
            }
        )
    lines.sort(key=lambda line: line["at"])
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def cut_pay() -> Iterator[Line]:
    move, start = find_move(), find_start("canary/app.sse")
    trees = [(move(start + at), moved(tree, move)) for at, tree in read_timed("canary/tree.ndjson")]
    yield find_beginning(), PAY, see_tree(trees[0][1])
    yield from ((at, PAY, see_tree(tree)) for at, tree in trees[1:])
    versions = [(at, {(name_resource(node), node["resourceVersion"]) for node in tree["nodes"]}) for at, tree in trees]
    seen: set[tuple[ResourceName, str]] = set()
    for line in recordings.body("canary/resources.ndjson").splitlines():
        reading = orjson.loads(line)
        manifest = slim_manifest(moved(orjson.loads(reading["manifest"]), move))
        mark = name_of(manifest), manifest["metadata"]["resourceVersion"]
        if mark in seen:
            continue
        at = find_change(mark, versions, move(start + reading["at"])) if seen else find_beginning()
        seen.add(mark)
        yield max(at, *list_times(orjson.dumps(manifest))), PAY, see_manifest(manifest)


def find_change(
    mark: tuple[ResourceName, str], versions: list[tuple[float, set[tuple[ResourceName, str]]]], read: float
) -> float:
    """Return when a resource became what was read: its version's first tree, or else its last change before."""
    changes = [
        (at, now)
        for (_, before), (at, now) in itertools.pairwise(versions)
        if at <= read and any(name == mark[0] for name, _ in now - before)
    ]
    return next((at for at, now in changes if mark in now), changes[-1][0] if changes else read)


def cut_api() -> Iterator[Line]:
    start = find_api_start()
    trees = [(start + at, tree) for at, tree in read_timed("rollout/resource-tree.ndjson")]
    status = orjson.loads(recordings.answer("http/rollout.http").body)
    rollout = slim_manifest(orjson.loads(status["manifest"]))
    api = [
        (event["at"], event["application"]["status"]["summary"]["images"])
        for event in map(orjson.loads, cut().splitlines())
        if f"argocd/{event['application']['metadata']['name']}" == API
    ]
    begun = next(at for at, images in api if RELEASED in images)
    over = next(at for at, images in api if at > begun and RELEASED not in images)
    beginning = find_beginning()
    yield beginning, API, see_tree(before_the_canary(trees[0][1], beginning))
    yield begun, API, see_tree(trees[0][1])
    yield begun, API, see_manifest({name: value for name, value in rollout.items() if name != "status"})
    yield from ((at, API, see_tree(tree)) for at, tree in trees[1:])
    yield max(trees[-1][0], *list_times(orjson.dumps(rollout))), API, see_manifest(rollout)
    yield over, API, see_tree(without_what_it_made(trees[-1][1]))
    yield over, API, {"resource": name_of(rollout), "manifest": None}


def find_api_start() -> float:
    """Return when the canary's own watch was asked for, by the day's clock: both streams brought the same versions."""
    day = {event["metadata"]["resourceVersion"]: at for at, _, event in read("deploy-day/stream.sse")}
    both = [
        day[version] - at
        for at, event in read_timed("rollout/application.ndjson")
        if event["type"] == "MODIFIED" and (version := event["application"]["metadata"]["resourceVersion"]) in day
    ]
    return sum(both) / len(both)


def before_the_canary(tree: Tree, beginning: float) -> Tree:
    """Return what of a tree was there already; of the Rollout's state then, that the application was healthy."""
    nodes = [node for node in tree["nodes"] if datetime.fromisoformat(node["createdAt"]).timestamp() <= beginning]
    rollout = [{**bare(node), "health": {"status": "Healthy"}} if is_rollout(node) else node for node in nodes]
    return {**tree, "nodes": rollout}


def without_what_it_made(tree: Tree) -> Tree:
    """Return a tree without what a Rollout replaces."""
    nodes = [node for node in tree["nodes"] if node["kind"] not in MADE_BY_A_ROLLOUT]
    return {**tree, "nodes": [{**bare(node), "health": node["health"]} if is_rollout(node) else node for node in nodes]}


def is_rollout(node: dict[str, Any]) -> bool:
    return bool(node["kind"] == "Rollout")


def bare(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node without what changes with each release."""
    return {name: value for name, value in node.items() if name not in ("info", "health", "images")}


def slim_manifest(manifest: Manifest) -> Manifest:
    """Return a manifest without what says who wrote which field, and without its copy in an annotation."""
    left_out = "kubectl.kubernetes.io/last-applied-configuration"
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    if "annotations" in metadata:
        metadata["annotations"] = {name: value for name, value in metadata["annotations"].items() if name != left_out}
    return {**manifest, "metadata": metadata}


def name_of(manifest: Manifest) -> ResourceName:
    group, _, _ = manifest["apiVersion"].rpartition("/")
    return group, manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def see_tree(tree: Tree) -> dict[str, Any]:
    return {"tree": tree}


def see_manifest(manifest: Manifest) -> dict[str, Any]:
    return {"resource": name_of(manifest), "manifest": manifest}
