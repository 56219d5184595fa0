"""The rollouts of one application that somebody looks at: whose manifests to ask for and when, and what they say.

The tree tells which there are, and that one changed; a manifest tells all else. What moves is read every few seconds
besides, for a tree may be late; what rests, seldom; an analysis that has ended, never again. Without a clock, as all of
an inspection.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import msgspec

from gateway.detail import messages as m
from gateway.detail.part import Part
from gateway.upstream.analyses import FINISHED, AnalysisRun, read_analysis
from gateway.upstream.family import Family, Member
from gateway.upstream.inspector import Target
from gateway.upstream.manifest import Manifest, parse_time
from gateway.upstream.parts import to_wire
from gateway.upstream.rollouts import Rollout, hash_of, name_current_runs, read_rollout

MOVING = 3.0
"""Seconds between two looks at what moves."""

RESTING = 60.0
"""Seconds between two looks at a rollout that rests."""

AGAIN = 1.0
"""Seconds between two looks at the same resource at least, however often it changes."""

RUNS = 10
"""Analysis runs of a rollout that are shown, the newest."""

_RESTLESS = frozenset({"Progressing", "Suspended"})


class _Watched:
    """A resource whose manifest is asked for."""

    def __init__(self, member: Member, *, jitter: Callable[[], float], now: float) -> None:
        self.member = member
        self.manifest: Manifest | None = None
        self.part = Part(jitter=jitter)
        self.part.want(now)
        self._asked_at = float("-inf")

    def see(self, member: Member, now: float) -> None:
        changed = (member.resource_version, member.health) != (self.member.resource_version, self.member.health)
        self.member = member
        if changed:
            self.part.want(max(now, self._asked_at + AGAIN))

    def begin(self, request: int, now: float) -> None:
        self.part.begin(request)
        self._asked_at = now


class Rollouts:
    """Holds what is known of them. ``numbers`` numbers requests; ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, *, numbers: "count[int]", jitter: Callable[[], float]) -> None:
        self.shown: tuple[tuple[Rollout, tuple[AnalysisRun, ...]], ...] = ()
        """Each rollout whose manifest is known, and the runs of its newest version, the newest first."""
        self._families: tuple[Family, ...] = ()
        self._watched: dict[str, _Watched] = {}
        self._wire: list[dict[str, Any]] | None = None
        self._outcomes: dict[tuple[str, str], tuple[str | None, ...]] = {}
        self._numbers = numbers
        self._jitter = jitter

    def __repr__(self) -> str:
        return f"<Rollouts: {len(self._families)}, {len(self._watched)} manifests, {self.show_part()}>"

    @property
    def due(self) -> float | None:
        """When to ``step``; None while nothing is planned."""
        parts = [each.part for each in self._watched.values()]
        return min((part.due for part in parts if part.request is None and part.due is not None), default=None)

    def see(self, families: tuple[Family, ...], now: float) -> None:
        """Take what the tree shows now."""
        if families or self._families:
            self._families = families
            self._choose(now)

    def owns(self, request: int) -> bool:
        """Whether a request is one of these."""
        return self._find(request) is not None

    def take(self, request: int, manifest: Manifest, now: float) -> None:
        """Take an answer."""
        if (watched := self._find(request)) is not None:
            watched.part.succeed()
            watched.manifest = manifest
            self._choose(now)
            self._plan(now)

    def fail(self, request: int, reason: str, now: float) -> bool:
        """A request failed: ask again later. Return whether that is news."""
        watched = self._find(request)
        return watched is not None and watched.part.fail(reason, now)

    def step(self, target: Target, now: float) -> Iterator[m.FetchManifest]:
        """Ask for what is due."""
        for watched in self._watched.values():
            if watched.part.asks(now):
                request = next(self._numbers)
                watched.begin(request, now)
                yield m.FetchManifest(request=request, target=target, resource=watched.member)

    def tell_ends(self, key: str) -> Iterator[m.RolloutEnded]:
        """Return those that have ended since the last call, or had when they were first looked at."""
        for rollout, _ in self.shown:
            whereabouts = rollout.namespace, rollout.name
            version = rollout.canary_revision or rollout.stable_revision
            told = (rollout.outcome, rollout.aborted_at, version.hash if version is not None else None)
            if self._outcomes.get(whereabouts) == told:
                continue
            self._outcomes[whereabouts] = told
            if rollout.outcome is not None:
                at = parse_time(rollout.aborted_at)
                yield m.RolloutEnded(
                    key=key,
                    namespace=rollout.namespace,
                    name=rollout.name,
                    outcome=rollout.outcome,
                    at=at.timestamp() if at is not None else None,
                    reason=rollout.reason,
                )

    def show(self) -> list[dict[str, Any]] | None:
        """Return what is known, in wire form; None while nothing is."""
        return self._wire

    def show_part(self) -> dict[str, str] | None:
        """Return how complete that is, in wire form; None where there are no rollouts."""
        parts = [each.part.show() for each in self._watched.values()]
        states = {part["state"]: part for part in parts}
        return states.get("failed") or states.get("loading") or states.get("ready")

    # Inside.

    def _find(self, request: int) -> _Watched | None:
        return next((each for each in self._watched.values() if each.part.request == request), None)

    def _choose(self, now: float) -> None:
        """Watch the rollouts, and of each the runs of its newest version."""
        wanted = {family.rollout.uid: family.rollout for family in self._families}
        for family in self._families:
            wanted |= {run.uid: run for run in self._choose_runs(family)}
        for uid in self._watched.keys() - wanted.keys():
            del self._watched[uid]
        for uid, member in wanted.items():
            if (watched := self._watched.get(uid)) is None:
                self._watched[uid] = _Watched(member, jitter=self._jitter, now=now)
            else:
                watched.see(member, now)
        self._show()

    def _choose_runs(self, family: Family) -> Sequence[Member]:
        """Return the runs of the newest version: their names have its hash, or its status names them."""
        if (manifest := self._manifest(family.rollout)) is None:
            return ()
        named, version = name_current_runs(manifest), hash_of(manifest)
        return [
            run for run in family.runs if run.name in named or (version is not None and version in run.name.split("-"))
        ][:RUNS]

    def _manifest(self, member: Member) -> Manifest | None:
        watched = self._watched.get(member.uid)
        return watched.manifest if watched is not None else None

    def _show(self) -> None:
        shown = []
        for family in self._families:
            if (manifest := self._manifest(family.rollout)) is None:
                continue
            runs = self._read_runs(family)
            failed = next((run.failed_at for run in runs if run.failed_at is not None), None)
            rollout = read_rollout(manifest, family.images, failed)
            whereabouts = {"name": family.rollout.name, "namespace": family.rollout.namespace}
            shown.append((msgspec.structs.replace(rollout, **whereabouts), runs))
        self.shown = tuple(shown)
        self._wire = [_tell(*each) for each in shown] if shown else None

    def _read_runs(self, family: Family) -> tuple[AnalysisRun, ...]:
        manifests = [(run, self._manifest(run)) for run in self._choose_runs(family)]
        return tuple(
            msgspec.structs.replace(read_analysis(manifest), name=run.name)
            for run, manifest in manifests
            if manifest is not None
        )

    def _plan(self, now: float) -> None:
        """Plan the next look at everything that was read: a rollout moves as long as one of its analyses does."""
        phases = {run.name: run.phase for _, runs in self.shown for run in runs}
        moving = {(rollout.namespace, rollout.name) for rollout, _ in self.shown if rollout.moves}
        for family in self._families:
            runs = self._choose_runs(family)
            unfinished = [run for run in runs if phases.get(run.name, "Running") not in FINISHED]
            for run in unfinished:
                self._want(run, now + MOVING)
            rollout = family.rollout
            restless = unfinished or rollout.health in _RESTLESS or (rollout.namespace, rollout.name) in moving
            self._want(rollout, now + (MOVING if restless else RESTING))

    def _want(self, member: Member, at: float) -> None:
        if (watched := self._watched.get(member.uid)) is not None and watched.part.request is None:
            watched.part.want(at)


def _tell(rollout: Rollout, runs: tuple[AnalysisRun, ...]) -> dict[str, Any]:
    wire: dict[str, Any] = to_wire(rollout)
    return wire | {"analysisRuns": to_wire(runs)} if runs else wire
