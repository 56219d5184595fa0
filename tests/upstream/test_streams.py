"""No watch is forgotten open, whatever its role was."""

from __future__ import annotations

from gateway.store.state import Outcome
from gateway.upstream.streams import OVERLAP, Streams

T = 1_795_000_000.0


def test_a_bridge_is_watched_and_not_established() -> None:
    streams = Streams(keepalive=True)
    assert (streams.bridge(T), streams.established) == (1, False)
    assert [watch.stream for watch in streams.watched()] == [1]
    assert repr(streams) == "<Streams bridge 1>"


def test_a_content_takes_the_place_of_the_live_stream_which_retires() -> None:
    streams = Streams(keepalive=True)
    streams.bridge(T)
    assert streams.gather(T + 1) == 2
    assert streams.content is not None
    assert repr(streams) == "<Streams bridge 1, gathering 2>"
    first = streams.content
    streams.switch(T + 3)
    assert streams.content is None
    assert (streams.live and streams.live.stream, streams.established) == (2, True)
    assert (streams.retiring[1].close_at, streams.retiring[1].content) == (T + 3 + OVERLAP, first)
    assert streams.find(1) is None
    assert repr(streams) == "<Streams live 2, retiring [1]>"


def test_only_a_content_beside_an_established_stream_reconciles() -> None:
    streams = Streams(keepalive=True)
    streams.bridge(T)
    for missed in ([], ["a"]):
        streams.gather(T)
        assert streams.content is not None
        streams.content.brought("a", 1, Outcome.CHANGED, now=T)
        assert streams.content.missed == missed
        streams.switch(T)


def test_a_content_given_up_leaves_the_live_stream() -> None:
    streams = Streams(keepalive=True)
    streams.bridge(T)
    streams.gather(T)
    assert (streams.abandon_content(), streams.abandon_content()) == ([2], [])
    assert [watch.stream for watch in streams.watched()] == [1]


def test_giving_up_closes_every_watch_there_is() -> None:
    streams = Streams(keepalive=True)
    streams.bridge(T)
    streams.gather(T)
    streams.switch(T)
    streams.gather(T)
    assert sorted(streams.abandon()) == [1, 2, 3]
    assert (streams.watched(), streams.established, streams.retiring, streams.abandon()) == ([], False, {}, [])
    assert repr(streams) == "<Streams none live>"


def test_every_watch_has_its_moments() -> None:
    streams = Streams(keepalive=True)
    streams.bridge(T)
    streams.gather(T + 1)
    streams.switch(T + 2)
    assert streams.live is not None
    assert streams.moments() == [T + 2 + OVERLAP, streams.live.silent_at(), streams.live.probe_at()]
