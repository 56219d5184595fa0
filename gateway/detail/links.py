"""Links for people: to Argo CD, to a commit, and to what changed between two.

A repository's URL tells where its pages are only on hosts whose software is known by their name; elsewhere there is no
link, for one that leads nowhere is worse. What is secret in a URL never gets into a link.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gateway.model.application import ApplicationStatus, Deployment

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SSH = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_ALIASES = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.bitbucket.org": "bitbucket.org"}
"""Hosts that only speak SSH, and where their pages are."""

_SOFTWARE = {
    "github": ("{page}/commit/{new}", "{page}/compare/{old}...{new}"),
    "gitlab": ("{page}/-/commit/{new}", "{page}/-/compare/{old}...{new}"),
    "gitea": ("{page}/commit/{new}", "{page}/compare/{old}...{new}"),
    "forgejo": ("{page}/commit/{new}", "{page}/compare/{old}...{new}"),
    "codeberg": ("{page}/commit/{new}", "{page}/compare/{old}...{new}"),
    "bitbucket": ("{page}/commits/{new}", "{page}/branches/compare/{new}%0D{old}"),
}
_DATA_CENTER = (
    "{page}/commits/{new}",
    "{page}/compare/commits?targetBranch={old}&sourceBranch={new}",
)
"""Bitbucket as one runs it oneself, whose pages are elsewhere than its repositories."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository's pages are."""

    page: str
    patterns: tuple[str, str]

    def commit(self, sha: str) -> str:
        """Return the page of a commit."""
        return self.patterns[0].format(page=self.page, new=sha)

    def compare(self, old: str, new: str) -> str:
        """Return the page of what changed between two commits."""
        return self.patterns[1].format(page=self.page, old=old, new=new)


def is_sha(revision: str) -> bool:
    """Whether a revision is a commit of Git; a chart's version or a digest of an image isn't."""
    return _SHA.fullmatch(revision) is not None


def find_repository(url: str) -> Repository | None:
    """Return where the pages of a repository are; None where its host doesn't tell."""
    try:
        scheme, host, port, path = _take_apart(url)
    except ValueError:
        return None
    host = _ALIASES.get(host, host)
    patterns = next((known for word, known in _SOFTWARE.items() if word in host), None)
    path = path.strip("/").removesuffix(".git")
    if patterns is None or "/" not in path:
        return None
    if patterns is _SOFTWARE["bitbucket"] and host != "bitbucket.org":
        *_, project, name = path.split("/")
        path, patterns = f"projects/{project}/repos/{name}", _DATA_CENTER
    authority = f"{host}:{port}" if port and scheme in ("http", "https") else host
    page = f"{'http' if scheme == 'http' else 'https'}://{authority}/{quote(path, safe='/~')}"
    return Repository(page.replace("{", "%7B").replace("}", "%7D"), patterns)


def link(document: ApplicationStatus, history: Sequence[Deployment], *, public_url: str | None) -> dict[str, str]:
    """Return the links of an application, by what they lead to."""
    links = {}
    if public_url is not None:
        links["argocd"] = f"{public_url}/applications/{document.namespace}/{document.name}"
    revisions = document.sync.revisions if document.sync is not None else ()
    for index, (source, new) in enumerate(zip(document.sources, revisions, strict=False)):
        if not is_sha(new) or (repository := find_repository(source.repo_url)) is None:
            continue
        links["commit"] = repository.commit(new)
        if (old := _previous(history, index, new)) is not None:
            links["compare"] = repository.compare(old, new)
        break
    return links


def _previous(history: Sequence[Deployment], index: int, new: str) -> str | None:
    """Return the revision of a source that was deployed before this one, or is still."""
    for deployment in reversed(history):
        if index < len(deployment.revisions) and (old := deployment.revisions[index]) != new:
            return old if is_sha(old) else None
    return None


def _take_apart(url: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port and path of a repository's URL. Raises ValueError."""
    if "://" not in url and (match := _SSH.fullmatch(url)) is not None:
        return "ssh", match[1].lower(), None, match[2]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ssh", "git+ssh") or not parts.hostname:
        raise ValueError(f"{parts.scheme}: is no way to a page")
    return parts.scheme, parts.hostname.lower(), parts.port, parts.path
