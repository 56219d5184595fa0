"""Frames: the same event in every form, and pieces that fit together in any order."""

import gzip
import json
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.checksum import Checksum
from gateway.hub.frame import (
    GZIP_HEADER,
    Form,
    Frame,
    chunk,
    ending,
    event,
    gzip_body,
    opening,
    private,
    retry,
    stored,
)

CHUNKED_FORMS = (Form.CHUNKED, Form.GZIP)


def dechunk(data: bytes) -> bytes:
    """Return the content of one chunk, nothing before or behind it."""
    line, _, rest = data.partition(b"\r\n")
    size = int(line, 16)
    assert rest[size:] == b"\r\n"
    return rest[:size]


def inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    content = inflater.decompress(data)
    assert not inflater.eof, "a piece of a stream does not end it"
    return content


def test_an_event_is_named_and_its_data_is_one_line_of_json() -> None:
    data = {"message": "line\nbreak", "unit": "µ"}
    written = event("delta", data, cursor="5f-7-9a")
    assert written == 'event: delta\nid: 5f-7-9a\ndata: {"message":"line\\nbreak","unit":"µ"}\n\n'.encode()


def test_an_event_without_a_cursor_has_no_id() -> None:
    assert event("goodbye", {}) == b"event: goodbye\ndata: {}\n\n"
    assert opening("goodbye") == b"event: goodbye\ndata: "


def test_the_time_to_wait_is_a_field_of_its_own() -> None:
    assert retry(2_380) == b"retry: 2380\n"


@given(st.binary(min_size=1, max_size=500))
def test_a_frame_says_the_same_in_each_form(plain: bytes) -> None:
    frame = Frame(plain)
    assert frame.within(Form.PLAIN) == plain
    assert dechunk(frame.within(Form.CHUNKED)) == plain
    assert inflate(dechunk(frame.within(Form.GZIP))) == plain
    assert frame.checksum == Checksum.of(plain)


def test_each_form_is_made_once() -> None:
    frame = Frame(b"data: {}\n\n")
    for form in Form:
        assert frame.within(form) is frame.within(form)


def test_a_frame_costs_what_was_made_of_it() -> None:
    frame = Frame(b"x" * 1_000)
    assert frame.cost == 1_000
    chunked = len(frame.within(Form.CHUNKED))
    assert frame.cost == 1_000 + chunked
    gzipped = len(frame.within(Form.GZIP))
    assert frame.cost == 1_000 + chunked + gzipped + len(frame.deflated)


@pytest.mark.parametrize("size", [1, 100, 0xFFFF, 0x10000, 200_000])
def test_stored_bytes_are_read_back_and_hardly_longer(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert inflate(stored(data)) == data
    assert len(stored(data)) <= size + 5 * (size // 0xFFFF + 1)


def test_private_bytes_begin_a_gzip_stream_only_once() -> None:
    assert dechunk(private(b"a", Form.GZIP, first=True).framed).startswith(GZIP_HEADER)
    assert not dechunk(private(b"a", Form.GZIP).framed).startswith(GZIP_HEADER)
    assert private(b"a", Form.CHUNKED, first=True).framed == private(b"a", Form.CHUNKED).framed == chunk(b"a")
    assert private(b"a", Form.PLAIN, first=True).framed == b"a"


@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=200)), min_size=1, max_size=8))
def test_shared_and_private_pieces_in_any_order_are_one_gzip_file(pieces: list[tuple[bool, bytes]]) -> None:
    shared = {data: Frame(data) for _, data in pieces}
    stream = dechunk(private(b"retry", Form.GZIP, first=True).framed)
    for is_shared, data in pieces:
        piece = shared[data].within(Form.GZIP) if is_shared else private(data, Form.GZIP).framed
        stream += dechunk(piece)
    content = b"retry" + b"".join(data for _, data in pieces)
    stream += dechunk(ending(Checksum.of(content), Form.GZIP))
    assert gzip.decompress(stream) == content


def test_a_piece_is_readable_as_soon_as_it_has_come() -> None:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert inflater.decompress(dechunk(private(b"first", Form.GZIP, first=True).framed)) == b"first"
    assert inflater.decompress(dechunk(Frame(b"second").within(Form.GZIP))) == b"second"
    assert inflater.decompress(dechunk(private(b"third", Form.GZIP).framed)) == b"third"


@pytest.mark.parametrize("size", [10, 200_000])
def test_large_frames_are_compressed_too(size: int) -> None:
    plain = (b'{"health":{"status":"Healthy"}},' * size)[:size]
    assert inflate(Frame(plain).deflated) == plain
    assert len(Frame(plain).deflated) < size + 10


def test_only_gzip_needs_an_ending() -> None:
    assert ending(Checksum(), Form.PLAIN) == ending(Checksum(), Form.CHUNKED) == b""


def test_a_whole_gzip_body_is_a_gzip_file() -> None:
    body = gzip_body(b'{"position":"5f-7",', Frame(b'"applications":[]}\n\n'))
    assert json.loads(gzip.decompress(body)) == {"position": "5f-7", "applications": []}


@pytest.mark.parametrize("size", [0, 300, 64 * 1024, 64 * 1024 + 1, 300_000])
def test_the_checksum_with_a_frame_behind_is_that_of_all_bytes(size: int) -> None:
    sent, frame = b"what was sent before", Frame(b"x" * size)
    assert frame.behind(Checksum.of(sent)) == Checksum.of(sent + frame.plain)
