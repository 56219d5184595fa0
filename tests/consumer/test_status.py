"""What ``/api/status`` says, for people."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from gateway.consumer.status import in_words, show_status

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def table(**status: Any) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(show_status(status, url="http://h", now=NOW))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_status_tells_what_is_wrong() -> None:
    shown = table(
        version="1",
        access="none",
        subscribers={"open": 3, "behind": 1, "views": 1},
        upstream={
            "state": "down",
            "reason": "Argo CD refuses the token",
            "since": "2026-11-21T11:58:00Z",
            "lastError": {"at": "2026-11-21T11:59:30Z", "message": "401"},
            "repairs": {"missedUpdate": 2, "missedDelete": 1},
            "unreadable": {"undecodable": 1, "oversized": 0},
            "restores": 1,
            "tokenExpiresAt": "2026-11-21T11:00:00Z",
        },
    )
    for said in (
        "down for 2 min  Argo CD refuses the token",
        "401  30 s ago",
        "2 missed updates, 1 missed deletion",
        "1 undecodable event",
        "expired 1 h ago",
        "1 behind",
        "whoever can reach it sees everything",
        "never",
    ):
        assert said in shown, shown


def test_status_takes_whatever_it_is_told() -> None:
    assert "unknown" in table()
    assert "unknown" in table(upstream=7, subscribers="x", startedAt=1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (3_600, "1 h"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")]
)
def test_spans_are_told_in_their_largest_units(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
