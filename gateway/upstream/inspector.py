"""Argo CD's answers about one application: its tree, its resources, its revisions. Asked while somebody looks.

Nothing is decided or remembered here. Each request names the application's namespace and project: without the project,
Argo CD says "forbidden" of what is missing (argo-cd server/application/application.go).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from gateway.upstream.argocd import ArgoCD
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.family import Member
from gateway.upstream.manifest import Manifest, decode_manifest
from gateway.upstream.messages import Kind
from gateway.upstream.parts import (
    Commit,
    Inventory,
    RawInventory,
    RawManifest,
    RawTree,
    Tree,
    carries_content,
    make_inventory,
    make_tree,
)
from gateway.upstream.raw import RawApplication

_REASONS = {401: "refused", 403: "forbidden", 404: "not-found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The application that is asked about; ``project`` is None while it isn't known."""

    name: str
    namespace: str
    project: str | None

    @property
    def key(self) -> str:
        """The key of its document."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision of one source; ``version`` is the id of the deployment whose sources are meant, else today's."""

    sha: str
    source: int = 0
    version: int | None = None


class Inspector:
    """Asks about one application at a time, through the client that watches them all."""

    def __init__(self, client: ArgoCD) -> None:
        self._client = client

    async def follow_tree(self, target: Target, read: Callable[[bytes], None]) -> None:
        """Hold the stream of an application's tree until Argo CD ends it; ``read`` is told each line with content.

        There is no first tree, and no header before the first change: a request for the tree must follow. Raises
        ArgoCDError.
        """

        def pass_on(lines: Iterable[bytes], oversized: int) -> None:
            for line in lines:
                if carries_content(line):
                    read(line)
            if oversized:
                raise ArgoCDError(Kind.TOO_LARGE, "the tree is longer than GATEWAY_MAX_LINE")

        path = f"/api/v1/stream/applications/{quote(target.name, safe='')}/resource-tree"
        await self._client.follow(path, _choose(target), opened=lambda: None, read=pass_on)

    async def application(self, target: Target) -> RawApplication:
        """Return the application itself, as a watch would show it. Raises ArgoCDError."""
        return await self._client.ask(_path(target), _choose(target), RawApplication)

    async def tree(self, target: Target) -> Tree:
        """Return the resource tree. Raises ArgoCDError."""
        return make_tree(await self._client.ask(f"{_path(target)}/resource-tree", _choose(target), RawTree))

    async def inventory(self, target: Target) -> Inventory:
        """Return the application's resources and what its last sync did. Raises ArgoCDError."""
        return make_inventory(await self._client.ask(_path(target), _choose(target), RawInventory))

    async def commit(self, target: Target, revision: Revision) -> Commit:
        """Return who wrote a revision, and what for. Raises ArgoCDError."""
        query = [*_choose(target), ("sourceIndex", str(revision.source))]
        if revision.version is not None:
            query.append(("versionId", str(revision.version)))
        path = f"{_path(target)}/revisions/{quote(revision.sha, safe='')}/metadata"
        return await self._client.ask(path, query, Commit)

    async def manifest(self, target: Target, resource: Member) -> Manifest:
        """Return the manifest of a resource in the tree, as it is in its cluster. Raises ArgoCDError."""
        chosen = [
            ("namespace", resource.namespace),
            ("resourceName", resource.name),
            ("version", resource.version),
            ("kind", resource.kind),
            ("group", resource.group),
        ]
        path = f"{_path(target)}/resource"
        answer = await self._client.ask(path, [*_choose(target), *chosen], RawManifest)
        try:
            return decode_manifest(answer.manifest)
        except ValueError as error:
            raise ArgoCDError(Kind.ANSWERED_BADLY, f"{path} answers with what is no manifest: {error}") from error


class _Refreshed(msgspec.Struct):
    """What a refresh answers: the application, of which nothing is read here."""


async def ask_refresh(client: ArgoCD, target: Target) -> None:
    """Have Argo CD compare an application with its sources now; it answers when it has begun to.

    It needs no more than the permission to get the application (argo-cd server/application/application.go: it writes
    an annotation that the controller takes away). Raises ArgoCDError.
    """
    await client.ask(_path(target), [*_choose(target), ("refresh", "normal")], _Refreshed)


def name_reason(error: ArgoCDError) -> str:
    """Return why a part can't be told, in one of a few words for programs."""
    return _REASONS.get(error.status or 0, error.failure.kind.value)


def _path(target: Target) -> str:
    return f"/api/v1/applications/{quote(target.name, safe='')}"


def _choose(target: Target) -> list[tuple[str, str]]:
    query = [("appNamespace", target.namespace)]
    if target.project is not None:
        query.append(("project", target.project))
    return query
