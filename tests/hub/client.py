"""A model client: it reads a stream's bytes as they come, folds its frames, and objects to what is not promised.

It does what an EventSource does, and what every client of the stream is told to do; nothing here knows the hub.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.hub.frame import Form
from gateway.model.delta import apply
from gateway.model.position import parse_cursor


class BrokenPromiseError(AssertionError):
    """The stream said what it must never say."""


def demand(kept: bool, promise: str) -> None:
    if not kept:
        raise BrokenPromiseError(promise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One Server-Sent Event, dispatched."""

    name: str
    id: str | None
    data: dict[str, Any]


class Chunks:
    """Takes a chunked body apart (RFC 9112, section 7.1)."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        while True:
            if self._left:
                # The line end behind a chunk's data counts as a part of it.
                part, self._held = self._held[: self._left], self._held[self._left :]
                content = part[: max(0, self._left - 2)]
                demand(part[len(content) :] in b"\r\n", "a chunk ends where its size says")
                self._left -= len(part)
                yield content
                if self._left:
                    return
            line, end, rest = self._held.partition(b"\r\n")
            if not end:
                return
            demand(not self.ended, "nothing comes behind the last chunk")
            size = int(line, 16)
            self.ended = size == 0
            self._held, self._left = rest, size + 2


class Lines:
    """Parses Server-Sent Events (the HTML standard, section 9.2.6); what is incomplete at the end is discarded."""

    def __init__(self) -> None:
        self._held = b""
        self._fields: dict[str, str] = {}
        self.retry: int | None = None

    @property
    def within_event(self) -> bool:
        return bool(self._held or self._fields)

    def feed(self, data: bytes) -> Iterator[Event]:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            if not line:
                if self._fields:
                    fields, self._fields = self._fields, {}
                    yield Event(name=fields["event"], id=fields.get("id"), data=json.loads(fields["data"]))
                continue
            name, _, value = line.decode().partition(": ")
            if name == "retry":
                self.retry = int(value)
            else:
                demand(name in {"event", "id", "data"}, f"{name!r} is a field of an event")
                demand(name not in self._fields, f"{name} comes once in an event")
                self._fields[name] = value


class Client:
    """A subscriber's end of the stream. What it holds and its last id outlive a connection."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.last_id = ""
        self.connect(Form.PLAIN)

    def connect(self, form: Form) -> None:
        """Begin a connection."""
        self.form = form
        self.events: list[Event] = []
        self.goodbye: dict[str, Any] | None = None
        self._chunks = Chunks()
        self._inflated = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._lines = Lines()
        self._offset = -1
        self._state_frames = 0

    @property
    def offset(self) -> int:
        """The offset of the last id."""
        cursor = parse_cursor(self.last_id)
        demand(cursor is not None, f"{self.last_id!r} is a cursor")
        assert cursor is not None
        return cursor.position.offset

    @property
    def names(self) -> list[str]:
        """The names of this connection's events."""
        return [event.name for event in self.events]

    @property
    def heartbeats(self) -> list[Event]:
        return [event for event in self.events if event.name == "heartbeat"]

    @property
    def retry(self) -> int | None:
        """How long the client was told to wait, in milliseconds."""
        return self._lines.retry

    def feed(self, data: bytes) -> None:
        """Take what came of the connection, cut anywhere."""
        for event in self._lines.feed(self._decode(data)):
            self.dispatch(event)

    def see_end(self) -> None:
        """The server ended the stream properly: nothing may be missing."""
        demand(not self._lines.within_event, "a stream ends behind an event")
        demand(self.goodbye is not None, "a stream ends with a goodbye")
        if self.form is not Form.PLAIN:
            demand(self._chunks.ended, "a chunked body ends with its last chunk")
        if self.form is Form.GZIP:
            demand(self._inflated.eof, "a gzip stream ends with its trailer")
            demand(not self._inflated.unused_data, "nothing comes behind gzip's trailer")

    def _decode(self, data: bytes) -> bytes:
        if self.form is Form.PLAIN:
            return data
        content = b"".join(self._chunks.feed(data))
        return self._inflated.decompress(content) if self.form is Form.GZIP else content

    def dispatch(self, event: Event) -> None:
        """Follow one event; refuse what breaks a promise."""
        demand(self.goodbye is None, "nothing comes behind a goodbye")
        self.events.append(event)
        match event.name:
            case "snapshot" | "delta" if isinstance(self, DetailClient):
                self._check_id(event)
                self.follow(event)
            case "snapshot":
                self._check_id(event)
                self.documents = {document["key"]: document for document in event.data["applications"]}
                demand(len(self.documents) == len(event.data["applications"]), "a snapshot shows each application once")
                demand(
                    event.id is not None and event.id.startswith(f"{event.data['position']}-"), "a position is an id's"
                )
            case "delta":
                self._check_id(event)
                self._check_delta(event.data["changed"], event.data["removed"])
                apply(self.documents, event.data["changed"], event.data["removed"])
            case "heartbeat":
                demand(set(event.data) == {"at", "upstream"}, "a heartbeat says when, and how upstream is")
                demand(event.id is None or self._offset_of(event) >= self._offset, "a heartbeat never leads back")
                demand(event.id is None or self._state_frames > 0, "a heartbeat leads nowhere before the first state")
            case "breach":
                demand({"application", "slo", "deployment", "at"} <= set(event.data), "a breach says of what, and when")
                demand(event.id is None, "a breach moves no cursor")
                demand(event.data["application"] in self.documents, "a breach is told of what is seen")
            case "goodbye":
                demand(set(event.data) == {"reason", "retryMs"} and event.id is None, "a goodbye says why and how long")
                demand(self.retry == event.data["retryMs"], "a goodbye says how long twice")
                self.goodbye = event.data
            case name:
                demand(False, f"{name!r} is an event of the stream")
        if event.id is not None:
            self._offset = self._offset_of(event)
            self.last_id = event.id

    def _check_id(self, event: Event) -> None:
        self._state_frames += 1
        first = self._state_frames == 1
        # Somebody who may see something else from now on is told so at the offset where they stand, by another view.
        moved = not first and self._view_of(event.id) != self._view_of(self.last_id)
        rises = self._offset_of(event) > self._offset - moved
        demand(rises, f"ids increase: {self._offset}, {event.id}")
        reason = event.data.get("reason")
        if event.name == "delta":
            demand(reason == ("resumed" if first else None), f"only a first delta resumes: {reason}")
        else:
            later = {"lagged", "epoch", *(["view"] if moved else [])}
            known = {"new", "epoch", "view", "trimmed"} if first else later
            demand(reason in known, f"a snapshot for {reason}")

    def _check_delta(self, changed: dict[str, dict[str, Any]], removed: list[str]) -> None:
        demand(bool(changed or removed) or self._state_frames == 1, "an empty delta only resumes")
        demand(not set(changed) & set(removed), "a key is never in both")
        demand(len(set(removed)) == len(removed), "a key is removed once")
        demand(set(removed) <= set(self.documents), "only what was seen is removed")
        for key, fields in changed.items():
            known = self.documents.get(key)
            if known is None:
                demand(fields.get("key") == key, f"what comes into view comes whole: {fields}")
                demand(None not in fields.values(), "what comes into view has no absent fields")
            else:
                demand(
                    all(known.get(field) != value for field, value in fields.items()), f"only what differs: {fields}"
                )

    def _view_of(self, cursor: str | None) -> str:
        return (cursor or "").rpartition("-")[2]

    def _offset_of(self, event: Event) -> int:
        cursor = parse_cursor(event.id or "")
        demand(cursor is not None, f"{event.id!r} is a cursor")
        assert cursor is not None
        return cursor.position.offset


class DetailClient(Client):
    """A client of one application's stream: ``detail`` is what it holds, None while there is none."""

    detail: dict[str, Any] | None = None

    def follow(self, event: Event) -> None:
        """Fold a snapshot or a delta of a detail."""
        if event.name == "snapshot":
            demand(set(event.data) == {"reason", "position", "detail"}, f"a snapshot shows a detail: {set(event.data)}")
            demand(event.id is not None and event.id.startswith(f"{event.data['position']}-"), "a position is an id's")
            self.detail = event.data["detail"]
            return
        changed, removed = event.data["changed"], event.data.get("removed")
        demand(removed in (None, True), "what is removed is said, never denied")
        demand(bool(changed or removed) or self._state_frames == 1, "an empty delta only resumes")
        demand(not (changed and removed), "what is removed doesn't change")
        if removed:
            demand(self.detail is not None, "only what was there is removed")
            self.detail = None
        elif changed:
            held = self.detail or {}
            demand(all(held.get(name) != value for name, value in changed.items()), f"only what differs: {changed}")
            demand(bool(held) or "key" in changed, "what comes comes whole")
            self.detail = {name: value for name, value in {**held, **changed}.items() if value is not None}
