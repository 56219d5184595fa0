"""Bytes of Argo CD's stream into lines, lines into raw events: both framings, nothing refined.

Argo CD sends one event a line, of any length: as ``data: {…}`` between empty lines and ``:`` keep-alives when exactly
``Accept: text/event-stream`` was asked for, else as bare JSON (argoproj/pkg grpc/http/forwarders.go). Each line tells
its framing itself. Decoding is typed and partial: what the gateway doesn't need is skipped without building objects.
"""

from collections.abc import Iterator

import msgspec

from gateway.upstream.raw import RawError, RawEvent, RawModel


class LineSplitter:
    """Cuts a stream of bytes into lines.

    A line beyond ``limit`` bytes is thrown away whole and counted in ``oversized``; the stream goes on behind it. Parts
    of a line are joined once, when it ends, for a line of megabytes comes in hundreds of parts.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False
        self.oversized = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each line that ``data`` completes, without its line feed."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            if line := self._finish(data[start:end]):
                yield line
            start = end + 1
        self._keep(data[start:])

    def flush(self) -> Iterator[bytes]:
        """Yield what the stream ended with: Argo CD's error chunk has no line feed in the JSON framing."""
        if line := self._finish(b""):
            yield line

    def _keep(self, part: bytes) -> None:
        if not part or self._skipping:
            return
        self._size += len(part)
        if self._size > self._limit:
            self.oversized += 1
            self._skipping = True
            self._parts.clear()
            return
        self._parts.append(part)

    def _finish(self, part: bytes) -> bytes:
        if self._parts or self._skipping or len(part) > self._limit:
            self._keep(part)
            part = b"".join(self._parts)
            if self._skipping:
                part = b""
            self._parts.clear()
        self._skipping = False
        self._size = 0
        return part


class _Line(RawModel, frozen=True):
    result: RawEvent | None = None
    error: RawError | None = None


class Undecodable(msgspec.Struct, frozen=True):
    """A line that is no event. ``key`` and ``version`` tell what it was about, where that much can be read."""

    reason: str
    key: str | None = None
    version: str | None = None


class _Identity(RawModel, frozen=True):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _IdentifiedApplication(RawModel, frozen=True):
    metadata: _Identity


class _IdentifiedEvent(RawModel, frozen=True):
    application: _IdentifiedApplication


class _IdentifiedLine(RawModel, frozen=True):
    result: _IdentifiedEvent


_LINE = msgspec.json.Decoder(_Line)
_IDENTIFIED = msgspec.json.Decoder(_IdentifiedLine)
_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED"})
_VERSION_LENGTH = 20
"""Digits of a resourceVersion at most: Kubernetes counts in 64 bits."""

# Too deep nesting isn't an error of decoding for msgspec, even in what is skipped.
_DECODING_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(line: bytes) -> RawEvent | RawError | Undecodable | None:
    """Read one line of a stream; None for what carries no event (keep-alives, empty lines, other SSE fields)."""
    if line.startswith(b"data:"):
        line = line[5:]
    elif line[:1] != b"{":
        text = line.strip()
        if not text or text.startswith((b":", b"event:", b"id:", b"retry:")):
            return None
    try:
        content = _LINE.decode(line)
    except _DECODING_ERRORS as error:
        return _identify(line, str(error))
    if content.error is not None:
        return content.error
    if content.result is None:
        # What an error becomes when the field list lacks `error`.
        return Undecodable("neither a result nor an error")
    if content.result.type not in _TYPES:
        return _identify(line, f"unknown event type {content.result.type!r}")
    version = content.result.application.metadata.resource_version
    if not version.isdecimal() or len(version) > _VERSION_LENGTH:
        return _identify(line, "the resourceVersion is not a number")
    return content.result


def _identify(line: bytes, reason: str) -> Undecodable:
    try:
        identity = _IDENTIFIED.decode(line).result.application.metadata
    except _DECODING_ERRORS:
        return Undecodable(reason)
    if not (identity.namespace and identity.name):
        return Undecodable(reason)
    return Undecodable(reason, f"{identity.namespace}/{identity.name}", identity.resource_version or None)
