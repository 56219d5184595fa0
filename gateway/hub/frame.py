"""Bytes on the wire: Server-Sent Events, framed and compressed once for everyone who gets them.

gzip is a constant header, then raw deflate blocks. Those of a frame refer to nothing outside it, so the same compressed
bytes fit into any stream at any point; those of a *chain* refer to its frames before, and fit only where all of these
went before, unbroken. What is meant for one subscriber alone is stored uncompressed between them.
"""

import zlib
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from gateway.hub.checksum import Checksum

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_FINAL_BLOCK = b"\x03\x00"
_STORED_LIMIT = 0xFFFF
_LARGE = 64 * 1024
"""Bytes from which on compressing fast matters more than compressing well: the event loop waits for it."""
_WORTH_COMBINING = 8 * 1024
"""Bytes from which on two checksums are combined sooner than one is computed."""


class Form(IntEnum):
    """How a subscriber takes its bytes."""

    PLAIN = 0
    """As they are: HTTP/1.0, ended by the end of the connection."""
    CHUNKED = 1
    """In chunks (RFC 9112, section 7.1)."""
    GZIP = 2
    """In chunks, as gzip."""


class Frame:
    """Bytes that many subscribers get, in each form made at most once."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def checksum(self) -> Checksum:
        """The checksum of the bytes before compression."""
        return Checksum.of(self.plain)

    def behind(self, sent: Checksum) -> Checksum:
        """Return the checksum of what was sent with this frame behind it."""
        return sent.then(self.checksum) if len(self.plain) > _WORTH_COMBINING else sent.extended(self.plain)

    @cached_property
    def chunked(self) -> bytes:
        """The bytes as one chunk."""
        return chunk(self.plain)

    @cached_property
    def deflated(self) -> bytes:
        """The bytes as deflate blocks that stand for themselves."""
        compressor = zlib.compressobj(1 if len(self.plain) > _LARGE else 6, zlib.DEFLATED, -zlib.MAX_WBITS)
        return compressor.compress(self.plain) + compressor.flush(zlib.Z_FULL_FLUSH)

    @cached_property
    def gzipped(self) -> bytes:
        """The deflated bytes as one chunk."""
        return chunk(self.deflated)

    @property
    def cost(self) -> int:
        """The bytes of memory that the forms made so far take."""
        made = self.__dict__
        return len(self.plain) + sum(len(made[form]) for form in ("chunked", "deflated", "gzipped") if form in made)

    def within(self, form: Form) -> bytes:
        """Return the bytes as a subscriber of this form gets them."""
        if form is Form.GZIP:
            return self.gzipped
        return self.chunked if form is Form.CHUNKED else self.plain


class Chain:
    """Compresses one frame after another, into a third of the bytes, for those who get every one of them.

    Its first frame refers to nothing before, so everybody may be there when it begins; nobody can come later.
    """

    def __init__(self) -> None:
        # A window of 8 kB holds some twenty frames, and costs 64 kB a view instead of 256.
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, -13, 6)
        self.length = 0

    def gzipped(self, frame: Frame) -> bytes:
        """Return the next frame, deflated, as one chunk."""
        self.length += 1
        return chunk(self._compressor.compress(frame.plain) + self._compressor.flush(zlib.Z_SYNC_FLUSH))


def chunk(data: bytes) -> bytes:
    """Return bytes as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Private(NamedTuple):
    """Bytes for one subscriber, or for one after another who are told the same: as they are sent, and before that."""

    framed: bytes
    checksum: Checksum


def private(data: bytes, form: Form, *, first: bool = False) -> Private:
    """Return bytes for one subscriber alone; ``first`` is set for the first bytes of a stream."""
    checksum = Checksum.of(data)
    if form is Form.GZIP:
        data = (GZIP_HEADER if first else b"") + stored(data)
    return Private(data if form is Form.PLAIN else chunk(data), checksum)


def stored(data: bytes) -> bytes:
    """Return bytes as deflate blocks without compression (RFC 1951, section 3.2.4)."""
    blocks = []
    for start in range(0, len(data), _STORED_LIMIT):
        part = data[start : start + _STORED_LIMIT]
        blocks.append(b"\x00" + len(part).to_bytes(2, "little") + (len(part) ^ 0xFFFF).to_bytes(2, "little") + part)
    return b"".join(blocks)


def ending(checksum: Checksum, form: Form) -> bytes:
    """Return what properly ends a stream's content, for the checksum of all of it."""
    return chunk(_FINAL_BLOCK + checksum.trailer()) if form is Form.GZIP else b""


def gzip_body(prefix: bytes, frame: Frame) -> bytes:
    """Return a whole gzip body: private bytes, then a shared frame."""
    checksum = Checksum.of(prefix).then(frame.checksum)
    return b"".join((GZIP_HEADER, stored(prefix), frame.deflated, _FINAL_BLOCK, checksum.trailer()))


def event(name: str, data: Any, *, cursor: str | None = None) -> bytes:
    """Return a whole Server-Sent Event with JSON data."""
    return opening(name, cursor=cursor) + orjson.dumps(data) + b"\n\n"


def opening(name: str, *, cursor: str | None = None) -> bytes:
    """Return a Server-Sent Event up to where its data begins."""
    if cursor is None:
        return f"event: {name}\ndata: ".encode()
    return f"event: {name}\nid: {cursor}\ndata: ".encode()


def retry(milliseconds: int) -> bytes:
    """Return the field that tells an EventSource how long to wait before it reconnects."""
    return f"retry: {milliseconds}\n".encode()
