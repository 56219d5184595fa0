"""The fake Argo CD's answers to plain requests: list, one application, version, userinfo, can-i, healthz; and errors.

Bodies as recorded in `tests/data/recordings/http`. What is answered is decided by the server's state and faults;
nothing here changes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from .applications import Application, project_of
from .fields import FieldsFilter, select_for_list
from .replica import Replica

if TYPE_CHECKING:
    from .argocd import FakeArgoCD

# gRPC code → HTTP status and words, as grpc-gateway maps them.
UNKNOWN, PERMISSION_DENIED, NOT_FOUND, EXHAUSTED, UNAVAILABLE, UNAUTHENTICATED = 2, 7, 5, 8, 14, 16
GRPC_OF_STATUS = {
    500: UNKNOWN,
    403: PERMISSION_DENIED,
    404: NOT_FOUND,
    429: EXHAUSTED,
    503: UNAVAILABLE,
    401: UNAUTHENTICATED,
}
WORDS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Rest:
    """The handlers of everything that is not a stream."""

    def __init__(self, server: FakeArgoCD) -> None:
        self._server = server

    def routes(self, root: str) -> list[web.RouteDef]:
        health = {"/healthz", f"{root}/healthz"}  # also without the prefix (`argo-cd server/server.go`)
        return [
            *(web.get(path, self.healthz) for path in sorted(health)),
            web.get(f"{root}/api/version", self.version),
            web.get(f"{root}/api/v1/session/userinfo", self.userinfo),
            web.get(f"{root}/api/v1/account/can-i/{{resource}}/{{action}}/{{subresource:.+}}", self.can_i),
            web.get(f"{root}/api/v1/applications", self.list_applications),
            web.get(f"{root}/api/v1/applications/{{name}}", self.get_application),
            web.get(f"{root}/api/v1/applications/{{name}}/syncwindows", self.sync_windows),
        ]

    async def healthz(self, _: web.Request) -> web.Response:
        if self._server.health and self._server.fresh.synced:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="server is not ready\n")

    async def version(self, _: web.Request) -> web.Response:
        return answer({"Version": self._server.version})

    async def userinfo(self, request: web.Request) -> web.Response:
        known = self._server.logged_in and self._server.refusal_of(request) is None
        return answer({"loggedIn": True, "username": "gateway", "iss": "argocd"} if known else {})

    async def can_i(self, request: web.Request) -> web.Response:
        refusal = self._server.refusal_of(request)
        if refusal is not None:
            return unary_error(401, refusal)
        asked = request.match_info
        readable = (asked["resource"], asked["action"]) == ("applications", "get")
        project = asked["subresource"].partition("/")[0]
        return answer({"value": "yes" if readable and self._server.can_get(project) else "no"})

    async def list_applications(self, request: web.Request) -> web.Response:
        server, query = self._server, request.query
        refusal = server.refusal_of(request)
        if refusal is not None:
            return unary_error(401, refusal)
        projects = frozenset(query.getall("project", []) or query.getall("projects", []))
        if server.list_status is not None and not (server.list_status == 429 and projects):
            return unary_error(server.list_status, "grpc: received message larger than max")
        replica = server.replica_for("list", request)
        listed = [item for item in self._listed(replica) if not projects or project_of(item) in projects]
        if query.get("name"):
            listed = [item for item in listed if item["metadata"]["name"] == query["name"]][:1]
        try:
            shown = [
                select_for_list(item, query["fields"], server.version_numbers) for item in listed if query.get("fields")
            ]
        except ValueError as error:
            return unary_error(500, str(error))
        version = {"resourceVersion": str(replica.version)} if replica.synced else {}
        return answer({"metadata": version, "items": (shown or listed) or None})

    def _listed(self, replica: Replica) -> list[Application]:
        server = self._server
        if server.list_empty:
            return []
        only = server.listed_keys
        visible = {key: item for key, item in replica.visible.items() if only is None or key in only}
        permitted = [item for item in visible.values() if server.may_see(project_of(item))]
        return sorted(permitted, key=lambda item: str(item["metadata"]["name"]))

    async def get_application(self, request: web.Request) -> web.Response:
        if (refusal := await self._server.details.refusal("application", request)) is not None:
            return unary_error(*refusal)
        key = f"{request.query.get('appNamespace') or 'argocd'}/{request.match_info['name']}"
        return answer(self._server.fresh.visible[key])

    async def sync_windows(self, request: web.Request) -> web.Response:
        if (refusal := await self._server.details.refusal("windows", request)) is not None:
            return unary_error(*refusal)
        key = f"{request.query.get('appNamespace') or 'argocd'}/{request.match_info['name']}"
        # No windows leave out everything but the verdict.
        return answer(self._server.windows.get(key, {"canSync": True}))


async def not_found(request: web.Request) -> web.Response:
    """Answer a path that Argo CD does not know: plain text."""
    return web.Response(status=404, text="Not Found\n")


def answer(document: Any) -> web.Response:
    return web.Response(
        body=orjson.dumps(document), headers={"Content-Type": "application/json", "Vary": "Accept-Encoding"}
    )


def unary_error(status: int, message: str) -> web.Response:
    body = {"error": message, "code": GRPC_OF_STATUS.get(status, UNKNOWN), "message": message}
    return web.Response(status=status, body=orjson.dumps(body), headers={"Content-Type": "application/json"})


def stream_error(status: int, message: str) -> dict[str, Any]:
    """Return the error object of a stream."""
    code = GRPC_OF_STATUS.get(status, UNKNOWN)
    return {"grpc_code": code, "http_code": status, "message": message, "http_status": WORDS.get(status, "")}


def refused_stream(request: web.Request, status: int, message: str) -> web.Response:
    """Return the answer to a watch that never began; the `fields` filter spares no error that it does not name."""
    fields = FieldsFilter(request.query.get("fields", ""))
    body = orjson.dumps(
        fields.prune({"error": stream_error(status, message)}) if fields else {"error": stream_error(status, message)}
    )
    if request.headers.get("Accept") != "text/event-stream":
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})
    headers = {"Content-Type": "text/event-stream", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=b"data: " + body + b" \n\n\n", headers=headers)


def numbers_of(version: str) -> tuple[int, int, int]:
    """Return `(3, 5, 1)` of `v3.5.1+0a1b2c3`; an unreadable version counts as the newest."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else (99, 99, 99)
