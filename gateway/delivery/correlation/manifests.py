"""From a synced revision to commits of manifests, and what their messages tell of source commits and images."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from gateway.delivery.correlation.index import Index, commit_time
from gateway.delivery.correlation.links import Grade, Link, ManifestLink
from gateway.delivery.deployments.deployment import Deployment, Origin
from gateway.delivery.events import Commit, name_repository

REACH = 500
"""Commits of a repository between two syncs that are walked through."""

_TRAILER = re.compile(
    r"^\s*(Source-Commit|Source-Revision|Argocd-reference-commit-sha|org\.opencontainers\.image\.revision)\s*[:=]\s*"
    r"([0-9a-f]{7,64})\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_REFERENCE = re.compile(
    r"^\s*(?:Source-Repository|Argocd-reference-commit-repourl|org\.opencontainers\.image\.source)\s*[:=]\s*(\S+)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_UPDATED = re.compile(r"^\s*updates image (\S+) tag '([^']*)' to '([^']*)'", re.MULTILINE)


class Trailer(msgspec.Struct, frozen=True, gc=False):
    """A line of a commit's message that names a source commit; ``repository`` where another line names it."""

    name: str
    sha: str
    repository: str | None


def link_manifests(deployment: Deployment, index: Index) -> tuple[ManifestLink, ...]:
    """Return the synced revisions' commits, and those since the sync before that changed the application's files."""
    links: dict[str, ManifestLink] = {}
    for place, revision in enumerate(deployment.revisions):
        origin = deployment.origins[place] if place < len(deployment.origins) else None
        links.setdefault(revision, _link_revision(revision, origin, index))
        before = deployment.before_revisions[place] if place < len(deployment.before_revisions) else None
        if before == revision:
            same = Link(Grade.CERTAIN, ("Argo CD synced the same revision as before",))
            links[revision] = msgspec.structs.replace(links[revision], touches=False, link=same)
        if origin is None or before is None or before == revision:
            continue
        commits, walked = _between(before, revision, origin.repository, index)
        evidence = f"it changed {origin.path or 'this repository'} between {before[:8]} and {revision[:8]}"
        grade = Grade.CERTAIN if walked else Grade.LIKELY
        for commit in commits:
            if commit.sha not in links and _touches(commit, origin):
                links[commit.sha] = ManifestLink(
                    sha=commit.sha,
                    repository=commit.repository,
                    commit=commit,
                    revision=False,
                    touches=True,
                    link=Link(grade, (evidence if walked else f"{evidence}, by time",)),
                )
    return tuple(links.values())


def trailers_in(message: str) -> tuple[Trailer, ...]:
    """Return the source commits that a message's trailers name.

    The hydrator of Argo CD writes ``Argocd-reference-commit-…`` (docs/user-guide/source-hydrator.md); Image Updater's
    documented template adds an image's labels.
    """
    reference = _REFERENCE.search(message)
    repository = name_repository(reference[1]) if reference else None
    return tuple(Trailer(match[1], match[2].lower(), repository) for match in _TRAILER.finditer(message))


def updates_in(message: str) -> Iterator[tuple[str, str]]:
    """Yield the name, without registry, and the new tag of each image that Image Updater says it updates."""
    for match in _UPDATED.finditer(message):
        yield match[1].lower(), match[3]


def _link_revision(revision: str, origin: Origin | None, index: Index) -> ManifestLink:
    commit = index.commit(origin.repository, revision) if origin else None
    known = index.commits(revision)
    if commit is None and len(known) == 1:
        commit = known[0]
    return ManifestLink(
        sha=revision,
        repository=commit.repository if commit else origin.repository if origin else None,
        commit=commit,
        revision=True,
        touches=_touches(commit, origin) if commit else None,
        link=Link(Grade.CERTAIN, (f"Argo CD synced revision {revision[:8]}",)),
    )


def _touches(commit: Commit, origin: Origin | None) -> bool | None:
    """Whether a commit changed an application's files; None where that can't be told."""
    if origin is None or not commit.files:
        return None
    if origin.path in (None, "", "."):
        return True
    folder = f"{origin.path}/"
    return any(file.startswith(folder) or file == origin.path for file in commit.files)


def _between(before: str, revision: str, repository: str, index: Index) -> tuple[Sequence[Commit], bool]:
    """Return the commits after one revision up to another, and whether that was walked rather than told by time."""
    chain: list[Commit] = []
    sha: str | None = revision
    while sha is not None and sha != before and len(chain) < REACH:
        commit = index.commit(repository, sha)
        if commit is None:
            break
        chain.append(commit)
        sha = commit.parent
    if sha == before:
        return chain, True
    first, last = index.commit(repository, before), index.commit(repository, revision)
    begin, end = (commit_time(commit) if commit else None for commit in (first, last))
    if begin is None or end is None:
        return (), False
    return index.commits_between(repository, begin, end)[-REACH:][::-1], False
