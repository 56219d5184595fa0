"""The ring keeps a whole history up to its bounds, and says so where it no longer does."""

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log.ring import Ring
from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change

ROOMY = 10**9


class Traced(str):
    """A key whose end can be seen, and with it that of its change."""


def document(message: str = "") -> ApplicationStatus:
    return ApplicationStatus(key="argocd/web", name="web", namespace="argocd", images=(message,))


def change(message: str = "") -> Change:
    return Change("argocd/web", None, document(message))


def fill(ring: Ring, count: int) -> list[Change]:
    changes = [change(str(number)) for number in range(count)]
    ring.append(changes)
    return changes


def test_an_empty_ring_leads_from_its_beginning_to_its_beginning() -> None:
    ring = Ring(capacity=3, max_bytes=ROOMY)
    assert (ring.trimmed, ring.top) == (0, 0)
    assert list(ring.between(0, 0)) == []


def test_the_entry_at_an_offset_leads_there_from_the_one_before() -> None:
    ring = Ring(capacity=10, max_bytes=ROOMY)
    changes = fill(ring, 5)
    assert list(ring.between(2, 4)) == changes[2:4]
    assert list(ring.between(0, 5)) == changes
    assert list(ring.between(5, 5)) == []


def test_what_is_beyond_the_capacity_is_trimmed_oldest_first() -> None:
    ring = Ring(capacity=3, max_bytes=ROOMY)
    changes = fill(ring, 5)
    assert (ring.trimmed, ring.top) == (2, 5)
    assert list(ring.between(2, 5)) == changes[2:]


@pytest.mark.parametrize(("after", "upto"), [(1, 5), (2, 6), (6, 6), (4, 3), (-1, 2), (0, 0)])
def test_what_was_trimmed_or_has_not_come_is_a_lookup_error(after: int, upto: int) -> None:
    ring = Ring(capacity=3, max_bytes=ROOMY)
    fill(ring, 5)
    with pytest.raises(LookupError, match=rf"\({after}, {upto}\] is not within <Ring \(2, 5\]"):
        ring.between(after, upto)


def test_the_bytes_are_bounded_as_well() -> None:
    ring = Ring(capacity=1_000, max_bytes=10_000)
    ring.append(change("x" * 1_000) for _ in range(50))
    assert 5 <= ring.top - ring.trimmed <= 10


def test_a_removal_weighs_what_its_document_weighed() -> None:
    ring = Ring(capacity=1_000, max_bytes=10_000)
    ring.append(Change("argocd/web", document("x" * 1_000), None) for _ in range(50))
    assert ring.top - ring.trimmed <= 10


def test_a_change_beyond_all_bounds_leaves_an_empty_history_at_its_offset() -> None:
    ring = Ring(capacity=10, max_bytes=1_000)
    fill(ring, 2)
    ring.append([change("x" * 2_000)])
    assert (ring.trimmed, ring.top) == (3, 3)
    following = change()
    ring.append([following])
    assert list(ring.between(3, 4)) == [following]


def test_a_ring_without_room_counts_on() -> None:
    ring = Ring(capacity=0, max_bytes=ROOMY)
    fill(ring, 3)
    assert (ring.trimmed, ring.top) == (3, 3)
    assert list(ring.between(3, 3)) == []


def test_what_was_trimmed_is_released() -> None:
    # Two bounds, each alone: neither may hold what the other one dropped.
    for bounds in ({"capacity": 4, "max_bytes": ROOMY}, {"capacity": 10_000, "max_bytes": 1_500}):
        ring = Ring(**bounds)
        traces: list[weakref.ref[Traced]] = []
        for _ in range(40):
            key = Traced("argocd/web")
            traces.append(weakref.ref(key))
            ring.append([Change(key, None, document())])
        del key
        gc.collect()
        assert sum(trace() is not None for trace in traces) == ring.top - ring.trimmed


@given(
    capacity=st.integers(0, 6),
    max_bytes=st.integers(0, 3_000),
    batches=st.lists(st.lists(st.integers(0, 900), max_size=8), max_size=12),
    data=st.data(),
)
def test_a_ring_is_the_end_of_the_whole_history(
    capacity: int, max_bytes: int, batches: list[list[int]], data: Any
) -> None:
    ring = Ring(capacity=capacity, max_bytes=max_bytes)
    history: list[Change] = []
    for batch in batches:
        changes = [change("x" * length) for length in batch]
        history += changes
        ring.append(changes)
        assert ring.top == len(history)
        assert ring.top - ring.trimmed <= capacity
        after = data.draw(st.integers(ring.trimmed, ring.top))
        upto = data.draw(st.integers(after, ring.top))
        assert list(ring.between(after, upto)) == history[after:upto]
        if ring.trimmed:
            with pytest.raises(LookupError):
                ring.between(ring.trimmed - 1, ring.top)


# News: what came at a moment.


def test_news_is_what_came_at_a_moment_newest_first_and_what_there_was_at_first_is_none() -> None:
    ring = Ring(capacity=10, max_bytes=ROOMY)
    fill(ring, 2)
    dated = [change("a"), change("b"), change("c")]
    ring.append(dated[:2], at=100.0)
    ring.append(dated[2:], at=160.0)
    assert list(ring.news(0.0)) == [(5, 160.0, dated[2]), (4, 100.0, dated[1]), (3, 100.0, dated[0])]
    assert [offset for offset, _, _ in ring.news(100.5)] == [5]
    assert list(ring.news(161.0)) == []
    assert list(ring.between(0, 5))[2:] == dated


def test_from_when_on_news_is_whole_is_known_after_trimming() -> None:
    ring = Ring(capacity=3, max_bytes=ROOMY)
    assert ring.dated_from is None
    fill(ring, 5)
    ring.dated_from = 90.0
    ring.append([change(), change()], at=100.0)
    assert ring.dated_from == 90.0
    ring.append([change(), change()], at=160.0)
    assert (ring.dated_from, [offset for offset, _, _ in ring.news(0.0)]) == (100.0, [9, 8, 7])
