"""Waits double up to a ceiling, and jitter only shortens them."""

import pytest

from gateway.upstream.backoff import Backoff


@pytest.mark.parametrize(
    ("first", "ceiling", "delays"),
    [
        (1, 30, [1, 2, 4, 8, 16, 30, 30]),
        (15, 300, [15, 30, 60, 120, 240, 300, 300]),
        (5, 5, [5, 5, 5]),
        (60, 30, [60, 60, 60]),
    ],
)
def test_delays_double_up_to_the_ceiling(first: float, ceiling: float, delays: list[float]) -> None:
    backoff = Backoff(first=first, ceiling=ceiling)
    assert [backoff.draw() for _ in delays] == delays


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.999])
def test_jitter_draws_from_the_whole_step(jitter: float) -> None:
    backoff = Backoff(first=1, ceiling=4, jitter=lambda: jitter)
    assert [backoff.draw() for _ in range(4)] == [jitter, 2 * jitter, 4 * jitter, 4 * jitter]


def test_after_a_success_it_begins_again() -> None:
    backoff = Backoff(first=1, ceiling=30)
    backoff.draw()
    backoff.draw()
    backoff.reset()
    assert [backoff.draw(), backoff.draw()] == [1, 2]
