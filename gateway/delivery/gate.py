"""The gate of scans: how many findings of which severity may pass, and which are let through by a waiver."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.delivery.correlation.tags import name_image
from gateway.delivery.events import Scanned
from gateway.model.waiver import Waiver

WORST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
"""Severities, in the order in which a report's ``findings`` come."""


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """One report before the gate: what it counts, what of that was waived, and where it is over the limit."""

    scan: Scanned
    counts: Mapping[str, int]
    waived: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()
    """Waivers of something in the report that are over."""
    over: Mapping[str, int] = {}
    """How many remain, for each severity of which that is too many."""

    @property
    def passes(self) -> bool:
        """Whether nothing is over its limit."""
        return not self.over


def review(scan: Scanned, gate: Mapping[str, int], waivers: Iterable[Waiver], *, now: float) -> Reviewed:
    """Hold a report against the gate (severity → how many may pass). What the report doesn't list can't be waived."""
    counts = Counter({severity.upper(): count for severity, count in scan.counts.items()})
    fitting = [waiver for waiver in waivers if waiver.id in scan.findings and _concerns(waiver, scan)]
    holding = {waiver.id: waiver for waiver in fitting if waiver.holds(now)}
    waived = Counter(
        severity for identity, severity in zip(scan.findings, severities(scan), strict=False) if identity in holding
    )
    left = {severity: counts[severity] - waived[severity] for severity in gate}
    return Reviewed(
        scan=scan,
        counts=dict(counts),
        waived=tuple(holding.values()),
        expired=tuple(waiver for waiver in fitting if not waiver.holds(now) and waiver.id not in holding),
        over={severity: count for severity, count in left.items() if count > gate[severity]},
    )


def severities(scan: Scanned) -> list[str]:
    """Return the severity of each finding that a report lists: they come with the worst first."""
    counts = {severity.upper(): count for severity, count in scan.counts.items()}
    order = [*(severity for severity in WORST if severity in counts), *sorted(counts.keys() - set(WORST))]
    return [severity for severity in order for _ in range(counts[severity])][: len(scan.findings)]


def latest(scans: Iterable[Scanned]) -> Sequence[Scanned]:
    """Return the newest report of each tool about each thing; single alerts, which have addresses, each for itself."""
    newest: dict[tuple[str, ...], Scanned] = {}
    for scan in sorted(scans, key=lambda one: (one.scanned_at or 0.0, one.tool)):
        about = scan.digest or scan.tag or scan.sha or ""
        newest[scan.tool, scan.image or scan.repository or "", about, scan.url or ""] = scan
    return list(newest.values())


def _concerns(waiver: Waiver, scan: Scanned) -> bool:
    image = waiver.image is None or (scan.image is not None and name_image(waiver.image) == name_image(scan.image))
    return image and waiver.repository in (None, scan.repository)
