"""Limits: how much one address and one identity may ask for. Who is over one is told, the others never notice.

Requests and refreshes go by a generic cell rate algorithm (a token bucket that is one number): a rate, and a burst of
some seconds' worth, for a page loads its files at once. Never belongs here: HTTP, or finding out who somebody is.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

BURST = 10.0
"""Seconds whose requests may come at once."""

REFRESH_BURST = 20.0
"""Seconds whose refreshes may come at once."""

MOST_KNOWN = 50_000
"""Parties whose rate is remembered. Beyond that those who asked longest ago are forgotten, which is in their favour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much each party may; None is as much as it likes."""

    streams_per_identity: int | None = None
    streams_per_address: int | None = None
    requests_per_second: int | None = None
    refreshes_per_minute: int | None = None
    views_per_identity: int | None = None
    views_of_anonymous: int | None = None
    """How many different selections all who show nobody's credentials may have together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Somebody is over a limit: which, and after how many seconds there may be room; 0 where nobody knows."""

    limit: str
    wait: float = 0.0


class Limits:
    """Who asks how much. Where there is no identity or no address, its limit doesn't apply."""

    def __init__(self, bounds: Bounds) -> None:
        self.counts: Counter[str] = Counter()
        """How often somebody was over a limit, by its name."""
        self._bounds = bounds
        self._due: dict[str, float] = {}
        self._streams: Counter[str] = Counter()
        self._views: dict[str, Counter[str]] = {}
        """The streams of each party, by what they show."""

    def admit_request(self, address: str | None, identity: str | None, now: float) -> Excess | None:
        """Count a request of both; or, where one of them is over its rate, return that and count nothing."""
        if (rate := self._bounds.requests_per_second) is None:
            return None
        return self._admit("requests", _name_parties(address, identity), 1.0 / rate, BURST, now)

    def admit_refresh(self, address: str | None, identity: str | None, now: float) -> Excess | None:
        """Count a refresh of an identity, or else of an address; or, where that is over its rate, return that."""
        if (rate := self._bounds.refreshes_per_minute) is None:
            return None
        parties = _name_parties(None, identity) or _name_parties(address, None)
        parties = [(kind, f"refresh {party}") for kind, party in parties]
        return self._admit("refreshes", parties, 60.0 / rate, REFRESH_BURST, now)

    def admit_stream(self, address: str | None, identity: str | None) -> Excess | None:
        """Count a stream of both, until ``leave_stream``; or, where one of them has enough, return that."""
        bounds = {"identity": self._bounds.streams_per_identity, "address": self._bounds.streams_per_address}
        parties = _name_parties(address, identity)
        for kind, party in parties:
            most = bounds[kind]
            if most is not None and self._streams[party] >= most:
                return self._refuse(f"streams_{kind}", 0.0)
        for _, party in parties:
            self._streams[party] += 1
        return None

    def leave_stream(self, address: str | None, identity: str | None) -> None:
        """Count no more a stream that was admitted."""
        for _, party in _name_parties(address, identity):
            self._streams[party] -= 1
            if self._streams[party] <= 0:
                del self._streams[party]

    def admit_view(self, identity: str | None, view: str) -> Excess | None:
        """Count a stream of what ``view`` names, until ``leave_view``; or, where that is one too many, return that.

        Whoever shows the same to many has one view, so it is the different ones that count. The anonymous share a
        bound, for nobody can tell them apart, and those who are known must have room beside them.
        """
        kind = "anonymous" if identity is None else "identity"
        most = self._bounds.views_of_anonymous if identity is None else self._bounds.views_per_identity
        views = self._views.get(party := identity or "", Counter())
        if most is not None and view not in views and len(views) >= most:
            return self._refuse(f"views_{kind}", 0.0)
        self._views.setdefault(party, views)[view] += 1
        return None

    def leave_view(self, identity: str | None, view: str) -> None:
        """Count no more a stream whose view was admitted."""
        views = self._views[party := identity or ""]
        views[view] -= 1
        if views[view] <= 0:
            del views[view]
        if not views:
            del self._views[party]

    @property
    def known(self) -> int:
        """How many parties are remembered."""
        return len(self._due) + len(self._streams) + len(self._views)

    def _admit(
        self, what: str, parties: list[tuple[str, str]], apart: float, burst: float, now: float
    ) -> Excess | None:
        """Count one more of each party, ``apart`` seconds from its last, or ``burst`` seconds ahead of that."""
        for kind, party in parties:
            wait = self._due.get(party, now) - now - burst
            if wait > 0:
                return self._refuse(f"{what}_{kind}", wait)
        for _, party in parties:
            due = max(self._due.pop(party, now), now)
            self._due[party] = due + apart
        while len(self._due) > MOST_KNOWN:
            del self._due[next(iter(self._due))]
        return None

    def _refuse(self, limit: str, wait: float) -> Excess:
        self.counts[limit] += 1
        return Excess(limit=limit, wait=wait)


@lru_cache(maxsize=1_024)
def summarise(address: str) -> str:
    """Return what an address counts as: itself, but of IPv6 the /64 that one party is usually given (RFC 6177)."""
    ip = ip_address(address.partition("%")[0])
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{IPv6Address(int(ip) >> 64 << 64)}/64"


def _name_parties(address: str | None, identity: str | None) -> list[tuple[str, str]]:
    named = (("address", address), ("identity", identity))
    return [(kind, f"{kind}:{name}") for kind, name in named if name is not None]
