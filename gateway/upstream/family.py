"""The rollouts in a resource tree, and what there belongs to each: its analysis runs, and the pods of its versions."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gateway.upstream.parts import RawNode

GROUP = "argoproj.io"

FAMILIES = 20
"""Rollouts of one application that are looked after."""

RUNS = 100
"""Analysis runs of a rollout that are known of: Argo Rollouts keeps ten that have ended, of steps and of background."""


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A resource whose manifest can be asked for. It is another when ``resource_version`` or ``health`` is another."""

    uid: str
    group: str
    version: str
    kind: str
    namespace: str
    name: str
    resource_version: str
    health: str
    created_at: str


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout, its analysis runs, the newest first, and the images of its pods, by the hash of their version."""

    rollout: Member
    runs: tuple[Member, ...] = ()
    images: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


def find_families(nodes: "list[RawNode]") -> tuple[Family, ...]:
    """Return the rollouts of a tree, in its order."""
    found = [node for node in nodes if _is(node, "Rollout") and node.uid][:FAMILIES]
    if not found:
        return ()
    children: dict[str, list[RawNode]] = {}
    for node in nodes:
        for parent in node.parent_refs or ():
            children.setdefault(parent.uid, []).append(node)
    return tuple(_gather(node, children) for node in found)


def _gather(rollout: "RawNode", children: "Mapping[str, list[RawNode]]") -> Family:
    own = children.get(rollout.uid, [])
    # An experiment runs analyses of its own.
    experiments = [child for node in own if _is(node, "Experiment") for child in children.get(node.uid, ())]
    runs = [_meet(node) for node in [*own, *experiments] if _is(node, "AnalysisRun") and node.uid]
    runs.sort(key=lambda run: (run.created_at, run.name), reverse=True)
    images: dict[str, tuple[str, ...]] = {}
    for node in own:
        if node.kind == "ReplicaSet" and node.name.startswith(f"{rollout.name}-"):
            running = _list_images(children.get(node.uid, ()))
            if running:
                images[node.name.removeprefix(f"{rollout.name}-")] = running
    return Family(rollout=_meet(rollout), runs=tuple(runs[:RUNS]), images=images)


def _is(node: "RawNode", kind: str) -> bool:
    return node.kind == kind and node.group == GROUP


def _list_images(pods: "Iterable[RawNode]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(image for pod in pods if pod.kind == "Pod" for image in pod.images or ()))


def _meet(node: "RawNode") -> Member:
    return Member(
        uid=node.uid,
        group=node.group,
        version=node.version,
        kind=node.kind,
        namespace=node.namespace,
        name=node.name,
        resource_version=node.resource_version,
        health=node.health.status if node.health is not None else "",
        created_at=node.created_at or "",
    )
