"""The shapes of Trivy's reports: its own JSON (schema 2), and SARIF 2.1.0 as far as Trivy writes it."""

import msgspec

from gateway.delivery.webhooks.body import ABSENT, Raw
from gateway.delivery.webhooks.facts import Time


class RawVulnerability(Raw, frozen=True):
    """A vulnerability in a package."""

    id: str | None = msgspec.field(default=None, name="VulnerabilityID")
    severity: str | None = msgspec.field(default=None, name="Severity")


class RawScan(Raw, frozen=True):
    """What was found in one target; a clean one has no list."""

    vulnerabilities: list[RawVulnerability] | None = msgspec.field(default=None, name="Vulnerabilities")


class RawConfig(Raw, frozen=True):
    """The image's configuration."""

    labels: dict[str, str | None] | None = msgspec.field(default=None, name="Labels")


class RawImageConfig(Raw, frozen=True):
    """What holds the configuration."""

    config: RawConfig | None = None


class RawMetadata(Raw, frozen=True, rename="pascal"):
    """Which image; no digests where it was read from an archive."""

    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    image_config: RawImageConfig | None = None
    repo_url: str | None = msgspec.field(default=None, name="RepoURL")
    commit: str | None = None


class Report(Raw, frozen=True, rename="pascal"):
    """A report in JSON."""

    schema_version: int
    artifact_name: str | None = None
    artifact_type: str | None = None
    created_at: Time = None
    metadata: RawMetadata | None = None
    results: list[RawScan] | None = None


class RawProperties(Raw, frozen=True, rename="camel"):
    """A rule's tags and number, or a run's image."""

    tags: list[str] | None = None
    security_severity: str | float | None = msgspec.field(default=None, name="security-severity")
    image_name: str | None = None
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None


class RawRule(Raw, frozen=True):
    """A rule: one vulnerability."""

    id: str | None = None
    properties: RawProperties | None = None


class RawDriver(Raw, frozen=True):
    """The tool."""

    name: str | None = None
    rules: list[RawRule] | None = None


class RawTool(Raw, frozen=True):
    """What holds the tool."""

    driver: RawDriver | None = None


class RawFinding(Raw, frozen=True, rename="camel"):
    """A result: one vulnerability in one package."""

    rule_id: str | None = None
    rule_index: int | None = None
    level: str | None = None


class RawInvocation(Raw, frozen=True, rename="camel"):
    """When the tool ran."""

    end_time_utc: Time = None


class RawProvenance(Raw, frozen=True, rename="camel"):
    """Which sources it looked at."""

    repository_uri: str | None = None
    revision_id: str | None = None


class RawRun(Raw, frozen=True, rename="camel"):
    """A run of the tool."""

    tool: RawTool | None = None
    results: list[RawFinding] | None = None
    properties: RawProperties | None = None
    invocations: list[RawInvocation] | None = None
    version_control_provenance: list[RawProvenance] | None = None


class Sarif(Raw, frozen=True):
    """A report as SARIF."""

    runs: list[RawRun]


class Probe(Raw, frozen=True):
    """What tells the two apart."""

    schema_version: msgspec.Raw = msgspec.field(default=ABSENT, name="SchemaVersion")
    runs: msgspec.Raw = ABSENT


PROBE = msgspec.json.Decoder(Probe)
REPORT = msgspec.json.Decoder(Report)
SARIF = msgspec.json.Decoder(Sarif)
