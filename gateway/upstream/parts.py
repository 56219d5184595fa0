"""What Argo CD tells of one application besides the Application's status document: its parts, decoded from JSON.

The shapes are already the wire's own: what they name is passed on under Argo CD's names, what they don't is skipped.
Field names and meanings are those of argo-cd pkg/apis/application/v1alpha1/types.go.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.upstream.family import Family, find_families

TREE_LIMIT = 5_000
"""Nodes of a resource tree that are shown; of the rest it is told how many there are."""


class PartHealth(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Argo CD's verdict on one resource."""

    status: str = ""
    message: str = ""


class Resource(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A resource that the application manages, and how it compares with the sources."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: PartHealth | None = None
    requires_pruning: bool = False
    hook: bool = False


class Applied(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What the last sync did to one resource; a hook has a phase instead of a status."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_phase: str = ""
    hook_type: str = ""
    sync_phase: str = ""


class Inventory(msgspec.Struct, frozen=True, gc=False):
    """The resources of an application, and what its last sync did to them; None where there was none."""

    resources: tuple[Resource, ...] = ()
    applied: tuple[Applied, ...] | None = None


class Commit(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Who wrote a revision, when, and what for."""

    author: str = ""
    date: str | None = None
    message: str = ""
    tags: list[str] | None = None


class Info(msgspec.Struct, frozen=True, gc=False):
    """A word that Argo CD has for a node, such as its containers that are ready."""

    name: str = ""
    value: str = ""


class Node(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    """A resource of the tree. ``parents`` are uids; a resource that is missing has no uid."""

    uid: str = ""
    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    parents: tuple[str, ...] = ()
    health: PartHealth | None = None
    images: list[str] | None = None
    info: list[Info] | None = None
    created_at: str = ""


class Tree(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The resource tree: what the application manages, and what came of that. ``omitted`` counts what isn't shown.

    ``rollouts`` have a wire form of their own.
    """

    nodes: tuple[Node, ...]
    omitted: int = 0
    rollouts: tuple[Family, ...] = ()


class _Reference(msgspec.Struct, gc=False):
    uid: str = ""
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class RawNode(msgspec.Struct, gc=False, rename="camel"):
    """A node of a resource tree as Argo CD sends it."""

    uid: str = ""
    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    parent_refs: list[_Reference] | None = None
    health: PartHealth | None = None
    images: list[str] | None = None
    info: list[Info] | None = None
    created_at: str | None = None
    resource_version: str = ""


class RawTree(msgspec.Struct, gc=False):
    """A resource tree as Argo CD sends it."""

    nodes: list[RawNode] | None = None


class _RawError(msgspec.Struct, gc=False):
    message: str = ""
    http_code: int = 0


class _TreeLine(msgspec.Struct, gc=False):
    result: RawTree | None = None
    error: _RawError | None = None


class _RawResult(msgspec.Struct, gc=False):
    resources: list[Applied] | None = None


class _RawState(msgspec.Struct, gc=False, rename="camel"):
    sync_result: _RawResult | None = None


class _RawStatus(msgspec.Struct, gc=False, rename="camel"):
    resources: list[Resource] | None = None
    operation_state: _RawState | None = None


class RawInventory(msgspec.Struct, gc=False):
    """An Application as Argo CD sends it, of which only resources and the last sync's result are read."""

    status: _RawStatus = msgspec.field(default_factory=_RawStatus)


class RawManifest(msgspec.Struct, gc=False):
    """A resource's manifest as Argo CD sends it: as text."""

    manifest: str = ""


class LineError(Exception):
    """A line of a stream is no part; ``status`` is the HTTP status that Argo CD would have answered with, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


_TREE_LINE = msgspec.json.Decoder(_TreeLine)


def carries_content(line: bytes) -> bool:
    """Whether a line of a stream carries anything: keep-alives, empty lines and other SSE fields don't."""
    return line.startswith((b"data:", b"{"))


def decode_tree_line(line: bytes) -> Tree:
    """Read one line of a tree's stream, in either framing. Raises LineError."""
    try:
        content = _TREE_LINE.decode(line.removeprefix(b"data:"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LineError(str(error)) from error
    if content.error is not None:
        raise LineError(content.error.message, content.error.http_code or None)
    if content.result is None:
        raise LineError("neither a result nor an error")
    return make_tree(content.result)


def make_tree(raw: RawTree) -> Tree:
    """Return a tree as it is shown.

    Where Argo CD infers a parent (the Service of Endpoints), its reference has no uid: then it goes by name.
    """
    nodes = raw.nodes or []
    uids = {(node.group, node.kind, node.namespace, node.name): node.uid for node in nodes}
    shown = tuple(_node(node, uids) for node in nodes[:TREE_LIMIT])
    return Tree(shown, max(0, len(nodes) - TREE_LIMIT), find_families(nodes))


def make_inventory(raw: RawInventory) -> Inventory:
    """Return an application's resources as they are shown."""
    state = raw.status.operation_state
    result = state.sync_result if state is not None else None
    applied = None if result is None else tuple(result.resources or ())
    return Inventory(tuple(map(_without_empty_health, raw.status.resources or ())), applied)


def tree_to_wire(tree: Tree) -> Any:
    """Return the JSON-able form of a tree, without its rollouts."""
    return to_wire(msgspec.structs.replace(tree, rollouts=()))


def to_wire(part: object) -> Any:
    """Return the JSON-able form of a part, absent fields left out."""
    return msgspec.to_builtins(part)


def _without_empty_health(resource: Resource) -> Resource:
    empty = resource.health is not None and not resource.health.status
    return msgspec.structs.replace(resource, health=None) if empty else resource


def _node(raw: RawNode, uids: Mapping[tuple[str, str, str, str], str]) -> Node:
    parents = (
        parent.uid or uids.get((parent.group, parent.kind, parent.namespace, parent.name), "")
        for parent in raw.parent_refs or ()
    )
    return Node(
        uid=raw.uid,
        group=raw.group,
        version=raw.version,
        kind=raw.kind,
        namespace=raw.namespace,
        name=raw.name,
        parents=tuple(uid for uid in parents if uid),
        health=raw.health if raw.health is not None and raw.health.status else None,
        images=raw.images or None,
        info=raw.info or None,
        created_at=raw.created_at or "",
    )
