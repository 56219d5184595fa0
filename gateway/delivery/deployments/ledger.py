"""The books of one application: what ended is entered, and what it means for the deployments before it.

A working copy of the memory, for one observation.
"""

import msgspec

from gateway.delivery.deployments import following
from gateway.delivery.deployments.course import carry_over
from gateway.delivery.deployments.deployment import Deployment, Kind, Outcome, RollbackBy
from gateway.delivery.deployments.following import Seen
from gateway.delivery.deployments.memory import Memory
from gateway.delivery.deployments.past import before, judge, remember

KNOWN = 100
"""Ended operations of an application that are recognised when shown again."""


class Ledger:
    """One observation's work; ``changed`` are the records of which more is known than before."""

    def __init__(self, memory: Memory, *, now: float) -> None:
        self.memory = memory
        self.changed: dict[str, Deployment] = {}
        self._now = now
        self._first = memory.seen is None

    def set(self, **fields: object) -> None:
        """Replace parts of the memory."""
        self.memory = msgspec.structs.replace(self.memory, **fields)

    def tell(self, deployment: Deployment) -> None:
        """Note that more is known of a deployment."""
        self.changed[deployment.id] = deployment

    def conclude(self, deployment: Deployment) -> None:
        """An operation has ended, or was found to have: decide what it was, and what that means for those before."""
        last = self.memory.last
        deployment = self.judge(carry_over(deployment, last.images if last else None))
        seen = self.memory.seen
        if self._first and deployment.counts and _rests(deployment, seen, self._now):
            deployment = msgspec.structs.replace(deployment, outcome=Outcome.SUCCEEDED)
        if not deployment.counts and deployment.phase == "Succeeded":
            deployment = msgspec.structs.replace(deployment, outcome=Outcome.SUCCEEDED)
        self.close(deployment)
        if deployment.counts:
            self._succeed(deployment)

    def close(self, deployment: Deployment) -> None:
        """Enter an operation that has ended, and isn't to be taken for a new one when it is shown again."""
        memory = self.memory
        current = memory.current if memory.current and memory.current.id != deployment.id else None
        ends = [at for at in (memory.ended_at, deployment.finished_at) if at is not None]
        starts = [at for at in (memory.latest_start, deployment.started_at) if at is not None]
        self.set(
            known=(*memory.known, deployment.id)[-KNOWN:],
            current=current,
            ended_at=max(ends, default=None),
            latest_start=max(starts, default=None),
        )
        self.tell(deployment)

    def _succeed(self, deployment: Deployment) -> None:
        """Put a deployment into the past, and before it those that it takes back or supersedes."""
        memory = self.memory
        self.set(past=remember(memory.past, deployment))
        last = memory.last
        if last is not None and (last.started_at or 0.0) > (deployment.started_at or 0.0):
            return
        if last is not None and not self._roll_back(deployment):
            self.supersede(last, deployment)
        self._end_restart(deployment)
        self.set(previous=self.memory.last, last=deployment)

    def judge(self, deployment: Deployment) -> Deployment:
        """Return the record with what it is in the light of those before it."""
        memory = self.memory
        earlier = before(memory.past, deployment.started_at, deployment.id)
        done = [entry for entry in earlier if not entry.failed]
        previous = done[-1] if done else None
        last_info = memory.last.info if memory.last and memory.last.id != deployment.id else ()
        verdict = judge(deployment, earlier, last_info)
        return msgspec.structs.replace(
            deployment,
            kind=verdict.kind,
            rollback_of=verdict.of,
            rollback_by=verdict.by,
            before_revisions=previous.revisions if previous else (),
            before_images=previous.images if previous else (),
        )

    def _roll_back(self, deployment: Deployment) -> bool:
        """Mark what a rollback took back; whether that is the last one."""
        memory = self.memory
        if deployment.kind is not Kind.ROLLBACK or deployment.phase != "Succeeded":
            return False
        for name, target in (("last", memory.last), ("previous", memory.previous)):
            if target is not None and target.id == deployment.rollback_of and target.rolled_back_how is None:
                taken = msgspec.structs.replace(
                    target,
                    outcome=Outcome.FAILED if target.phase != "Succeeded" else Outcome.ROLLED_BACK,
                    rolled_back_at=deployment.started_at,
                    rolled_back_by=deployment.id,
                    rolled_back_how=deployment.rollback_by or RollbackBy.REVERT,
                    superseded_by=None,
                )
                self.set(**{name: taken})
                self.tell(taken)
                return name == "last"
        return False

    def supersede(self, last: Deployment, newer: Deployment) -> None:
        """A newer deployment has begun: the last one won't become healthy any more, if it isn't."""
        seen = self.memory.seen
        if seen is not None and seen.since is not None and seen.since <= (newer.started_at or 0.0):
            # It may have become so while nobody looked.
            self._follow_last(last, seen)
            last = self.memory.last or last
        if last.outcome in (Outcome.PROGRESSING, Outcome.RUNNING) and last.healthy_at is None:
            superseded = msgspec.structs.replace(last, outcome=Outcome.SUPERSEDED, superseded_by=newer.id)
            self.set(last=superseded)
            self.tell(superseded)

    def follow(self) -> None:
        """Take what the application shows for what became of the last deployment, and of a restart."""
        memory = self.memory
        seen, last, restart = memory.seen, memory.last, memory.restart
        if seen is None:
            return
        if last is not None and last.id != (memory.current.id if memory.current else None):
            self._follow_last(last, seen)
        if restart is not None and restart.outcome in (Outcome.PROGRESSING, Outcome.FAILED):
            followed = following.follow(restart, seen, self._now)
            if followed != restart:
                self.set(restart=followed)
                self.tell(followed)

    def _follow_last(self, last: Deployment, seen: Seen) -> None:
        followed = following.follow(last, seen, self._now)
        if self.memory.current is None:
            # What a running operation has applied by now may run already.
            followed = following.settle_images(followed, seen, self._now)
        if followed.images != last.images:
            followed = self.judge(followed)
            self.set(past=remember(self.memory.past, followed))
            self._roll_back(followed)
        if followed != last:
            self.set(last=followed)
            self.tell(followed)

    def _end_restart(self, newer: Deployment) -> None:
        restart = self.memory.restart
        if restart is not None and restart.outcome is Outcome.PROGRESSING:
            ended = msgspec.structs.replace(restart, outcome=Outcome.SUPERSEDED, superseded_by=newer.id)
            self.set(restart=ended)
            self.tell(ended)


def _rests(deployment: Deployment, seen: Seen | None, now: float) -> bool:
    """Whether what was found at the first look had become healthy before, nobody knows when."""
    if seen is None or seen.health != "Healthy" or deployment.phase != "Succeeded":
        return False
    return seen.sync == "Synced" or now - (deployment.finished_at or now) >= following.SETTLED
