"""Readiness: whoever can answer honestly is ready."""

from typing import Any

import pytest

from gateway.observability.health import why_not_ready

WAITING: dict[str, Any] = {
    "published": False,
    "state": "connecting",
    "draining": False,
    "uptime": 1.0,
    "ready_after": 60.0,
}


@pytest.mark.parametrize(
    ("facts", "ready"),
    [
        ({}, False),
        ({"published": True, "state": "live"}, True),
        ({"published": True, "state": "stale"}, True),
        ({"published": True, "state": "down"}, True),
        ({"uptime": 60.0}, True),
        ({"uptime": 60.0, "state": "down"}, True),
        ({"state": "down"}, False),
        ({"published": True, "state": "live", "draining": True}, False),
        ({"uptime": 99.0, "draining": True}, False),
    ],
)
def test_ready_is_who_can_answer_honestly_and_stays(facts: dict[str, Any], ready: bool) -> None:
    assert (why_not_ready(**{**WAITING, **facts}) is None) is ready
