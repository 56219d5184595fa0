"""The shapes of registries' notifications, as far as they are read."""

import msgspec

from gateway.delivery.webhooks.body import ABSENT, Raw
from gateway.delivery.webhooks.facts import Time


class Probe(Raw, frozen=True):
    """What tells the registries apart."""

    specversion: msgspec.Raw = ABSENT
    events: msgspec.Raw = ABSENT
    event_data: msgspec.Raw = ABSENT
    push_data: msgspec.Raw = ABSENT


class RawPushData(Raw, frozen=True):
    """What was pushed to Docker Hub."""

    tag: str | None = None
    pushed_at: Time = None
    pusher: str | None = None


class RawHubRepository(Raw, frozen=True):
    """Where it was pushed to."""

    repo_name: str
    repo_url: str | None = None


class DockerHub(Raw, frozen=True):
    """Docker Hub's webhook (docs.docker.com)."""

    push_data: RawPushData
    repository: RawHubRepository


class RawScanner(Raw, frozen=True):
    """Who scanned."""

    name: str | None = None


class RawSummary(Raw, frozen=True):
    """Counts by severity."""

    summary: dict[str, int] | None = None


class RawScan(Raw, frozen=True):
    """A scan's outcome."""

    scan_status: str | None = None
    end_time: Time = None
    scanner: RawScanner | None = None
    summary: RawSummary | None = None


class RawResource(Raw, frozen=True):
    """An artifact; scans by the media type of their report."""

    resource_url: str | None = None
    tag: str | None = None
    digest: str | None = None
    scan_overview: dict[str, RawScan] | None = None


class RawEventData(Raw, frozen=True):
    """What a Harbor event is about."""

    resources: list[RawResource] | None = None


class Harbor(Raw, frozen=True, kw_only=True):
    """Harbor's webhook in its default format (goharbor.io)."""

    type: str
    event_data: RawEventData
    occur_at: Time = None
    operator: str | None = None


class HarborContent(RawEventData, frozen=True, kw_only=True):
    """The data of Harbor's CloudEvents: the same content."""

    event_data: RawEventData | None = None


class RawDescriptor(Raw, frozen=True, rename="camel"):
    """A part of an index."""

    media_type: str | None = None
    digest: str | None = None


class RawTarget(RawDescriptor, frozen=True, rename="camel"):
    """What an event of Distribution is about."""

    repository: str | None = None
    tag: str | None = None
    references: list[RawDescriptor] | None = None


class RawRequest(Raw, frozen=True):
    """The request that caused it; ``host`` is the registry as the client called it."""

    host: str | None = None


class RawActor(Raw, frozen=True):
    """Who did it."""

    name: str | None = None


class RawEvent(Raw, frozen=True):
    """An event of Distribution."""

    action: str
    timestamp: Time = None
    target: RawTarget | None = None
    request: RawRequest | None = None
    actor: RawActor | None = None


class Distribution(Raw, frozen=True):
    """Distribution's envelope (distribution.github.io, "Notifications")."""

    events: list[RawEvent]


class CloudEvent(Raw, frozen=True):
    """A CloudEvent in structured mode; ``operator`` is Harbor's extension."""

    type: str
    source: str | None = None
    subject: str | None = None
    time: Time = None
    operator: str | None = None
    data: msgspec.Raw = ABSENT


class Ecr(Raw, frozen=True, rename="camel"):
    """The data of a push to ECR."""

    repository_name: str
    image_tag: str | None = None
    image_digest: str | None = None


class Generic(Raw, frozen=True, rename="camel"):
    """The data of ``container.image.push``."""

    repository: str
    registry_url: str | None = None
    tag: str | None = None
    digest: str | None = None


PROBE = msgspec.json.Decoder(Probe)
DOCKER_HUB = msgspec.json.Decoder(DockerHub)
HARBOR = msgspec.json.Decoder(Harbor)
HARBOR_CONTENT = msgspec.json.Decoder(HarborContent)
DISTRIBUTION = msgspec.json.Decoder(Distribution)
CLOUD_EVENT = msgspec.json.Decoder(CloudEvent)
ECR = msgspec.json.Decoder(Ecr)
GENERIC = msgspec.json.Decoder(Generic)
