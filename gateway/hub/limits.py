"""What the hub goes by: how long, and how many."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The hub's settings; times in seconds."""

    heartbeat: float = 15.0
    stream_lifetime: float = 1_800.0
    slow_limit: float = 30.0
    max_subscribers: int = 10_000
    max_views: int = 1_000
