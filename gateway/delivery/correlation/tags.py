"""Commits named by image tags, and in the words of people and tools: patterns that would rather miss than guess.

A SHA is recognised where something says that it is one: the word ``sha`` before four hexadecimal digits or more, or
seven or more that contain a letter, as no date, version or build number does.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

DEFAULT_PATTERNS: tuple[str, ...] = (
    # sha-5a6b7c8d, v1.0.1-sha1234: the mark allows short ones, and those of digits alone.
    r"(?:^|[^0-9a-z])(?:sha|git|commit)(?!256)[-_.]?(?P<sha>[0-9a-f]{4,40})(?![0-9a-z])",
    # core-stage-1a2b3c4d, main-1a2b3c4-1732, a whole SHA; `g` before it as `git describe` writes it.
    r"(?:^|[^0-9a-z])g?(?P<sha>(?=[0-9]*[a-f])[0-9a-f]{7,40})(?![0-9a-z])",
)
"""Tried in this order, without regard to case; the group ``sha`` is the SHA, or the beginning of one."""

_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}")
_COMMIT_NAMES = re.compile(r"(?:^|[-_. ])(?:commit|sha|git[-_]?sha|revision|ref)(?:$|[-_. ])")
_LONGEST = 200
"""Characters of a text that are looked at: tags have 128 at most (OCI distribution specification)."""


class TagPatterns:
    """Patterns that find SHAs in tags, compiled once.

    Raises ValueError for a pattern that isn't a regular expression, or that has no group ``sha``.
    """

    def __init__(self, patterns: Sequence[str] = DEFAULT_PATTERNS) -> None:
        self._patterns = tuple(_compile(pattern) for pattern in patterns)

    def find(self, tag: str | None) -> str | None:
        """Return the SHA, or the beginning of one, that a tag names; None if it names none.

        >>> TagPatterns().find("core-stage-1a2b3c4d")
        '1a2b3c4d'
        """
        found = self.find_all(tag) if tag else ()
        return found[0] if found else None

    def find_all(self, text: str) -> tuple[str, ...]:
        """Return every SHA that a text names, each once; those of earlier patterns first."""
        text = text[:_LONGEST].lower()
        # The longer pattern may see again, within its bounds, what the mark has already told.
        found = {match["sha"]: None for pattern in self._patterns for match in pattern.finditer(text)}
        return tuple(found)


class ImageName(msgspec.Struct, frozen=True, gc=False):
    """A reference to an image in its parts; ``name`` is ``registry/path``."""

    name: str
    tag: str | None = None
    digest: str | None = None

    @property
    def short(self) -> str:
        """The last part of the path, usually the service's name."""
        return self.name.rpartition("/")[2]


def parse_image(reference: str) -> ImageName:
    """Take a reference to an image apart.

    >>> parse_image("ghcr.io/example/shop:v1@sha256:0b31").name
    'ghcr.io/example/shop'
    """
    rest, _, digest = reference.strip().removeprefix("docker://").partition("@")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        path, tag = rest, ""
    return ImageName(name_image(path), tag or None, digest or None)


def name_image(name: str) -> str:
    """Name an image alike, however it is written: Docker Hub is what a name without a registry means."""
    name = name.strip().strip("/").lower()
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return "docker.io" + name.removeprefix("index.docker.io") if first == "index.docker.io" else name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def names_commit(info: Iterable[tuple[str, str]]) -> bool:
    """Whether one of an operation's pairs names a commit."""
    return next(commits_in(info), None) is not None


def commits_in(info: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the name and the SHA of each pair that names a commit."""
    for name, value in info:
        sha = value.strip().lower()
        if _COMMIT_NAMES.search(name.lower()) and _ABBREVIATED.fullmatch(sha):
            yield name, sha


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if "sha" not in compiled.groupindex:
        raise ValueError(f"{pattern!r} has no group (?P<sha>…)")
    return compiled
