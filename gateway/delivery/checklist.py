"""Whether a commit is ready to be released: CI green, scans reviewed, Argo CD ready to sync.

What isn't known is said, and counts neither for nor against it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from gateway.delivery.events import Commit, ImagePushed, Run, RunState, Scanned
from gateway.delivery.gate import Reviewed, latest, review
from gateway.model.application import ApplicationStatus
from gateway.model.upstream import rfc3339
from gateway.model.waiver import Waiver

PREVENTING = ("ComparisonError", "InvalidSpecError", "UnknownError")
"""Conditions with which Argo CD won't sync (argo-cd pkg/apis/application/v1alpha1/types.go)."""

EVIDENCE = 50
"""Sentences of evidence for one item."""


class State(StrEnum):
    """How an item is. ``pending`` gets better by waiting, ``failed`` doesn't."""

    OK = "ok"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"


_WORST = (State.FAILED, State.PENDING, State.UNKNOWN, State.OK)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the list; ``why`` and ``evidence`` are sentences for people."""

    item: str
    state: State
    why: str
    evidence: tuple[str, ...] = ()


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What senders told of one commit; ``images`` are the names of those that its repository is built to."""

    sha: str
    commits: tuple[Commit, ...] = ()
    runs: tuple[Run, ...] = ()
    pushes: tuple[ImagePushed, ...] = ()
    scans: tuple[Scanned, ...] = ()
    images: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()


class Window(msgspec.Struct, frozen=True, rename="camel"):
    """A sync window of an Argo CD project."""

    kind: str | None = None
    schedule: str | None = None
    duration: str | None = None
    manual_sync: bool | None = None


class Windows(msgspec.Struct, frozen=True, rename="camel"):
    """Argo CD's answer to what windows an application has. ``can_sync`` is about a sync that a person starts."""

    active_windows: tuple[Window, ...] | None = None
    assigned_windows: tuple[Window, ...] | None = None
    can_sync: bool | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An application that the commit concerns, its windows, or why they couldn't be asked for."""

    document: ApplicationStatus
    windows: Windows | None = None
    why_not: str | None = None


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided by: the gate (severity → how many may pass), waivers, and runs that aren't waited for, by name.

    ``trouble`` says why the waivers couldn't be read.
    """

    gate: Mapping[str, int]
    waivers: Sequence[Waiver] = ()
    ignore: frozenset[str] = frozenset()
    trouble: str | None = None


def check(
    dossier: Dossier, standings: Iterable[Standing], *, rules: Rules, stale: str | None, now: float
) -> dict[str, Any]:
    """Return the list as ``/api/releases/{sha}/checklist`` shows it. ``stale`` says why Argo CD's state may be old."""
    standings = sorted(standings, key=lambda one: one.document.key)
    items = (check_runs(dossier, rules), check_scans(dossier, rules, now), check_sync(standings, stale))
    worst = min((item.state for item in items), key=_WORST.index)
    state = {State.OK: "ready", State.UNKNOWN: "unknown"}.get(worst, "not-ready")
    content: dict[str, Any] = {"sha": dossier.sha, "state": state, "checkedAt": rfc3339(now)}
    if dossier.repositories:
        content["repositories"] = sorted(dossier.repositories)
    return {
        **content,
        "applications": [one.document.key for one in standings],
        "items": msgspec.to_builtins(items),
    }


# CI.


def check_runs(dossier: Dossier, rules: Rules) -> Item:
    """Check that every run for the commit went well, the newest of each name."""
    runs = _count_runs(dossier.runs, rules.ignore)
    if not runs:
        others = " but those that aren't waited for" if dossier.runs else ""
        return Item(item="ci", state=State.UNKNOWN, why=f"nobody told of a run of CI for this commit{others}")
    states = {id(run): _judge_run(run) for run in runs}
    for state, what in ((State.FAILED, "didn't succeed"), (State.PENDING, "isn't over")):
        bad = [run for run in runs if states[id(run)] is state]
        if bad:
            why = f"{bad[0].name} {what}" + (f", nor {_others(len(bad) - 1)}" if len(bad) > 1 else "")
            return Item(item="ci", state=state, why=why, evidence=_cut(map(_tell_run, [*bad, *_without(runs, bad)])))
    if all(run.state is RunState.SKIPPED for run in runs):
        why = "every run for this commit was skipped"
        return Item(item="ci", state=State.UNKNOWN, why=why, evidence=_cut(map(_tell_run, runs)))
    why = "all runs for this commit succeeded" if len(runs) > 1 else f"{runs[0].name} succeeded"
    return Item(item="ci", state=State.OK, why=why, evidence=_cut(map(_tell_run, runs)))


def _count_runs(runs: Sequence[Run], ignore: frozenset[str]) -> list[Run]:
    """Return the runs that count: whole ones; parts of those that aren't waited for, or of which nobody told."""
    ignored = {name.lower() for name in ignore}
    wholes = {(run.sender, run.id) for run in runs if run.parent is None and run.name.lower() not in ignored}
    newest: dict[tuple[str, str, str], Run] = {}
    for run in sorted(runs, key=_when):
        if run.name.lower() in ignored or (run.parent is not None and (run.sender, run.parent) in wholes):
            continue
        newest[run.sender, run.repository or "", run.name] = run
    return sorted(newest.values(), key=lambda run: (run.name, run.sender))


def _when(run: Run) -> tuple[float, int]:
    began = next((at for at in (run.queued_at, run.started_at, run.updated_at) if at is not None), 0.0)
    return began, run.attempt


def _judge_run(run: Run) -> State:
    if run.state in (RunState.SUCCEEDED, RunState.SKIPPED):
        return State.OK
    return State.FAILED if run.state.over else State.PENDING


def _tell_run(run: Run) -> str:
    words = [f"{run.name} of {run.repository or run.sender}: {run.state}"]
    if run.attempt > 1:
        words.append(f"in attempt {run.attempt}")
    if run.reason and run.state is RunState.FAILED:
        words.append(f"({run.reason})")
    return " ".join([*words, run.url or ""]).strip()


# Scans.


def check_scans(dossier: Dossier, rules: Rules, now: float) -> Item:
    """Check that what was found in the commit and its images passes the gate."""
    scans = latest(dossier.scans)
    if not scans:
        return Item(item="scan", state=State.UNKNOWN, why="nobody told of a scan of this commit or its images")
    reviewed = [review(scan, rules.gate, rules.waivers, now=now) for scan in scans]
    bad = [one for one in reviewed if not one.passes]
    evidence = [*map(_tell_review, bad), *map(_tell_review, (one for one in reviewed if one.passes))]
    evidence += [_tell_waiver(waiver, "let through") for waiver in _each(one.waived for one in reviewed)]
    evidence += [_tell_waiver(waiver, "no longer let through") for waiver in _each(one.expired for one in reviewed)]
    if bad:
        worst = ", ".join(f"{count} {severity.lower()}" for severity, count in bad[0].over.items())
        why = f"{_name_scanned(bad[0].scan)} has {worst}, more than the gate lets through"
        if rules.trouble:
            why += f"; exceptions don't count, for their file can't be used: {rules.trouble}"
        return Item(item="scan", state=State.FAILED, why=why, evidence=_cut(evidence))
    return Item(item="scan", state=State.OK, why="what was found passes the gate", evidence=_cut(evidence))


def _tell_review(one: Reviewed) -> str:
    counts = ", ".join(f"{count} {severity.lower()}" for severity, count in one.counts.items() if count) or "nothing"
    return f"{one.scan.tool} found {counts} in {_name_scanned(one.scan)} {one.scan.url or ''}".strip()


def _tell_waiver(waiver: Waiver, what: str) -> str:
    return f"{waiver.id} is {what} by {waiver.who} until {rfc3339(waiver.until)}: {waiver.reason}"


def _name_scanned(scan: Scanned) -> str:
    if scan.image is None:
        return f"commit {(scan.sha or '')[:8]}".strip()
    return f"{scan.image}:{scan.tag}" if scan.tag else f"{scan.image}@{(scan.digest or '')[:19]}".strip("@")


def _each(groups: Iterable[Iterable[Waiver]]) -> list[Waiver]:
    return list(dict.fromkeys(waiver for group in groups for waiver in group))


# Argo CD.


def check_sync(standings: Sequence[Standing], stale: str | None) -> Item:
    """Check that Argo CD would sync every application that the commit concerns."""
    if stale is not None:
        return Item(item="sync", state=State.UNKNOWN, why=f"what is known of Argo CD may be old: {stale}")
    if not standings:
        why = "no application is known to be made from this commit's repository or images"
        return Item(item="sync", state=State.UNKNOWN, why=why)
    told: dict[State, list[str]] = defaultdict(list)
    for standing in standings:
        state, why = _judge_standing(standing)
        told[state].append(f"{standing.document.key}: {why}")
    worst = min(told, key=_WORST.index)
    evidence = _cut(sentence for state in _WORST for sentence in told[state])
    if worst is State.OK:
        count = f"all {len(standings)} applications are" if len(standings) > 1 else f"{standings[0].document.key} is"
        return Item(item="sync", state=worst, why=f"{count} ready to sync", evidence=evidence)
    more = f", and {_others(len(told[worst]) - 1)}" if len(told[worst]) > 1 else ""
    return Item(item="sync", state=worst, why=told[worst][0] + more, evidence=evidence)


def _judge_standing(standing: Standing) -> tuple[State, str]:
    document = standing.document
    if document.deletion_timestamp is not None:
        return State.FAILED, "it is being deleted"
    for condition in document.conditions:
        if condition.type in PREVENTING:
            return State.FAILED, f"{condition.type}: {condition.message or 'no message'}"
    if standing.windows is None:
        return State.UNKNOWN, f"its sync windows aren't known: {standing.why_not or 'they were not asked for'}"
    if (closed := _why_closed(standing.windows, automated=document.auto_sync is not None)) is not None:
        return State.PENDING, closed
    if document.operation is not None and document.operation.phase in ("Running", "Terminating"):
        return State.PENDING, "an operation is going on"
    return State.OK, "no sync window is closed, and Argo CD can compare it"


def _why_closed(windows: Windows, *, automated: bool) -> str | None:
    """Return why no sync can begin now; None if one can.

    Argo CD says whether a person may start one; an automated one has to do without ``manualSync``
    (argo-cd pkg/apis/application/v1alpha1/types.go, SyncWindows.CanSync).
    """
    active, assigned = windows.active_windows or (), windows.assigned_windows or ()
    denying = next((window for window in active if window.kind == "deny"), None)
    allows = [window for window in assigned if window.kind == "allow"]
    open_now = any(window.kind == "allow" for window in active)
    if windows.can_sync is not False and (not automated or (denying is None and (open_now or not allows))):
        return None
    if denying is not None:
        return f"a sync window denies it: {_tell_window(denying)}"
    if allows and not open_now:
        return f"its sync window is closed: {_tell_window(allows[0])}"
    return "its sync windows are closed"


def _tell_window(window: Window) -> str:
    return f"{window.schedule or 'no schedule'} for {window.duration or 'an unknown time'}"


def _without(runs: Iterable[Run], others: Sequence[Run]) -> list[Run]:
    return [run for run in runs if not any(run is other for other in others)]


def _others(count: int) -> str:
    return f"{count} others" if count > 1 else "1 other"


def _cut(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(sentences)[:EVIDENCE]
