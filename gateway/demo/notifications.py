"""What Argo CD's notifications controller would send, set up as `k8s/argocd/notifications-cm.yaml` says. Pure."""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.demo.happening import ApplicationHappening, DeliveryHappening, Happening
from gateway.demo.recording import Application

_ENDED_BADLY = frozenset({"Error", "Failed"})


class Notifications:
    """A controller: hears of applications, and says once for each operation that it began, succeeded or failed."""

    def __init__(self) -> None:
        self._sent: dict[str, set[tuple[str, str]]] = {}

    def hear(self, happening: Happening) -> Iterator[DeliveryHappening]:
        """Return what is to be sent because of something that happened."""
        if not isinstance(happening, ApplicationHappening):
            return
        if happening.type == "DELETED":
            self._sent.pop(happening.key, None)
            return
        holds = dict(_conditions(happening.application))
        before = self._sent.get(happening.key, set())
        # Of an operation each trigger is sent once; what has no operation is sent again when it holds again.
        self._sent[happening.key] = {mark for mark in before if mark[1] or mark[0] in holds} | set(holds.items())
        for mark in holds.items():
            if mark not in before:
                yield _notify(mark[0], happening)


def _conditions(application: Application) -> Iterator[tuple[str, str]]:
    """Yield the triggers whose condition holds, each with what it is sent once for."""
    status = application.get("status", {})
    operation, health = status.get("operationState") or {}, status.get("health", {}).get("status")
    phase, once = operation.get("phase"), operation.get("startedAt", "")
    if phase == "Running":
        yield "gateway-running", once
    elif phase == "Succeeded" and health == "Healthy":
        yield "gateway-deployed", once
    elif phase in _ENDED_BADLY:
        yield "gateway-failed", once
    if health == "Degraded":
        yield "gateway-degraded", ""


def _notify(trigger: str, happening: ApplicationHappening) -> DeliveryHappening:
    body = orjson.dumps({"trigger": trigger, "argocdUrl": None, "application": _fill(happening.application)})
    return DeliveryHappening(
        at=happening.at,
        sender="argocd",
        id=hashlib.sha256(body).hexdigest()[:32],
        headers={"Content-Type": "application/json"},
        body=body,
    )


def _fill(application: Application) -> dict[str, Any]:
    metadata, status = application["metadata"], application["status"]
    state = status.get("operationState")
    return {
        "metadata": {name: metadata[name] for name in ("name", "namespace", "uid")},
        "health": status.get("health"),
        "operationState": _fill_operation(state) if state else None,
    }


def _fill_operation(state: dict[str, Any]) -> dict[str, Any]:
    asked, result = state.get("operation", {}).get("sync"), state.get("syncResult")
    synced = None
    if result is not None:
        resources = [{"images": resource.get("images")} for resource in result.get("resources", [])]
        synced = {**_fill_sync(result), "sources": [], "resources": resources}
    return {
        **{name: state.get(name) for name in ("phase", "startedAt", "finishedAt")},
        "operation": {"sync": _fill_sync(asked) if asked is not None else None},
        "syncResult": synced,
    }


def _fill_sync(sync: dict[str, Any]) -> dict[str, Any]:
    source = sync.get("source")
    return {
        "revision": sync.get("revision"),
        "revisions": sync.get("revisions"),
        "source": {"repoURL": source.get("repoURL")} if source else None,
    }
