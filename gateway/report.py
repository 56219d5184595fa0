"""What a running gateway says of itself: ``/api/status`` for people, readings for Prometheus."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.auth.grant import Grant
from gateway.delivery.errands import Errands
from gateway.delivery.office import Office
from gateway.detail.desk import Desk
from gateway.entrance import Entrance
from gateway.hub.hub import Hub
from gateway.hub.pulse import Pulse
from gateway.line import Line
from gateway.log.memory import MemoryLog
from gateway.model.application import ApplicationStatus
from gateway.model.upstream import Upstream, rfc3339
from gateway.observability.around import Around
from gateway.observability.freshness import Freshness
from gateway.observability.metrics import Flow, Readings
from gateway.observability.pauses import Pauses
from gateway.observability.services import count_health, health_of
from gateway.settings.environment import Settings
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.token import Token

if TYPE_CHECKING:
    from gateway.replicas.peers import Peers

FEEDS = ("applications", "details")
"""What the hub's feeds are called, in the order in which they were added."""

WEBHOOK_OUTCOMES = ("accepted", "duplicate", "failed", "ignored", "malformed", "overloaded", "too-large", "unsigned")
"""What may become of a webhook of a sender that is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Asks the parts how they are. ``clock`` returns Unix time."""

    settings: Settings
    started_at: float
    clock: Callable[[], float]
    log: MemoryLog
    hub: Hub
    pulse: Pulse
    freshness: Freshness
    pauses: Pauses
    line: Line
    upstream: Callable[[], Upstream]
    peers: "Peers | None"
    client: ArgoCD
    token: Token
    desk: Desk
    office: Office
    errands: Errands
    entrance: Entrance

    def status(self, grant: Grant) -> dict[str, Any]:
        """Return what ``/api/status`` says to somebody: of applications only what they may see.

        What went wrong upstream, and how the rest of the gateway is, is for those who run it.
        """
        hub, admin = self.hub, grant.allows("admin")
        return without_absent(
            {
                "version": __version__,
                "startedAt": rfc3339(self.started_at),
                "epoch": self.log.epoch,
                "position": str(self.log.position),
                "applications": _count_seen(self.log.documents.values(), grant),
                "upstream": self._upstream(whole=admin),
                "subscribers": {
                    "open": len(hub),
                    "behind": hub.lagging,
                    "views": hub.views,
                    "details": _count_seen(self._watched(), grant),
                },
                "deliveries": self.office.status() if grant.allows("webhooks") else None,
                "access": self.settings.auth or "loopback",
                "replica": None if self.peers is None else self.peers.status(whole=admin),
            }
        )

    def _watched(self) -> Iterable[ApplicationStatus]:
        return (self.log.documents[key] for key in self.desk.watched if key in self.log.documents)

    def _upstream(self, *, whole: bool) -> dict[str, Any]:
        upstream, counts = self.upstream(), self.line.counts
        expires_at = self.token.expires_at()
        return {
            "state": upstream.state,
            "since": upstream.since,
            "reason": upstream.reason,
            "verifiedAt": upstream.verified_at,
            "version": self.client.version,
            "lastError": self._last_error() if whole else None,
            "reconciles": counts["reconcile"],
            "repairs": {"missedUpdate": counts["missed_update"], "missedDelete": counts["missed_delete"]},
            "restores": counts["restore"],
            "unreadable": {"undecodable": counts["undecodable"], "oversized": counts["oversized"]},
            "tokenExpiresAt": None if expires_at is None or not whole else rfc3339(expires_at),
        }

    def _last_error(self) -> dict[str, str] | None:
        if (last := self.line.reflector.last_failure) is None:
            return None
        at, failure = last
        return {"at": rfc3339(at), "kind": failure.kind.value, "message": failure.message}

    def read(self) -> Readings:
        """Return what there is to measure."""
        now = self.clock()
        known = self.line.reflector.liveness if self.peers is None else self.peers.proof
        documents = self.log.documents.values()
        state, _, reason = known.state(now)
        verified_at = known.verified_at
        return Readings(
            version=__version__,
            state=state,
            reason=reason,
            verified_age=None if verified_at is None else now - verified_at,
            data_age=max(0.0, now - known.as_of(now)),
            reconcile_interval=self.settings.reconcile_interval,
            token_expires_at=self.token.expires_at(),
            applications=Counter(map(_verdicts, documents)),
            services=count_health(documents),
            upstream=self.line.counts,
            hub=self.hub.counts,
            flow=self._read_flow(),
            subscribers=len(self.hub),
            subscribers_limit=self.settings.max_subscribers,
            lagging=self.hub.lagging,
            views=self.hub.views,
            watched=len(self.desk.watched),
            details=self.desk.counts,
            webhooks=_expected(self.office.intake.senders) | dict(self.office.intake.counts),
            delivery=self.office.runner.counts,
            delivery_waiting=self.office.runner.waiting,
            delivery_leads=self.office.leads,
            delivery_listens=self.office.listening,
            around=_read_around(self.errands),
            access=self.entrance.counts,
            log_offset=self.log.ring.top,
            tick_seconds=self.pulse.tick_seconds,
            replica=None if self.peers is None else self.peers.read(),
        )

    def _read_flow(self) -> Flow:
        feeds = dict(zip(FEEDS, (feed.traffic for feed in self.hub.feeds), strict=False))
        return Flow(
            reconciles=self.line.reconciles.tell(),
            fan_outs=self.pulse.fan_outs.tell(),
            lags=self.pulse.lags.tell(),
            pauses=self.pauses.times.tell(),
            ages=self.freshness.ages.tell(),
            frames={(feed, kind): made for feed, traffic in feeds.items() for kind, made in traffic.frames.items()},
            raw={feed: traffic.raw for feed, traffic in feeds.items()},
            sent={feed: traffic.sent for feed, traffic in feeds.items()},
        )


def _read_around(errands: Errands) -> Around:
    tally = errands.tally
    return Around(
        durations={name: histogram.tell() for name, histogram in tally.durations.items()},
        detected={name: histogram.tell() for name, histogram in tally.detected.items()},
        outcomes=tally.outcomes,
        budgets=errands.budgets,
        counts={**errands.counts, **errands.releases.counts},
        deployments={where: each.deployments for where, each in errands.scores.items()},
        success={where: each.success for where, each in errands.scores.items() if each.success is not None},
        kpis={
            (where, *which): seconds
            for where, each in errands.scores.items()
            for which, seconds in each.durations.items()
        },
    )


def _expected(senders: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return what senders that are on may bring, as counts that begin with 0."""
    return dict.fromkeys(itertools.product(senders, WEBHOOK_OUTCOMES), 0)


def _count_seen(documents: Iterable[ApplicationStatus], grant: Grant) -> int:
    return sum(1 for document in documents if grant.sees(document))


def _verdicts(document: ApplicationStatus) -> tuple[str, str]:
    return health_of(document), (document.sync.status if document.sync else None) or "Unknown"


def without_absent(content: dict[str, Any]) -> dict[str, Any]:
    """Return a document without what is absent: on the wire, that is an absent field, never null."""
    return {
        name: without_absent(value) if isinstance(value, dict) else value
        for name, value in content.items()
        if value is not None
    }
