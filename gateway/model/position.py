"""A place in the log, and its text forms.

A position is ``epoch-offset``: the offset counts log entries, the epoch (hex) changes whenever continuity can't be
proved. A cursor is a position within a view, ``epoch-offset-view``: the ``id`` of a Server-Sent Event, opaque to
clients.
"""

import re
from dataclasses import dataclass

_CURSOR = re.compile(r"([0-9a-f]{1,32})-(0|[1-9][0-9]{0,17})-([0-9a-f]{1,64})")


@dataclass(frozen=True, slots=True)
class Position:
    """The state after ``offset`` entries of the log of ``epoch``."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position that a client holds, valid for one view."""

    position: Position
    view: str

    def __str__(self) -> str:
        return f"{self.position}-{self.view}"


def parse_cursor(text: str) -> Cursor | None:
    """Read a cursor that a client sent; None if it is none of ours, which gets a snapshot, never an error."""
    if (match := _CURSOR.fullmatch(text)) is None:
        return None
    epoch, offset, view = match.groups()
    return Cursor(Position(epoch, int(offset)), view)
