"""The front: both web applications, with their middlewares and routes, on their addresses."""

import contextlib
from collections.abc import Callable

import structlog
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from gateway.entrance import Entrance
from gateway.observability.metrics import Readings, make_registry
from gateway.settings.environment import Settings
from gateway.web.context import CONTEXT, Context
from gateway.web.express import Lane
from gateway.web.listening import listen
from gateway.web.middleware import make_header_signal, make_middleware, name_route
from gateway.web.routes import add_routes

SPARE_CONNECTIONS = 2_000
"""Connections beside those of all streams that there may be: for other requests, and for those who ask for nothing."""

_log = structlog.get_logger(__name__)


class Front:
    """Serves what ``context`` has. With ``loopback_pages``, pages that this machine serves to itself may read, too."""

    def __init__(self, settings: Settings, context: Context, entrance: Entrance, *, loopback_pages: bool) -> None:
        self._settings = settings
        self._context = context
        self._entrance = entrance
        self._loopback_pages = loopback_pages

    async def open(
        self, stack: contextlib.AsyncExitStack, *, end_streams: Callable[[], None], read: Callable[[], Readings]
    ) -> tuple[web.TCPSite, tuple[str, int], tuple[str, int]]:
        """Serve until the stack is left; return where, and where metrics are, that ``read`` reads.

        ``end_streams`` is called when that ends. Raises ListenError if an address is taken.
        """
        site, address = await self._open(stack, end_streams)
        metrics_address = await self._open_metrics(stack, read)
        _log.info("gateway.listening", host=address[0], port=address[1], metrics_port=metrics_address[1])
        if self._settings.auth == "none":
            _log.warning("gateway.open", advice="GATEWAY_AUTH=none: whoever can reach this address sees everything")
        if self._settings.argocd_insecure:
            _log.warning("gateway.insecure", advice="ARGOCD_INSECURE: Argo CD's certificate isn't verified")
        return site, address, metrics_address

    async def _open(
        self, stack: contextlib.AsyncExitStack, end_streams: Callable[[], None]
    ) -> tuple[web.TCPSite, tuple[str, int]]:
        settings, trace = self._settings, self._context.trace
        answer = make_middleware(loopback_only=settings.auth is None)
        traced = [trace.make_middleware(name_route)] if trace else []
        app = web.Application(middlewares=[*traced, answer, *self._entrance.make_middlewares()])
        app[CONTEXT] = self._context
        add_routes(app, base_path=settings.base_path, dashboard=settings.dashboard)
        self._entrance.add_routes(app, public_url=settings.public_url, base_path=settings.base_path)
        origins = frozenset(settings.cors_origins)
        app.on_response_prepare.append(make_header_signal(origins, loopback_pages=self._loopback_pages))

        async def shut_down(_: web.Application) -> None:
            end_streams()

        app.on_shutdown.append(shut_down)
        most = settings.max_subscribers + SPARE_CONNECTIONS
        return await listen(
            stack,
            app,
            settings.host,
            settings.port,
            most=most,
            counts=self._context.turnstile.limits.counts,
            streams=self._context.streams,
            express=Lane(path=f"{settings.base_path}/api/stream/", suits=self._entrance.authenticator.is_prompt),
        )

    async def _open_metrics(self, stack: contextlib.AsyncExitStack, read: Callable[[], Readings]) -> tuple[str, int]:
        app = web.Application()
        app.router.add_get("/metrics", make_aiohttp_handler(make_registry(read)))
        app.on_response_prepare.append(make_header_signal(frozenset()))
        _, address = await listen(
            stack,
            app,
            self._settings.metrics_host,
            self._settings.metrics_port,
            most=SPARE_CONNECTIONS,
            counts=self._context.turnstile.limits.counts,
        )
        return address
