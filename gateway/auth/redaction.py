"""What is left of a document for those who may not see its messages, or who started what.

A field that is not known here to be harmless is left out: what others add to a detail stays hidden until somebody
thought about it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.model.application import ApplicationStatus

Hideable = Literal["messages", "initiators"]
"""What a rule may hide: free texts that say why, and names of people and programs that did something."""

_KEYS: dict[str, frozenset[str]] = {
    "messages": frozenset({"message", "messages", "info", "text", "advice", "title", "description", "reason", "error"}),
    "initiators": frozenset(
        {"initiatedBy", "initiators", "author", "authors", "actor", "committer", "triggeredBy", "username", "user"}
    ),
}
"""The names of fields, at whatever depth of a detail, that say such a thing."""

_KNOWN = frozenset(
    {
        *("key", "name", "namespace", "project", "service", "environment", "team", "labels", "owner", "destination"),
        *("sources", "autoSync", "sync", "health", "operation", "images", "urls", "conditions", "createdAt"),
        *("deletionTimestamp", "history", "revisions", "resources", "operationResult", "tree", "links", "parts"),
        *("rollouts", "explanations"),
    }
)
"""The fields of a detail that are shown in part; all others are left out where anything is hidden."""


_KNOWN_OF_CHANGES = frozenset(
    {
        *("id", "application", "project", "service", "environment", "team", "outcome", "kind", "automated"),
        *("revisions", "images", "startedAt", "endedAt", "seeded", "durations", "rollback", "supersededBy"),
    }
)


def redact(document: ApplicationStatus, hidden: frozenset[Hideable]) -> ApplicationStatus:
    """Return a status document without what is hidden; the same one where nothing is."""
    changes: dict[str, Any] = {}
    health, operation, conditions = document.health, document.operation, document.conditions
    if "messages" in hidden:
        if health is not None and health.message is not None:
            changes["health"] = _without(health, "message")
        if any(condition.message is not None for condition in conditions):
            changes["conditions"] = tuple(_without(condition, "message") for condition in conditions)
        if operation is not None and operation.message is not None:
            changes["operation"] = operation = _without(operation, "message")
    if "initiators" in hidden and operation is not None and operation.initiated_by is not None:
        changes["operation"] = _without(operation, "initiated_by")
    return msgspec.structs.replace(document, **changes) if changes else document


def redact_detail(detail: Mapping[str, Any], hidden: frozenset[Hideable]) -> Mapping[str, Any]:
    """Return a detail in wire form without what is hidden; the same one where nothing is.

    Explanations are sentences made of messages and initiators alike, so they go with either.
    """
    if not hidden:
        return detail
    left_out = frozenset().union(*(_KEYS[each] for each in hidden))
    shown = {name: _strip(value, left_out) for name, value in detail.items() if name in _KNOWN}
    # These say in the gateway's own words how complete a detail is, and where to look.
    shown |= {name: detail[name] for name in ("parts", "links", "labels") if name in detail}
    if "explanations" in shown:
        shown["explanations"] = []
    if "timeline" in detail:
        shown["timeline"] = [redact_change(change, hidden) for change in detail["timeline"]]
    return shown


def redact_change(change: Mapping[str, Any], hidden: frozenset[Hideable]) -> Mapping[str, Any]:
    """Return a change of the delivery history in wire form without what is hidden; the same one where nothing is.

    What a stage says beside its state and its times is made of messages and of people's names alike.
    """
    if not hidden:
        return change
    shown = {name: value for name, value in change.items() if name in _KNOWN_OF_CHANGES}
    if "initiators" not in hidden and "initiatedBy" in change:
        shown["initiatedBy"] = change["initiatedBy"]
    if "stages" in change:
        shown["stages"] = [
            {name: stage[name] for name in ("stage", "state", "startedAt", "finishedAt") if name in stage}
            for stage in change["stages"]
        ]
    return shown


def _without(part: Any, field: str) -> Any:
    return msgspec.structs.replace(part, **{field: None})


def _strip(value: Any, left_out: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _strip(item, left_out) for name, item in value.items() if name not in left_out}
    if isinstance(value, list | tuple):
        return [_strip(item, left_out) for item in value]
    return value
