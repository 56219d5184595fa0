"""How long the reflector waits for what. All in seconds."""

from dataclasses import dataclass

BRIDGE_LEAD = 1.0
"""How much earlier than its content a bridge is opened."""

TAKEOVER_LEAD, TAKEOVER_CHECK = 0.05, 3.0
"""The same where the state of another process is gone on with: so short that nobody waits for it, and how long after
that everything is looked through once more, for Argo CD may have been slower."""

SUSPICION_GAP = 30.0
"""The time between reconciles for suspicion, at first; it doubles."""

AUTH_RETRY_LIMIT = 300.0
"""The longest wait between attempts with a token that was refused."""

TOMBSTONE_AGE = 3_600.0
"""How long a deletion is remembered against late events; no replica lags as long as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What settings decide. ``keepalive`` says whether the framing in use has keep-alives."""

    reconcile_interval: float = 300.0
    removal_confirm: float = 10.0
    retry_max: float = 30.0
    auth_retry: float = 15.0
    stale_after: float = 15.0
    keepalive: bool = True
    takeover: bool = False
    """Whether another process's state is gone on with."""
