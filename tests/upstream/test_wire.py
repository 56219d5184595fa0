"""Every byte of Argo CD's stream is read or counted: lines of any length, cut anywhere, in both framings."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawError, RawEvent
from gateway.upstream.wire import LineSplitter, Undecodable, decode
from tests.fakes import recordings
from tests.fakes.applications import application, key_of

LIMIT = 40
ADDED = {"type": "ADDED", "application": application("core", version=326)}


def line_of(event: object) -> bytes:
    return b"data: " + orjson.dumps({"result": event}) + b" "


def changed(**metadata: object) -> dict[str, object]:
    whole = application("core", version=326)
    return {"type": "MODIFIED", "application": {**whole, "metadata": {**whole["metadata"], **metadata}}}


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return the data in the pieces between these places."""
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[begin:end] for begin, end in pairwise(places)]


# Lines

lines = st.lists(st.binary(max_size=2 * LIMIT).map(lambda line: line.replace(b"\n", b"")), max_size=12)


@given(lines, st.lists(st.integers(0, 2_000), max_size=30), st.booleans())
@example([b"x" * LIMIT, b"x" * (LIMIT + 1), b"y"], [LIMIT, LIMIT + 1, LIMIT + 2], False)
@example([b"x" * (LIMIT + 1), b"y"], [1, LIMIT + 1], True)
def test_lines_come_out_whole_wherever_the_bytes_are_cut(wanted: list[bytes], cuts: list[int], ended: bool) -> None:
    data = b"\n".join(wanted) + (b"\n" if ended and wanted else b"")
    splitter = LineSplitter(limit=LIMIT)
    found = [line for piece in cut(data, cuts) for line in splitter.feed(piece)]
    found += splitter.flush()
    assert found == [line for line in wanted if 0 < len(line) <= LIMIT]
    assert splitter.oversized == sum(len(line) > LIMIT for line in wanted)


def test_a_line_too_long_is_counted_as_soon_as_it_is_known_and_the_stream_goes_on_behind_it() -> None:
    splitter = LineSplitter(limit=4)
    assert list(splitter.feed(b"aaa")) == []
    assert list(splitter.feed(b"aa")) == []
    assert splitter.oversized == 1
    assert list(splitter.feed(b"aaaaaaaaaa")) == []
    assert list(splitter.feed(b"aa\nbb\ncc")) == [b"bb"]
    assert list(splitter.flush()) == [b"cc"]
    assert list(splitter.flush()) == []
    assert splitter.oversized == 1


def test_after_a_flush_in_a_line_too_long_the_next_stream_begins_anew() -> None:
    splitter = LineSplitter(limit=4)
    assert list(splitter.feed(b"aaaaaa")) == []
    assert list(splitter.flush()) == []
    assert list(splitter.feed(b"bb\n")) == [b"bb"]


# Recordings


def read(recording: str, *, size: int = 65_536) -> list[RawEvent]:
    body = recordings.body(recording)
    splitter = LineSplitter(limit=1_000_000)
    found = [line for start in range(0, len(body), size) for line in splitter.feed(body[start : start + size])]
    decoded = [decode(line) for line in [*found, *splitter.flush()]]
    events = [event for event in decoded if isinstance(event, RawEvent)]
    assert len(events) == len([event for event in decoded if event is not None])
    assert splitter.oversized == 0
    return events


@pytest.mark.parametrize(
    ("recording", "count"),
    [
        ("deploy-day/stream.sse", 758),
        ("deploy-day/stream.ndjson", 758),
        ("fleet/create.sse", 4_600),
        ("fleet/delete.sse", 2_036),
        ("fleet/burst.sse", 1_172),
        ("fleet/burst-fields.sse", 1_172),
        ("canary/app.sse", 31),
    ],
)
def test_a_recorded_stream_is_read_wholly(recording: str, count: int) -> None:
    events = read(recording)
    assert len(events) == count
    for event in events:
        normalise(event.application)


def test_both_framings_of_a_day_say_the_same() -> None:
    sse, ndjson = read("deploy-day/stream.sse"), read("deploy-day/stream.ndjson", size=1_009)
    assert sse == ndjson
    assert [normalise(event.application) for event in sse] == [normalise(event.application) for event in ndjson]


def test_the_events_of_a_day_are_those_that_a_whole_reading_finds() -> None:
    found = [
        (event.type, f"{event.application.metadata.namespace}/{event.application.metadata.name}")
        for event in read("deploy-day/stream.sse", size=997)
    ]
    assert found == [
        (event["type"], key_of(event["application"])) for event in recordings.events("deploy-day/stream.sse")
    ]


def test_events_that_lack_their_namespace_are_put_aside_one_by_one() -> None:
    decoded = [decode(line) for line in recordings.lines("lost-in-burst/stream.sse")]
    unreadable = [event for event in decoded if event is not None]
    assert len(unreadable) == 1_028
    assert all(isinstance(event, Undecodable) and event.key is None for event in unreadable)


# Single lines


@pytest.mark.parametrize("line", [b"", b" ", b":", b": keep-alive", b"\r", b"event: x", b"id: 1", b"retry: 2000"])
def test_keepalives_and_other_fields_of_the_framing_carry_no_event(line: bytes) -> None:
    assert decode(line) is None


@pytest.mark.parametrize("prefix", [b"data: ", b"data:", b""])
@pytest.mark.parametrize("suffix", [b"", b" ", b"\r", b" \r"])
def test_an_event_is_read_in_either_framing(prefix: bytes, suffix: bytes) -> None:
    event = decode(prefix + orjson.dumps({"result": ADDED}) + suffix)
    assert isinstance(event, RawEvent)
    assert (event.type, event.application.metadata.resource_version) == ("ADDED", "326")


@pytest.mark.parametrize(
    ("recorded", "error"),
    [
        ("http/stream-noauth.http", RawError(message="no session information", http_code=401)),
        ("http/stream-noauth-ndjson.http", RawError(message="no session information", http_code=401)),
        ("http/stream-badselector.http", None),
        ("http/stream-fields-badselector.http", Undecodable("neither a result nor an error")),
    ],
)
def test_an_error_is_read_from_the_last_chunk_with_or_without_a_line_feed(
    recorded: str, error: RawError | Undecodable | None
) -> None:
    splitter = LineSplitter(limit=10_000)
    found = [*splitter.feed(recordings.answer(recorded).body), *splitter.flush()]
    (decoded,) = [event for line in found if (event := decode(line)) is not None]
    if error is None:
        assert isinstance(decoded, RawError)
        assert (decoded.http_code, decoded.message[:21]) == (500, "error parsing labels ")
    else:
        assert decoded == error


def test_an_error_beside_a_result_is_an_error() -> None:
    assert decode(orjson.dumps({"result": ADDED, "error": {"http_code": 503}})) == RawError(http_code=503)


@pytest.mark.parametrize(
    ("line", "key", "version"),
    [
        (line_of({**ADDED, "type": "BOOKMARK"}), "argocd/core", "326"),
        (line_of({**ADDED, "type": ""}), "argocd/core", "326"),
        (line_of(changed(resourceVersion="x12")), "argocd/core", "x12"),
        (line_of(changed(resourceVersion="-1")), "argocd/core", "-1"),
        (line_of(changed(resourceVersion="")), "argocd/core", None),
        (line_of(changed(resourceVersion="²")), "argocd/core", "²"),
        (line_of(changed(resourceVersion="9" * 5_000)), "argocd/core", "9" * 5_000),
        (line_of(changed(labels=["no", "map"])), "argocd/core", "326"),
        (line_of({**ADDED, "application": {**application("core", version=7), "status": 5}}), "argocd/core", "7"),
        (line_of({"application": application("core", version=7)}), "argocd/core", "7"),
        (line_of(changed(name="", resourceVersion="x")), None, None),
        (line_of(changed(namespace="", resourceVersion="x")), None, None),
        (line_of(changed(resourceVersion=12)), None, None),
        (line_of({"type": "ADDED"}), None, None),
        (line_of(None), None, None),
        (b"data: {}", None, None),
        (b"{}", None, None),
        (b"data: garbage", None, None),
        (b"data: [1]", None, None),
        (b"data:", None, None),
        (b"garbage", None, None),
        (b"\x00\xff\xfe", None, None),
        (line_of(ADDED)[:200], None, None),
        (b'data: {"error": "text"}', None, None),
        (b'{"x": "\xff"}', None, None),
        (b'{"result": {"type": "ADDED", "unknown": ' + b"[" * 100_000, None, None),
    ],
)
def test_what_is_no_event_is_put_aside_with_what_can_be_told_of_it(
    line: bytes, key: str | None, version: str | None
) -> None:
    undecodable = decode(line)
    assert isinstance(undecodable, Undecodable)
    assert undecodable.reason
    assert (undecodable.key, undecodable.version) == (key, version)


@given(st.binary() | st.binary().map(b"data: ".__add__) | st.binary().map(b'{"result":'.__add__))
def test_no_bytes_whatever_are_an_exception(line: bytes) -> None:
    decode(line)


@given(st.integers(0, 3_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_event_is_read_or_put_aside(place: int, damage: bytes) -> None:
    whole = line_of(ADDED)
    event = decode(whole[: place % len(whole)] + damage + whole[place % len(whole) :])
    if isinstance(event, RawEvent):
        normalise(event.application)
