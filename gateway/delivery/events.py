"""What senders tell, in one vocabulary: a ``DeliveryEvent`` is one fact about a change on its way.

Times are Unix seconds; an absent fact is None or empty, never guessed. A fact may come twice, late, or before the one
that it builds on: each carries what identifies it, so that taking it again changes nothing and order doesn't matter.
Repositories are named as ``host/path`` in lower case without ``.git`` (see ``name_repository``), images as
``registry/path`` without tag and digest.
"""

from enum import StrEnum
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec


class RunState(StrEnum):
    """Where a run, or a part of one, is. ``waiting`` is for people: an approval."""

    QUEUED = "queued"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


class Commit(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="commit"):
    """A commit of sources or manifests. ``pushed_at`` is by the server's clock, ``committed_at`` by the author's."""

    repository: str
    sha: str
    ref: str | None = None
    """A branch or a tag, without ``refs/…/``."""
    author: str | None = None
    message: str | None = None
    committed_at: float | None = None
    pushed_at: float | None = None
    url: str | None = None
    parent: str | None = None
    """The commit that the branch stood at before the push; the first parent where only that is known."""
    files: tuple[str, ...] = ()
    """The files that it changed, where the sender lists them (bounded)."""


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="run"):
    """A run of CI for a commit, or a part of it (``parent`` is then the whole run's id).

    ``id`` identifies it with ``sender`` and ``attempt``; ``kind`` is what it does, as far as its name tells: ``build``,
    ``test``, ``scan``, ``deploy``, or ``run`` for a whole pipeline and for what nothing is known of.
    """

    sender: str
    id: str
    name: str
    state: RunState
    kind: str = "run"
    attempt: int = 1
    parent: str | None = None
    repository: str | None = None
    sha: str | None = None
    ref: str | None = None
    queued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    updated_at: float | None = None
    """When the sender said so: of two facts about one run, the later one holds."""
    url: str | None = None
    reason: str | None = None
    """Why it failed, in the sender's words: the first failed step, an error's message."""
    artifacts: tuple[str, ...] = ()
    """Images that it says it made, as ``image:tag``, ``image@digest`` or a package URL's equivalent."""


class ImagePushed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="image"):
    """An image in a registry. ``sha`` is the source commit where the sender names it (``revision`` label, target)."""

    image: str
    tag: str | None = None
    digest: str | None = None
    sha: str | None = None
    repository: str | None = None
    """The source repository, where the sender names it."""
    pushed_at: float | None = None
    url: str | None = None
    pushed_by: str | None = None
    platforms: tuple[str, ...] = ()
    """The digests of an index's images."""


class Scanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="scan"):
    """Findings of a scanner in an image, or in a commit's sources; counts by severity, in the scanner's words."""

    tool: str
    counts: dict[str, int]
    image: str | None = None
    tag: str | None = None
    digest: str | None = None
    repository: str | None = None
    sha: str | None = None
    scanned_at: float | None = None
    url: str | None = None
    findings: tuple[str, ...] = ()
    """The ids of what was found (CVE-…), the worst first, each as often as it was found (bounded)."""


class Deployed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="deployed"):
    """Someone other than Argo CD's watch says that something was deployed, or begins to be, or failed to be.

    ``application`` is an Argo CD application's ``namespace/name`` where the sender knows it.
    """

    sender: str
    id: str
    state: RunState
    environment: str | None = None
    service: str | None = None
    application: str | None = None
    repository: str | None = None
    sha: str | None = None
    revisions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    at: float | None = None
    url: str | None = None
    rollback: bool = False
    """Whether the sender says that an earlier version was put back."""


class Incident(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="incident"):
    """Something went wrong in an environment, or is over again."""

    sender: str
    id: str
    state: str
    """``detected``, ``reported`` or ``resolved``."""
    description: str | None = None
    environment: str | None = None
    service: str | None = None
    artifact: str | None = None
    at: float | None = None
    url: str | None = None


DeliveryEvent: TypeAlias = Commit | Run | ImagePushed | Scanned | Deployed | Incident


def name_repository(url: str) -> str:
    """Name a repository alike, however it is written: ``git@host:a/b.git``, ``https://host/a/b``, ``ssh://…``.

    >>> name_repository("git@git.example.org:Team/Shop.git")
    'git.example.org/team/shop'
    """
    text = url.strip()
    if "://" not in text and ":" in text.partition("/")[0]:
        # The short form of ssh: user@host:path.
        host, _, path = text.rpartition("@")[2].partition(":")
    else:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, path = parts.hostname or "", parts.path
    path = path.strip("/")
    return f"{host}/{path.removesuffix('.git')}".strip("/").lower()
