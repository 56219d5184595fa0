"""The part of Argo CD's HTTP API that a gateway asks for, over the demo's cluster.

Answers look like those of Argo CD 3.6. In three ways this one is kinder than a real one: a watch subscribes before its
burst and not after it, so that nothing is lost; what ``fields`` leaves out is sent nevertheless; and nothing is ever
compressed. Keep-alives come after silence only.
"""

import asyncio
from contextlib import suppress
from secrets import compare_digest
from typing import Any

import orjson
from aiohttp import web

from gateway.demo.cluster import Cluster, Event, Watch

KEEPALIVE = 15.0
"""Seconds of silence on a stream of events until a line says that it lives (argoproj/pkg grpc/http/forwarders.go)."""

VERSION = "v3.6.0+demo"

_UNAUTHENTICATED = 16
"""The code of gRPC that Argo CD's 401 carries."""

_REFUSAL = "invalid session: token signature is invalid"


def make_server(cluster: Cluster, *, token: str) -> web.Application:
    """Return a server of a cluster for whoever has the token."""
    server = _Server(cluster, token)
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", server.healthz),
            web.get("/api/version", server.version),
            web.get("/api/v1/session/userinfo", server.userinfo),
            web.get("/api/v1/account/can-i/{resource}/{action}/{subresource:.+}", server.can_i),
            web.get("/api/v1/applications", server.list_applications),
            web.get("/api/v1/stream/applications", server.watch, allow_head=False),
        ]
    )
    return app


class _Server:
    def __init__(self, cluster: Cluster, token: str) -> None:
        self._cluster = cluster
        self._token = token

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def version(self, _: web.Request) -> web.Response:
        return _answer({"Version": VERSION})

    async def userinfo(self, request: web.Request) -> web.Response:
        return _answer({"loggedIn": True, "username": "demo", "iss": "argocd"} if self._knows(request) else {})

    async def can_i(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _refuse()
        asked = request.match_info
        return _answer({"value": "yes" if (asked["resource"], asked["action"]) == ("applications", "get") else "no"})

    async def list_applications(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _refuse()
        items = self._cluster.list_applications(_name_projects(request))
        return _answer({"metadata": {"resourceVersion": str(self._cluster.version)}, "items": items or None})

    async def watch(self, request: web.Request) -> web.StreamResponse:
        sse = request.headers.get("Accept") == "text/event-stream"
        if not self._knows(request):
            return _refuse_stream(sse=sse)
        projects = _name_projects(request)
        watch = self._cluster.subscribe(projects)
        # With any version there is no burst.
        burst = [] if request.query.get("resourceVersion") else self._cluster.list_applications(projects)
        response = web.StreamResponse(headers=_name_type(sse=sse))
        try:
            # The client leaves when it likes.
            with suppress(ConnectionResetError):
                for application in burst:
                    await _send(request, response, ("ADDED", application), sse=sse)
                await _follow(request, response, watch, sse=sse)
        finally:
            self._cluster.unsubscribe(watch)
        return response

    def _knows(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and compare_digest(token.encode(), self._token.encode())


async def _follow(request: web.Request, response: web.StreamResponse, watch: Watch, *, sse: bool) -> None:
    """Send events until the client leaves."""
    while True:
        try:
            # There is nothing to keep alive before the first event: the headers come with it.
            async with asyncio.timeout(KEEPALIVE if sse and response.prepared else None):
                event = await watch.events.get()
        except TimeoutError:
            await response.write(b":\n")
        else:
            await _send(request, response, event, sse=sse)


async def _send(request: web.Request, response: web.StreamResponse, event: Event, *, sse: bool) -> None:
    if not response.prepared:
        await response.prepare(request)
    await response.write(_frame({"result": {"type": event[0], "application": event[1]}}, sse=sse))


def _frame(document: Any, *, sse: bool) -> bytes:
    payload = orjson.dumps(document)
    return b"data: " + payload + b" \n\n\n" if sse else payload + b"\n"


def _name_projects(request: web.Request) -> frozenset[str]:
    return frozenset(request.query.getall("project", []) or request.query.getall("projects", []))


def _name_type(*, sse: bool) -> dict[str, str]:
    return {"Content-Type": "text/event-stream" if sse else "application/json", "X-Content-Type-Options": "nosniff"}


def _answer(document: Any, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


def _refuse() -> web.Response:
    return _answer({"error": _REFUSAL, "code": _UNAUTHENTICATED, "message": _REFUSAL}, status=401)


def _refuse_stream(*, sse: bool) -> web.Response:
    error = {"grpc_code": _UNAUTHENTICATED, "http_code": 401, "message": _REFUSAL, "http_status": "Unauthorized"}
    return web.Response(status=401, body=_frame({"error": error}, sse=sse), headers=_name_type(sse=sse))
