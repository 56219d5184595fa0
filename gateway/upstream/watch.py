"""The signs of life of one open watch."""

from dataclasses import dataclass

SILENCE_LIMIT = 45.0
"""Seconds without a sign of life after which a stream is given up; Argo CD's keep-alive comes every 15."""

PROBE_INTERVAL = 15.0
"""Seconds between questions to ``/healthz`` where a stream gives no sign of life itself."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """An open watch. ``proof_at`` is the last proof of life, Unix time.

    Headers come with the first event, and keep-alives only after them (grpc-gateway, argoproj/pkg
    grpc/http/forwarders.go): a watch that sees nothing is silent for ever. Until then, and in a framing without
    keep-alives, ``/healthz`` stands in.
    """

    stream: int
    keepalive: bool
    proof_at: float
    opened: bool = False
    probed_at: float = 0.0

    def __post_init__(self) -> None:
        self.probed_at = self.proof_at

    @property
    def vouched_for(self) -> bool:
        """Whether another must vouch for this watch, for it can't be expected to show life itself."""
        return not (self.opened and self.keepalive)

    def silent_at(self) -> float:
        """Return when the watch counts as dead, should nothing come until then."""
        return self.proof_at + SILENCE_LIMIT

    def probe_at(self) -> float | None:
        """Return when to ask ``/healthz`` for it; None where it shows life itself."""
        return max(self.proof_at, self.probed_at) + PROBE_INTERVAL if self.vouched_for else None
