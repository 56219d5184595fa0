"""A feed: one log as the hub shows it, as of the last tick, and how its frames are worded.

All that a kind of stream has of its own is here; views, subscribers, lifetimes and limits are the same for all kinds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import orjson

from gateway.hub.traffic import Traffic
from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change, NetChange, net, project


class Span(Protocol):
    """The changes that a log still holds; those of one offset lead from the position before it to it."""

    @property
    def top(self) -> int:
        """The offset of the newest change."""

    @property
    def trimmed(self) -> int:
        """The oldest position from which the history is whole."""

    def between(self, after: int, upto: int, /) -> Sequence[Any]:
        """Return the changes from one position to another; raises LookupError for what was trimmed."""


class History(Protocol):
    """What a feed needs of its log. Each change has ``key`` and ``after``, which is None where a document went."""

    @property
    def epoch(self) -> str:
        """The time in which offsets can be trusted."""

    @property
    def ring(self) -> Span:
        """The changes."""

    @property
    def documents(self) -> Mapping[str, Any]:
        """Every document, as of the top."""

    def awaits(self, offset: int, /) -> bool:
        """Whether a position beyond the top may be one of this epoch that others have reached already."""

    @property
    def lagging(self) -> bool:
        """Whether the log may be behind what others have reached, and knows it."""


class Selection(Protocol):
    """What somebody wants to see of a feed."""

    @property
    def canonical(self) -> str:
        """The same text for the same selection, and for no other of any feed."""

    @property
    def view_id(self) -> str:
        """A short form of it, for cursors."""

    @property
    def sees(self) -> Callable[[Any], bool]:
        """Whether a document is shown."""

    @property
    def covers(self) -> Callable[[Any], bool] | None:
        """Whether a document can be shown, as far as its key and its traits say; None where they don't matter."""

    @property
    def show(self) -> Callable[[Any], Any] | None:
        """What is shown of a document that is; None where that is always the whole."""


def show_of(selection: Selection, document: Any) -> Any:
    """Return what a selection shows of a document; None where that is nothing."""
    if document is None or not selection.sees(document):
        return None
    return document if selection.show is None else selection.show(document)


class Wording(Protocol):
    """How a feed's frames say what there is and what changed. Bodies end an event's data behind its reason."""

    @property
    def unchanged(self) -> bytes:
        """The body of a delta that says nothing."""

    @property
    def patches(self) -> bool:
        """Whether an older snapshot may be sent with the delta behind it, where that is smaller than a new one."""

    def traits(self, document: Any, /) -> object:
        """Return what selections ask of a document and what seldom changes of it, beside its key."""

    def net(self, changes: Sequence[Any], /) -> list[Any]:
        """Reduce consecutive changes to one for each key."""

    def change(self, key: str, before: Any, after: Any, /) -> Any:
        """Return a net change; None is no document."""

    def state(self, documents: Iterable[Any], /) -> bytes:
        """Return the body of a snapshot that shows these documents."""

    def delta(self, changes: Sequence[Any], sees: Callable[[Any], bool], /) -> bytes | None:
        """Return the body of a delta: what net changes mean to someone who sees so; None where that is nothing."""


class ListWording:
    """The wording of a feed of applications: all of them, by key."""

    unchanged = b'"changed":{},"removed":[]}\n\n'
    patches = True

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def traits(self, document: ApplicationStatus) -> object:
        """Return what is asked of a document: where it belongs, and its labels."""
        return document.project, document.labels

    def net(self, changes: Sequence[Change]) -> list[NetChange]:
        """Reduce consecutive changes to one for each key."""
        return net(changes)

    def change(self, key: str, before: Any, after: Any) -> NetChange:
        """Return a net change."""
        return NetChange(key, before, after)

    def state(self, documents: Iterable[Any]) -> bytes:
        """Return the body of a snapshot."""
        return b'"applications":' + self._encoder.encode(list(documents)) + b"}\n\n"

    def delta(self, changes: Sequence[NetChange], sees: Callable[[Any], bool]) -> bytes | None:
        """Return the body of a delta."""
        if not (delta := project(changes, sees)):
            return None
        return orjson.dumps({"changed": delta.changed, "removed": delta.removed})[1:] + b"\n\n"


LIST_WORDING = ListWording()


class Feed:
    """A log, and its documents as of the last tick."""

    def __init__(self, log: History, wording: Wording) -> None:
        self.log = log
        self.wording = wording
        self.documents: dict[str, Any] = dict(log.documents)
        self.offset = log.ring.top
        self.traffic = Traffic()
        self.epoch = log.epoch

    def __repr__(self) -> str:
        return f"<Feed at {self.epoch}-{self.offset}: {len(self.documents)} documents>"

    @property
    def moved(self) -> bool:
        """Whether the log has gone on."""
        return self.offset != self.log.ring.top or self.epoch != self.log.epoch

    def between(self, after: int, upto: int) -> Sequence[Any]:
        """Return the changes from one position of this epoch to another; raises LookupError for what isn't there."""
        if self.epoch != self.log.epoch:
            raise LookupError("offsets of another epoch count other changes")
        return self.log.ring.between(after, upto)

    def advance(self) -> list[Any] | None:
        """Move to the log's top; return the net changes on the way.

        None says that no history leads there: more came at once than the log holds, or another epoch began.
        """
        top = self.log.ring.top
        try:
            changes = self.wording.net(self.between(self.offset, top))
        except LookupError:
            self.documents = dict(self.log.documents)
            self.offset, self.epoch = top, self.log.epoch
            return None
        for change in changes:
            if change.after is None:
                self.documents.pop(change.key, None)
            else:
                self.documents[change.key] = change.after
        self.offset = top
        return changes
