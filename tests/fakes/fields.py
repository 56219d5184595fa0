"""Argo CD's `fields` parameter, with its quirks: a path filter on the watch, a fixed allow-list on the list.

Facts only from argoproj/pkg `grpc/http/forwarders.go` (watch) and argo-cd
`pkg/apiclient/application/forwarder_overwrite.go` (list). Nothing here knows of sockets or of the fake's faults.
"""

from __future__ import annotations

from typing import Any

LIST_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.annotations",
        "metadata.labels",
        "metadata.creationTimestamp",
        "metadata.deletionTimestamp",
        "spec",
        "operation.sync",
        "status.sourceHydrator",
        "status.sync.status",
        "status.health",
        "status.summary",
        "status.resources",
        "status.operationState.startedAt",
        "status.operationState.finishedAt",
        "status.operationState.phase",
        "status.operationState.operation.sync",
    }
)
LIST_FIELDS_SINCE_3_5 = LIST_FIELDS | {
    "spec.destination",
    "spec.project",
    "spec.source",
    "spec.sources",
    "spec.sourceHydrator",
    "spec.syncPolicy",
    "status.sync.revision",
}
# Typed nils of Go, which the list shows as null, where another absent value is left out.
NULL_WHEN_ABSENT = frozenset({"metadata.annotations", "metadata.labels", "metadata.deletionTimestamp"})


class FieldsFilter:
    """The `fields` parameter of a stream: an include list, or with a leading `-` an exclude list; empty keeps all."""

    def __init__(self, parameter: str) -> None:
        self.exclude = parameter.startswith("-")
        self.paths = frozenset(parameter.removeprefix("-").split(",")) if parameter else frozenset()
        # Argo CD compares prefixes of characters, not of path segments: `status.sync.revisions` keeps `revision`, too.
        self._prefixes = frozenset(path[:end] for path in self.paths for end in range(1, len(path) + 1))

    def __bool__(self) -> bool:
        return bool(self.paths)

    def prune(self, document: Any, path: str = "") -> Any:
        """Return `document` with only what the filter keeps; arrays are transparent; keys keep their dots."""
        if isinstance(document, list):
            return [self.prune(item, path) for item in document]
        if not isinstance(document, dict):
            return document
        kept = {}
        for key, value in document.items():
            full = f"{path}.{key}" if path else key
            named = full in self.paths
            if named and not self.exclude:
                kept[key] = value
            elif not named and (self.exclude or full in self._prefixes):
                kept[key] = self.prune(value, full)
        return kept


def select_for_list(application: dict[str, Any], parameter: str, version: tuple[int, int, int]) -> dict[str, Any]:
    """Return the application as a list shows it under `fields`; names outside the allow-list are ignored silently.

    Raises `ValueError` where Argo CD 3.5.0 and 3.5.1 answer 500: a field asked for together with one inside it.
    """
    allowed = LIST_FIELDS_SINCE_3_5 if version >= (3, 5, 0) else LIST_FIELDS
    exclude = parameter.startswith("-")
    named = {
        path.removeprefix("items.") for path in parameter.removeprefix("-").split(",") if path.startswith("items.")
    }
    chosen = sorted(path for path in allowed if (path in named) != exclude)
    if (3, 5, 0) <= version <= (3, 5, 1) and "spec" in chosen:
        inside = [path for path in chosen if path.startswith("spec.")]
        if inside:
            raise ValueError(f"field {inside[0]} is not a map")
    shown: dict[str, Any] = {}
    for path in chosen:
        value = _value_at(application, path)
        if value is not None or path in NULL_WHEN_ABSENT:
            _assign(shown, path, value)
    return shown


def _value_at(application: dict[str, Any], path: str) -> Any:
    if path == "status.operationState.operation.sync":  # by mistake the list gives the result under this name
        path = "status.operationState.syncResult"
    if path == "spec.project":
        return application.get("spec", {}).get("project", "")
    value: Any = application
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _assign(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value
