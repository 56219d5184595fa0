"""A subscriber takes as much as its connection does, shares what is large, and ends a stream properly."""

from collections.abc import Sequence

import pytest

from gateway.hub.checksum import Checksum
from gateway.hub.frame import Form, Frame, event
from gateway.hub.limits import SLICE
from gateway.hub.subscriber import Subscriber
from gateway.hub.traffic import Traffic
from tests.hub.client import Client
from tests.hub.link import FakeLink

NOW = 1_000.0
LARGE = Frame(b"event: heartbeat\ndata: " + b'{"at":"' + b"x" * 5 * SLICE + b'","upstream":null}\n\n')


def subscribe(form: Form = Form.PLAIN, *, stalled: bool = False) -> tuple[Subscriber, FakeLink]:
    link = FakeLink(Client(), form, stalled=stalled)
    subscriber = Subscriber(Traffic(), link=link, form=form, offset=None, reason="new", now=NOW)
    subscriber.put_private(b"retry: 1000\n")
    return subscriber, link


def beat(at: str = "now") -> bytes:
    return event("heartbeat", {"at": at, "upstream": None})


def say_goodbye(subscriber: Subscriber) -> None:
    subscriber.put_private(event("goodbye", {"reason": "lifetime", "retryMs": 1_000}))
    subscriber.finish()


@pytest.mark.parametrize("form", Form)
def test_private_and_shared_bytes_are_one_stream_with_a_proper_end(form: Form) -> None:
    subscriber, link = subscribe(form)
    subscriber.put(Frame(beat("1")))
    subscriber.put_private(beat("2"))
    assert subscriber.pump(NOW)
    subscriber.put(LARGE)
    assert subscriber.pump(NOW)
    say_goodbye(subscriber)
    link.client.see_end()
    assert [heartbeat.data["at"] for heartbeat in link.client.heartbeats[:2]] == ["1", "2"]
    assert link.finished


def test_what_the_view_broadcast_meanwhile_counts_for_gzips_trailer() -> None:
    subscriber, link = subscribe(Form.GZIP)
    subscriber.pump(NOW)
    view = Checksum.of(b"sent before to others")
    subscriber.become_current(view)
    for at in ("1", "2"):
        link.write(Frame(beat(at)).gzipped)
        view = view.then(Checksum.of(beat(at)))
    subscriber.stay(7, view, NOW)
    assert subscriber.offset == 7
    subscriber.stay(7, view.then(Checksum.of(b"missed")), NOW)
    say_goodbye(subscriber)
    link.client.see_end()


def test_large_bytes_are_written_in_slices_until_writing_is_paused() -> None:
    subscriber, link = subscribe(stalled=True)
    subscriber.put(LARGE)
    assert not subscriber.pump(NOW)
    assert link.largest == SLICE
    assert link.unsent() <= link.high + SLICE
    while not subscriber.pump(NOW):
        link.drain()
    link.drain()
    assert link.client.names == ["heartbeat"]


@pytest.mark.parametrize("gulp", [1, 100, SLICE + 1])
@pytest.mark.parametrize("form", Form)
def test_what_the_system_takes_only_a_part_of_goes_on_where_that_ends(form: Form, gulp: int) -> None:
    subscriber, link = subscribe(form)
    link.gulp = gulp
    subscriber.put(LARGE)
    subscriber.put_private(beat())
    while not subscriber.pump(NOW):
        link.drain()
    say_goodbye(subscriber)
    link.client.see_end()
    assert link.client.names == ["heartbeat", "heartbeat", "goodbye"]


def test_a_preface_goes_out_with_the_streams_first_bytes() -> None:
    taken: list[bytes] = []

    class Recording(FakeLink):
        def take(self, parts: Sequence[memoryview]) -> int:
            taken.append(b"".join(parts))
            return len(taken[-1])

    link = Recording(Client(), Form.CHUNKED)
    subscriber = Subscriber(
        Traffic(), link=link, form=Form.CHUNKED, offset=None, reason="new", now=NOW, preface=b"HTTP/1.1 200 OK\r\n\r\n"
    )
    assert subscriber.pump(NOW)
    assert not taken
    subscriber.put_private(b"retry: 1000\n")
    assert subscriber.pump(NOW)
    assert taken == [b"HTTP/1.1 200 OK\r\n\r\nc\r\nretry: 1000\n\r\n"]


def test_what_waits_is_shared_by_all_who_wait() -> None:
    waiting = [subscribe(Form.GZIP, stalled=True)[0] for _ in range(3)]
    for subscriber in waiting:
        subscriber.put(LARGE)
    shared = {id(part.obj) for subscriber in waiting for part in list(subscriber._pending)[1:]}
    assert shared == {id(LARGE.gzipped)}


def test_a_full_connection_gets_nothing_even_if_nothing_waits() -> None:
    subscriber, link = subscribe(stalled=True)
    subscriber.pump(NOW)
    link.write(b"x" * (link.high + 1))
    assert not subscriber.pump(NOW)


def test_a_closing_connection_gets_nothing() -> None:
    subscriber, link = subscribe()
    link.cut(0)
    assert not subscriber.pump(NOW)
    assert link.largest == 0


@pytest.mark.parametrize("form", Form)
def test_a_goodbye_that_fills_the_connection_is_still_whole(form: Form) -> None:
    subscriber, link = subscribe(form, stalled=True)
    link.high = 100
    subscriber.put_private(event("goodbye", {"reason": "lifetime", "retryMs": 1_000}))
    link.high = 0
    subscriber.finish()
    assert link.writing_paused
    link.drain()
    link.client.feed(b"")
    assert link.client.goodbye == {"reason": "lifetime", "retryMs": 1_000}
    link.client.see_end()


def test_shared_bytes_never_begin_a_stream() -> None:
    subscriber = Subscriber(
        Traffic(), link=FakeLink(Client(), Form.GZIP), form=Form.GZIP, offset=1, reason="resumed", now=NOW
    )
    with pytest.raises(AssertionError):
        subscriber.put(LARGE)


def test_who_takes_nothing_while_something_waits_looks_stuck() -> None:
    subscriber, _ = subscribe(stalled=True)
    subscriber.put(LARGE)
    subscriber.pump(NOW)
    assert not subscriber.looks_stuck(NOW + 29, 30)
    assert subscriber.looks_stuck(NOW + 30, 30)


def test_every_byte_taken_is_progress() -> None:
    subscriber, link = subscribe(stalled=True)
    subscriber.put(LARGE)
    subscriber.pump(NOW)
    link.drain(1)
    assert not subscriber.looks_stuck(NOW + 30, 30)
    assert subscriber.looks_stuck(NOW + 60, 30)


def test_progress_counts_whenever_it_was_made_between_two_looks() -> None:
    subscriber, link = subscribe(stalled=True)
    subscriber.put(LARGE)
    subscriber.pump(NOW)
    link.drain(1)
    # Turns come much more often than looks for who is stuck: the byte was taken before this one.
    subscriber.pump(NOW + 20)
    assert not subscriber.looks_stuck(NOW + 30, 30)
    assert subscriber.looks_stuck(NOW + 50, 30)


def test_who_has_nothing_to_take_is_not_stuck() -> None:
    subscriber, _ = subscribe()
    subscriber.pump(NOW)
    assert not subscriber.looks_stuck(NOW + 1_000, 30)


def test_patience_begins_when_a_subscriber_falls_behind() -> None:
    subscriber, link = subscribe(stalled=True)
    subscriber.pump(NOW)
    subscriber.become_current(Checksum())
    link.write(b"x" * (link.high + 1))
    subscriber.stay(7, Checksum(), NOW + 1_000)
    assert not subscriber.looks_stuck(NOW + 1_001, 30)
    assert subscriber.looks_stuck(NOW + 1_030, 30)
