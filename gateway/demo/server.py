"""The part of Argo CD's HTTP API that a gateway asks for, over the demo's cluster.

Answers look like those of Argo CD 3.6. In three ways this one is kinder than a real one: a watch subscribes before its
burst and not after it, so that nothing is lost; what ``fields`` leaves out is sent nevertheless; and nothing is ever
compressed. Keep-alives come after silence only.
"""

from contextlib import suppress
from secrets import compare_digest

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.demo.answers import (
    Refusal,
    answer,
    begin_stream,
    invalid_session,
    keep_alive_until,
    refuse,
    refuse_stream,
    send,
)
from gateway.demo.cluster import Cluster, Event
from gateway.demo.single import Single

VERSION = "v3.6.0+demo"

_OPEN = frozenset({"/healthz", "/api/version", "/api/v1/session/userinfo"})
"""What is answered without a token, too."""

_STREAMS = "/api/v1/stream/"


def make_server(cluster: Cluster, *, token: str) -> web.Application:
    """Return a server of a cluster for whoever has the token."""
    server, single = _Server(cluster, token), Single(cluster)
    app = web.Application(middlewares=[server.guard])
    one = "/api/v1/applications/{name}"
    app.add_routes(
        [
            web.get("/healthz", server.healthz),
            web.get("/api/version", server.version),
            web.get("/api/v1/session/userinfo", server.userinfo),
            web.get("/api/v1/account/can-i/{resource}/{action}/{subresource:.+}", server.can_i),
            web.get("/api/v1/applications", server.list_applications),
            web.get("/api/v1/stream/applications", server.watch, allow_head=False),
            web.get(one, single.get),
            web.get(f"{one}/resource-tree", single.tree),
            web.get(f"{one}/revisions/{{revision}}/metadata", single.revision),
            web.get(f"{one}/resource", single.resource),
            web.get(f"{one}/syncwindows", single.syncwindows),
            web.get("/api/v1/stream/applications/{name}/resource-tree", single.watch_tree, allow_head=False),
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
        return answer({"Version": VERSION})

    async def userinfo(self, request: web.Request) -> web.Response:
        return answer({"loggedIn": True, "username": "demo", "iss": "argocd"} if self._knows(request) else {})

    async def can_i(self, request: web.Request) -> web.Response:
        asked = request.match_info
        return answer({"value": "yes" if (asked["resource"], asked["action"]) == ("applications", "get") else "no"})

    async def list_applications(self, request: web.Request) -> web.Response:
        items = self._cluster.list_applications(_name_projects(request))
        return answer({"metadata": {"resourceVersion": str(self._cluster.version)}, "items": items or None})

    async def watch(self, request: web.Request) -> web.StreamResponse:
        projects = _name_projects(request)
        watch = self._cluster.subscribe(projects)
        # With any version there is no burst.
        burst = [] if request.query.get("resourceVersion") else self._cluster.list_applications(projects)
        response = begin_stream(request)
        try:
            # The client leaves when it likes.
            with suppress(ConnectionResetError):
                for application in burst:
                    await send(request, response, _describe(("ADDED", application)))
                while True:
                    event: Event = await keep_alive_until(response, request, watch.events.get)
                    await send(request, response, _describe(event))
        finally:
            self._cluster.unsubscribe(watch)
        return response

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse in the manner of what was asked for: by an answer, or by a stream."""
        try:
            known_path = request.match_info.http_exception is None
            if known_path and request.path not in _OPEN and not self._knows(request):
                raise invalid_session()
            return await handler(request)
        except Refusal as refusal:
            return refuse_stream(request, refusal) if request.path.startswith(_STREAMS) else refuse(refusal)

    def _knows(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and compare_digest(token.encode(), self._token.encode())


def _describe(event: Event) -> dict[str, object]:
    return {"type": event[0], "application": event[1]}


def _name_projects(request: web.Request) -> frozenset[str]:
    return frozenset(request.query.getall("project", []) or request.query.getall("projects", []))
