"""What the demo's Argo CD answers about one application: all of it, its tree, a revision, a resource, its sync windows.

Nobody is forbidden anything but what isn't there. Sync windows weren't recorded: it may always be synced.
"""

from contextlib import suppress

import orjson
from aiohttp import web

from gateway.demo.answers import (
    answer,
    begin_stream,
    failed,
    frame_error,
    invalid,
    keep_alive_until,
    not_found,
    permission_denied,
    send,
    wants_sse,
)
from gateway.demo.cluster import Cluster

CONTROL_PLANE = "argocd"
"""The namespace of an application whose ``appNamespace`` isn't named."""

_TREE_GONE = "error getting app resource tree: cache: key is missing"


class Single:
    """Handlers of requests for one application, which raise ``Refusal``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def get(self, request: web.Request) -> web.Response:
        """Return the whole application."""
        return answer(self._cluster.applications[self._find(request)])

    async def tree(self, request: web.Request) -> web.Response:
        """Return the resource tree as it is now."""
        return answer(self._cluster.show_tree(self._find(request)))

    async def watch_tree(self, request: web.Request) -> web.StreamResponse:
        """Stream each new tree, whole; not the one that is there. End with an error when the application is gone."""
        watch = self._cluster.subscribe_tree(self._find(request))
        response = begin_stream(request)
        try:
            # The client leaves when it likes.
            with suppress(ConnectionResetError):
                while (tree := await keep_alive_until(response, request, watch.trees.get)) is not None:
                    await send(request, response, tree)
                if not response.prepared:
                    raise failed(_TREE_GONE)
                await response.write(frame_error(failed(_TREE_GONE), sse=wants_sse(request)))
        finally:
            self._cluster.unsubscribe_tree(watch)
        return response

    async def revision(self, request: web.Request) -> web.Response:
        """Return who made a commit, when, and with which message."""
        self._find(request)
        sha = request.match_info["revision"]
        metadata = self._cluster.commits.get(sha)
        if metadata is None:
            raise failed(f"Unable to resolve '{sha}' to a commit SHA")
        return answer(metadata)

    async def resource(self, request: web.Request) -> web.Response:
        """Return the manifest of a resource in the tree, as text; what isn't recorded of it is left out."""
        key, asked = self._find(request), request.query
        group, kind, name = asked.get("group", ""), asked.get("kind", ""), asked.get("resourceName", "")
        manifest = self._cluster.show_manifest(key, (group, kind, asked.get("namespace", ""), name))
        if manifest is None:
            raise invalid(f"{kind} {group} {name} not found as part of application {request.match_info['name']}")
        return answer({"manifest": orjson.dumps(manifest).decode()})

    async def syncwindows(self, request: web.Request) -> web.Response:
        """Say that the application may be synced."""
        self._find(request)
        return answer({"canSync": True})

    def _find(self, request: web.Request) -> str:
        """Return the key of the application that is asked for, or refuse as Argo CD does.

        Who names no project doesn't even learn that the application is missing (server/application/application.go).
        """
        name, projects = request.match_info["name"], request.query.getall("project", [])
        if len(projects) > 1:
            raise invalid("multiple projects specified - the get endpoint accepts either zero or one project")
        key = f"{request.query.get('appNamespace') or CONTROL_PLANE}/{name}"
        application = self._cluster.applications.get(key)
        if not any(projects):
            if application is None:
                raise permission_denied()
        elif application is None or application["spec"]["project"] not in projects:
            raise not_found(name)
        return key
