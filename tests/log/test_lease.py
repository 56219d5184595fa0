"""The lease: whoever was paused and wakes up writes nothing, and when a leader is lost another leads in time.

A state machine over leases with clocks of their own, and over what Redis does in one step. Requests and answers may be
held back for as long as it likes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.log.lease import Claim, Lease, Step
from tests.effort import examples

DURATION = 5.0
NAMES = ("a", "b", "c")


class FakeRedis:
    """What the scripts do: one claim, a counter of tokens, and a log that only the holder may write to."""

    def __init__(self) -> None:
        self.claim = Claim()
        self.tokens = 0
        self.log: list[int] = []
        """The token of each entry's writer."""

    def take(self, seen: Claim, name: str) -> Claim | None:
        if seen != self.claim:
            return None
        self.tokens += 1
        self.claim = Claim(holder=f"{self.tokens}:{name}", beats=self.claim.beats + 1)
        return self.claim

    def beat(self, holder: str) -> Claim | None:
        if self.claim.holder != holder:
            return None
        self.claim = Claim(holder=holder, beats=self.claim.beats + 1)
        return self.claim

    def release(self, holder: str) -> None:
        if self.claim.holder == holder:
            self.claim = Claim(holder="", beats=self.claim.beats)

    def append(self, holder: str) -> bool:
        if self.claim.holder != holder:
            return False
        self.log.append(int(holder.partition(":")[0]))
        return True


@dataclass
class Replica:
    """A replica: its lease, how its clock differs, and the answers that haven't come yet."""

    lease: Lease
    skew: float
    answers: list[Callable[[float], None]] = field(default_factory=list)

    def now(self, time: float) -> float:
        return time + self.skew


class Race(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.time = 1_000.0
        self.redis = FakeRedis()
        self.replicas = [
            Replica(Lease(name, duration=DURATION), skew)
            for name, skew in zip(NAMES, (0.0, 3_600.0, -86_400.0), strict=True)
        ]

    replicas_ = st.integers(0, len(NAMES) - 1)

    @rule(seconds=st.sampled_from((0.1, 0.5, 1.0, 1.3, 4.9, 5.1, 30.0)))
    def pass_time(self, seconds: float) -> None:
        self.time += seconds

    @rule(which=replicas_)
    def read(self, which: int) -> None:
        replica = self.replicas[which]
        if replica.lease.held is None:
            replica.lease.observe(self.redis.claim, replica.now(self.time))

    @rule(which=replicas_)
    def lose_sight(self, which: int) -> None:
        self.replicas[which].lease.lose_sight()

    @rule(which=replicas_)
    def act(self, which: int) -> None:
        """Let a replica do what is due; the request comes through at once, its answer some time."""
        replica = self.replicas[which]
        lease, sent_at = replica.lease, replica.now(self.time)
        match lease.due(sent_at):
            case Step.TAKE:
                assert lease.seen is not None
                taken, claim = self.redis.take(lease.seen, lease.name), self.redis.claim
                if taken is not None:
                    replica.answers.append(lambda _: lease.taken(taken, sent_at))
                else:
                    replica.answers.append(lambda now: lease.refused(claim, now))
                # Nothing else is asked until the answer has come.
            case Step.BEAT:
                assert lease.held is not None
                beaten, claim = self.redis.beat(lease.held.holder), self.redis.claim
                if beaten is not None:
                    replica.answers.append(lambda _: lease.beaten(beaten, sent_at))
                else:
                    replica.answers.append(lambda now: lease.refused(claim, now))
            case Step.STEP_DOWN:
                lease.release()

    @precondition(lambda self: any(replica.answers for replica in self.replicas))
    @rule(which=replicas_)
    def hear(self, which: int) -> None:
        replica = self.replicas[which]
        if replica.answers:
            replica.answers.pop(0)(replica.now(self.time))

    @rule(which=replicas_)
    def lose_answers(self, which: int) -> None:
        self.replicas[which].answers.clear()

    @rule(which=replicas_)
    def write(self, which: int) -> None:
        """Let whoever believes that it leads write, however long ago it found that out."""
        lease = self.replicas[which].lease
        if lease.held is not None and not self.redis.append(lease.held.holder):
            lease.refused(self.redis.claim, self.replicas[which].now(self.time))

    @rule(which=replicas_)
    def hand_over(self, which: int) -> None:
        lease = self.replicas[which].lease
        if lease.held is not None:
            self.redis.release(lease.held.holder)
            lease.release()

    @invariant()
    def nobody_writes_behind_a_later_leader(self) -> None:
        assert self.redis.log == sorted(self.redis.log)

    @invariant()
    def only_one_may_write(self) -> None:
        able = [each for each in self.replicas if each.lease.held and each.lease.held.holder == self.redis.claim.holder]
        assert len(able) <= 1

    def teardown(self) -> None:
        """However it stands: with everybody awake, somebody leads within the lease's time."""
        for replica in self.replicas:
            replica.answers.clear()
        end = self.time + DURATION + 1.0
        while self.time < end:
            for which in range(len(self.replicas)):
                self.read(which)
                self.act(which)
                while self.replicas[which].answers:
                    self.hear(which)
            self.time += 0.25
        leading = [each.lease for each in self.replicas if each.lease.held is not None]
        assert [lease.held.holder for lease in leading if lease.held] == [self.redis.claim.holder]


TestRace = pytest.mark.timeout(600)(Race.TestCase)
TestRace.settings = settings(max_examples=examples(40), stateful_step_count=50, deadline=None)


def make(name: str = "a", duration: float = DURATION) -> Lease:
    return Lease(name, duration=duration)


def test_a_free_lease_is_taken_at_once() -> None:
    lease = make()
    assert lease.due(0.0) is None, "before anything was seen"
    lease.observe(Claim(), 0.0)
    assert lease.due(0.0) is Step.TAKE


def test_a_claim_that_stands_still_is_taken_after_the_leases_duration_and_no_sooner() -> None:
    lease = make()
    lease.observe(Claim(holder="1:b", beats=3), 100.0)
    lease.observe(Claim(holder="1:b", beats=3), 104.0)
    assert (lease.due(104.9), lease.deadline()) == (None, 105.0)
    assert lease.due(105.0) is Step.TAKE


def test_a_beat_begins_the_wait_anew() -> None:
    lease = make()
    lease.observe(Claim(holder="1:b", beats=3), 100.0)
    lease.observe(Claim(holder="1:b", beats=4), 104.0)
    assert lease.due(108.9) is None


def test_what_could_not_be_seen_does_not_count_as_silence() -> None:
    lease = make()
    lease.observe(Claim(holder="1:b", beats=3), 100.0)
    lease.lose_sight()
    assert (lease.due(1_000.0), lease.deadline()) == (None, None)
    lease.observe(Claim(holder="1:b", beats=3), 1_000.0)
    assert lease.due(1_004.9) is None


def test_a_leader_beats_and_steps_down_when_it_could_not() -> None:
    lease = make()
    lease.observe(Claim(), 100.0)
    lease.taken(Claim(holder="1:a", beats=1), 100.0)
    assert (lease.due(100.5), lease.due(101.0)) == (None, Step.BEAT)
    lease.missed(101.0)
    assert lease.due(101.1) is None
    assert lease.due(104.9) is Step.BEAT
    assert lease.due(105.0) is Step.STEP_DOWN


def test_its_own_claim_of_before_is_no_reason_to_wait() -> None:
    lease = make("a")
    lease.observe(Claim(holder="7:a", beats=3), 100.0)
    assert lease.due(100.0) is Step.TAKE


def test_who_has_resigned_never_takes_it_again() -> None:
    lease = make()
    lease.resign()
    lease.observe(Claim(), 100.0)
    assert (lease.due(1_000.0), lease.deadline()) == (None, None)
    assert repr(lease) == "<Lease of a: resigned, Claim(holder='', beats=0)>"


@pytest.mark.parametrize("duration", [1.0, 5.0, 60.0])
def test_there_is_time_for_several_beats_within_a_lease(duration: float) -> None:
    assert make(duration=duration).interval <= duration / 4


def test_a_hurried_beat_is_due_at_once() -> None:
    lease: Any = make()
    lease.observe(Claim(), 100.0)
    lease.taken(Claim(holder="1:a", beats=1), 100.0)
    lease.hurry()
    assert lease.due(100.0) is Step.BEAT
