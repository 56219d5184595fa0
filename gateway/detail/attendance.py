"""Looks at applications whose rollout moves while nobody else does: whoever keeps the history wants to know the end.

Argo CD says with an application's health whose fault it is ("Caused by argoproj.io/Rollout:…"); versions that don't say
it get no such look, and an aborted rollout is known by the health alone. Pure.
"""

from collections.abc import Iterable

from gateway.detail.desk import Desk
from gateway.hub.hub import OverloadedError
from gateway.model.application import ApplicationStatus
from gateway.model.delta import Change

MOST = 20
"""Applications that are looked at for this at once: each is a stream of Argo CD's, and people come first."""

CALM = 30.0
"""Seconds for which one is looked at when its rollout seems to have ended: what the end was must be read, too."""

_MOVING = frozenset({"Progressing", "Suspended"})


class Attendance:
    """Comes to a desk and leaves it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._attended: dict[str, float | None] = {}
        """Since when each is calm, by key; None while it moves."""

    def __repr__(self) -> str:
        return f"<Attendance: {', '.join(self._attended) or 'nobody'}>"

    def see(self, changes: Iterable[Change], now: float) -> bool:
        """Take what changed; return whether it was about anybody here, or to come."""
        concerned = False
        for change in changes:
            if change.after is not None and moves(change.after):
                self._come(change.key, now)
                concerned = True
            elif change.key in self._attended and self._attended[change.key] is None:
                self._attended[change.key] = now
                concerned = True
        return concerned

    def step(self, now: float) -> None:
        """Leave those that have been calm for long."""
        for key, since in list(self._attended.items()):
            if since is not None and now - since >= CALM:
                del self._attended[key]
                self._desk.leave(key, now)

    def deadline(self) -> float | None:
        """Return when to ``step``; None while nobody is calm."""
        return min((since + CALM for since in self._attended.values() if since is not None), default=None)

    def _come(self, key: str, now: float) -> None:
        if key not in self._attended:
            if len(self._attended) >= MOST:
                return
            try:
                self._desk.enter(key, now)
            except OverloadedError:
                return
        self._attended[key] = None


def moves(document: ApplicationStatus) -> bool:
    """Whether an application isn't healthy yet because of a rollout."""
    health = document.health
    return health is not None and health.status in _MOVING and "/Rollout:" in (health.message or "")
