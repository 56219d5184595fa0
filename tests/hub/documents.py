"""Small status documents, and the changes that lead from one to the next."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.model.application import ApplicationStatus, Health, to_wire
from gateway.model.delta import Change, Sees

Documents = dict[str, dict[str, Any]]
State = dict[str, ApplicationStatus]


def application(key: str = "argocd/web", **fields: Any) -> ApplicationStatus:
    namespace, name = key.split("/")
    return ApplicationStatus(key=key, name=name, namespace=namespace, **fields)


def ailing(key: str, message: str, **fields: Any) -> ApplicationStatus:
    return application(key, health=Health(status="Degraded", message=message), **fields)


def chain(state: State, steps: Iterable[tuple[str, ApplicationStatus | None]]) -> list[Change]:
    """Return what happened one after the other as changes, and bring the state there."""
    changes = []
    for key, after in steps:
        if (before := state.get(key)) is None and after is None:
            continue
        changes.append(Change(key, before, after))
        if after is None:
            del state[key]
        else:
            state[key] = after
    return changes


def upserts(state: State, *documents: ApplicationStatus) -> list[Change]:
    return chain(state, [(document.key, document) for document in documents])


def seen(state: Mapping[str, ApplicationStatus], sees: Sees) -> Documents:
    """Return what a view shows of a state, as a client reads it."""
    return {key: json.loads(json.dumps(to_wire(document))) for key, document in state.items() if sees(document)}
