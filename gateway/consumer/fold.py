"""Events into the state that they tell of, and into what changed.

Pure. The rule is the one that every client follows (``gateway.model.delta.apply``); whether a server keeps its promises
is for ``witness`` to judge: here only what can't be understood at all is an error.
"""

import copy
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.consumer.sse import Event
from gateway.consumer.words import Words, describe, part, plain
from gateway.errors import GatewayError
from gateway.model.delta import apply

Documents: TypeAlias = dict[str, dict[str, Any]]


class ContractError(GatewayError):
    """An event that no gateway sends: no JSON, or not of the shape that its name promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one application: ``title`` names it for people, ``lines`` say it, one for each thing."""

    key: str
    title: str
    lines: tuple[Words, ...]


class Fold:
    """A stream's state. It outlives connections, as a client's does. ``selected``: the stream shows but a part."""

    def __init__(self, *, selected: bool = False) -> None:
        self._selected = selected
        self.documents: Documents = {}
        self.cursor = ""
        """The last id, to resume from."""
        self.upstream: dict[str, Any] = {}
        self.filled = False
        """Whether there is a state at all."""

    def take(self, event: Event) -> list[Change]:
        """Follow one event; return what changed by it. Unknown events say nothing. Raises ContractError.

        The first snapshot changes nothing: it is where the changes begin. Later ones change what they differ in.
        """
        data = read_data(event)
        changes: list[Change] = []
        try:
            match event.name:
                case "snapshot":
                    fresh = {document["key"]: document for document in data["applications"]}
                    changes = self._compare(self.documents, fresh, fresh.keys() | self.documents.keys())
                    self.documents = fresh
                case "delta":
                    keys = {*data["changed"], *data["removed"]}
                    before = {key: copy.copy(self.documents[key]) for key in keys if key in self.documents}
                    apply(self.documents, data["changed"], data["removed"])
                    changes = self._compare(before, self.documents, keys)
                case "heartbeat":
                    self.upstream = dict(part(data, "upstream"))
        except (KeyError, TypeError, AttributeError) as error:
            raise ContractError(f"a {event.name} of an unknown shape: {event.data[:200]}") from error
        if event.id is not None:
            self.cursor = event.id
        if event.name == "snapshot" and not self.filled:
            changes = []
        self.filled = self.filled or event.name in ("snapshot", "delta")
        return changes

    def _compare(self, before: Documents, after: Documents, keys: set[str]) -> list[Change]:
        shown = Counter(name_application(document) for document in (*self.documents.values(), *after.values()))
        # Whoever is in both is counted twice.
        changes = []
        for key in sorted(keys):
            old, new = before.get(key), after.get(key)
            lines = tuple(describe(old, new, selected=self._selected)) if old != new else ()
            if lines:
                title = name_application(new or old or {})
                changes.append(Change(key=key, title=title if shown[title] <= 2 else plain(key), lines=lines))
        return changes


def name_application(document: dict[str, Any]) -> str:
    """Return what people call an application: its project and its name."""
    name, project = plain(document.get("name")), plain(document.get("project"))
    return f"{project}/{name}" if project else name


def read_data(event: Event) -> dict[str, Any]:
    """Return an event's data. Raises ContractError if it is no JSON object."""
    try:
        data = json.loads(event.data)
    except ValueError as error:
        raise ContractError(f"the data of a {event.name} is no JSON: {event.data[:200]}") from error
    if not isinstance(data, dict):
        raise ContractError(f"the data of a {event.name} is no object: {event.data[:200]}")
    return data
