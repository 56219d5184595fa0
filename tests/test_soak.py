"""The soak, for some seconds: the same code as ``make soak``, which takes an hour, and what it judges by."""

import pytest

from benchmarks.soak.course import Plan, run
from benchmarks.soak.trend import Sample, find_left_over, fit, percentile


def sample(at: float, memory: float) -> Sample:
    return Sample(
        at=at, memory=int(memory), descriptors=0, tasks=0, subscribers=0, behind=0, views=0, details=0, position=0
    )


@pytest.mark.timeout(400)  # On a busy machine a day of webhooks takes its time.
async def test_a_gateway_that_many_came_to_and_left_keeps_nothing_of_them() -> None:
    said: list[str] = []
    plan = Plan(
        seconds=3.0,
        warm_up=1.0,
        alone=1.0,
        every=0.5,
        subscribers=36,
        followed=36,
        speed=1_500.0,
        stay=0.7,
        lifetime="2s",
        linger=0.5,
        spare=8,
    )
    course = await run(plan, said.append)
    verdict = course.judge()
    assert verdict["wrong"] == [], (verdict, said)
    assert verdict["compared"] == 36
    assert verdict["story"]["days"] > 0
    assert {"snapshot new", "delta", "delta resumed", "heartbeat"} <= set(verdict["seen"])


def test_a_slope_is_found_in_noise_and_only_after_the_warm_up() -> None:
    warming = [sample(at, at * 1e6) for at in range(0, 600, 5)]
    steady = [sample(at, 3e8 + 2e6 * at / 3_600 + (5e5 if at % 2 else -5e5)) for at in range(600, 3_600, 5)]
    line = fit([*warming, *steady], after=600)
    assert line is not None
    assert abs(line.per_hour - 2e6) < 1e5
    assert abs(line.deviation - 5e5) < 1e4
    assert line.seconds == 2_995
    assert fit(warming[:2], after=0) is None


def test_what_is_more_than_there_ever_was_before_is_left_over() -> None:
    before = [{"upstream": 1, "watch": 1}, {"upstream": 1, "watch": 2}]
    assert find_left_over(before, {"upstream": 1, "watch": 2}) == {}
    assert find_left_over(before, {"upstream": 2, "ping": 3}) == {"upstream": 1, "ping": 3}


def test_a_percentile_is_the_value_below_which_a_share_lies() -> None:
    assert percentile(list(map(float, range(100))), 0.99) == 99.0
    assert percentile([1.0], 0.5) == 1.0
    assert percentile([], 0.5) == 0.0
