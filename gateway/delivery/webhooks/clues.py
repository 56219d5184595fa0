"""Commit, repository and image among values that a site names as it likes: parameters, labels, custom data.

No sender's document has fields for them, so the usual names are understood: ``commit``, ``git-sha``, ``repoURL``,
``branch``, ``image``, ``image-tag``, ``image-digest``, however they are written and whatever stands before a slash.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.delivery.webhooks.facts import NAME_LIMIT, clean, read_ref, read_repository, read_sha
from gateway.delivery.webhooks.references import Reference, read_digest, read_purl, read_reference, read_tag
from gateway.delivery.webhooks.request import PayloadError

_NAMES = {
    "sha": "commit commitsha sha gitsha gitcommit commitid commithash revision gitrevision sourcecommit",
    "repository": "repository repo repourl repositoryurl gitrepo giturl gitrepourl gitrepository source",
    "ref": "ref gitref branch gitbranch",
    "image": "image images imagename imageref imagereference imageurl artifact artifactid",
    "tag": "imagetag",
    "digest": "imagedigest",
}
_MEANINGS = {name: meaning for meaning, names in _NAMES.items() for name in names.split()}
_SEPARATORS = re.compile(r"[-_. ]+")
_IMAGES = 20


class Clues(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the values name."""

    sha: str | None = None
    repository: str | None = None
    ref: str | None = None
    images: tuple[str, ...] = ()


def find_clues(values: Iterable[tuple[str, Any]]) -> Clues:
    """Find them among pairs of name and value; of several for one thing the first that can be read counts."""
    found: dict[str, list[str]] = {}
    for name, value in values:
        meaning = _MEANINGS.get(_SEPARATORS.sub("", name[:NAME_LIMIT].rpartition("/")[2]).lower())
        if meaning:
            texts = value if isinstance(value, list) else [value]
            found.setdefault(meaning, []).extend(text for text in texts[:_IMAGES] if isinstance(text, str) and text)
    shas = found.get("sha", [])
    return Clues(
        sha=next((sha for text in shas if (sha := read_sha(text))), None),
        repository=next((path for text in found.get("repository", []) if (path := _repository(text))), None),
        ref=read_ref(next(iter(found.get("ref", [])), None)),
        images=_images(found),
    )


def _repository(text: str) -> str | None:
    """Return a repository's name if the text is an address: a bare word names none."""
    if "/" not in text:
        return None
    try:
        return read_repository(clean(text), where="repository")
    except PayloadError:
        return None


def _images(found: dict[str, list[str]]) -> tuple[str, ...]:
    tag = read_tag(next(iter(found.get("tag", [])), None))
    digest = read_digest(next(iter(found.get("digest", [])), None))
    texts = [part for text in found.get("image", []) for part in text.split(",", _IMAGES)]
    read = [read_purl(text) or read_reference(text) for text in texts[:_IMAGES]]
    images: dict[str, None] = {}
    for image in [image for image in read if image]:
        if len(texts) == 1:
            image = Reference(name=image.name, tag=image.tag or tag, digest=image.digest or digest)
        if image.tag:
            images[f"{image.name}:{image.tag}"] = None
        if image.digest:
            images[f"{image.name}@{image.digest}"] = None
    return tuple(images)
