"""A watch lives as long as it shows life itself, or another vouches for it."""

from __future__ import annotations

import pytest

from gateway.upstream.watch import PROBE_INTERVAL, SILENCE_LIMIT, Watch

T = 1_795_000_000.0


@pytest.mark.parametrize(
    ("opened", "keepalive", "vouched_for"), [(False, True, True), (True, True, False), (True, False, True)]
)
def test_another_vouches_for_it_before_its_headers_and_without_keepalives(
    opened: bool, keepalive: bool, vouched_for: bool
) -> None:
    watch = Watch(stream=1, keepalive=keepalive, proof_at=T, opened=opened)
    assert watch.vouched_for is vouched_for
    assert watch.probe_at() == (T + PROBE_INTERVAL if vouched_for else None)


def test_it_is_dead_45_seconds_after_its_last_sign_of_life() -> None:
    watch = Watch(stream=1, keepalive=True, proof_at=T)
    assert watch.silent_at() == T + SILENCE_LIMIT == T + 45


@pytest.mark.parametrize(
    ("proof_at", "probed_at", "next_at"), [(T + 20, T, T + 35), (T, T + 20, T + 35), (T, T, T + 15)]
)
def test_the_next_question_comes_after_the_last_and_after_the_last_sign_of_life(
    proof_at: float, probed_at: float, next_at: float
) -> None:
    watch = Watch(stream=1, keepalive=True, proof_at=T)
    watch.proof_at, watch.probed_at = proof_at, probed_at
    assert watch.probe_at() == next_at
