"""When the reflector does what next: Unix times, None where nothing is due."""

from collections.abc import Callable

from gateway.upstream.backoff import Backoff
from gateway.upstream.timing import (
    AUTH_RETRY_LIMIT,
    BRIDGE_LEAD,
    SUSPICION_GAP,
    TAKEOVER_CHECK,
    TAKEOVER_LEAD,
    Timing,
)


class Schedule:
    """The three things that come due: to connect, to begin a content, and to ask for names once more.

    ``jitter`` returns 0 ≤ x < 1.
    """

    def __init__(self, timing: Timing, *, now: float, jitter: Callable[[], float]) -> None:
        self.connect_at: float | None = now
        self.content_at: float | None = None
        self.confirm_at: float | None = None
        self._timing = timing
        self._jitter = jitter
        self._retry = Backoff(first=1.0, ceiling=timing.retry_max, jitter=jitter)
        self._auth_retry = Backoff(first=timing.auth_retry, ceiling=AUTH_RETRY_LIMIT)
        self._denied_retry = Backoff(first=timing.auth_retry, ceiling=AUTH_RETRY_LIMIT)
        self._suspicion = Backoff(first=SUSPICION_GAP, ceiling=max(SUSPICION_GAP, timing.reconcile_interval))
        self._suspect_from = now
        self._hurried = timing.takeover

    def retry_at(self, now: float) -> float:
        """Return when to try again what just failed."""
        return now + self._retry.draw()

    def bridged(self, now: float) -> None:
        """A bridge was opened: its content follows."""
        self.connect_at = None
        self.content_at = now + (TAKEOVER_LEAD if self._hurried else BRIDGE_LEAD)

    def reconciled(self, now: float) -> None:
        """A reconcile ended well: the next comes after the interval, ± 20 %, unless one is due before."""
        self._retry.reset()
        if now >= self._suspect_from:
            self._suspicion.reset()
        wait = self._timing.reconcile_interval * (0.8 + 0.4 * self._jitter())
        if self._hurried:
            self._hurried, wait = False, TAKEOVER_CHECK
        self.content_soon(now + wait)

    def content_soon(self, at: float) -> None:
        """Begin a content at this moment, unless one is due before."""
        self.content_at = at if self.content_at is None else min(at, self.content_at)

    def suspect(self, now: float) -> None:
        """Something may have been lost: reconcile at once, the next time not before a while, each time longer."""
        at = max(now, self._suspect_from)
        self.content_soon(at)
        self._suspect_from = at + self._suspicion.draw()

    def reconnect(self, at: float) -> None:
        """Begin anew with a bridge, at this moment."""
        self.connect_at, self.content_at, self.confirm_at = at, None, None

    def refused(self, now: float, *, connected: bool) -> None:
        """Argo CD refused the token: wait long, for only a human or a new file can mend that."""
        at = now + self._auth_retry.draw()
        if connected:
            self.content_at = at
        else:
            self.reconnect(at)

    def accepted(self) -> None:
        """Argo CD accepted the token."""
        self._auth_retry.reset()

    def retry_token(self, now: float) -> None:
        """There is another token: try at once what waited for it."""
        if self.connect_at is not None:
            self.connect_at = now
        else:
            self.content_at = now

    def confirm(self, now: float, *, in_doubt: bool, denied: bool) -> None:
        """Ask for names again while applications are in doubt; rarely while Argo CD denies us their projects."""
        self.confirm_at = None
        if denied:
            self.confirm_at = now + self._denied_retry.draw()
        else:
            self._denied_retry.reset()
            if in_doubt:
                self.confirm_at = now + self._timing.removal_confirm
