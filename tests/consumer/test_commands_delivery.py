"""``gateway release check`` and ``gateway report`` as people and CI run them, on a gateway in real time."""

import json

from gateway.app import Gateway
from tests.consumer.test_commands import gateway, url
from tests.e2e.test_cli import run

__all__ = ["gateway", "url"]

SHA = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"


async def test_a_commit_that_nobody_told_of_is_no_yes(url: str) -> None:
    asked = await run("release", "check", SHA, "--url", url)
    assert asked.code == 2, asked
    assert asked.out.splitlines()[0] == "5a6b7c8d9e0f  nobody knows whether it is ready"
    assert "? CI      nobody told of a run of CI for this commit" in asked.out
    told = await run("release", "check", SHA, "--url", url, "--json", "--ignore", "CI", "--names", "a")
    assert (told.code, json.loads(told.out)["state"]) == (2, "unknown")


async def test_what_cannot_be_asked_is_an_error_in_one_line(url: str) -> None:
    for words in (("release", "check", "main", "--url", url), ("release", "check", SHA, "--url", "http://127.0.0.1:9")):
        asked = await run(*words)
        assert (asked.code, asked.out, asked.err.count("\n")) == (2, "", 1), asked


async def test_a_weeks_report_is_markdown(url: str, gateway: Gateway) -> None:
    asked = await run("report", "--url", url, "--week", "2026-W40")
    assert asked.code == 0, asked
    assert asked.out.startswith("# Deliveries in 2026-W40\n")
    assert "Nothing was deployed." in asked.out
    assert (await run("report", "--url", url, "--week", "soon")).code == 2
