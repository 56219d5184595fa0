"""Trivy: a report that CI uploads, as JSON (schema 2) or as SARIF 2.1.0; counts of vulnerabilities by severity."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gateway.delivery.events import Scanned
from gateway.delivery.webhooks import trivy_raw as raw
from gateway.delivery.webhooks.body import decode, identify, is_there
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    clean,
    name_word,
    read_repository,
    read_sha,
    read_time,
)
from gateway.delivery.webhooks.github_packages import REVISION, SOURCE
from gateway.delivery.webhooks.references import Reference, read_reference
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_shared

FINDINGS_LIMIT = 200
"""Ids of findings kept of a report, the worst first."""

_IMAGES = 20
_WORST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
# CVSS v3's bands (first.org), for rules that only have the number.
_BANDS = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.0, "LOW"))


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify the signature or the secret that the uploading step sends; raises SignatureError."""
    verify_shared(request, secrets)


def read(request: Request) -> Reading:
    """Read a report; raises PayloadError."""
    probe = decode(raw.PROBE, request.body)
    if is_there(probe.runs):
        event, scans = "sarif", tuple(_read_sarif(decode(raw.SARIF, request.body)))
    elif is_there(probe.schema_version):
        event, scans = "report", tuple(_read_report(decode(raw.REPORT, request.body)))
    else:
        raise PayloadError("neither SchemaVersion nor runs: run trivy with --format json or --format sarif")
    ignored = None if scans else "it names no image and no commit"
    return Reading(delivery_id=identify("trivy", request.body), event=event, events=scans, ignored=ignored)


def _read_report(report: raw.Report) -> Iterator[Scanned]:
    metadata = report.metadata or raw.RawMetadata()
    found = [
        (clean(one.id, NAME_LIMIT) or "unknown", _severity(one.severity))
        for result in report.results or ()
        for one in result.vulnerabilities or ()
    ]
    image_config = metadata.image_config
    labels = (image_config.config.labels if image_config and image_config.config else None) or {}
    name = report.artifact_name if report.artifact_type == "container_image" else None
    yield from _scans(
        "Trivy",
        found,
        _images(metadata.repo_digests, metadata.repo_tags, name),
        repository=_repository(metadata.repo_url or labels.get(SOURCE)),
        sha=read_sha(metadata.commit) or read_sha(labels.get(REVISION)),
        scanned_at=read_time(report.created_at, "CreatedAt"),
    )


def _read_sarif(sarif: raw.Sarif) -> Iterator[Scanned]:
    for run in sarif.runs[:_IMAGES]:
        driver = (run.tool.driver if run.tool else None) or raw.RawDriver()
        properties = run.properties or raw.RawProperties()
        provenance = next(iter(run.version_control_provenance or ()), raw.RawProvenance())
        ended = next(iter(run.invocations or ()), raw.RawInvocation()).end_time_utc
        yield from _scans(
            clean(driver.name, NAME_LIMIT) or "unknown",
            _findings(run.results or (), driver.rules or []),
            _images(properties.repo_digests, properties.repo_tags, properties.image_name),
            repository=_repository(provenance.repository_uri),
            sha=read_sha(provenance.revision_id),
            scanned_at=read_time(ended, "runs[].invocations[].endTimeUtc"),
        )


def _findings(results: Iterable[raw.RawFinding], rules: Sequence[raw.RawRule]) -> list[tuple[str, str]]:
    by_id = {rule.id: rule for rule in rules if rule.id}
    found = []
    for result in results:
        index = result.rule_index if result.rule_index is not None else -1
        rule = by_id.get(result.rule_id or "") or (rules[index] if 0 <= index < len(rules) else raw.RawRule())
        identity = clean(result.rule_id or rule.id, NAME_LIMIT) or "unknown"
        found.append((identity, _rule_severity(rule, result.level)))
    return found


def _rule_severity(rule: raw.RawRule, level: str | None) -> str:
    """Return a rule's severity, by its tags, else its number, else the level.

    The level comes last: Trivy writes ``error`` for CRITICAL and for HIGH.
    """
    properties = rule.properties or raw.RawProperties()
    tags = {tag.upper() for tag in properties.tags or ()}
    if tagged := next((severity for severity in _WORST if severity in tags), None):
        return tagged
    try:
        score = float(properties.security_severity or 0)
    except ValueError:
        score = 0.0
    return next((severity for least, severity in _BANDS if score > 0 and score >= least), _severity(level))


def _severity(word: str | None) -> str:
    return name_word(word or "unknown").upper()


def _images(digests: Iterable[str] | None, tags: Iterable[str] | None, name: str | None) -> list[Reference]:
    """Return the images that were scanned: by digest where there is one, with the tag that they have there."""
    tagged = [image for text in tags or () if (image := read_reference(text))]
    exact = [image for text in digests or () if (image := read_reference(text)) and image.digest]
    if exact:
        names = {image.name: image.tag for image in reversed(tagged)}
        return [Reference(image.name, names.get(image.name), image.digest) for image in exact][:_IMAGES]
    # A path of an archive isn't the name of an image, though it could be one.
    archive = (name or "").endswith((".tar", ".tar.gz", ".tgz"))
    named = None if archive else read_reference(name)
    return (tagged or ([named] if named else []))[:_IMAGES]


def _scans(
    tool: str,
    found: Sequence[tuple[str, str]],
    images: Sequence[Reference],
    *,
    repository: str | None,
    sha: str | None,
    scanned_at: float | None,
) -> Iterator[Scanned]:
    ranks = {severity: rank for rank, severity in enumerate(_WORST)}
    worst = sorted(found, key=lambda finding: ranks.get(finding[1], len(ranks)))
    counts = dict(Counter(severity for _, severity in worst))
    findings = tuple(identity for identity, _ in worst)[:FINDINGS_LIMIT]
    scan = Scanned(tool=tool, counts=counts, repository=repository, sha=sha, scanned_at=scanned_at, findings=findings)
    for image in images:
        yield msgspec.structs.replace(scan, image=image.name, tag=image.tag, digest=image.digest)
    if sha and not images:
        yield scan


def _repository(text: str | None) -> str | None:
    """Return a repository's name; a label or a local path that isn't one is no error."""
    try:
        return read_repository(text, where="repository") if text and "/" in text else None
    except PayloadError:
        return None
