"""What a replica may say of upstream: what the one that watches Argo CD said, and how long ago that was true.

A proof of life travels as an age, counted on by the clock of whoever hears it: the clocks of two machines differ.
"""

import msgspec

from gateway.model.upstream import State, Upstream, rfc3339


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What the leader says: its verdict, and how many seconds ago what it holds could be trusted (``age``)."""

    state: State
    since: float
    reason: str | None = None
    verified_at: float | None = None
    age: float


class Proof:
    """What was heard last. ``stale_after`` is how old (seconds) the state may be before it is called stale."""

    def __init__(self, *, stale_after: float, now: float) -> None:
        self.life: Life | None = None
        self._stale_after = stale_after
        self._begun_at = now
        self._as_of = now
        self._reason = "no-leader"

    def hear(self, life: Life, now: float, *, late: float = 0.0) -> None:
        """Take what the leader says, or said ``late`` seconds ago."""
        self.life = life
        self._as_of = now - life.age - max(0.0, late)
        self._reason = "no-leader"

    def doubt(self, reason: str) -> None:
        """Nothing will be heard for a while, for this reason."""
        self._reason = reason

    @property
    def verified_at(self) -> float | None:
        """When a full reconcile ended last."""
        return None if self.life is None else self.life.verified_at

    def as_of(self, now: float) -> float:
        """Return until when what is shown could be trusted."""
        return min(now, self._as_of)

    def state(self, now: float) -> tuple[State, float, str | None]:
        """Return the state, since when it holds, and why it isn't live."""
        life = self.life
        if life is None:
            return "connecting", self._begun_at, None
        if life.state == "live" and now >= self._as_of + self._stale_after:
            return "stale", self._as_of, self._reason
        return life.state, life.since, life.reason

    def upstream(self, now: float) -> Upstream:
        """Return what subscribers are told."""
        state, since, reason = self.state(now)
        verified_at = self.verified_at
        return Upstream(
            state=state,
            since=rfc3339(since),
            reason=reason,
            verified_at=None if verified_at is None else rfc3339(verified_at),
        )
