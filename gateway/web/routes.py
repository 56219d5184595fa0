"""What is at which path, but for the stream."""

import hashlib
import math
from typing import Any

import msgspec
import orjson
from aiohttp import web

from gateway.hub.frame import gzip_body
from gateway.hub.hub import OverloadedError
from gateway.model.application import Observed, in_full
from gateway.web import problem
from gateway.web.context import CONTEXT, Context
from gateway.web.contract import show_openapi, show_schema
from gateway.web.page import add_page
from gateway.web.problem import Problem, ProblemError
from gateway.web.query import read_selector, refuse_parameters
from gateway.web.stream import accepts_gzip, stream_pipelines

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
    router.add_get(f"{base_path}/api/pipelines/{{namespace}}/{{name}}", show_pipeline)
    router.add_get(f"{base_path}/api/stream/pipelines", stream_pipelines, allow_head=False)
    router.add_get(f"{base_path}/api/status", show_status)
    router.add_get(f"{base_path}/api/openapi.json", show_openapi)
    router.add_get(f"{base_path}/api/schemas/{{event}}.json", show_schema)
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
    return web.json_bytes_response(request.app[CONTEXT].status(), dumps=orjson.dumps)


async def list_pipelines(request: web.Request) -> web.Response:
    """Serve ``/api/pipelines``: the state as of the last tick, and a cursor to go on from with the stream."""
    context = request.app[CONTEXT]
    selector = read_selector(request.query.items())
    _expect_state(context)
    try:
        view, listing = context.hub.look(selector, context.clock())
    except OverloadedError as error:
        raise problem.overloaded(_seconds(context)) from error
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
    context = request.app[CONTEXT]
    _expect_state(context)
    observed = _find(context, request.match_info.get("namespace"), request.match_info["name"])
    content: dict[str, Any] = {
        "position": str(context.log.position),
        "application": in_full(observed.document, observed.detail),
        "upstream": msgspec.to_builtins(context.hub.upstream),
    }
    return web.json_bytes_response(content, dumps=orjson.dumps)


def _find(context: Context, namespace: str | None, name: str) -> Observed:
    held = context.store.held
    if namespace is not None:
        found = [held[key]] if (key := f"{namespace}/{name}") in held else []
    else:
        found = [observed for observed in held.values() if observed.document.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = sorted(observed.document.key for observed in found)
        detail = "Several applications have this name: ask for one as /api/pipelines/{namespace}/{name}."
        raise ProblemError(Problem(status=409, type="ambiguous", detail=detail, more={"candidates": candidates}))
    detail = "There is no such application, or none that may be seen. /api/pipelines lists them."
    raise ProblemError(Problem(status=404, type="unknown-application", detail=detail))


def _expect_state(context: Context) -> None:
    if not context.hub.published:
        raise problem.not_synced(_seconds(context))


def _seconds(context: Context) -> int:
    return math.ceil(context.hub.retry_ms() / 1_000)
