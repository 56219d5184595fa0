"""A gateway as a process: what it does about its memory."""

import asyncio
from pathlib import Path

import pytest

from gateway import serving


def resident() -> int:
    """Return how many bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


@pytest.mark.skipif(serving._find_trim() is None, reason="this C library gives memory back in its own way")
def test_memory_between_what_stays_goes_back_to_the_system() -> None:
    give_back = serving._find_trim()
    assert give_back is not None
    pieces = [bytes(20_000) for _ in range(3_000)]
    kept = pieces[::100]
    del pieces
    before = resident()
    give_back(0)
    assert before - resident() > 20_000_000
    assert len(kept) == 30


async def test_memory_is_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    often, times = asyncio.Event(), []

    def give_back(pad: int) -> int:
        times.append(pad)
        if len(times) == 3:
            often.set()
        return 1

    monkeypatch.setattr(serving, "TRIM_INTERVAL", 0.0)
    monkeypatch.setattr(serving, "_find_trim", lambda: give_back)
    trimming = asyncio.create_task(serving._trim())
    await often.wait()
    trimming.cancel()
    assert times[0] == 0


async def test_where_the_c_library_has_no_such_thing_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_find_trim", lambda: None)
    await serving._trim()
