"""Whether what we show is live, stale or down: facts and time in, the wire's ``upstream`` out."""

from gateway.model.upstream import State, Upstream, rfc3339

FAILING_LIMIT = 60.0
"""Seconds of failed attempts after which upstream is called down."""


class Liveness:
    """What is known of upstream's health.

    ``stale_after`` is how old (seconds) the state may be, while upstream is away, before it is called stale.
    """

    def __init__(self, *, stale_after: float, now: float) -> None:
        self._stale_after = stale_after
        self._live_since: float | None = None
        self._lost: tuple[float, str] | None = (now, "starting")
        self._failing_since: float | None = None
        self._faults: dict[str, float] = {}
        self._restored_from: float | None = None
        self.verified_at: float | None = None

    def restored(self, verified_at: float | None, saved_at: float) -> None:
        """A stored state is being served; nothing is known of what happened since."""
        self.verified_at = verified_at
        self._restored_from = saved_at

    def taken_over(self, live_since: float, verified_at: float | None, as_of: float) -> None:
        """Another process held a live line until a moment; nothing is known of what happened since."""
        self._live_since, self.verified_at = live_since, verified_at
        self._lost = (as_of, "takeover")

    def connected(self, now: float) -> None:
        """The content is complete and a live watch is open."""
        was_live = self._live_since is not None and self.state(now)[0] == "live"
        if not was_live:
            self._live_since = now
        self._lost = self._failing_since = self._restored_from = None

    def verified(self, now: float) -> None:
        """A full reconcile ended, and nothing is in doubt."""
        self.verified_at = now

    def lost(self, at: float, reason: str) -> None:
        """The live watch ended, or gave its last sign of life, at this moment; only the first loss counts."""
        if self._lost is None:
            self._lost = (at, reason)

    def failing(self, now: float, reason: str) -> None:
        """An attempt to connect failed."""
        if self._failing_since is None:
            self._failing_since = now
        if self._lost is not None:
            self._lost = (self._lost[0], reason)

    def fault(self, name: str, now: float) -> None:
        """Argo CD refuses us: no open stream makes up for that."""
        self._faults.setdefault(name, now)

    def mended(self, name: str, now: float) -> None:
        """Argo CD refuses us no longer."""
        if self._faults.pop(name, None) is not None and self._lost is None:
            self._live_since = now

    def as_of(self, now: float) -> float:
        """Return until when what we hold could be trusted."""
        if self._restored_from is not None:
            return self._restored_from
        return now if self._lost is None else self._lost[0]

    def has_fault(self, name: str) -> bool:
        """Whether Argo CD refuses us in this way."""
        return name in self._faults

    def state(self, now: float) -> tuple[State, float, str | None]:
        """Return the state, since when it holds, and why it isn't live."""
        if self._faults:
            name, since = next(iter(self._faults.items()))
            return "down", since, name
        if self._lost is None:
            assert self._live_since is not None
            return "live", self._live_since, None
        began, reason = self._lost
        if self._failing_since is not None and now >= self._failing_since + FAILING_LIMIT:
            return "down", self._restored_from or began, reason
        if self._restored_from is not None:
            return "stale", self._restored_from, reason
        if self._live_since is None:
            return "connecting", began, None
        if now < began + self._stale_after:
            return "live", self._live_since, None
        return "stale", began, reason

    def upstream(self, now: float) -> Upstream:
        """Return what subscribers are told."""
        state, since, reason = self.state(now)
        return Upstream(
            state=state,
            since=rfc3339(since),
            reason=reason,
            verified_at=None if self.verified_at is None else rfc3339(self.verified_at),
        )

    def deadline(self, now: float) -> float | None:
        """Return when the state may next change by time alone."""
        if self._faults or self._lost is None:
            return None
        moments = [self._lost[0] + self._stale_after]
        if self._failing_since is not None:
            moments.append(self._failing_since + FAILING_LIMIT)
        return min((moment for moment in moments if moment > now), default=None)
