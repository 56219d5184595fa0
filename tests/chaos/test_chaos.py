"""A short campaign, with the faults that matter most: `make chaos` has all of them, for five minutes."""

import pytest

from tests.chaos.campaign import campaign
from tests.replicas.server import PROGRAM


@pytest.mark.timeout(600)
@pytest.mark.skipif(PROGRAM is None, reason="redis-server isn't installed: make programs")
async def test_everybody_sees_the_truth_whatever_happens_to_leaders_and_to_redis() -> None:
    report = await campaign(
        seconds=15.0, clients=40, rate=20.0, every=5.0, only=("kill", "terminate", "redis_loss"), quiet_every=3
    )
    assert report.broken == [], report.lines()
    assert report.counts["first_delta_resumed"] > 0
    assert len(report.settled) >= 3, report.lines()
