"""Images as senders write them: references (``host/path:tag@digest``) and package URLs, made alike."""

import re
from urllib.parse import parse_qs, unquote

import msgspec

from gateway.delivery.correlation.tags import name_image

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# As distribution's reference grammar has it, but for the length of the parts.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/-]|:[0-9]{1,5}/){0,250}")
_PURL = re.compile(r"pkg:/{0,2}(oci|docker)/([^@?#]+)(?:@([^?#]*))?(?:\?([^#]*))?", re.IGNORECASE)


class Reference(msgspec.Struct, frozen=True, gc=False):
    """An image: ``name`` is ``registry/path``, or only a path where the registry isn't known."""

    name: str
    tag: str | None = None
    digest: str | None = None

    @property
    def exact(self) -> str:
        """The most exact way of writing it: by digest, else by tag."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name


def read_digest(text: str | None) -> str | None:
    """Return a well-formed digest, else None."""
    return text if text and _DIGEST.fullmatch(text) else None


def read_tag(text: str | None) -> str | None:
    """Return a well-formed tag, else None."""
    return text if text and _TAG.fullmatch(text) else None


def read_reference(text: str | None) -> Reference | None:
    """Read ``host/path:tag@digest``; None for what isn't one. Docker Hub's short names get their registry.

    >>> read_reference("nginx:1.27")
    Reference(name='docker.io/library/nginx', tag='1.27', digest=None)
    """
    rest, _, digest = (text or "").strip().partition("@")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        path, tag = rest, ""
    name = path.lower()
    if not _NAME.fullmatch(name) or name.endswith("/") or "//" in name:
        return None
    return Reference(name=name_image(name), tag=read_tag(tag), digest=read_digest(digest))


def read_purl(text: str | None) -> Reference | None:
    """Read the package URL of an image, ``pkg:oci/…`` or ``pkg:docker/…``; None for any other package.

    ``repository_url`` is the whole name for ``oci`` and the registry for ``docker`` (package-url/purl-spec). Without it
    the registry isn't known, and the name is only the path.
    """
    match = _PURL.fullmatch((text or "").strip())
    if match is None:
        return None
    qualifiers = parse_qs(match[4] or "", max_num_fields=None)
    where = qualifiers.get("repository_url", [""])[0].removeprefix("https://").strip("/").lower()
    name = unquote(match[2]).strip("/").lower()
    if where:
        name = where if match[1].lower() == "oci" else f"{where}/{name}"
    if not _NAME.fullmatch(name):
        return None
    version = unquote(match[3] or "")
    tag = qualifiers.get("tag", [""])[0] or (version if match[1].lower() == "docker" else "")
    return Reference(name=name, tag=read_tag(tag), digest=read_digest(version))
