"""Argo CD Application objects for tests: a builder of whole ones, and the facts that the fake reads from them.

Shapes follow `tests/data/recordings`: empty structs are present, absent lists and pointers are left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Application = dict[str, Any]

REPOSITORY = "https://git.example.org/deploy.git"
REVISION = "b2ade24778bef5173547e5fcdfeda10fd0ac4442"
CREATED = "2026-11-20T23:11:21Z"
STARTED = "2026-11-20T23:17:48Z"
FINISHED = "2026-11-20T23:17:49Z"


def key_of(application: Application) -> str:
    return f"{application['metadata'].get('namespace', '')}/{application['metadata']['name']}"


def version_of(application: Application) -> int:
    return int(application["metadata"].get("resourceVersion") or 0)


def project_of(application: Application) -> str:
    return application.get("spec", {}).get("project") or "default"


def uid_of(key: str, life: int = 1) -> str:
    """Return a uid as Kubernetes would give it: another one for each life of a recreated application."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key}#{life}"))


def application(
    name: str,
    *,
    namespace: str = "argocd",
    project: str = "default",
    sync: str = "Synced",
    health: str = "Healthy",
    message: str | None = None,
    revision: str | Sequence[str] = REVISION,
    images: Iterable[str] = (),
    urls: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    owner: str | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    destination: Mapping[str, str] | None = None,
    automated: Mapping[str, bool] | None = MappingProxyType({"prune": True, "selfHeal": True}),
    phase: str | None = "Succeeded",
    operation_state: Mapping[str, Any] | None = None,
    operation: Mapping[str, Any] | None = None,
    conditions: Sequence[Mapping[str, Any]] = (),
    since: str = FINISHED,
    reconciled_at: str = FINISHED,
    created_at: str = CREATED,
    deletion_timestamp: str | None = None,
    uid: str | None = None,
    version: int = 1,
) -> Application:
    """Return a whole Application as Argo CD sends it.

    `message` is health's, `since` its lastTransitionTime. A list of `revision`s and several `sources` make a
    multi-source application. `owner` names an ApplicationSet. `automated=None` is no automatic sync. `phase=None` means
    that no operation was ever begun; `operation_state` changes or adds fields of `status.operationState` (None removes
    one); `operation` is a requested one. `health=""` is a health never computed. `version` is the resourceVersion,
    which `FakeArgoCD.put` replaces by the next one.
    """
    key = f"{namespace}/{name}"
    revisions = [revision] if isinstance(revision, str) else list(revision)
    given = [
        dict(source)
        for source in sources or [{"repoURL": REPOSITORY, "path": f"apps/{name}", "targetRevision": "HEAD"}]
    ]
    sourced: dict[str, Any] = {"source": given[0]} if len(given) == 1 else {"sources": given}
    revised: dict[str, Any] = {"revision": revisions[0]} if len(given) == 1 else {"revisions": revisions}
    target = dict(destination or {"server": "https://kubernetes.default.svc", "namespace": name})
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": uid or uid_of(key),
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": created_at,
        "deletionTimestamp": deletion_timestamp,
        "labels": dict(labels or {}) or None,
        "annotations": dict(annotations or {}) or None,
        "ownerReferences": [_owner(owner)] if owner else None,
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    }
    state = _operation_state(phase, sourced, revised, operation_state or {})
    status = {
        "resources": [_resource(kind, name, target.get("namespace", name), sync) for kind in ("Service", "Deployment")],
        "sync": {"status": sync, "comparedTo": {**sourced, "destination": target}, **revised},
        "health": _present(
            {"status": health or None, "lastTransitionTime": since if health else None, "message": message}
        ),
        "history": [_deployed(sourced, revised)] if state else None,
        "conditions": [dict(condition) for condition in conditions] or None,
        "reconciledAt": reconciled_at,
        "operationState": state,
        "sourceType": "Directory" if len(given) == 1 else None,
        "sourceTypes": ["Directory"] * len(given) if len(given) > 1 else None,
        "summary": _present({"externalURLs": list(urls) or None, "images": sorted(images) or None}),
        "resourceHealthSource": "appTree",
        "controllerNamespace": "argocd",
        "sourceHydrator": {},
    }
    policy = {} if automated is None else {"automated": dict(automated)}
    whole = {
        "metadata": _present(metadata),
        "spec": {**sourced, "destination": target, "project": project, "syncPolicy": policy},
        "status": _present(status),
        "operation": dict(operation) if operation else None,
    }
    return _present(whole)


def _operation_state(
    phase: str | None, sourced: dict[str, Any], revised: dict[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any] | None:
    if phase is None:
        return None
    running = phase in ("Running", "Terminating")
    state = {
        "operation": {
            "sync": {**revised, "prune": True},
            "initiatedBy": {"automated": True},
            "retry": {"limit": 5},
        },
        "phase": phase,
        "message": "successfully synced (all tasks run)" if phase == "Succeeded" else None,
        "syncResult": {**revised, **sourced},
        "startedAt": STARTED,
        "finishedAt": None if running else FINISHED,
    }
    return _present({**state, **changes})


def _deployed(sourced: dict[str, Any], revised: dict[str, Any]) -> dict[str, Any]:
    who = {"initiatedBy": {"automated": True}}
    return {**revised, "deployedAt": FINISHED, "id": 0, **sourced, "deployStartedAt": STARTED, **who}


def _resource(kind: str, name: str, namespace: str, sync: str) -> dict[str, Any]:
    group = {"group": "apps"} if kind == "Deployment" else {}
    return {**group, "version": "v1", "kind": kind, "namespace": namespace, "name": name, "status": sync}


def _owner(name: str) -> dict[str, Any]:
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet"}
    return {**kind, "name": name, "uid": uid_of(name), "controller": True, "blockOwnerDeletion": True}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
