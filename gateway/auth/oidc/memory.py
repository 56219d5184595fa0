"""What is remembered of sessions between requests: which have ended, and which were renewed. Losing it is no harm.

A browser sends several requests before the first answer brings it the renewed cookie, and a refresh token works once at
many providers: so the older cookie is understood as the newer session. Both are bounded; the oldest go first.
"""

from collections import OrderedDict

from gateway.auth.oidc.session import Session

_MAX_RENEWED, _MAX_ENDED = 20_000, 100_000


class Memory:
    """The newest of each renewed session, and the ids of ended ones until their cookies are worth nothing anyway."""

    def __init__(self, *, max_renewed: int = _MAX_RENEWED, max_ended: int = _MAX_ENDED) -> None:
        self._max_renewed, self._max_ended = max_renewed, max_ended
        self._renewed: OrderedDict[str, Session] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Memory: {len(self._renewed)} renewed, {len(self._ended)} ended>"

    def newest(self, session: Session) -> Session | None:
        """Return the newest that is known of a session; None if it has ended."""
        if session.id in self._ended:
            return None
        held = self._renewed.get(session.id)
        return session if held is None or held.generation < session.generation else held

    def find(self, session_id: str) -> Session | None:
        """Return what was renewed under an id."""
        return self._renewed.get(session_id)

    def ended(self, session_id: str) -> bool:
        """Whether a session is known to have ended."""
        return session_id in self._ended

    def renew(self, session: Session) -> None:
        """Remember a renewed session, unless it has ended in the meantime."""
        if session.id in self._ended:
            return
        self._renewed[session.id] = session
        self._renewed.move_to_end(session.id)
        while len(self._renewed) > self._max_renewed:
            self._renewed.popitem(last=False)

    def end(self, session: Session, now: float) -> None:
        """Remember that a session has ended."""
        self._renewed.pop(session.id, None)
        self._ended[session.id] = session.ends_at
        while self._ended and (len(self._ended) > self._max_ended or next(iter(self._ended.values())) <= now):
            self._ended.popitem(last=False)
