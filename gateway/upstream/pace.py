"""How often a stream is read: at once after quiet, else so that what comes in quick succession is taken together.

To be woken costs several times what one event does: reading, a task's turn, a step of the reflector and of everybody
who follows it. Changes go out in ticks anyway: what comes within a part of a tick can be read in one piece.
"""

import asyncio

import aiohttp

PLENTY = 16 * 1024
"""Bytes read at once from which on a stream isn't let rest: there is more where these came from."""


class Pace:
    """Says when a stream that brings little again and again is to rest, and that for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._read_at = float("-inf")

    def rest(self, read: int, now: float) -> float:
        """Return for how long nothing is to be read, now that so many bytes were."""
        since, self._read_at = now - self._read_at, now
        # What comes next after a rest may take as long again.
        return self._seconds if since < 2 * self._seconds and read < PLENTY else 0.0


async def pause(response: aiohttp.ClientResponse, seconds: float) -> None:
    """Read nothing of a response for so long: what comes meanwhile stays with the system, and wakes nobody."""
    if response.connection is None or (transport := response.connection.transport) is None:
        return
    transport.pause_reading()
    try:
        await asyncio.sleep(seconds)
    finally:
        transport.resume_reading()
