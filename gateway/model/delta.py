"""Changes, and the delta between any two positions of the log.

A delta is *computed*, never composed: for each key touched in ``(from, to]``, compare ``before`` of its first change
with ``after`` of its last, each as the view sees it. So a tick, a lagging subscriber and a resume are the same
function.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import msgspec
import orjson

from gateway.model.application import ApplicationStatus, differing_fields, to_wire

Sees = Callable[[ApplicationStatus], bool]


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change of one application; ``before`` is None where it came, ``after`` where it went."""

    key: str
    before: ApplicationStatus | None
    after: ApplicationStatus | None


class NetChange:
    """What became of one application between two positions, with its encodings made once for all views."""

    def __init__(self, key: str, before: ApplicationStatus | None, after: ApplicationStatus | None) -> None:
        self.key = key
        self.before = before
        self.after = after

    @cached_property
    def whole(self) -> orjson.Fragment:
        """The whole document, encoded."""
        return orjson.Fragment(orjson.dumps(to_wire(self.after)))

    @cached_property
    def fields(self) -> orjson.Fragment | None:
        """The fields that differ, encoded; None where nothing does."""
        assert self.before is not None
        assert self.after is not None
        fields = differing_fields(self.before, self.after)
        return orjson.Fragment(orjson.dumps(fields)) if fields else None


class Delta(msgspec.Struct, frozen=True):
    """What a view must learn: the fields that changed, by key, and the keys that left it. No key is in both."""

    changed: dict[str, orjson.Fragment]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def net(changes: Iterable[Change]) -> list[NetChange]:
    """Reduce consecutive changes to one for each key; a key that ends as it began is still listed."""
    touched: dict[str, NetChange] = {}
    for change in changes:
        if (known := touched.get(change.key)) is None:
            touched[change.key] = NetChange(change.key, change.before, change.after)
        else:
            known.after = change.after
    return list(touched.values())


def project(changes: Iterable[NetChange], sees: Sees) -> Delta:
    """Return the delta that a view needs: unseen → seen is the whole document, seen → unseen a removal."""
    changed: dict[str, orjson.Fragment] = {}
    removed: list[str] = []
    for change in changes:
        before, after = change.before, change.after
        saw = before is not None and sees(before)
        if after is None or not sees(after):
            if saw:
                removed.append(change.key)
        elif not saw:
            changed[change.key] = change.whole
        elif (fields := change.fields) is not None:
            changed[change.key] = fields
    return Delta(changed, tuple(removed))


def apply(documents: dict[str, dict[str, Any]], changed: dict[str, dict[str, Any]], removed: Iterable[str]) -> None:
    """Fold a delta into a client's documents, in place: the rule that every client follows.

    Assign each changed field (None removes one; an unknown key begins empty), then drop the removed keys.
    """
    for key, fields in changed.items():
        document = documents.setdefault(key, {})
        for field, value in fields.items():
            if value is None:
                document.pop(field, None)
            else:
                document[field] = value
    for key in removed:
        documents.pop(key, None)
