"""What is at which path, but for the stream."""

import hashlib
from typing import Any

import msgspec
import orjson
from aiohttp import web

from gateway.auth.selection import narrow
from gateway.hub.frame import gzip_body
from gateway.hub.hub import OverloadedError
from gateway.model.application import in_full
from gateway.web import problem
from gateway.web.badge import show_badge
from gateway.web.changes import list_changes
from gateway.web.context import CONTEXT
from gateway.web.contract import show_openapi, show_schema
from gateway.web.delivery import list_deliveries, list_timeline, redeliver, show_kpis, show_timeline
from gateway.web.detail import stream_pipeline
from gateway.web.guard import grant_of
from gateway.web.lookup import expect_state, find_application, retry_after
from gateway.web.me import show_me
from gateway.web.page import add_client, add_page
from gateway.web.query import read_selector, refuse_parameters
from gateway.web.refresh import refresh
from gateway.web.releases import show_checklist
from gateway.web.stream import accepts_gzip, stream_pipelines
from gateway.web.webhooks import take_webhook

_COMPRESS_FROM = 1_024
"""Bytes from which on compressing a body pays."""


def add_routes(app: web.Application, *, base_path: str, dashboard: bool) -> None:
    """Add all routes, those for probes also without the base path: a kubelet doesn't come through the proxy.

    Without the ``dashboard`` there is no page at ``/``.
    """
    router = app.router
    for prefix in {"", base_path}:
        router.add_get(f"{prefix}/healthz", healthz)
        router.add_get(f"{prefix}/readyz", readyz)
        router.add_get(f"{prefix}/startupz", healthz)
    router.add_get(f"{base_path}/api/pipelines", list_pipelines)
    router.add_get(f"{base_path}/api/pipelines/{{name}}", show_pipeline)
    # Before the path of two names, which it looks like.
    router.add_get(f"{base_path}/api/pipelines/{{name}}/timeline", show_timeline)
    router.add_get(f"{base_path}/api/pipelines/{{namespace}}/{{name}}/timeline", show_timeline)
    router.add_get(f"{base_path}/api/pipelines/{{namespace}}/{{name}}", show_pipeline)
    router.add_post(f"{base_path}/api/pipelines/{{name}}/refresh", refresh)
    router.add_post(f"{base_path}/api/pipelines/{{namespace}}/{{name}}/refresh", refresh)
    router.add_get(f"{base_path}/api/stream/pipelines", stream_pipelines, allow_head=False)
    router.add_get(f"{base_path}/api/stream/pipelines/{{name}}", stream_pipeline, allow_head=False)
    router.add_get(f"{base_path}/api/stream/pipelines/{{namespace}}/{{name}}", stream_pipeline, allow_head=False)
    router.add_get(f"{base_path}/api/changes", list_changes)
    router.add_get(f"{base_path}/api/timeline", list_timeline)
    router.add_get(f"{base_path}/api/kpis", show_kpis)
    router.add_get(f"{base_path}/api/releases/{{sha}}/checklist", show_checklist)
    router.add_get(f"{base_path}/api/deliveries", list_deliveries)
    router.add_post(f"{base_path}/api/deliveries/{{id}}/redeliver", redeliver)
    router.add_post(f"{base_path}/api/webhooks/{{sender}}", take_webhook)
    router.add_get(f"{base_path}/badge/{{name}}.svg", show_badge)
    router.add_get(f"{base_path}/badge/{{namespace}}/{{name}}.svg", show_badge)
    router.add_get(f"{base_path}/api/status", show_status)
    router.add_get(f"{base_path}/api/me", show_me)
    router.add_get(f"{base_path}/api/openapi.json", show_openapi)
    router.add_get(f"{base_path}/api/schemas/{{event}}.json", show_schema)
    add_client(router, base_path=base_path)
    if dashboard:
        add_page(router, base_path=base_path)


async def healthz(_: web.Request) -> web.Response:
    """Serve ``/healthz`` and ``/startupz``: the event loop turns. Argo CD has no part in that."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Serve ``/readyz``: whether traffic may come here."""
    why_not = request.app[CONTEXT].why_not_ready()
    return web.Response(text="ok\n") if why_not is None else web.Response(status=503, text=f"{why_not}\n")


async def show_status(request: web.Request) -> web.Response:
    """Serve ``/api/status``: how the gateway and its upstream are."""
    refuse_parameters(request)
    return web.json_bytes_response(request.app[CONTEXT].status(grant_of(request)), dumps=orjson.dumps)


async def list_pipelines(request: web.Request) -> web.Response:
    """Serve ``/api/pipelines``: the state as of the last tick, and a cursor to go on from with the stream."""
    context = request.app[CONTEXT]
    selector = read_selector(request.query.items())
    expect_state(context)
    try:
        view, listing = context.hub.look(narrow(selector, grant_of(request)), context.clock())
    except OverloadedError as error:
        raise problem.overloaded(retry_after(context)) from error
    upstream = context.hub.upstream
    verdict = hashlib.sha256(repr(upstream and upstream.verdict).encode()).hexdigest()[:8]
    headers = {"ETag": f'W/"{view.cursor}-{verdict}"', "Gateway-Cursor": view.cursor}
    if any(tag.value in ("*", f"{view.cursor}-{verdict}") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    head = {"position": str(view.position), "upstream": msgspec.to_builtins(upstream)}
    prefix = orjson.dumps(head)[:-1] + b","
    body = listing.frame.plain
    if context.compression and len(body) >= _COMPRESS_FROM and accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        body = gzip_body(prefix, listing.frame)
    else:
        body = prefix + body
    return web.Response(body=body, headers=headers, content_type="application/json")


async def show_pipeline(request: web.Request) -> web.Response:
    """Serve one application by name, or by namespace and name: the document, its messages whole, and its history."""
    refuse_parameters(request)
    context, grant = request.app[CONTEXT], grant_of(request)
    expect_state(context)
    observed = find_application(context, grant, request.match_info.get("namespace"), request.match_info["name"])
    content: dict[str, Any] = {
        "position": str(context.log.position),
        "application": grant.show_detail(in_full(observed.document, observed.detail)),
        "upstream": msgspec.to_builtins(context.hub.upstream),
    }
    return web.json_bytes_response(content, dumps=orjson.dumps)
