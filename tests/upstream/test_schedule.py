"""What is due when: reconciles after their interval, suspicion paced, refusals waited out."""

from __future__ import annotations

from gateway.upstream.schedule import Schedule
from gateway.upstream.timing import Timing

T = 1_795_000_000.0


def schedule(jitter: float = 0.5, **timing: float) -> Schedule:
    return Schedule(Timing(**timing), now=T, jitter=lambda: jitter)  # type: ignore[arg-type]


def begin(due: Schedule) -> None:
    due.bridged(T)
    due.content_at = None


def test_a_bridge_is_due_at_once_and_its_content_a_second_after_it() -> None:
    due = schedule()
    assert (due.connect_at, due.content_at, due.confirm_at) == (T, None, None)
    due.bridged(T + 3)
    assert (due.connect_at, due.content_at) == (None, T + 4)


def test_the_interval_varies_by_a_fifth_and_never_delays_what_is_due_before() -> None:
    for jitter, at in ((0.0, 80), (0.5, 100), (1.0, 120)):
        due = schedule(jitter, reconcile_interval=100)
        begin(due)
        due.reconciled(T)
        assert due.content_at == T + at
    due.content_soon(T + 7)
    due.reconciled(T)
    assert due.content_at == T + 7


def test_suspicion_is_followed_at_once_then_at_growing_distances_and_forgotten_after_a_quiet_time() -> None:
    due = schedule(reconcile_interval=100)
    begin(due)
    moments = []
    for _ in range(5):
        due.suspect(T + 1)
        moments.append(due.content_at)
        due.content_at = None
    assert moments == [T + 1, T + 31, T + 91, T + 191, T + 291]
    due.reconciled(T + 390)
    due.content_at = None
    due.suspect(T + 390)
    assert due.content_at == T + 391
    due.reconciled(T + 600)
    due.content_at = None
    for at in (600, 630):
        due.suspect(T + 600)
        assert due.content_at == T + at
        due.content_at = None


def test_a_reconcile_begins_the_retries_again() -> None:
    due = schedule(retry_max=4)
    assert [due.retry_at(T) - T for _ in range(4)] == [0.5, 1, 2, 2]
    due.reconciled(T)
    assert due.retry_at(T) == T + 0.5


def test_a_reconnect_drops_all_else() -> None:
    due = schedule()
    due.bridged(T)
    due.confirm(T, in_doubt=True, denied=False)
    due.reconnect(T + 2)
    assert (due.connect_at, due.content_at, due.confirm_at) == (T + 2, None, None)


def test_a_refused_token_waits_ever_longer_until_one_is_accepted() -> None:
    due = schedule(auth_retry=15)
    waits = []
    for _ in range(6):
        due.refused(T, connected=False)
        assert due.connect_at is not None
        waits.append(due.connect_at - T)
    assert waits == [15, 30, 60, 120, 240, 300]
    due.accepted()
    begin(due)
    due.refused(T, connected=True)
    assert (due.connect_at, due.content_at) == (None, T + 15)


def test_a_new_token_is_tried_at_once_where_it_was_waited_for() -> None:
    due = schedule()
    due.refused(T, connected=False)
    due.retry_token(T + 1)
    assert (due.connect_at, due.content_at) == (T + 1, None)
    begin(due)
    due.refused(T, connected=True)
    due.retry_token(T + 2)
    assert (due.connect_at, due.content_at) == (None, T + 2)


def test_doubt_is_confirmed_soon_and_denial_ever_more_rarely() -> None:
    due = schedule(removal_confirm=10, auth_retry=15)
    waits = []
    for _ in range(6):
        due.confirm(T, in_doubt=True, denied=True)
        assert due.confirm_at is not None
        waits.append(due.confirm_at - T)
    assert waits == [15, 30, 60, 120, 240, 300]
    due.confirm(T, in_doubt=True, denied=False)
    assert due.confirm_at == T + 10
    due.confirm(T, in_doubt=False, denied=False)
    assert due.confirm_at is None
    due.confirm(T, in_doubt=True, denied=True)
    assert due.confirm_at == T + 15
