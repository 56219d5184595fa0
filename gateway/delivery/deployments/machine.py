"""Argo CD's operations into deployments: what each application showed, one observation after another.

An operation is known by its ``startedAt``, so that whatever is shown twice, late or not at all invents nothing; what
was missed is found in Argo CD's history, as far as that goes (ten full, successful syncs). An Application tells:

- ``operationState`` is absent for a moment when an operation begins: that is no end;
- ``phase`` Running with ``finishedAt`` is an attempt that failed, and a retry to come;
- the history gets its entry before the operation says that it succeeded;
- ``status.summary.images`` holds old pods' images while they last, so it never says what a sync set.
"""

from typing import TypeAlias

import msgspec

from gateway.delivery.deployments import following
from gateway.delivery.deployments.course import begin, conclude, found, nature_of, progress
from gateway.delivery.deployments.deployment import Deployment, Outcome, identify, unix_time
from gateway.delivery.deployments.ledger import Ledger
from gateway.delivery.deployments.memory import Memory, Moment
from gateway.model.application import ApplicationStatus, Observed, OperationDetail
from gateway.model.application import Deployment as HistoryEntry

COMPLETED = frozenset({"Succeeded", "Failed", "Error"})


Step: TypeAlias = tuple[Memory, tuple[Deployment, ...]]
"""What is remembered now, and each deployment of which more is known than before."""


def observe(memory: Memory, observed: Observed, *, now: float, live: bool) -> Step:
    """Take an application as Argo CD showed it; ``live`` says that this was announced just now, and not found.

    Observations older than the last one change nothing. Another ``uid`` is another application of that name.
    """
    if observed.version < memory.version:
        return memory, ()
    if observed.uid != memory.uid:
        memory = Memory(uid=observed.uid)
    turn = _Turn(memory, now=now, live=live)
    turn.observe(observed)
    return turn.result(observed.version)


def tick(memory: Memory, *, now: float) -> Step:
    """Let time pass: what has stood still long enough is taken for the outcome."""
    ledger = Ledger(memory, now=now)
    ledger.follow()
    return ledger.memory, tuple(ledger.changed.values())


def due(memory: Memory) -> float | None:
    """Return when ``tick`` has something to say if nothing is shown until then; None for never."""
    last, seen = memory.last, memory.seen
    if last is None or seen is None or seen.health not in ("Healthy", "Degraded"):
        return None
    undecided = following.is_followed(last) and (seen.health == "Healthy" or last.degraded_at is None)
    unknown = last.images is None and last.phase == "Succeeded" and seen.health == "Healthy" and bool(seen.images)
    if not (undecided or unknown):
        return None
    return max(seen.changed_at, last.finished_at or 0.0) + following.SETTLED


def abort(memory: Memory, *, at: float) -> Step:
    """Take word from elsewhere (the Rollout itself) that the last deployment's rollout was aborted."""
    last = memory.last
    if last is None or not following.is_followed(last):
        return memory, ()
    aborted = following.abort(last, at)
    return msgspec.structs.replace(memory, last=aborted), (aborted,)


def rewind(memory: Memory) -> Memory:
    """Let any version count as newer, after versions went back: Kubernetes' etcd was restored from a backup."""
    return msgspec.structs.replace(memory, version=0)


class _Turn:
    """One observation's work."""

    def __init__(self, memory: Memory, *, now: float, live: bool) -> None:
        self._ledger = Ledger(memory, now=now)
        self._now = now
        self._live = live and memory.seen is not None
        self._first = memory.seen is None

    @property
    def _memory(self) -> Memory:
        return self._ledger.memory

    def result(self, version: int) -> Step:
        self._ledger.set(version=version)
        return self._memory, tuple(self._ledger.changed.values())

    def observe(self, observed: Observed) -> None:
        document, before = observed.document, self._memory.seen
        self._ledger.set(seen=following.look(document, before, self._now))
        self._compare(document)
        self._read_history(observed)
        self._take_operation(observed)
        self._ledger.follow()
        self._notice_restart(document, before)

    def _compare(self, document: ApplicationStatus) -> None:
        revisions = document.sync.revisions if document.sync else ()
        compared = self._memory.compared
        if revisions and (compared is None or compared.revisions != revisions):
            self._ledger.set(compared=Moment(revisions=revisions, at=self._now if self._live else None))

    # The history

    def _read_history(self, observed: Observed) -> None:
        shown, until = _shown_id(observed), self._memory.history_until
        for entry in observed.detail.history:
            started_at = entry.started_at or entry.deployed_at
            at = unix_time(started_at) or 0.0
            if at < until:
                continue
            self._ledger.set(history_until=max(at, self._memory.history_until))
            identity = identify(observed.uid, started_at)
            current = self._memory.current
            if identity in self._memory.known or identity == shown:
                continue
            if current is not None and current.id == identity:
                self._ledger.conclude(conclude(current, "Succeeded", unix_time(entry.deployed_at)))
            else:
                self._seed(observed, identity, entry)

    def _seed(self, observed: Observed, identity: str, entry: HistoryEntry) -> None:
        """Take from the history what nobody saw. Of what was there at the first look, the last alone is followed."""
        newest = entry is observed.detail.history[-1]
        deployment = found(identity, observed, entry)
        seen = self._memory.seen
        if not newest or (self._first and seen is not None and seen.health == "Healthy"):
            deployment = msgspec.structs.replace(deployment, outcome=Outcome.SUCCEEDED)
        self._ledger.conclude(deployment)

    # Operations

    def _take_operation(self, observed: Observed) -> None:
        operation = observed.document.operation
        detail = observed.detail.operation or OperationDetail()
        if operation is None:
            return
        if operation.started_at is None:
            self._note_request(operation.revisions)
            return
        identity = identify(observed.uid, operation.started_at, nature_of(detail))
        if identity in self._memory.known:
            return
        current = self._memory.current
        if current is None or current.id != identity:
            started_at = unix_time(operation.started_at)
            if started_at is None or started_at < (self._memory.latest_start or 0.0):
                return
            current = self._begin(observed, identity, started_at)
        before = current
        current = progress(current, operation, detail)
        if operation.phase in COMPLETED:
            self._ledger.conclude(conclude(current, operation.phase, unix_time(operation.finished_at)))
        else:
            self._ledger.set(current=current)
            if current != before or current.id in self._ledger.changed:
                self._ledger.tell(current)

    def _note_request(self, revisions: tuple[str, ...]) -> None:
        requested = self._memory.requested
        if requested is None or requested.revisions != revisions:
            self._ledger.set(requested=Moment(revisions=revisions, at=self._now if self._live else None))

    def _begin(self, observed: Observed, identity: str, started_at: float) -> Deployment:
        memory = self._memory
        if memory.current is not None:
            self._lose(memory.current, observed)
        requested = memory.requested
        requested_at = requested.at if requested else None
        deployment = begin(
            identity, observed, started_at, requested_at=requested_at, seeded=self._first and _has_ended(observed)
        )
        deployment = self._ledger.judge(deployment)
        deployment = msgspec.structs.replace(deployment, compared_at=self._compared_at(deployment, requested_at))
        self._ledger.set(requested=None, latest_start=started_at)
        last = self._memory.last
        if deployment.counts and last is not None and deployment.revisions != last.revisions:
            self._ledger.supersede(last, deployment)
        self._ledger.tell(deployment)
        return deployment

    def _compared_at(self, deployment: Deployment, requested_at: float | None) -> float | None:
        """When Argo CD first compared with these revisions. Automation requests first and shows it a moment later."""
        last = self._memory.last
        if not deployment.counts or (last is not None and last.revisions == deployment.revisions):
            return None
        compared = self._memory.compared
        moments = [compared.at] if compared is not None and compared.revisions == deployment.revisions else []
        if deployment.automated:
            moments.append(requested_at)
        known = [at for at in moments if at is not None]
        return min(known) if known and (not moments or moments[0] is not None) else None

    def _lose(self, lost: Deployment, observed: Observed) -> None:
        """Give up on an operation whose end nobody saw; the history, which knows of successes, doesn't have it."""
        starts = [unix_time(entry.started_at or entry.deployed_at) for entry in observed.detail.history]
        reaches = any(start is not None and start < (lost.started_at or 0.0) for start in starts)
        if lost.counts and reaches:
            lost = msgspec.structs.replace(lost, message="its end wasn't seen, and the history doesn't have it")
            self._ledger.conclude(conclude(lost, "Failed", None))
        else:
            self._ledger.close(msgspec.structs.replace(lost, outcome=Outcome.SUPERSEDED, message="its end wasn't seen"))

    def _notice_restart(self, document: ApplicationStatus, before: following.Seen | None) -> None:
        memory = self._memory
        operation = document.operation
        idle = memory.current is None and (operation is None or operation.phase in COMPLETED)
        leaving = document.deletion_timestamp is not None
        undecided = memory.last is not None and memory.last.outcome is Outcome.PROGRESSING
        assert memory.seen is not None
        if not (self._live and idle) or undecided or leaving:
            return
        latest = memory.restart.started_at if memory.restart else None
        since = memory.seen.since or 0.0
        if following.notice_restart(before, memory.seen, memory.ended_at) and (
            latest is None or since - latest > following.RESTARTS_APART
        ):
            images = memory.last.images if memory.last else None
            restart = following.restart(document, memory.uid, memory.seen, images)
            self._ledger.set(restart=restart)
            self._ledger.tell(restart)


def _has_ended(observed: Observed) -> bool:
    operation = observed.document.operation
    return operation is not None and operation.phase in COMPLETED


def _shown_id(observed: Observed) -> str | None:
    operation = observed.document.operation
    if operation is None or operation.started_at is None:
        return None
    return identify(observed.uid, operation.started_at, nature_of(observed.detail.operation or OperationDetail()))
