"""Who somebody is, as far as the gateway could tell."""

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["anonymous", "token", "proxy", "oidc", "bearer"]
"""How somebody was recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, as one request or one stream showed them.

    ``subject`` never changes and is what the access file knows a user by; ``name`` is for people to read, and grants
    nothing. ``expires_at`` (Unix time) is when the credentials end, None where they say nothing of that; ``until`` is
    when they end for good, where they are renewed before that. ``credential`` tells one credential of the same subject
    from another, and reveals neither.
    """

    subject: str
    name: str
    groups: frozenset[str] = frozenset()
    method: Method
    expires_at: float | None = None
    until: float | None = None
    credential: str = field(default="", repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether nobody in particular is meant."""
        return self.method == "anonymous"

    @property
    def ends_at(self) -> float | None:
        """When whoever this is has to show other credentials (Unix time); None where nobody knows."""
        return self.expires_at if self.until is None else self.until

    def expired(self, now: float) -> bool:
        """Whether the credentials have ended."""
        return self.expires_at is not None and self.expires_at <= now


ANONYMOUS = Identity(subject="", name="anonymous", method="anonymous")
"""Whoever shows no credentials."""
