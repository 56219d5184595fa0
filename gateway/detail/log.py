"""The history of details: what the hub fans out to those who look at one application.

One log serves all of them, each detail under its application's key. A change keeps the documents before and after it;
they share what didn't change, so an entry costs what did.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

Document = Mapping[str, Any]
"""A detail in wire form. Never changed in place, for the log and its readers share it."""

_ENTRY_OVERHEAD = 300
"""Bytes that an entry costs beside what changed, about."""


class DetailChange(NamedTuple):
    """One change of one detail; ``before`` is None where it came, ``after`` where it went."""

    key: str
    before: Document | None
    after: Document | None


class DetailRing:
    """The last changes, in order. The entry at offset n leads from position n - 1 to position n."""

    def __init__(self, *, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._entries: dict[int, tuple[DetailChange, int]] = {}
        self._bytes = 0
        self.top = 0

    @property
    def trimmed(self) -> int:
        """The oldest position from which the history is whole."""
        return self.top - len(self._entries)

    def append(self, change: DetailChange) -> None:
        """Add a change, dropping the oldest beyond the bounds."""
        size = len(orjson.dumps(differing(change.before, change.after))) + _ENTRY_OVERHEAD
        self.top += 1
        self._entries[self.top] = (change, size)
        self._bytes += size
        while len(self._entries) > self._capacity or self._bytes > self._max_bytes:
            _, size = self._entries.pop(self.trimmed + 1)
            self._bytes -= size

    def between(self, after: int, upto: int, /) -> Sequence[DetailChange]:
        """Return the changes from one position to another. Raises LookupError for what was trimmed or is to come."""
        if not self.trimmed <= after <= upto <= self.top:
            raise LookupError(f"({after}, {upto}] is not within ({self.trimmed}, {self.top}]")
        return [self._entries[offset][0] for offset in range(after + 1, upto + 1)]


class DetailLog:
    """A ring with an epoch. ``follower`` is called after each change, with nothing."""

    def __init__(self, *, epoch: str, capacity: int, max_bytes: int) -> None:
        self.epoch = epoch
        self.ring = DetailRing(capacity=capacity, max_bytes=max_bytes)
        self.lagging = False
        """This process alone writes it."""
        self._documents: dict[str, Document] = {}
        self._followers: list[Callable[[], None]] = []

    @property
    def documents(self) -> Mapping[str, Document]:
        """Every detail, as of the top."""
        return MappingProxyType(self._documents)

    def awaits(self, offset: int) -> bool:  # noqa: ARG002
        """Return no: nobody is further than the process that counts."""
        return False

    def follow(self, follower: Callable[[], None]) -> None:
        """Have a function called after each change."""
        self._followers.append(follower)

    def put(self, key: str, document: Document | None) -> None:
        """Show another detail under a key, or none; nothing happens where it is the same."""
        before = self._documents.get(key)
        if before == document:
            return
        if document is None:
            del self._documents[key]
        else:
            self._documents[key] = document
        self.ring.append(DetailChange(key, before, document))
        for follower in self._followers:
            follower()


def differing(before: Document | None, after: Document | None) -> dict[str, Any]:
    """Return the top-level fields in which a detail differs from the one before; None for one that is absent now."""
    old, new = before or {}, after or {}
    fields = {name: value for name, value in new.items() if name not in old or old[name] != value}
    return fields | dict.fromkeys(name for name in old if name not in new)


class DetailWording:
    """How the frames of a detail say it: one document, or the fields of it that changed."""

    unchanged = b'"changed":{}}\n\n'
    patches = False
    """One document is soon encoded; and nobody should see an application for a moment that is gone."""

    def traits(self, document: Document, /) -> object:
        """Return what is asked of a detail: where its application belongs, and its labels."""
        return document.get("project"), document.get("namespace"), document.get("labels")

    def net(self, changes: Sequence[DetailChange], /) -> list[DetailChange]:
        """Reduce consecutive changes to one for each key."""
        touched: dict[str, DetailChange] = {}
        for change in changes:
            known = touched.get(change.key, change)
            touched[change.key] = DetailChange(change.key, known.before, change.after)
        return list(touched.values())

    def change(self, key: str, before: Document | None, after: Document | None, /) -> DetailChange:
        """Return a net change."""
        return DetailChange(key, before, after)

    def state(self, documents: Iterable[Document], /) -> bytes:
        """Return the body of a snapshot; null where the application is gone."""
        return b'"detail":' + orjson.dumps(next(iter(documents), None)) + b"}\n\n"

    def delta(self, changes: Sequence[DetailChange], sees: Callable[[Any], bool], /) -> bytes | None:
        """Return the body of a delta, for someone who looks at one application."""
        for change in changes:
            before = change.before if change.before is not None and sees(change.before) else None
            after = change.after if change.after is not None and sees(change.after) else None
            if before is not None and after is None:
                return b'"changed":{},"removed":true}\n\n'
            if after is not None:
                fields = differing(before, after)
                return b'"changed":' + orjson.dumps(fields) + b"}\n\n" if fields else None
        return None


class DetailSelection:
    """One application, by its key."""

    show: None = None
    """Nothing is left out of what is seen."""

    def __init__(self, key: str) -> None:
        self.key = key
        # No selector's text begins so.
        self.canonical = f"detail {key}"
        self.view_id = hashlib.sha256(self.canonical.encode()).hexdigest()[:12]

    def sees(self, document: Document) -> bool:
        """Whether a document is that of the application."""
        return bool(document.get("key") == self.key)

    @property
    def covers(self) -> Callable[[Document], bool]:
        """The same: nothing else is asked."""
        return self.sees
