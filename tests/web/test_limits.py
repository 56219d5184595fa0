"""Limits: nobody gets more than their share, nobody else notices, and nothing is remembered for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web import limits
from gateway.web.limits import BURST, Bounds, Excess, Limits, summarise


def test_without_bounds_everybody_may_everything_and_nothing_is_remembered() -> None:
    free = Limits(Bounds())
    assert all(free.admit_request("192.0.2.1", "token:ci", 0.0) is None for _ in range(1_000))
    assert all(free.admit_stream("192.0.2.1", "token:ci") is None for _ in range(1_000))
    for _ in range(1_000):
        free.leave_stream("192.0.2.1", "token:ci")
    assert free.known == 0


def test_a_burst_may_come_at_once_and_then_the_rate_holds() -> None:
    bound = Limits(Bounds(requests_per_second=2))
    admitted = sum(bound.admit_request("192.0.2.1", None, 100.0) is None for _ in range(100))
    assert admitted == 2 * BURST + 1
    excess = bound.admit_request("192.0.2.1", None, 100.0)
    assert excess is not None
    assert excess.limit == "requests_address"
    assert bound.admit_request("192.0.2.1", None, 100.0 + excess.wait) is None
    assert bound.admit_request("192.0.2.1", None, 100.0 + excess.wait) is not None


@given(
    rate=st.integers(1, 50),
    gaps=st.lists(st.floats(0.0, 3.0), max_size=300),
)
def test_nobody_is_admitted_more_often_than_the_rate_and_a_burst(rate: int, gaps: list[float]) -> None:
    bound, now, admitted = Limits(Bounds(requests_per_second=rate)), 0.0, 0
    for gap in gaps:
        now += gap
        admitted += bound.admit_request("192.0.2.1", None, now) is None
        assert admitted <= rate * (now + BURST) + 1 + 1e-6


def test_one_who_asks_too_much_takes_nothing_from_others() -> None:
    bound = Limits(Bounds(requests_per_second=1, streams_per_address=1))
    while bound.admit_request("192.0.2.1", None, 0.0) is None:
        pass
    assert bound.admit_request("192.0.2.2", None, 0.0) is None
    assert bound.admit_stream("192.0.2.1", None) is None
    assert bound.admit_stream("192.0.2.1", None) == Excess(limit="streams_address")
    assert bound.admit_stream("192.0.2.2", None) is None


def test_an_identity_is_limited_wherever_it_comes_from() -> None:
    bound = Limits(Bounds(streams_per_identity=2))
    assert bound.admit_stream("192.0.2.1", "token:ci") is None
    assert bound.admit_stream("192.0.2.2", "token:ci") is None
    assert bound.admit_stream("192.0.2.3", "token:ci") == Excess(limit="streams_identity")
    assert bound.admit_stream("192.0.2.3", "token:other") is None
    assert bound.counts == {"streams_identity": 1}


def test_who_was_refused_for_one_reason_is_not_counted_for_the_other() -> None:
    bound = Limits(Bounds(streams_per_identity=1, streams_per_address=2))
    assert bound.admit_stream("192.0.2.1", "token:ci") is None
    assert bound.admit_stream("192.0.2.1", "token:ci") is not None
    assert bound.admit_stream("192.0.2.1", "token:other") is None
    assert bound.admit_stream("192.0.2.1", None) == Excess(limit="streams_address")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=60))
def test_streams_that_left_leave_nothing_behind(steps: list[tuple[str, str, bool]]) -> None:
    bound = Limits(Bounds(streams_per_identity=2, streams_per_address=3))
    there: list[tuple[str, str]] = []
    for address, identity, comes in steps:
        if comes and bound.admit_stream(address, identity) is None:
            there.append((address, identity))
        elif not comes and there:
            bound.leave_stream(*there.pop())
        assert max((sum(one == address for one, _ in there) for address in "abc"), default=0) <= 3
        assert max((sum(one == identity for _, one in there) for identity in "xy"), default=0) <= 2
    for each in there:
        bound.leave_stream(*each)
    assert bound.known == 0


def test_however_many_ask_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KNOWN", 100)
    bound = Limits(Bounds(requests_per_second=1))
    for number in range(1_000):
        bound.admit_request(f"192.0.2.{number}", None, 0.0)
    assert bound.known == 100


def test_of_ipv6_the_network_counts_that_one_party_is_given() -> None:
    assert summarise("2001:db8:1:2:3:4:5:6") == summarise("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert summarise("2001:db8:1:3::1") != summarise("2001:db8:1:2::1")
    assert summarise("::ffff:192.0.2.1") == summarise("192.0.2.1") == "192.0.2.1"
    assert summarise("fe80::1%eth0") == "fe80::/64"


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["token:a", "token:b", None]), st.sampled_from("uvw"), st.booleans()), max_size=60
    )
)
def test_nobody_has_more_different_views_than_their_share_and_nothing_is_left_of_those_who_went(
    steps: list[tuple[str | None, str, bool]],
) -> None:
    bound = Limits(Bounds(views_per_identity=2, views_of_anonymous=1))
    held: dict[str | None, list[str]] = {"token:a": [], "token:b": [], None: []}
    for identity, view, comes in steps:
        views = held[identity]
        if comes:
            may = view in views or len(set(views)) < (1 if identity is None else 2)
            assert (bound.admit_view(identity, view) is None) == may
            views += [view] if may else []
        elif view in views:
            bound.leave_view(identity, view)
            views.remove(view)
    for identity, views in held.items():
        for view in views:
            bound.leave_view(identity, view)
    assert bound.known == 0


def test_refreshes_are_counted_for_an_identity_or_else_for_an_address() -> None:
    bound = Limits(Bounds(refreshes_per_minute=30))
    admitted = sum(bound.admit_refresh("192.0.2.1", "token:ci", 0.0) is None for _ in range(60))
    assert admitted == limits.REFRESH_BURST * 30 / 60 + 1
    assert bound.admit_refresh("192.0.2.1", None, 0.0) is None
    assert bound.admit_refresh("192.0.2.1", "token:other", 0.0) is None
    excess = bound.admit_refresh("192.0.2.2", "token:ci", 0.0)
    assert excess is not None
    assert excess.limit == "refreshes_identity"
    assert bound.admit_refresh("192.0.2.2", "token:ci", excess.wait) is None
