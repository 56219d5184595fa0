"""What a subscriber is told of upstream: whether what it sees is live, stale or down, and for how long."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

State = Literal["connecting", "live", "stale", "down"]


class Upstream(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Upstream's state on the wire.

    ``since`` is when the state began; ``verified_at`` the end of the last full reconcile: "live" says that the line is
    open, ``verified_at`` how old the proof is that nothing is missing.
    """

    state: State
    since: str
    reason: str | None = None
    verified_at: str | None = None

    @property
    def verdict(self) -> tuple[State, str, str | None]:
        """What subscribers are told of at once when it changes."""
        return self.state, self.since, self.reason


def rfc3339(at: float) -> str:
    """Return Unix time ``at`` as RFC 3339 in UTC with whole seconds, as Argo CD writes its own times."""
    return _write_second(int(at // 1))


@lru_cache(maxsize=64)
def _write_second(at: int) -> str:
    # A thousand changes of one second have one time.
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
