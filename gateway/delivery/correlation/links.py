"""What correlation says: which facts belong to a deployment, how surely, and why."""

from enum import StrEnum

import msgspec

from gateway.delivery.correlation.tags import ImageName
from gateway.delivery.events import Commit, ImagePushed, Run, Scanned


class Grade(StrEnum):
    """How sure a link is, the surest first."""

    CERTAIN = "certain"
    """A digest, or a tag that CI itself named together with the commit."""
    STRONG = "strong"
    """A SHA in the tag, or a trailer that a tool wrote for this purpose."""
    LIKELY = "likely"
    """A pattern in a message; a SHA of which nothing is known; the manifests' own commit where nothing else tells."""
    WEAK = "weak"
    """What whoever triggered the operation claims."""

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Grade).index(self)


class Link(msgspec.Struct, frozen=True, gc=False):
    """Why something belongs: sentences for people, the deciding one first."""

    grade: Grade
    evidence: tuple[str, ...]

    def also(self, *evidence: str) -> "Link":
        """Return the link with more evidence for the same."""
        return Link(self.grade, (*self.evidence, *(text for text in evidence if text not in self.evidence)))


class SourceLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A commit of sources; only the beginning of its ``sha`` where nothing else is known of it.

    ``images`` are the short names of those built from it. ``own`` says that it is the manifests' commit, for want of
    another.
    """

    sha: str
    repository: str | None
    commit: Commit | None
    link: Link
    images: tuple[str, ...] = ()
    own: bool = False


class ImageLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An image that a deployment brought, and its arrival in the registry."""

    image: ImageName
    pushed: ImagePushed | None
    link: Link | None
    scans: tuple[Scanned, ...] = ()


class ManifestLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A commit of manifests; ``revision`` where it is the one that was synced.

    ``touches`` says whether it changed this application's files; None where its files aren't known.
    """

    sha: str
    repository: str | None
    commit: Commit | None
    revision: bool
    touches: bool | None
    link: Link


class RunLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run, or a part of one, for the source commit; ``builds`` where it is what built the image."""

    run: Run
    builds: bool
    link: Link


class Correlation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What belongs to one deployment. ``remarks`` say why something doesn't."""

    sources: tuple[SourceLink, ...] = ()
    images: tuple[ImageLink, ...] = ()
    manifests: tuple[ManifestLink, ...] = ()
    runs: tuple[RunLink, ...] = ()
    scans: tuple[Scanned, ...] = ()
    remarks: tuple[str, ...] = ()
