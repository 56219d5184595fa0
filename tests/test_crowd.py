"""A benchmark's crowd counts the same in C and in Python: it decides what every figure is worth."""

import socket
import time
from collections.abc import Iterator

import pytest

from benchmarks.crowd import Crowd, marker
from benchmarks.drain import find_drain

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Writer:
    """Writes to all of a crowd's connections."""

    def __init__(self, crowd: Crowd, count: int) -> None:
        self.crowd = crowd
        with socket.create_server(("127.0.0.1", 0)) as listener:
            crowd.join(count, listener.getsockname(), b"GET", keep=1)
            self._connections = [listener.accept()[0] for _ in range(count)]
        for connection in self._connections:
            assert connection.recv(64) == b"GET"

    def write(self, data: bytes, *, seen: int) -> None:
        """Write to all, and have all read until so many bytes have come to each."""
        for connection in self._connections:
            connection.sendall(data)
        end = time.monotonic() + 30
        while set(self.crowd.received.values()) != {seen}:
            assert time.monotonic() < end, self.crowd.received
            self.crowd.read_for(0.0)

    def close(self) -> None:
        """End all connections."""
        for connection in self._connections:
            connection.close()


@pytest.fixture(params=["Python", "C"])
def writer(request: pytest.FixtureRequest) -> Iterator[Writer]:
    library = find_drain() if request.param == "C" else None
    if request.param == "C" and library is None:
        pytest.skip("there is no C compiler")
    crowd = Crowd(library)
    writer = Writer(crowd, 20)
    yield writer
    writer.close()
    crowd.leave()


def test_everybody_s_events_and_bytes_are_counted_however_they_are_cut(writer: Writer) -> None:
    stream = b"data: 1\n\ndata: 2\n\n\ndata: 3\n\n\n\n"
    for place in range(len(stream)):
        writer.write(stream[place : place + 1], seen=place + 1)
    counted = writer.crowd.figures()
    assert counted["fewest_bytes"] == counted["most_bytes"] == len(stream)
    cut = counted["fewest"]
    assert cut == counted["most"]
    writer.crowd.mark()
    writer.write(stream, seen=2 * len(stream))
    whole = writer.crowd.figures()
    # Cut into single bytes, each of three line ends in a row ends an event with the one before; in one piece they pair.
    assert (whole["fewest"], whole["most"], cut) == (4, 4, 6)


def test_a_crowd_has_begun_when_everybody_has_the_head_of_the_answer(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n", seen=17)
    with pytest.raises(TimeoutError):
        writer.crowd.begin(limit=0.0)
    writer.write(b"\r\n" + HEAD, seen=19 + len(HEAD))
    assert writer.crowd.begin() < 30


def test_how_long_each_event_took_is_read_from_its_marker(writer: Writer) -> None:
    writer.write(b"@12 @notdigits " + f"{marker()} x\n\n{marker()}\n\n".encode(), seen=15 + 2 * 17 + 6)
    assert len(writer.crowd.waits) == 40
    assert all(0 < wait < 30e9 for wait in writer.crowd.waits)


def test_more_markers_than_one_look_has_room_for_are_noted_by_the_next(writer: Writer) -> None:
    line = marker().encode()
    writer.write(line * 2_000, seen=17 * 2_000)
    assert abs(len(writer.crowd.waits) - 40_000) < 200, "but for those that two reads share"


def test_what_a_few_are_to_keep_is_kept(writer: Writer) -> None:
    writer.write(HEAD + b"data: 1\n\n", seen=len(HEAD) + 9)
    assert writer.crowd.kept() == [HEAD + b"data: 1\n\n"]


def test_a_crowd_is_at_rest_when_nothing_comes_any_more(writer: Writer) -> None:
    writer.write(HEAD, seen=len(HEAD))
    assert writer.crowd.rest() <= time.monotonic()


def test_a_stream_that_the_server_ends_is_an_error(writer: Writer) -> None:
    writer.close()
    with pytest.raises(ConnectionError, match="ended"):
        writer.crowd.read_for(1.0)
