"""The composition root: the only file that knows everyone. Settings in, a running gateway out."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence

import structlog
from aiohttp import web

from gateway.annex import Annex
from gateway.clock import start_clock
from gateway.departure import Departure
from gateway.entrance import Entrance
from gateway.front import Front
from gateway.hub.hub import Hub
from gateway.hub.pulse import Pulse
from gateway.keeper import Keeper
from gateway.line import Line
from gateway.model.application import Observed
from gateway.model.delta import Change
from gateway.model.upstream import Upstream
from gateway.observability.freshness import Freshness
from gateway.observability.health import why_not_ready
from gateway.observability.pauses import Pauses
from gateway.options import find_redis, make_client, make_limits, make_log, make_naming, make_timing, make_trace
from gateway.replicas.joining import join_peers
from gateway.report import Reporter
from gateway.settings.environment import Settings
from gateway.store.file import name_source
from gateway.store.state import Store
from gateway.stragglers import end
from gateway.upstream.reflector import Reflector
from gateway.web.context import Context
from gateway.web.handover import OpenStreams
from gateway.web.heads import Heads

_log = structlog.get_logger(__name__)


class Gateway:
    """A gateway. ``run`` runs it; ``drain`` ends it gently, ``stop`` at once.

    With ``loopback_pages``, pages that this machine serves to itself may read, besides those of the origins in the
    settings.
    """

    def __init__(
        self, settings: Settings, *, clock: Callable[[], float] | None = None, loopback_pages: bool = False
    ) -> None:
        self.settings = settings
        self._loopback_pages = loopback_pages
        self.clock = clock or start_clock()
        now = self.clock()
        jitter = random.random
        self.started_at = now
        shared = find_redis(settings) is not None
        self.log = make_log(settings)
        self.hub = Hub(self.log, make_limits(settings), now=now, jitter=jitter)
        self.pulse = Pulse(self.hub, tick=settings.tick, clock=self.clock)
        self.log.follow(self.pulse.changed)
        self.freshness = Freshness(self.log.ring)
        self.pulse.follow(self.freshness.ticked)
        self.pauses = Pauses()
        self.trace = trace = make_trace(settings)
        if trace is not None:
            self.log.follow(trace.changed)
            self.pulse.follow(lambda _: trace.ticked(seconds=self.pulse.tick_seconds, subscribers=len(self.hub)))
        self._client, self._token = make_client(settings, trace=trace)
        self.line = Line(
            naming=make_naming(settings),
            timing=lambda takeover: make_timing(settings, takeover=takeover),
            client=self._client,
            token=self._token,
            clock=self.clock,
            jitter=jitter,
            moved=self._moved,
        )
        self.peers = join_peers(self, jitter=jitter) if shared else None
        """The other replicas, where there may be any."""
        self.annex = Annex(
            settings,
            hub=self.hub,
            pulse=self.pulse,
            held=self.held,
            shown=lambda: self.store.shown(),
            log=self.log,
            client=self._client,
            upstream=self.upstream,
            look_again=self.look_again,
            tell=self.tell,
            clock=self.clock,
            jitter=jitter,
        )
        self.details, self.office, self.errands = self.annex.details, self.annex.office, self.annex.errands
        self.streams = OpenStreams()
        self.heads = Heads()
        self.entrance = Entrance(settings, self.hub, clock=self.clock, nudge=self.pulse.nudge)
        self.reporter = Reporter(
            settings=settings,
            started_at=now,
            clock=self.clock,
            log=self.log,
            hub=self.hub,
            pulse=self.pulse,
            freshness=self.freshness,
            pauses=self.pauses,
            line=self.line,
            upstream=self.upstream,
            peers=self.peers,
            client=self._client,
            token=self._token,
            desk=self.details.desk,
            office=self.office,
            errands=self.errands,
            entrance=self.entrance,
        )
        self._keeper = Keeper(
            # What Redis holds is newer than any file.
            None if shared else settings.state_file,
            source=name_source(settings.argocd_base_url, settings.argocd_projects),
            store=self.store,
            liveness=self.reflector.liveness,
            clock=self.clock,
        )
        # Another replica leads as soon as it is ready; this one follows it, for those who are still here.
        retire = None if self.peers is None else self.peers.retire
        self._departure = Departure(settings, hub=self.hub, retire=retire, clock=self.clock)
        self.ready = asyncio.Event()
        """Set when requests are answered."""
        self.address: tuple[str, int] = ("", 0)
        self.metrics_address: tuple[str, int] = ("", 0)

    async def run(self) -> None:
        """Serve until drained or stopped. Raises ListenError if an address is taken."""
        self._keeper.restore()
        self._moved()
        async with self._client, contextlib.AsyncExitStack() as stack:
            if self.trace is not None:
                stack.push_async_callback(self.trace.close)
            if self.peers is None:
                # Alone, this process leads.
                self.office.lead()
            await self.office.open()
            site = await self._serve(stack)
            self.pulse.start()
            self.pauses.start()
            stack.callback(self.pauses.stop)
            stack.callback(self.pulse.stop)
            stack.push_async_callback(self.entrance.close)
            stack.push_async_callback(self.details.close)
            stack.push_async_callback(self.annex.teller.close)
            self.ready.set()
            running = [
                asyncio.create_task(self.peers.run() if self.peers else self.line.run(), name="upstream"),
                asyncio.create_task(self._keeper.run(), name="keeper"),
                asyncio.create_task(self.entrance.run(), name="entrance"),
                asyncio.create_task(self.office.run(), name="deliveries"),
                asyncio.create_task(self.errands.run(), name="errands"),
            ]
            leaving = asyncio.create_task(self._departure.run(site.stop), name="leaving")
            try:
                done, _ = await asyncio.wait([*running, leaving], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await end([*running, leaving])
                self._keeper.save()

    def drain(self) -> None:
        """Leave gently; asked twice, at once."""
        self._departure.drain()

    def stop(self) -> None:
        """Leave at once, with a goodbye for every stream."""
        self._departure.stop()

    # Putting together.

    async def _serve(self, stack: contextlib.AsyncExitStack) -> web.TCPSite:
        context = Context(
            clock=self.clock,
            hub=self.hub,
            pulse=self.pulse,
            log=self.log,
            held=self.held,
            details=self.details,
            office=self.office,
            errands=self.errands,
            guard=self.entrance.guard,
            turnstile=self.entrance.turnstile,
            audience=self.entrance.audience,
            streams=self.streams,
            heads=self.heads,
            status=self.reporter.status,
            why_not_ready=self.why_not_ready,
            compression=self.settings.compression,
            trace=self.trace,
        )
        front = Front(self.settings, context, self.entrance, loopback_pages=self._loopback_pages)
        site, self.address, self.metrics_address = await front.open(
            stack, end_streams=self._end_streams, read=self.reporter.read
        )
        return site

    def _end_streams(self) -> None:
        self.hub.drain(0.0)
        self.hub.end_all(self.clock())

    def _moved(self) -> None:
        """Pass on what a step upstream brought: changes to the log, and upstream's state to everyone."""
        now = self.clock()
        if sightings := self.store.take_sightings():
            self.office.runner.show(sightings)
        changes = self.store.take()
        if self.peers is not None:
            self.peers.put(changes, self.store.take_touched())
            return
        if changes:
            # What there is when the gateway begins to look is no news.
            self.log.append(changes, at=now if self.hub.published else None)
        if not self.hub.published and (self.store.published or self._keeper.restored):
            self.log.begin(now)
            self.publish(now)
        self.show(changes)

    def publish(self, now: float) -> None:
        """There is a state to show."""
        self.hub.publish(now)
        self.pulse.nudge()

    def show(self, changes: Sequence[Change]) -> None:
        """What is shown has changed, or what is said of upstream."""
        if changes:
            self.details.attend(changes)
        self.details.look()
        self.hub.announce(self.upstream(), self.clock())

    def leads(self, leading: bool) -> None:
        """Whether this process leads has changed."""
        _log.info("replica.leads" if leading else "replica.follows")
        if leading:
            self.office.lead()
        else:
            self.office.follow()

    # What others ask.

    @property
    def store(self) -> Store:
        """What Argo CD last said, where this process watches it."""
        return self.line.store

    @property
    def reflector(self) -> Reflector:
        """What watches Argo CD, where this process does."""
        return self.line.reflector

    def held(self) -> Mapping[str, Observed]:
        """Return every application as Argo CD showed it, by key."""
        return self.line.store.held if self.peers is None else self.peers.held

    def upstream(self) -> Upstream:
        """Return what subscribers are told of upstream."""
        source = self.line.reflector if self.peers is None else self.peers
        return source.upstream(self.clock())

    def look_again(self, key: str) -> None:
        """Argo CD says that an application changed: its stream may have lost that."""
        if self.peers is None:
            self.line.look_again(key)
        else:
            self.peers.look_again(key)

    def tell(self, key: str, name: str, data: object) -> None:
        """Send an event about an application to everyone who sees it, at whatever replica."""
        if self.peers is None:
            self.hub.tell(key, name, data, self.clock())
        else:
            self.peers.tell(key, name, data)

    def why_not_ready(self) -> str | None:
        """Return why no traffic should come here; None if it should."""
        now = self.clock()
        return why_not_ready(
            published=self.hub.published,
            state=self.upstream().state,
            draining=self._departure.draining,
            uptime=now - self.started_at,
            ready_after=self.settings.ready_after,
        )
