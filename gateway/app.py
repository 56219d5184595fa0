"""The composition root: the only file that knows everyone. Settings in, a running gateway out."""

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from gateway import __version__
from gateway.clock import start_clock
from gateway.hub.hub import Hub, Limits
from gateway.hub.pulse import Pulse
from gateway.keeper import Keeper
from gateway.log.memory import MemoryLog
from gateway.model.upstream import rfc3339
from gateway.observability.health import why_not_ready
from gateway.observability.metrics import Readings, make_registry
from gateway.settings import Settings
from gateway.store.file import name_source
from gateway.store.state import Store
from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.driver import Driver
from gateway.upstream.reflector import Reflector
from gateway.upstream.timing import Timing
from gateway.upstream.token import Token
from gateway.web.context import CONTEXT, Context
from gateway.web.middleware import make_header_signal, make_middleware
from gateway.web.routes import add_routes

BACKLOG = 1_024
"""Connections that may wait to be accepted, when everybody comes back at once."""

CLOSING_TIME = 2.0
"""Seconds for the last bytes of streams and answers at the very end."""

_log = structlog.get_logger(__name__)


class Gateway:
    """A gateway. ``run`` runs it; ``drain`` ends it gently, ``stop`` at once."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] | None = None) -> None:
        self.settings = settings
        self.clock = clock or start_clock()
        now = self.clock()
        jitter = random.random
        self.started_at = now
        self.store = Store()
        self.log = MemoryLog(epoch=secrets.token_hex(4), capacity=settings.log_capacity, max_bytes=settings.log_bytes)
        self.hub = Hub(self.log, _limits(settings), now=now, jitter=jitter)
        self.pulse = Pulse(self.hub, tick=settings.tick, clock=self.clock)
        self.log.follow(self.pulse.changed)
        self.reflector = Reflector(store=self.store, timing=_timing(settings), now=now, jitter=jitter)
        self._client, self._token = make_client(settings)
        self._keeper = Keeper(
            settings.state_file,
            source=name_source(settings.argocd_base_url, settings.argocd_projects),
            store=self.store,
            liveness=self.reflector.liveness,
            clock=self.clock,
        )
        self._drain_asked = asyncio.Event()
        self._stop_asked = asyncio.Event()
        self.ready = asyncio.Event()
        """Set when requests are answered."""
        self.address: tuple[str, int] = ("", 0)
        self.metrics_address: tuple[str, int] = ("", 0)

    async def run(self) -> None:
        """Serve until drained or stopped. Raises OSError if an address is taken."""
        self._keeper.restore()
        self._moved()
        async with self._client, contextlib.AsyncExitStack() as stack:
            site = await self._serve(stack)
            driver = Driver(
                reflector=self.reflector,
                client=self._client,
                token=self._token,
                clock=self.clock,
                moved=self._moved,
            )
            self.pulse.start()
            stack.callback(self.pulse.stop)
            self.ready.set()
            running = [
                asyncio.create_task(driver.run(), name="upstream"),
                asyncio.create_task(self._keeper.run(), name="keeper"),
            ]
            leaving = asyncio.create_task(self._leave_when_asked(site), name="leaving")
            try:
                done, _ = await asyncio.wait([*running, leaving], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in [*running, leaving]:
                    task.cancel()
                await asyncio.gather(*running, leaving, return_exceptions=True)
                self._keeper.save()

    def drain(self) -> None:
        """Leave gently: not ready at once, but serving and accepting for a while; then streams end, spread out.

        Asked twice, leave at once.
        """
        if self._drain_asked.is_set():
            self._stop_asked.set()
        self._drain_asked.set()

    def stop(self) -> None:
        """Leave at once, with a goodbye for every stream."""
        self._stop_asked.set()
        self._drain_asked.set()

    async def _leave_when_asked(self, site: web.TCPSite) -> None:
        await self._drain_asked.wait()
        _log.info("gateway.draining", subscribers=len(self.hub))
        await self._pause(self.settings.drain_delay)
        await site.stop()
        self.hub.drain(self.clock(), self.settings.drain)
        end = self.clock() + self.settings.drain + 1.0
        while len(self.hub) and self.clock() < end and not self._stop_asked.is_set():
            await self._pause(0.1)

    async def _pause(self, seconds: float) -> None:
        """Let time pass, unless we are asked to leave at once."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop_asked.wait(), seconds)

    # Putting together.

    async def _serve(self, stack: contextlib.AsyncExitStack) -> web.TCPSite:
        settings = self.settings
        app = web.Application(middlewares=[make_middleware(loopback_only=settings.auth is None)])
        app[CONTEXT] = Context(
            clock=self.clock,
            hub=self.hub,
            pulse=self.pulse,
            log=self.log,
            store=self.store,
            status=self.status,
            why_not_ready=self.why_not_ready,
            compression=settings.compression,
        )
        add_routes(app, base_path=settings.base_path)
        app.on_response_prepare.append(make_header_signal(frozenset(settings.cors_origins)))
        app.on_shutdown.append(self._end_streams)
        site, self.address = await _listen(stack, app, settings.host, settings.port)
        metrics = web.Application()
        metrics.router.add_get("/metrics", make_aiohttp_handler(make_registry(self.read)))
        _, self.metrics_address = await _listen(stack, metrics, settings.metrics_host, settings.metrics_port)
        host, port = self.address
        _log.info("gateway.listening", host=host, port=port, metrics_port=self.metrics_address[1])
        if settings.auth == "none":
            _log.warning("gateway.open", advice="GATEWAY_AUTH=none: whoever can reach this address sees everything")
        if settings.argocd_insecure:
            _log.warning("gateway.insecure", advice="ARGOCD_INSECURE: Argo CD's certificate isn't verified")
        return site

    async def _end_streams(self, _: web.Application) -> None:
        self.hub.drain(self.clock(), 0.0)
        self.hub.end_all(self.clock())

    def _moved(self) -> None:
        """Pass on what a step upstream brought: changes to the log, and upstream's state to everyone."""
        if changes := self.store.take():
            self.log.append(changes)
        now = self.clock()
        if not self.hub.published and (self.store.published or self._keeper.restored):
            self.hub.publish(now)
            self.pulse.nudge()
        self.hub.announce(self.reflector.upstream(now), now)

    # What others ask.

    def why_not_ready(self) -> str | None:
        """Return why no traffic should come here; None if it should."""
        now = self.clock()
        return why_not_ready(
            published=self.hub.published,
            state=self.reflector.upstream(now).state,
            draining=self._drain_asked.is_set(),
            uptime=now - self.started_at,
            ready_after=self.settings.ready_after,
        )

    def status(self) -> dict[str, Any]:
        """Return what ``/api/status`` says."""
        now = self.clock()
        upstream, counts = self.reflector.upstream(now), self.reflector.counts
        failure = self.reflector.last_failure
        expires_at = self._token.expires_at()
        return _without_absent(
            {
                "version": __version__,
                "startedAt": rfc3339(self.started_at),
                "epoch": self.log.epoch,
                "position": str(self.log.position),
                "applications": len(self.store.held) if self.hub.published else 0,
                "upstream": {
                    "state": upstream.state,
                    "since": upstream.since,
                    "reason": upstream.reason,
                    "verifiedAt": upstream.verified_at,
                    "version": self._client.version,
                    "lastError": failure
                    and {"at": rfc3339(failure[0]), "kind": failure[1].kind.value, "message": failure[1].message},
                    "reconciles": counts["reconcile"],
                    "repairs": {"missedUpdate": counts["missed_update"], "missedDelete": counts["missed_delete"]},
                    "restores": counts["restore"],
                    "unreadable": {"undecodable": counts["undecodable"], "oversized": counts["oversized"]},
                    "tokenExpiresAt": expires_at and rfc3339(expires_at),
                },
                "subscribers": {"open": len(self.hub), "behind": self.hub.lagging, "views": self.hub.views},
                "access": self.settings.auth or "loopback",
            }
        )

    def read(self) -> Readings:
        """Return what there is to measure."""
        now = self.clock()
        verified_at = self.reflector.liveness.verified_at
        applications = Counter(
            (
                document.health.status if document.health else "Unknown",
                (document.sync.status if document.sync else None) or "Unknown",
            )
            for document in self.log.documents.values()
        )
        return Readings(
            version=__version__,
            state=self.reflector.upstream(now).state,
            verified_age=None if verified_at is None else now - verified_at,
            applications=applications,
            upstream=self.reflector.counts,
            hub=self.hub.counts,
            subscribers=len(self.hub),
            lagging=self.hub.lagging,
            views=self.hub.views,
            log_offset=self.log.ring.top,
            tick_seconds=self.pulse.tick_seconds,
        )


def _without_absent(content: dict[str, Any]) -> dict[str, Any]:
    """Return a document without what is absent: on the wire, that is an absent field, never null."""
    return {
        name: _without_absent(value) if isinstance(value, dict) else value
        for name, value in content.items()
        if value is not None
    }


async def _listen(
    stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int
) -> tuple[web.TCPSite, tuple[str, int]]:
    """Serve an application; return its site and the address that it got."""
    # Without handler_cancellation a handler outlives its browser; without access_log=None each stream is logged thrice.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=CLOSING_TIME)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, backlog=BACKLOG)
    await site.start()
    address = runner.addresses[0]
    return site, (address[0], address[1])


def _limits(settings: Settings) -> Limits:
    return Limits(
        heartbeat=settings.heartbeat,
        stream_lifetime=settings.stream_lifetime,
        slow_limit=settings.slow_limit,
        max_subscribers=settings.max_subscribers,
        max_views=settings.max_views,
    )


def _timing(settings: Settings) -> Timing:
    return Timing(
        reconcile_interval=settings.reconcile_interval,
        removal_confirm=settings.removal_confirm,
        retry_max=settings.retry_max,
        auth_retry=settings.auth_retry,
        stale_after=settings.pipelines_cache_ttl,
        keepalive=settings.upstream_framing == "sse",
    )


def make_client(settings: Settings) -> tuple[ArgoCD, Token]:
    """Return a client for Argo CD, and the token that it uses."""
    token = Token(settings.argocd_auth_token, file=settings.argocd_auth_token_file)
    endpoint = Endpoint(
        base_url=settings.argocd_base_url,
        projects=settings.argocd_projects,
        ca_file=settings.argocd_ca_file,
        insecure=settings.argocd_insecure,
        sse=settings.upstream_framing == "sse",
        max_line=settings.max_line,
    )
    return ArgoCD(endpoint, token), token
