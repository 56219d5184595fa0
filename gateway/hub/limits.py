"""What the hub goes by: how long, and how many."""

from dataclasses import dataclass

SLICE = 64 * 1024
"""Bytes that a connection which copies what it holds is left at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The hub's settings; times in seconds."""

    heartbeat: float = 15.0
    stream_lifetime: float = 1_800.0
    slow_limit: float = 30.0
    max_subscribers: int = 10_000
    max_views: int = 1_000
    slice_bytes: int = SLICE
    """What a connection is left at once of what is large; the rest stays shared."""
