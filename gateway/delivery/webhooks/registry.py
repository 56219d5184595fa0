"""Registries: Docker Hub, Harbor, CNCF Distribution, and pushes told as CloudEvents (ECR, Harbor, generic).

Which of them it is shows in the body's fields; none says so in a header.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from gateway.delivery.events import DeliveryEvent, ImagePushed, Scanned
from gateway.delivery.webhooks import registry_raw as raw
from gateway.delivery.webhooks.body import decode, identify, is_there
from gateway.delivery.webhooks.facts import NAME_LIMIT, Time, clean, name_word, read_link, read_time
from gateway.delivery.webhooks.references import read_digest, read_reference, read_tag
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_shared

EVENTS_LIMIT = 300
"""Events taken of one envelope."""

_MANIFEST = re.compile(r"manifest|index", re.IGNORECASE)
_ECR = re.compile(r"urn:aws:ecr:([a-z0-9-]{1,40}):([0-9]{12}):", re.ASCII)
_HARBOR_TYPES = {
    "harbor.artifact.pushed": "PUSH_ARTIFACT",
    "harbor.scan.completed": "SCANNING_COMPLETED",
}


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify the secret in ``Authorization`` or ``X-Webhook-Secret``; registries sign nothing."""
    verify_shared(request, secrets)


def read(request: Request) -> Reading:
    """Read a notification of any registry; raises PayloadError."""
    probe = decode(raw.PROBE, request.body)
    delivery_id = identify("registry", request.body)
    binary = request.headers.get("ce-type")
    if is_there(probe.specversion) or binary:
        event, events = _cloud_event(_envelope(request, binary))
    elif is_there(probe.events):
        event, events = "distribution", tuple(_distribution(decode(raw.DISTRIBUTION, request.body)))
    elif is_there(probe.event_data):
        harbor = decode(raw.HARBOR, request.body)
        event, events = f"harbor.{name_word(harbor.type)}", tuple(_harbor(harbor))
    elif is_there(probe.push_data):
        event, events = "dockerhub.push", (_docker_hub(decode(raw.DOCKER_HUB, request.body)),)
    else:
        raise PayloadError(
            "not of a registry that is known: Docker Hub (push_data), Harbor (event_data), Distribution (events) and"
            " CloudEvents (specversion) are"
        )
    ignored = None if events else "nothing was pushed or scanned"
    return Reading(delivery_id=delivery_id, event=event, events=events, ignored=ignored)


def _docker_hub(push: raw.DockerHub) -> ImagePushed:
    reference = read_reference(push.repository.repo_name)
    if reference is None:
        raise PayloadError("repository.repo_name isn't the name of an image")
    return ImagePushed(
        image=reference.name,
        tag=read_tag(push.push_data.tag),
        pushed_at=read_time(push.push_data.pushed_at, "push_data.pushed_at"),
        url=read_link(push.repository.repo_url),
        pushed_by=clean(push.push_data.pusher, NAME_LIMIT),
    )


def _harbor(event: raw.Harbor) -> Iterator[DeliveryEvent]:
    for resource in (event.event_data.resources or [])[:EVENTS_LIMIT]:
        reference = read_reference(resource.resource_url)
        if reference is None:
            continue
        tag, digest = reference.tag or read_tag(resource.tag), reference.digest or read_digest(resource.digest)
        if event.type == "PUSH_ARTIFACT":
            yield ImagePushed(
                image=reference.name,
                tag=tag,
                digest=digest,
                pushed_at=read_time(event.occur_at, "occur_at"),
                pushed_by=clean(event.operator, NAME_LIMIT),
            )
        elif event.type == "SCANNING_COMPLETED" and (scan := _latest_scan(resource)):
            summary = scan.summary.summary if scan.summary else None
            yield Scanned(
                tool=(clean(scan.scanner.name, NAME_LIMIT) if scan.scanner else None) or "unknown",
                counts={name_word(word).upper(): count for word, count in (summary or {}).items() if count},
                image=reference.name,
                tag=tag,
                digest=digest,
                scanned_at=read_time(scan.end_time or event.occur_at, "scan_overview.….end_time"),
            )


def _latest_scan(resource: raw.RawResource) -> raw.RawScan | None:
    """Return the scan of the newest form of report: their media types end in a version."""
    overview = resource.scan_overview or {}
    done = [form for form, scan in overview.items() if scan.scan_status in (None, "Success")]
    return overview[max(done)] if done else None


def _distribution(envelope: raw.Distribution) -> Iterator[DeliveryEvent]:
    """Yield the pushed manifests; layers come in the same envelope, in any order."""
    for event in envelope.events[:EVENTS_LIMIT]:
        target = event.target
        if event.action != "push" or target is None or not _MANIFEST.search(target.media_type or ""):
            continue
        host = (event.request.host if event.request else None) or ""
        path = target.repository or ""
        reference = read_reference(f"{host}/{path}" if host else path)
        if reference is None:
            continue
        parts = [part.digest for part in target.references or () if _MANIFEST.search(part.media_type or "")]
        yield ImagePushed(
            # The registry has said who it is; its name isn't completed as a short one would be.
            image=f"{host}/{path}".lower() if host else reference.name,
            tag=read_tag(target.tag),
            digest=read_digest(target.digest),
            pushed_at=read_time(event.timestamp, "events[].timestamp"),
            pushed_by=clean(event.actor.name, NAME_LIMIT) if event.actor else None,
            platforms=tuple(digest for part in parts[:50] if (digest := read_digest(part))),
        )


def _envelope(request: Request, binary: str | None) -> raw.CloudEvent:
    """Return a CloudEvent in structured mode; one in binary mode is made into it, of its headers."""
    if binary is None:
        return decode(raw.CLOUD_EVENT, request.body)
    headers = request.headers
    return raw.CloudEvent(
        type=binary,
        source=headers.get("ce-source"),
        subject=headers.get("ce-subject"),
        time=headers.get("ce-time"),
        operator=headers.get("ce-operator"),
        data=msgspec.Raw(request.body),
    )


def _cloud_event(event: raw.CloudEvent) -> tuple[str, tuple[DeliveryEvent, ...]]:
    name = name_word(event.type)
    data = bytes(event.data)
    if event.type == "com.amazon.ecr.image.push":
        return name, (_pushed(_ecr_image(event, decode(raw.ECR, data)), event.time),)
    if event.type == "container.image.push":
        return name, (_pushed(_generic_image(decode(raw.GENERIC, data)), event.time),)
    if event.type in _HARBOR_TYPES:
        content = decode(raw.HARBOR_CONTENT, data)
        return name, tuple(
            _harbor(
                raw.Harbor(
                    type=_HARBOR_TYPES[event.type],
                    event_data=content.event_data or raw.RawEventData(resources=content.resources),
                    occur_at=event.time,
                    operator=event.operator,
                )
            )
        )
    return name, ()


def _pushed(image: ImagePushed, time: Time) -> ImagePushed:
    return msgspec.structs.replace(image, pushed_at=read_time(time, "time"))


def _ecr_image(event: raw.CloudEvent, push: raw.Ecr) -> ImagePushed:
    """Return ECR's image; the registry's host is made of the account and the region in ``source``."""
    where = _ECR.match(event.source or "")
    if where is None:
        raise PayloadError("source isn't urn:aws:ecr:REGION:ACCOUNT:…, which the registry's name is made of")
    region, account = where[1], where[2]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    reference = read_reference(f"{account}.dkr.ecr.{region}.{suffix}/{push.repository_name}")
    if reference is None:
        raise PayloadError("data.repositoryName isn't the name of an image")
    return ImagePushed(image=reference.name, tag=read_tag(push.image_tag), digest=read_digest(push.image_digest))


def _generic_image(push: raw.Generic) -> ImagePushed:
    host = (push.registry_url or "").removeprefix("https://").removeprefix("http://").strip("/")
    reference = read_reference(f"{host}/{push.repository}" if host else push.repository)
    if reference is None:
        raise PayloadError("data.registryUrl and data.repository aren't the name of an image")
    return ImagePushed(image=reference.name, tag=read_tag(push.tag), digest=read_digest(push.digest))
