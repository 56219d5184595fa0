"""The parser, by the HTML standard's section 9.2.6 and its examples."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consumer.sse import Event, Parser


def parse(*parts: bytes) -> list[Event]:
    parser = Parser()
    return [event for part in parts for event in parser.feed(part)]


def message(data: str, *, name: str = "message", id: str | None = None) -> Event:  # noqa: A002 - the field's own name
    return Event(name=name, id=id, data=data)


ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.one_of(
    st.sampled_from(
        [b"", b"data", b"data:", b"data: x", b"data:  x", b"id: 7", b"id", b"id: a\0b", b"event: e", b": c", b":"]
    ),
    st.sampled_from(
        [b"retry: 12", b"retry: 1x", b"other: x", b"data: \xc3\xa4\xe2\x98\x83", b"data: \xff", b"\xef\xbb\xbf"]
    ),
    st.binary(max_size=8).filter(lambda line: b"\n" not in line and b"\r" not in line),
)
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=20).map(lambda lines: b"".join(line + end for line, end in lines))


@given(STREAMS, st.lists(st.integers(0, 200)))
def test_cut_anywhere_a_stream_says_the_same(stream: bytes, cuts: list[int]) -> None:
    whole, pieces = Parser(), Parser()
    at_once = whole.feed(stream)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    one_by_one = [event for start, end in pairwise(places) for event in pieces.feed(stream[start:end])]
    assert one_by_one == at_once
    assert (pieces.last_id, pieces.retry, pieces.within_event) == (whole.last_id, whole.retry, whole.within_event)


@given(st.lists(LINES, max_size=20), ENDS)
def test_any_line_end_says_the_same(lines: list[bytes], end: bytes) -> None:
    assert parse(end.join([*lines, b""])) == parse(b"\n".join([*lines, b""]))


@given(st.binary())
def test_no_bytes_are_too_strange(data: bytes) -> None:
    parse(data)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
         [message("first event", id="1"), message("second event", id="")]),
        (b"data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]),
        (b"data:test\n\ndata: test\n\n", [message("test"), message("test")]),
        (b"event: a\n\ndata: x\n\n", [message("x")]),
        (b"\xef\xbb\xbfdata: x\n\n", [message("x")]),
        (b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [message("x")]),
        (b"data: a:b: c\n\n", [message("a:b: c")]),
        (b"Data: x\n data: x\n\n", []),
        (b"data: \xff\n\n", [message("\ufffd")]),
        (b"event: e\nid: 1\ndata: x\n\n", [message("x", name="e", id="1")]),
    ],
)  # fmt: skip
def test_streams_of_the_standard(stream: bytes, events: list[Event]) -> None:
    assert parse(stream) == events


def test_an_id_with_a_nul_is_passed_over() -> None:
    assert parse(b"id: 1\nid: a\0b\ndata: x\n\n") == [message("x", id="1")]


def test_an_id_outlives_its_event_even_one_without_data_but_not_one_that_was_cut_off() -> None:
    parser = Parser(last_id="before")
    parser.feed(b"data: x\n\n")
    assert parser.last_id == "before"
    parser.feed(b"id: 2\n\n")
    assert parser.last_id == "2"
    parser.feed(b"id: 3\ndata: x\n")
    assert (parser.last_id, parser.within_event) == ("2", True)
    parser.feed(b"\nid\n\n")
    assert (parser.last_id, parser.within_event) == ("", False)


def test_retry_is_digits_alone() -> None:
    parser = Parser()
    parser.feed(b"retry: 12x\nretry: -1\nretry:\nretry: \xd9\xa1\n")
    assert parser.retry is None
    parser.feed(b"retry: 2380\n")
    assert parser.retry == 2380


def test_a_cr_ends_an_event_at_once() -> None:
    parser = Parser()
    assert parser.feed(b"data: x\r\r") == [message("x")]
    assert parser.feed(b"\ndata: y\r\n\r\n") == [message("y")]
