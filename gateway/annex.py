"""What is built beside the main flow: the details of applications, the delivery history, and its errands.

Put together here, so that the composition root stays readable; each part knows of the others only what it is given.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence

from gateway.delivery.breaches import show_breach
from gateway.delivery.errands import Errands
from gateway.delivery.office import Listener, Office
from gateway.delivery.storage.history import Wanted
from gateway.delivery.teller import Teller
from gateway.detail.clerk import Clerk
from gateway.detail.desk import Desk
from gateway.detail.log import DetailLog, DetailWording
from gateway.detail.messages import RolloutEnded
from gateway.hub.feed import Feed
from gateway.hub.hub import Hub
from gateway.hub.pulse import Pulse
from gateway.log.memory import MemoryLog
from gateway.model.application import Observed
from gateway.model.upstream import Upstream
from gateway.options import REMEMBERING, find_database, make_patterns, make_secrets, make_targets, make_wishes
from gateway.settings.variables import Settings
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.inspector import Inspector

DETAIL_CHANGES, DETAIL_BYTES = 2_000, 8 << 20
"""What is kept of the details' changes, for those who resume; in memory, trees take ten times their bytes."""

SHOWN_KINDS, SHOWN_CHANGES = ("deployment", "rollback"), 20
"""What of an application's timeline is part of its detail."""


class Annex:
    """``details``, ``office`` and ``errands``, joined.

    ``look_again`` has Argo CD asked about one application; ``tell`` sends everybody who sees it an event about one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        pulse: Pulse,
        held: Callable[[], Mapping[str, Observed]],
        shown: Callable[[], Sequence[Observed]],
        log: MemoryLog,
        client: ArgoCD,
        upstream: Callable[[], Upstream],
        look_again: Callable[[str], None],
        tell: Callable[[str, str, object], None],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._pulse = pulse
        self._held = held
        self._shown = shown
        self._tell = tell
        self._log = log
        self._client = client
        self._upstream = upstream
        self._clock = clock
        self.details = self._make_details(jitter)
        self.office = self._make_office(look_again)
        self.errands = self._make_errands()

    def _make_details(self, jitter: Callable[[], float]) -> Clerk:
        log = DetailLog(epoch=secrets.token_hex(4), capacity=DETAIL_CHANGES, max_bytes=DETAIL_BYTES)
        feed = Feed(log, DetailWording())
        self._hub.add_feed(feed)
        log.follow(self._pulse.changed)
        desk = Desk(
            log=log,
            held=lambda: self._held() if self._hub.published else {},
            jitter=jitter,
            public_url=self._settings.argocd_public_url,
        )
        return Clerk(desk, feed, Inspector(self._client), clock=self._clock)

    def _make_office(self, look_again: Callable[[str], None]) -> Office:
        settings = self._settings
        office = Office(
            url=find_database(settings),
            pool=settings.database_pool,
            secrets=make_secrets(settings),
            patterns=make_patterns(settings),
            targets=make_targets(settings),
            retention=settings.delivery_retention,
            max_body=settings.webhook_max_body,
            clock=self._clock,
            look_again=look_again,
            shown=self._shown,
            gather=REMEMBERING,
            trace=self._client.trace,
        )
        watched = self.details.desk.watched
        self.teller = Teller(
            lambda key: office.repository.timeline(Wanted(key=key, kinds=SHOWN_KINDS, limit=SHOWN_CHANGES)),
            watched=lambda key: key in watched,
            show=lambda key, changes: self.details.contribute(key, "timeline", changes),
        )
        office.listen(Listener(changes=self.teller.look, lost=lambda: self.teller.look([*watched])))
        self.details.desk.follow(self._begin_timeline)
        self.details.follow_rollouts(self._tell_rollout)
        return office

    def _make_errands(self) -> Errands:
        errands = Errands(
            make_wishes(self._settings),
            office=self.office,
            client=self._client,
            documents=lambda: self._log.documents,
            stale=self._why_stale,
            tell=lambda breach: self._tell(breach.application, "breach", show_breach(breach)),
            clock=self._clock,
        )
        self.office.listen(
            Listener(
                facts=errands.hear,
                measures=errands.measured,
                charge=errands.take_charge,
                breach=errands.hear_breach,
            )
        )
        return errands

    def _why_stale(self) -> str | None:
        """Return why what is known of Argo CD may be old; None if it isn't."""
        upstream = self._upstream()
        return None if upstream.state == "live" else f"the gateway's line to it is {upstream.state}"

    def _begin_timeline(self, key: str) -> None:
        """Somebody looks at an application: its timeline belongs to what is shown."""
        inspection = self.details.desk.watched.get(key)
        if inspection is not None and "timeline" not in inspection.contributed:
            self.teller.look([key])

    def _tell_rollout(self, end: RolloutEnded) -> None:
        """A rollout ended: an abort takes its deployment back."""
        if end.outcome == "aborted" and end.at is not None:
            self.office.abort(end.key, end.at)
