"""Limits: how much one address and one identity may ask for. Who is over one is told, the others never notice.

Requests go by a generic cell rate algorithm (a token bucket that is one number): a rate, and a burst of ten seconds'
worth, for a page loads its files at once. Never belongs here: HTTP, or finding out who somebody is.
"""

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

BURST = 10.0
"""Seconds whose requests may come at once."""

MOST_KNOWN = 50_000
"""Parties whose rate is remembered. Beyond that those who asked longest ago are forgotten, which is in their favour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much each party may; None is as much as it likes."""

    streams_per_identity: int | None = None
    streams_per_address: int | None = None
    requests_per_second: int | None = None


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

    def admit_request(self, address: str | None, identity: str | None, now: float) -> Excess | None:
        """Count a request of both; or, where one of them is over its rate, return that and count nothing."""
        if (rate := self._bounds.requests_per_second) is None:
            return None
        parties = _name_parties(address, identity)
        for kind, party in parties:
            wait = self._due.get(party, now) - now - BURST
            if wait > 0:
                return self._refuse(f"requests_{kind}", wait)
        for _, party in parties:
            due = max(self._due.pop(party, now), now)
            self._due[party] = due + 1.0 / rate
        while len(self._due) > MOST_KNOWN:
            del self._due[next(iter(self._due))]
        return None

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

    @property
    def known(self) -> int:
        """How many parties are remembered."""
        return len(self._due) + len(self._streams)

    def _refuse(self, limit: str, wait: float) -> Excess:
        self.counts[limit] += 1
        return Excess(limit=limit, wait=wait)


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
