"""Resource trees of applications whose trees weren't recorded, and manifests that weren't: only what is known. Pure."""

import uuid
from typing import Any

from gateway.demo.recording import Application, Manifest, ResourceName, Tree


def derive_tree(application: Application) -> Tree:
    """Return what an application says itself of its resource tree.

    These are its managed resources, as its status lists them with their health. What they made in their turn (replica
    sets, pods, end points) and when they were created isn't known, and left out; so is an empty list. A missing
    resource has no uid, as in Argo CD's own trees (controller/appcontroller.go, getResourceTree).
    """
    life = uuid.UUID(application["metadata"]["uid"])
    nodes = [_make_node(resource, life) for resource in application["status"].get("resources", [])]
    return {"nodes": nodes} if nodes else {}


def find_node(tree: Tree, resource: ResourceName) -> dict[str, Any] | None:
    """Return the node of a living resource; None, if it isn't in the tree."""
    return next((node for node in tree.get("nodes", []) if name_resource(node) == resource and "uid" in node), None)


def name_resource(node: dict[str, Any]) -> ResourceName:
    """Return what a node is called by."""
    return node.get("group", ""), node["kind"], node.get("namespace", ""), node["name"]


def derive_manifest(node: dict[str, Any]) -> Manifest:
    """Return what a tree tells of a resource's manifest: neither spec nor status."""
    group, version = node.get("group"), node["version"]
    metadata = _pick(node, "name", "namespace", "uid", "resourceVersion")
    if "createdAt" in node:
        metadata["creationTimestamp"] = node["createdAt"]
    return {"apiVersion": f"{group}/{version}" if group else version, "kind": node["kind"], "metadata": metadata}


def _make_node(resource: dict[str, Any], life: uuid.UUID) -> dict[str, Any]:
    node = _pick(resource, "group", "version", "kind", "namespace", "name", "health")
    if resource.get("health", {}).get("status") != "Missing":
        node["uid"] = str(uuid.uuid5(life, "/".join(name_resource(resource))))
    return node


def _pick(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}
