"""What the fake Argo CD tells of one application: its tree, as answer and as stream, and its revisions.

As in reality: a tree's stream sends nothing at first, not even headers; each change brings the whole tree; permission
is asked for once, at its beginning. Faults: `part_status`, `hold`, `release`, and what is done to all streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from .applications import Application, project_of, uid_of
from .rest import answer, refused_stream, stream_error, unary_error

if TYPE_CHECKING:
    from .argocd import FakeArgoCD

Node = dict[str, Any]

PARTS = ("tree", "tree-stream", "application", "revision", "resource")


def node(kind: str, name: str, *, namespace: str = "shop", parent: Node | None = None, **more: Any) -> Node:
    """Return a node of a tree as Argo CD sends it."""
    own = {"version": "v1", "kind": kind, "namespace": namespace, "name": name, "uid": uid_of(f"{kind}/{name}")}
    parents = {"parentRefs": [{key: parent[key] for key in ("kind", "name", "uid")}]} if parent else {}
    return {**own, **parents, "resourceVersion": "1", "createdAt": "2026-11-20T23:11:21Z", **more}


class TreeStream:
    """An open stream of one application's tree."""

    def __init__(self, details: Details, request: web.Request, key: str) -> None:
        self.request = request
        self.key = key
        self.closed = False
        self.is_sse = request.headers.get("Accept") == "text/event-stream"
        self._details = details
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, document: Any) -> None:
        self.post(b"data: " + orjson.dumps(document) + b" \n\n\n" if self.is_sse else orjson.dumps(document) + b"\n")

    def post(self, data: bytes | None) -> None:
        """Send bytes as they are; None ends the stream."""
        self._queue.put_nowait(data)

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.close()

    async def serve(self) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            with suppress(ConnectionResetError):
                while (data := await self._queue.get()) is not None:
                    if not response.prepared:
                        await response.prepare(self.request)
                    await response.write(data)
        finally:
            self.closed = True
            self._details.server.note_change()
        return response


class Details:
    """The handlers, and what tests do to them."""

    def __init__(self, server: FakeArgoCD) -> None:
        self.server = server
        self.streams: list[TreeStream] = []
        """Every tree's stream that ever began, the closed ones included."""
        self.commits: dict[str, dict[str, Any]] = {}
        """Revision → its metadata; another is "Somebody", who says "Change" and the revision."""
        self.part_status: dict[str, int] = {}
        """Part (one of `PARTS`) → the error that requests for it are answered with."""
        self.under_way = 0
        self.most_under_way = 0
        """Requests for revisions at the same time."""
        self.manifests_under_way = 0
        self.most_manifests_under_way = 0
        self._manifests: dict[tuple[str, str], str] = {}
        self._trees: dict[str, list[Node]] = {}
        self._held: dict[str, asyncio.Event] = {}

    @property
    def open_streams(self) -> list[TreeStream]:
        return [stream for stream in self.streams if not stream.closed]

    def put_tree(self, key: str, nodes: Sequence[Node], *, announce: bool = True) -> None:
        """Let an application have this tree."""
        self._trees[key] = list(nodes)
        if announce:
            for stream in self.open_streams:
                if stream.key == key:
                    stream.send({"result": {"nodes": list(nodes)}})

    def put_manifest(self, manifest: dict[str, Any] | str, *, kind: str = "", name: str = "") -> None:
        """Let a resource have this manifest, whichever application it belongs to; a text needs the resource's names."""
        if not isinstance(manifest, str):
            kind, name = kind or manifest["kind"], name or manifest["metadata"]["name"]
            manifest = orjson.dumps(manifest).decode()
        self._manifests[kind, name] = manifest

    def hold(self, part: str) -> None:
        """Answer no request for a part until `release`."""
        self._held[part] = asyncio.Event()

    def release(self, part: str) -> None:
        self._held.pop(part).set()

    def end_trees(self) -> None:
        for stream in self.open_streams:
            stream.post(None)

    def cut_trees(self) -> None:
        for stream in self.open_streams:
            stream.cut()

    def fail_trees(self, status: int, message: str) -> None:
        """Send an error as the last event of every tree's stream."""
        for stream in self.open_streams:
            stream.send({"error": stream_error(status, message)})
            stream.post(None)

    def send_to_trees(self, data: bytes) -> None:
        for stream in self.open_streams:
            stream.post(data)

    # Serving.

    def routes(self, root: str) -> list[web.RouteDef]:
        one = f"{root}/api/v1/applications/{{name}}"
        return [
            web.get(f"{one}/resource-tree", self.tree),
            web.get(f"{one}/resource", self.resource),
            web.get(f"{one}/revisions/{{revision}}/metadata", self.revision),
            web.get(f"{root}/api/v1/stream/applications/{{name}}/resource-tree", self.stream_tree),
        ]

    async def refusal(self, part: str, request: web.Request) -> tuple[int, str] | None:
        """Wait while a part is held; return the status and the words that a request is refused with."""
        if part in self._held:
            await self._held[part].wait()
        if (said := self.server.refusal_of(request)) is not None:
            return 401, said
        if (status := self.part_status.get(part)) is not None:
            return status, "permission denied" if status == 403 else "refused by the test"
        name, project, found = request.match_info["name"], request.query.get("project"), self._find(request)
        if project and self.server.may_see(project) and (found is None or project_of(found) != project):
            return 404, f'applications.argoproj.io "{name}" not found'
        if found is None or not self.server.may_see(project_of(found)):
            return 403, "permission denied"
        return None

    async def tree(self, request: web.Request) -> web.Response:
        if (refusal := await self.refusal("tree", request)) is not None:
            return unary_error(*refusal)
        return answer({"nodes": self._tree(request)})

    async def resource(self, request: web.Request) -> web.Response:
        self.manifests_under_way += 1
        self.most_manifests_under_way = max(self.most_manifests_under_way, self.manifests_under_way)
        try:
            if (refusal := await self.refusal("resource", request)) is not None:
                return unary_error(*refusal)
        finally:
            self.manifests_under_way -= 1
        kind, name = request.query.get("kind", ""), request.query.get("resourceName", "")
        if (manifest := self._manifests.get((kind, name))) is None:
            return unary_error(400, f"{kind} {name} not found as part of application {request.match_info['name']}")
        return answer({"manifest": manifest})

    async def stream_tree(self, request: web.Request) -> web.StreamResponse:
        if (refusal := await self.refusal("tree-stream", request)) is not None:
            return refused_stream(request, *refusal)
        stream = TreeStream(self, request, self._key(request))
        self.streams.append(stream)
        self.server.note_change()
        return await stream.serve()

    async def revision(self, request: web.Request) -> web.Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if (refusal := await self.refusal("revision", request)) is not None:
                return unary_error(*refusal)
        finally:
            self.under_way -= 1
        sha = request.match_info["revision"]
        usual = {"author": "Somebody <s@example.org>", "date": "2026-11-20T23:20:41Z", "message": f"Change {sha[:4]}"}
        return answer(self.commits.get(sha, usual))

    def _key(self, request: web.Request) -> str:
        return f"{request.query.get('appNamespace') or 'argocd'}/{request.match_info['name']}"

    def _find(self, request: web.Request) -> Application | None:
        return self.server.fresh.visible.get(self._key(request))

    def _tree(self, request: web.Request) -> list[Node]:
        if (nodes := self._trees.get(self._key(request))) is not None:
            return nodes
        found = self._find(request)
        managed = found["status"].get("resources", []) if found is not None else []
        return [node(each["kind"], each["name"], namespace=each["namespace"]) for each in managed]
