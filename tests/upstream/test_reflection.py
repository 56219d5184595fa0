"""Whatever Argo CD loses, delays, denies or fails, in any order: the store never lies, and converges.

A model of Argo CD (`cluster`) is driven against the real reflector and store. When faults end, two reconcile intervals
later the store equals the model.
"""

from __future__ import annotations

from collections import deque

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.model.application import ApplicationStatus
from gateway.store.state import Store
from gateway.upstream import messages as m
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.reflector import Reflector
from gateway.upstream.removal import PERMISSION_LOST
from gateway.upstream.timing import Timing
from tests.effort import examples
from tests.upstream.cluster import REPLICAS, Cluster, Stream, told

START = 1_795_000_000.0
TIMING = Timing(reconcile_interval=100.0)
LONGEST_LAG = 20.0
"""Seconds that a replica or a stream lags at most. Lagging for an interval looks like a backup brought back."""

GUARDED = "guarded"
"""The project whose permission comes and goes."""

PROJECTS = {"argocd/a": "open", "argocd/b": "open", "apps/a": GUARDED, "apps/b": GUARDED, "apps/c": "open"}
keys = st.sampled_from(sorted(PROJECTS))
replicas = st.integers(0, REPLICAS - 1)
mostly = st.sampled_from((True, True, False))


class Reflection(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.cluster = Cluster()
        self.store = Store()
        self.jitter = 0.5
        self.reflector = Reflector(store=self.store, timing=TIMING, now=self.now, jitter=lambda: self.jitter)
        self.shown: dict[str, ApplicationStatus] = {}
        """What subscribers see."""
        self.went_back = False
        """Whether a backup was brought back: versions begin anew."""
        self.opening: dict[int, bool] = {}
        self.streams: dict[int, Stream] = {}
        self.asked: dict[int, m.Command] = {}
        self.opened = self.closed = 0
        self.healthy = True
        self.refused = False
        self.unnoticed_denial = False
        """Whether a list was made while permission was lost, which the reflector hasn't found out."""
        self.partial_since: float | None = None
        """When the first list was partial."""
        self.requested: deque[float] = deque()
        """When requests were made since all are refused."""

    @initialize(jitter=st.floats(0.25, 0.999), count=st.integers(0, len(PROJECTS)))
    def begin(self, jitter: float, count: int) -> None:
        self.jitter = jitter
        for key in sorted(PROJECTS)[:count]:
            self.cluster.put(key, PROJECTS[key], self.now)
        self.cluster.catch_up_to(self.now)
        self.tell(m.TimePassed())

    # What happens in the cluster

    @rule(key=keys)
    def put(self, key: str) -> None:
        self.cluster.put(key, PROJECTS[key], self.now)

    @precondition(lambda self: self.cluster.existing)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.cluster.delete(data.draw(st.sampled_from(sorted(self.cluster.existing))), self.now)

    @rule(replica=replicas, steps=st.integers(1, 5))
    def catch_up(self, replica: int, steps: int) -> None:
        self.cluster.catch_up(replica, steps)

    # Faults

    @precondition(lambda self: self.may_turn_permission)
    @rule()
    def turn_permission(self) -> None:
        self.cluster.denied ^= {GUARDED}

    @property
    def may_turn_permission(self) -> bool:
        """Not between a list and the question that it leads to: nothing could tell that from a deletion."""
        if any(isinstance(asked, m.FetchPermissions) for asked in self.asked.values()):
            return False
        return not self.unnoticed_denial or self.reflector.liveness.has_fault(PERMISSION_LOST)

    @rule(healthy=mostly)
    def turn_health(self, healthy: bool) -> None:
        self.healthy = healthy
        self.requested.clear()

    @rule(accepted=mostly)
    def turn_refusal(self, accepted: bool) -> None:
        self.refused = not accepted
        self.requested.clear()

    @precondition(lambda self: self.streams)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.cluster.lose(self.streams[data.draw(st.sampled_from(sorted(self.streams)))])

    @precondition(lambda self: self.streams)
    @rule(data=st.data(), kind=st.sampled_from((Kind.ENDED, Kind.UNREACHABLE)))
    def cut(self, data: st.DataObject, kind: Kind) -> None:
        self.end(data.draw(st.sampled_from(sorted(self.streams))), kind)

    @precondition(lambda self: self.asked and not self.refused)
    @rule(data=st.data(), kind=st.sampled_from((Kind.UNREACHABLE, Kind.ANSWERED_BADLY, Kind.TOO_LARGE)))
    def fail(self, data: st.DataObject, kind: Kind) -> None:
        request = data.draw(st.sampled_from(sorted(self.asked)))
        del self.asked[request]
        self.tell(m.RequestFailed(request=request, failure=Failure(kind, "")))

    @precondition(lambda self: self.may_list_partially)
    @rule(data=st.data(), missing=keys)
    def list_partially(self, data: st.DataObject, missing: str) -> None:
        """A cache that is still being filled says so neither by its version nor, for a moment, by its health."""
        request = data.draw(st.sampled_from(self.names_asked))
        del self.asked[request]
        names, version = self.cluster.list_names(0)
        names.pop(missing, None)
        self.partial_since = self.partial_since or self.now
        self.unnoticed_denial |= bool(self.cluster.denied)
        self.tell(m.NamesFetched(request=request, names=names, version=version))

    @property
    def may_list_partially(self) -> bool:
        since = self.partial_since
        return bool(self.names_asked) and (since is None or self.now < since + TIMING.removal_confirm - 1)

    @property
    def names_asked(self) -> list[int]:
        return [number for number, asked in self.asked.items() if isinstance(asked, m.FetchNames)]

    # Argo CD's answers, in any order

    @precondition(lambda self: self.opening)
    @rule(data=st.data(), replica=replicas)
    def accept(self, data: st.DataObject, replica: int) -> None:
        self.accept_watch(data.draw(st.sampled_from(sorted(self.opening))), replica)

    @precondition(lambda self: self.streams)
    @rule(data=st.data(), most=st.integers(1, 4))
    def read(self, data: st.DataObject, most: int) -> None:
        self.send(data.draw(st.sampled_from(sorted(self.streams))), most)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), replica=replicas)
    def answer(self, data: st.DataObject, replica: int) -> None:
        self.answer_request(data.draw(st.sampled_from(sorted(self.asked))), replica)

    @rule(replica=replicas)
    def answer_all(self, replica: int) -> None:
        """As it is most of the time: all that was asked is answered, and all that there is is sent."""
        self.settle(replica)

    # Time

    @rule(seconds=st.sampled_from((0.5, 1.0, 3.0, 10.0)))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(seconds=st.sampled_from((12.0, 50.0, 130.0)), replica=replicas)
    def wait_long(self, seconds: float, replica: int) -> None:
        """Let time pass in which everything is answered at once."""
        end = self.now + seconds
        while self.now < end:
            self.settle(replica)
            self.pass_time(min(end - self.now, 1.0))

    @precondition(lambda self: not self.refused)
    @rule()
    def change_token(self) -> None:
        self.tell(m.TokenChanged())

    # Promises

    @invariant()
    def few_watches_are_open(self) -> None:
        assert self.opened - self.closed <= 3
        assert self.opened - self.closed == len(self.opening) + len(self.streams)

    @invariant()
    def few_requests_are_made_while_refused(self) -> None:
        while self.requested and self.requested[0] < self.now - 60:
            self.requested.popleft()
        assert len(self.requested) <= 12

    def teardown(self) -> None:
        if self.opened:
            self.end_faults()
            self.expect_convergence()
            self.bring_back_a_backup()

    def end_faults(self) -> None:
        self.healthy, self.refused = True, False
        self.settle(0)
        self.cluster.denied = frozenset()
        self.cluster.catch_up_to(self.now)
        self.tell(m.TokenChanged())

    def expect_convergence(self) -> None:
        end = self.now + 2 * 1.2 * TIMING.reconcile_interval + TIMING.removal_confirm
        while self.now < end:
            self.settle(0)
            self.pass_time_to(min(end, self.reflector.deadline(self.now) or end, self.now + 15))
        self.settle(0)
        shown = {key: told(document)[0] for key, document in self.shown.items()}
        assert shown == {key: one.version for key, one in self.cluster.existing.items()}
        upstream = self.reflector.upstream(self.now)
        assert (upstream.state, upstream.reason) == ("live", None)
        assert not self.asked

    def bring_back_a_backup(self) -> None:
        """Where most of it is older than what we hold, it is noticed; see RestoreCheck."""
        backup = self.cluster.version // 2
        held = {key: observed.version for key, observed in self.store.held.items()}
        self.cluster.restore(backup)
        older = [one for key, one in self.cluster.existing.items() if held.get(key, 0) > one.version]
        if len(older) * 2 > len(self.cluster.existing):
            self.went_back = True
            while self.streams:
                self.end(next(iter(self.streams)), Kind.UNREACHABLE)
            self.expect_convergence()

    # How the reflector is fed

    def tell(self, report: m.Report) -> None:
        commands = self.reflector.handle(report, self.now)
        self.follow()
        for command in commands:
            match command:
                case m.OpenWatch():
                    self.opening[command.stream] = command.burst
                    self.opened += 1
                    self.note_request()
                case m.CloseWatch():
                    known = self.opening.pop(command.stream, None) is not None
                    known |= self.streams.pop(command.stream, None) is not None
                    self.closed += known
                case m.FetchHealth():
                    self.asked[command.request] = command
                case m.FetchNames() | m.FetchPermissions():
                    self.asked[command.request] = command
                    self.note_request()
        if self.reflector.liveness.has_fault(PERMISSION_LOST):
            self.unnoticed_denial = False

    def follow(self) -> None:
        """Fold what came out, as a subscriber does, and see that it is right."""
        for change in self.store.take():
            assert change.before != change.after
            assert change.before == self.shown.pop(change.key, None)
            if change.after is not None:
                self.shown[change.key] = change.after
            if change.before is None or self.went_back:
                continue
            version, born = told(change.before)
            if change.after is not None:
                assert told(change.after)[0] > version, "back to an older version"
            elif (living := self.cluster.existing.get(change.key)) is not None:
                assert living.born > born, f"{change.key} lives"

    def note_request(self) -> None:
        if self.refused and self.healthy:
            self.requested.append(self.now)

    def accept_watch(self, stream: int, replica: int) -> None:
        burst = self.opening.pop(stream)
        self.streams[stream] = self.cluster.begin_watch(burst=burst, replica=replica, now=self.now)
        if self.refused:
            self.end(stream, Kind.REFUSED)

    def send(self, stream: int, most: int) -> None:
        sent = self.cluster.send(self.streams[stream], most)
        if sent and not self.streams[stream].opened:
            self.streams[stream].opened = True
            self.tell(m.StreamOpened(stream=stream))
        if stream in self.streams and (sent or self.streams[stream].opened):
            self.tell(m.StreamRead(stream=stream, events=tuple(sent)))

    def end(self, stream: int, kind: Kind) -> None:
        del self.streams[stream]
        self.closed += 1
        self.tell(m.StreamEnded(stream=stream, failure=Failure(kind, "")))

    def answer_request(self, request: int, replica: int) -> None:
        asked = self.asked.pop(request)
        unhealthy = not self.healthy and not isinstance(asked, m.FetchPermissions)
        if unhealthy or (self.refused and not isinstance(asked, m.FetchHealth)):
            kind = Kind.UNHEALTHY if unhealthy else Kind.REFUSED
            self.tell(m.RequestFailed(request=request, failure=Failure(kind, "")))
            return
        match asked:
            case m.FetchHealth():
                self.tell(m.HealthFetched(request=request))
            case m.FetchPermissions():
                denied = self.cluster.denied & {*asked.projects}
                self.tell(m.PermissionsFetched(request=request, logged_in=True, denied=denied))
            case m.FetchNames():
                names, version = self.cluster.list_names(replica)
                if asked.projects:
                    names = {key: project for key, project in names.items() if project in asked.projects}
                self.unnoticed_denial |= bool(self.cluster.denied)
                self.tell(m.NamesFetched(request=request, names=names, version=version))

    def settle(self, replica: int) -> None:
        """Answer and send all there is."""
        for _ in range(50):
            busy = bool(self.opening or self.asked)
            for stream in list(self.opening):
                if stream in self.opening:
                    self.accept_watch(stream, replica)
            for request in list(self.asked):
                if request in self.asked:
                    self.answer_request(request, replica)
            for stream in list(self.streams):
                if stream in self.streams:
                    self.send(stream, 1_000)
            if not busy:
                return
        raise AssertionError("it never settles")

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.reflector.deadline(self.now)) is not None and deadline < end:
            self.pass_time_to(deadline)
        self.pass_time_to(end)

    def pass_time_to(self, moment: float) -> None:
        self.now = max(self.now, moment)
        self.cluster.catch_up_to(self.now - LONGEST_LAG)
        for number, stream in list(self.streams.items()):
            if number in self.streams and self.cluster.owes(stream, self.now - LONGEST_LAG):
                self.send(number, 1_000)
        for _ in range(20):
            self.tell(m.TimePassed())
            deadline = self.reflector.deadline(self.now)
            if deadline is None or deadline > self.now:
                return
        raise AssertionError(f"busy loop: {self.reflector!r}")


TestReflection = Reflection.TestCase
TestReflection.settings = settings(
    max_examples=examples(160),
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
