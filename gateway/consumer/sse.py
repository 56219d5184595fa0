"""Bytes into Server-Sent Events, by the HTML standard (section 9.2.6), however the bytes are cut.

Pure. Knows nothing of what the events mean, nor of the connection that they come by.
"""

import re
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, dispatched. ``id`` is the one that it brought itself, None if it brought none."""

    name: str
    id: str | None
    data: str


class Parser:
    """Takes one connection's bytes; what is incomplete at its end is never dispatched."""

    def __init__(self, *, last_id: str = "") -> None:
        self.last_id = last_id
        """What to send as ``Last-Event-ID``: as of the last event, even of one without data."""
        self.retry: int | None = None
        """Milliseconds to wait before the next connection, if the server said so."""
        self._held: list[bytes] = []
        self._after_cr = False
        self._first_line = True
        self._name = ""
        self._id: str | None = None
        self._data: list[str] = []

    @property
    def within_event(self) -> bool:
        """Whether an event, or a line, has begun and not ended."""
        return any(self._held) or bool(self._name or self._data) or self._id is not None

    def feed(self, data: bytes) -> list[Event]:
        """Take more bytes; return the events that end in them."""
        if not data:
            return []
        # A CR ends a line at once; the LF of a CR LF may come with the next bytes.
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
            if not data:
                return []
        self._after_cr = data.endswith(b"\r")
        first, *more = _LINE_END.split(data)
        self._held.append(first)
        events = []
        for rest in more:
            if (event := self._end_line()) is not None:
                events.append(event)
            self._held.append(rest)
        return events

    def _end_line(self) -> Event | None:
        line = b"".join(self._held)
        self._held.clear()
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        # A line is decoded by itself: in UTF-8 no character reaches across a line's end.
        field, _, value = line.decode(errors="replace").partition(":")
        self._take(field, value.removeprefix(" "))
        return None

    def _take(self, field: str, value: str) -> None:
        match field:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)

    def _dispatch(self) -> Event | None:
        name, own_id, data = self._name, self._id, self._data
        self._name, self._id, self._data = "", None, []
        if own_id is not None:
            self.last_id = own_id
        if not data:
            return None
        return Event(name=name or "message", id=own_id, data="\n".join(data))
