"""Packages at GitHub: of ``package`` and ``registry_package``, those that are images in ghcr.io."""

import msgspec

from gateway.delivery.events import DeliveryEvent, ImagePushed
from gateway.delivery.webhooks.body import Raw, decode
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    Time,
    clean,
    read_link,
    read_repository,
    read_sha,
    read_time,
    read_whole_sha,
)
from gateway.delivery.webhooks.github_raw import Envelope
from gateway.delivery.webhooks.references import read_digest, read_reference, read_tag
from gateway.delivery.webhooks.request import PayloadError

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"

_PLATFORMS = "github.internal.platforms"
_PLATFORMS_LIMIT = 50


class RawTag(Raw, frozen=True):
    """A container's tag; the name is empty where a version has none."""

    name: str | None = None
    digest: str | None = None


class RawLabels(Raw, frozen=True):
    """A container's labels: all of them, and some by name."""

    source: str | None = None
    revision: str | None = None
    all_labels: dict[str, str | None] | None = None


class RawContainer(Raw, frozen=True):
    """What is known of a container."""

    tag: RawTag | None = None
    labels: RawLabels | None = None


class RawVersion(Raw, frozen=True):
    """A package's version; for a container its name is the digest."""

    version: str | None = None
    package_url: str | None = None
    html_url: str | None = None
    target_oid: str | None = None
    container_metadata: RawContainer | None = None


class RawPackage(Raw, frozen=True):
    """A package; ``package_type`` is CONTAINER, or ``ecosystem`` says docker or container."""

    name: str | None = None
    namespace: str | None = None
    package_type: str | None = None
    ecosystem: str | None = None
    updated_at: Time = None
    package_version: RawVersion | None = None


class Package(Envelope, frozen=True):
    """``package`` and ``registry_package``, which differ in the field's name only."""

    package: RawPackage | None = None
    registry_package: RawPackage | None = None


class RawPlatform(Raw, frozen=True):
    """One image of an index."""

    digest: str | None = None


_PLATFORM_LIST = msgspec.json.Decoder(list[RawPlatform])


def read_package(event: Package, repository: str | None) -> tuple[DeliveryEvent, ...] | str:
    """Return the image that was published, or why there is none."""
    package = event.package or event.registry_package
    if package is None:
        raise PayloadError("package (or registry_package) is missing")
    words = {(package.package_type or "").lower(), (package.ecosystem or "").lower()}
    if not words & {"container", "docker"}:
        return "the package isn't a container image"
    version = package.package_version
    reference = read_reference(version.package_url) if version else None
    if version is None or reference is None:
        return "the package's version has no image address"
    container = version.container_metadata or RawContainer()
    tag = container.tag or RawTag()
    labels = container.labels or RawLabels()
    all_labels = labels.all_labels or {}
    return (
        ImagePushed(
            image=reference.name,
            tag=reference.tag or read_tag(tag.name),
            digest=read_digest(version.version) or read_digest(tag.digest) or reference.digest,
            # target_oid is what the package's repository stood at, if not a digest: the image's own label is better.
            sha=read_sha(all_labels.get(REVISION)) or read_sha(labels.revision) or _commit(version),
            repository=_source(all_labels.get(SOURCE) or labels.source) or repository,
            pushed_at=read_time(package.updated_at, "package.updated_at"),
            url=read_link(version.html_url),
            pushed_by=clean(event.sender.login, NAME_LIMIT) if event.sender else None,
            platforms=_platforms(all_labels.get(_PLATFORMS)),
        ),
    )


def _commit(version: RawVersion) -> str | None:
    sha = read_whole_sha(version.target_oid)
    return None if sha and (version.version or "").endswith(sha) else sha


def _source(label: str | None) -> str | None:
    """Return the repository that the image names; the label is anybody's, so what can't be read isn't an error."""
    try:
        return read_repository(label, where=SOURCE)
    except PayloadError:
        return None


def _platforms(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        platforms = decode(_PLATFORM_LIST, text.encode())
    except PayloadError:
        return ()
    digests = (read_digest(platform.digest) for platform in platforms[:_PLATFORMS_LIMIT])
    return tuple(digest for digest in digests if digest)
