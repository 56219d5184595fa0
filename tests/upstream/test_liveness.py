"""Subscribers are told the truth about upstream: live, stale, down or connecting, since when and why."""

from __future__ import annotations

import pytest

from gateway.model.upstream import rfc3339
from gateway.upstream.liveness import FAILING_LIMIT, Liveness

T = 1_795_000_000.1


def live() -> Liveness:
    liveness = Liveness(stale_after=15, now=T - 100)
    liveness.connected(T)
    return liveness


def test_at_first_it_is_connecting() -> None:
    assert Liveness(stale_after=15, now=T).state(T + 59) == ("connecting", T, None)


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (0, ("live", T, None)),
        (14.999, ("live", T, None)),
        (15, ("stale", T + 10, "ended")),
        (1_000, ("stale", T + 10, "ended")),
    ],
)
def test_a_loss_shows_when_the_state_is_too_old(after: float, state: object) -> None:
    liveness = live()
    liveness.lost(T + 10, "ended")
    liveness.lost(T + 12, "unreachable")
    assert liveness.state(T + 10 + after) == state


def test_a_minute_of_failures_is_down_whether_or_not_it_was_ever_live() -> None:
    for liveness in (live(), Liveness(stale_after=15, now=T)):
        liveness.lost(T, "ended")
        liveness.failing(T + 5, "unreachable")
        liveness.failing(T + 30, "answered-badly")
        assert liveness.state(T + 5 + FAILING_LIMIT - 0.001)[0] in ("stale", "connecting")
        assert liveness.state(T + 5 + FAILING_LIMIT) == ("down", T, "answered-badly")


def test_failures_while_live_are_no_loss() -> None:
    liveness = live()
    assert liveness.state(T + 1_000) == ("live", T, None)
    assert liveness.deadline(T) is None


def test_refusal_is_down_at_once_and_its_end_is_live_if_a_stream_is_open() -> None:
    liveness = live()
    liveness.fault("refused", T + 5)
    liveness.fault("refused", T + 6)
    assert liveness.state(T + 7) == ("down", T + 5, "refused")
    assert liveness.has_fault("refused")
    liveness.mended("refused", T + 8)
    assert liveness.state(T + 9) == ("live", T + 8, None)
    liveness.mended("refused", T + 20)
    assert liveness.state(T + 21) == ("live", T + 8, None)


def test_of_two_faults_the_first_is_told_until_it_is_mended() -> None:
    liveness = live()
    liveness.fault("permission-lost", T)
    liveness.fault("refused", T + 1)
    assert liveness.state(T + 2) == ("down", T, "permission-lost")
    liveness.mended("permission-lost", T + 3)
    assert liveness.state(T + 4) == ("down", T + 1, "refused")


def test_a_reconcile_does_not_make_it_live_anew() -> None:
    liveness = live()
    liveness.connected(T + 50)
    assert liveness.state(T + 50) == ("live", T, None)


def test_a_short_loss_never_showed_and_a_long_one_begins_anew() -> None:
    for seconds, since in ((10, T), (20, T + 25)):
        liveness = live()
        liveness.lost(T + 5, "ended")
        liveness.connected(T + 5 + seconds)
        assert liveness.state(T + 60) == ("live", since, None)


def test_a_stored_state_is_stale_since_it_was_saved_until_the_first_content() -> None:
    liveness = Liveness(stale_after=15, now=T)
    liveness.restored(T - 900, T - 600)
    assert liveness.state(T) == ("stale", T - 600, "starting")
    liveness.failing(T, "unreachable")
    assert liveness.state(T + 60) == ("down", T - 600, "unreachable")
    told = liveness.upstream(T)
    assert (told.verified_at, told.since) == (rfc3339(T - 900), rfc3339(T - 600))
    liveness.connected(T + 70)
    assert liveness.state(T + 70) == ("live", T + 70, None)


@pytest.mark.parametrize("stale_after", [0.1, 0.7, 15.0, 33.3])
@pytest.mark.parametrize("lost_at", [T, T + 0.3, 1_795_000_123.456789])
def test_at_each_deadline_the_state_has_changed_and_then_there_is_another_or_none(
    stale_after: float, lost_at: float
) -> None:
    liveness = Liveness(stale_after=stale_after, now=T - 9)
    liveness.connected(T - 5)
    liveness.lost(lost_at, "ended")
    liveness.failing(lost_at + 0.2, "unreachable")
    states = ["live"]
    now = lost_at
    while (deadline := liveness.deadline(now)) is not None:
        assert deadline > now
        now = deadline
        states.append(liveness.state(now)[0])
    assert states == ["live", "stale", "down"]


def test_what_is_verified_is_told() -> None:
    liveness = live()
    assert liveness.upstream(T).verified_at is None
    liveness.verified(T + 1)
    assert liveness.upstream(T + 2).verified_at == rfc3339(T + 1)
