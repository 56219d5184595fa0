"""Argo CD's operations as deployments: exactly the true ones, whatever is missed, repeated or late."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.deployments.deployment import Deployment, Kind, Outcome, RollbackBy, choose, identify, unix_time
from gateway.delivery.deployments.following import RESTART_AFTER, SETTLED
from gateway.delivery.deployments.machine import abort, due, observe, rewind, tick
from gateway.delivery.deployments.memory import Memory
from gateway.model.application import (
    ApplicationStatus,
    Detail,
    Health,
    InitiatedBy,
    Observed,
    Operation,
    OperationDetail,
    Source,
    Sync,
)
from gateway.model.application import Deployment as HistoryEntry
from gateway.model.upstream import rfc3339
from tests.delivery.play import Player, Shown, began_at, shown_in, without
from tests.effort import examples

SERVICES = ("attendance", "auth", "gateway", "inventory", "notification", "sales")
RECORDINGS = ("promotion/stream.sse", "deploy-day/stream.sse", "canary/app.sse")


def played(name: str) -> Player:
    shown = shown_in(name)
    player = Player().play(shown)
    player.pass_time(shown[-1][0] + 600)
    return player


def told(deployments: list[Deployment]) -> list[tuple[str, str, str]]:
    return sorted((one.key.removeprefix("argocd/"), str(one.kind), str(one.outcome)) for one in deployments)


# The recordings, whose truth is known


def test_of_a_promotion_exactly_the_true_deployments_are_found() -> None:
    player = played("promotion/stream.sse")
    assert told(player.deployments(since=began_at("promotion/stream.sse"))) == sorted(
        [
            *((f"store-{service}-dev", "deployment", "succeeded") for service in SERVICES),
            *((f"store-{service}-stage", "deployment", "succeeded") for service in SERVICES),
            ("store-auth-prod", "deployment", "rolled-back"),
            ("store-sales-prod", "deployment", "succeeded"),
            ("store-auth-prod", "rollback", "succeeded"),
            ("trombone-web", "deployment", "succeeded"),
        ]
    )


def test_what_is_no_deployment_is_told_apart() -> None:
    player = played("promotion/stream.sse")
    began = began_at("promotion/stream.sse")
    others = [one for one in player.records.values() if not one.counts and (one.started_at or 0) >= began]
    assert told(others) == [
        ("astrago-core", "restart", "succeeded"),
        ("store-gateway-prod", "self-heal", "succeeded"),
        ("trombone-web", "dry-run", "succeeded"),
        ("trombone-web", "partial", "succeeded"),
    ]
    partial = next(one for one in others if one.kind is Kind.PARTIAL)
    assert partial.resources == ("ConfigMap/trombone-web-config",)


def test_a_git_revert_is_a_rollback_of_what_it_took_back() -> None:
    taken, back = played("promotion/stream.sse").of("store-auth-prod")[-2:]
    assert (back.rollback_of, back.rollback_by) == (taken.id, RollbackBy.REVERT)
    assert (taken.rolled_back_by, taken.rolled_back_at) == (back.id, back.started_at)
    assert taken.images == back.before_images == ("ghcr.io/example/store-auth:sha-5a6b7c8d",)
    assert back.images == taken.before_images == ("ghcr.io/example/store-auth:sha-0f1e2d3c",)


def test_a_sync_by_ci_keeps_what_it_said() -> None:
    deployment = next(one for one in played("promotion/stream.sse").of("trombone-web") if one.info)
    assert dict(deployment.info)["commit"] == "77889900aabbccddeeff00112233445566778899"
    assert (deployment.automated, deployment.initiated_by) == (False, "admin")
    assert deployment.new_images == ()


def test_an_old_pods_image_is_not_what_a_sync_set() -> None:
    for deployment in played("promotion/stream.sse").deployments():
        assert deployment.images is None or len(deployment.images) == 1


def test_healthy_is_what_was_healthy_after_the_sync() -> None:
    began = began_at("promotion/stream.sse")
    healthy = {
        one.key: round((one.healthy_at or 0) - began)
        for one in played("promotion/stream.sse").deployments(since=began)
        if one.key.endswith(("auth-dev", "auth-stage", "sales-prod"))
    }
    assert healthy == {"argocd/store-auth-dev": 84, "argocd/store-auth-stage": 192, "argocd/store-sales-prod": 311}


def test_a_superseded_canary_and_an_aborted_one() -> None:
    first, good, bad = played("canary/app.sse").of("trombone-pay")
    assert (first.seeded, first.outcome) == (True, Outcome.SUCCEEDED)
    assert (good.outcome, good.superseded_by, good.healthy_at) == (Outcome.SUPERSEDED, bad.id, None)
    assert (bad.outcome, bad.rolled_back_how, bad.rolled_back_by) == (Outcome.ROLLED_BACK, RollbackBy.ABORT, bad.id)
    assert rfc3339(bad.rolled_back_at or 0) == rfc3339(bad.degraded_at or 0) == "2026-11-20T23:51:36Z"


def test_of_a_deploy_day_exactly_the_true_deployments_are_found() -> None:
    player = played("deploy-day/stream.sse")
    counted = Counter(one.key.removeprefix("argocd/") for one in player.deployments())
    twice = {"astrago-batch", "astrago-core", "trombone-api", "swkoo-frontend"}
    expected = {name: 2 if name in twice or name.startswith("store-") else 1 for name in counted}
    assert counted == {**expected, "coelho-realtime": 3, "trombone-web": 4}
    assert len(counted) == 28
    assert {one.kind for one in player.records.values() if not one.counts} == {Kind.SELF_HEAL}


def test_a_failed_sync_is_one_deployment_with_all_its_attempts() -> None:
    _, failed, fixed = played("deploy-day/stream.sse").of("coelho-realtime")
    assert (failed.outcome, failed.phase, failed.attempts) == (Outcome.FAILED, "Failed", 6)
    assert (failed.finished_at or 0) - (failed.started_at or 0) == 310
    assert (fixed.kind, fixed.outcome, fixed.attempts) == (Kind.DEPLOYMENT, Outcome.PROGRESSING, 1)


def test_argo_cds_own_rollback_is_one_and_going_forward_again_is_none() -> None:
    _, taken, back, again = played("deploy-day/stream.sse").of("trombone-web")
    assert (taken.outcome, taken.rolled_back_how, taken.rolled_back_by) == (
        Outcome.ROLLED_BACK,
        RollbackBy.ARGOCD,
        back.id,
    )
    assert (back.kind, back.rollback_by, back.outcome) == (Kind.ROLLBACK, RollbackBy.ARGOCD, Outcome.SUPERSEDED)
    assert (again.kind, again.outcome) == (Kind.DEPLOYMENT, Outcome.SUCCEEDED)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_clock_runs_forward(name: str) -> None:
    for one in played(name).records.values():
        moments = [one.started_at, one.finished_at, one.healthy_at]
        known = [at for at in moments if at is not None]
        assert known == sorted(known)
        for at in (one.requested_at, one.compared_at):
            # Argo CD cuts to whole seconds.
            assert at is None or one.started_at is None or at <= one.started_at + 2


# Whatever is missed, repeated or late


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_is_shown_twice_or_late_changes_nothing(name: str) -> None:
    shown = shown_in(name)
    twice = [again for place, one in enumerate(shown) for again in (one, one, shown[max(0, place - 7)])]
    player = Player().play((at, live, observed) for at, live, observed in twice)
    player.pass_time(shown[-1][0] + 600)
    assert player.records == played(name).records


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_memory_that_was_stored_goes_on_as_if_it_had_not_been(name: str) -> None:
    player = Player()
    for at, live, observed in shown_in(name):
        player.pass_time(at)
        player.memories = {
            key: msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
            for key, memory in player.memories.items()
        }
        player.show(observed, now=at, live=live)
    player.pass_time(shown_in(name)[-1][0] + 600)
    assert player.records == played(name).records


def syncs(player: Player) -> set[tuple[str, float | None, tuple[str, ...], bool]]:
    return {
        (one.key, one.started_at, one.revisions, one.counts)
        for one in player.records.values()
        if one.phase == "Succeeded" and one.counts
    }


@settings(max_examples=examples(25), deadline=None)
@given(st.sampled_from(RECORDINGS), st.randoms(use_true_random=False), st.floats(0.05, 0.98))
def test_whatever_is_missed_every_successful_sync_is_found_and_none_invented(
    name: str, dice: Any, share: float
) -> None:
    shown = shown_in(name)
    last = {observed.document.key: place for place, (_, _, observed) in enumerate(shown)}
    # An application that was deleted and made again has another history: of the first nothing is told any more.
    lives: dict[str, set[str]] = {}
    for _, _, observed in shown:
        lives.setdefault(observed.document.key, set()).add(observed.uid)
    kept = {*last.values()}
    fewer = without(shown, lambda place: place not in kept and dice.random() < share)
    player = Player().play((at, False, observed) for at, _, observed in fewer)
    single = {key for key, uids in lives.items() if len(uids) == 1}
    found = {one for one in syncs(player) if one[0] in single}
    true = {one for one in syncs(played(name)) if one[0] in single}
    assert found == true
    invented = {one.id for one in player.records.values() if one.counts} - {*played(name).records}
    assert not invented


# One application, step by step

R1, R2, R3 = ("1" * 40,), ("2" * 40,), ("3" * 40,)
A, B = ("ghcr.io/a/web:sha-aaaa111",), ("ghcr.io/a/web:sha-bbbb222",)
START = 1_795_000_000.0


class Application:
    """An application that a test moves; what it shows goes through the state machine at once."""

    def __init__(self, *, images: bool = True) -> None:
        self.player = Player()
        self.now = START
        self.version = 0
        self.told = images
        self.history: tuple[HistoryEntry, ...] = ()
        self.operation: Operation | None = None
        self.detail = OperationDetail()
        self.health = Health(status="Healthy", since=rfc3339(START - 1000))
        self.sync = Sync(status="Synced", revisions=())
        self.images: tuple[str, ...] = ()

    def show(self, *, live: bool = True) -> tuple[Deployment, ...]:
        self.version += 1
        observed = Observed(
            version=self.version,
            uid="u",
            document=ApplicationStatus(
                key="argocd/web",
                name="web",
                namespace="argocd",
                sources=(Source(repo_url="https://git.example.org/deploy.git", path="web"),),
                sync=self.sync,
                health=self.health,
                operation=self.operation,
                images=self.images,
            ),
            detail=Detail(history=self.history, operation=self.detail),
        )
        return self.player.show(observed, now=self.now, live=live)

    def begin(self, revisions: tuple[str, ...], *, automated: bool = True, **detail: Any) -> None:
        self.now += 100
        by = InitiatedBy(automated=True) if automated else InitiatedBy(username="mira")
        self.operation = Operation(phase="Running", started_at=rfc3339(self.now), revisions=revisions, initiated_by=by)
        self.detail = OperationDetail(**detail)
        self.show()

    def end(self, images: tuple[str, ...] | None, phase: str = "Succeeded", *, seconds: float = 3) -> None:
        assert self.operation is not None
        self.now += seconds
        self.operation = msgspec.structs.replace(self.operation, phase=phase, finished_at=rfc3339(self.now))
        self.detail = msgspec.structs.replace(self.detail, images=images if self.told else None)
        if phase == "Succeeded" and not (self.detail.dry_run or self.detail.resources):
            entry = HistoryEntry(
                id=len(self.history),
                revisions=self.operation.revisions,
                started_at=self.operation.started_at,
                deployed_at=self.operation.finished_at,
            )
            self.history = (*self.history, entry)[-10:]
        self.sync = Sync(status="Synced", revisions=self.operation.revisions)
        self.show()

    def become(self, health: str, *, seconds: float = 5, message: str | None = None, live: bool = True) -> None:
        self.now += seconds
        self.health = Health(status=health, since=rfc3339(self.now), message=message)
        self.show(live=live)

    def deploy(self, revisions: tuple[str, ...], images: tuple[str, ...], **detail: Any) -> Deployment:
        self.begin(revisions, **detail)
        self.end(images)
        self.become("Progressing", seconds=1)
        self.images = images
        self.become("Healthy")
        return self.last

    @property
    def all(self) -> list[Deployment]:
        return self.player.of("web")

    @property
    def last(self) -> Deployment:
        return self.all[-1]


def test_a_deployment_has_its_clocks() -> None:
    web = Application()
    web.deploy(R1, A)
    web.now += 50
    web.sync = Sync(status="OutOfSync", revisions=R2)
    web.show()
    compared = web.now
    web.begin(R2)
    web.end(B)
    web.become("Progressing", seconds=1)
    web.become("Healthy", seconds=30)
    last = web.last
    assert (last.compared_at, last.started_at) == (compared, compared + 100)
    assert (last.finished_at, last.healthy_at) == (compared + 103, compared + 134)
    assert (last.before_images, last.images, last.before_revisions) == (A, B, R1)


def test_the_same_again_is_a_refresh_unless_somebody_says_which_commit_it_brings() -> None:
    web = Application()
    web.deploy(R1, A)
    assert web.deploy(R1, A, automated=False).kind is Kind.REFRESH
    claimed = web.deploy(R1, A, automated=False, info=(("commit", "7788990"),))
    assert claimed.kind is Kind.DEPLOYMENT
    assert web.deploy(R1, A, automated=False, info=(("commit", "7788990"),)).kind is Kind.REFRESH
    assert web.deploy(R1, A, automated=False, info=(("ci", "run 7"),)).kind is Kind.REFRESH


def test_other_images_under_the_same_revision_are_a_deployment() -> None:
    web = Application()
    web.deploy(R1, A)
    assert web.deploy(R1, B).kind is Kind.DEPLOYMENT
    assert web.deploy(R1, A).rollback_by is RollbackBy.REVERT


def test_a_failed_deployment_that_is_tried_again_is_another_one_and_a_revert_takes_it_back() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B, "Failed")
    assert web.last.outcome is Outcome.FAILED
    web.begin(R2)
    web.end(B, "Failed")
    assert web.last.kind is Kind.DEPLOYMENT
    back = web.deploy(R3, A)
    assert (back.kind, back.rollback_of) == (Kind.ROLLBACK, web.all[-2].id)
    assert web.all[-2].outcome is Outcome.FAILED
    assert web.all[-2].rolled_back_by == back.id


def test_a_deployment_that_never_became_healthy_is_superseded_by_the_next() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    web.become("Progressing", seconds=1)
    web.begin(R3)
    assert web.all[1].outcome is Outcome.SUPERSEDED
    assert web.all[1].superseded_by == web.last.id
    web.become("Healthy")
    assert web.all[1].healthy_at is None


def test_what_does_not_count_neither_supersedes_nor_stops_the_following() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    web.become("Progressing", seconds=1)
    for detail in ({"dry_run": True}, {"resources": ("apps/Deployment/web",)}):
        web.begin(R2, **detail)
        web.end(B)
    web.become("Healthy")
    deployment = web.all[1]
    assert (deployment.outcome, deployment.healthy_at) == (Outcome.SUCCEEDED, web.now)
    assert [one.kind for one in web.all[2:]] == [Kind.DRY_RUN, Kind.SELF_HEAL]


def test_a_dry_run_and_the_sync_within_the_same_second_are_two() -> None:
    web = Application()
    web.begin(R1, dry_run=True)
    web.end(A, seconds=0)
    web.now -= 100
    web.begin(R1)
    web.end(A, seconds=0)
    assert {one.kind for one in web.all} == {Kind.DRY_RUN, Kind.DEPLOYMENT}


def test_a_retry_is_no_end_and_the_same_deployment() -> None:
    web = Application()
    web.begin(R1)
    assert web.operation is not None
    started = web.operation
    web.operation = msgspec.structs.replace(started, finished_at=rfc3339(web.now + 1), retry_count=1)
    web.show()
    assert (web.last.outcome, web.last.finished_at, web.last.attempts) == (Outcome.RUNNING, None, 1)
    web.operation = msgspec.structs.replace(started, retry_count=1)
    web.show()
    web.end(A)
    assert len(web.all) == 1
    assert (web.last.phase, web.last.attempts) == ("Succeeded", 2)


def test_health_of_the_time_before_does_not_count() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    # Still healthy from before, and nothing runs that was set: nobody has looked again.
    assert web.last.outcome is Outcome.PROGRESSING
    web.become("Progressing")
    web.become("Healthy")
    assert web.last.healthy_at == web.now


def test_what_stands_still_for_a_minute_has_become_healthy_unseen() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    memory = web.player.memories["argocd/web"]
    assert due(memory) == web.now + SETTLED
    memory, changed = tick(memory, now=web.now + SETTLED)
    assert [one.outcome for one in changed] == [Outcome.SUCCEEDED]
    assert changed[0].healthy_at == web.now
    assert due(memory) is None
    assert tick(memory, now=web.now + 3600) == (memory, ())


def test_a_degraded_deployment_has_failed_until_it_is_healthy() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    web.become("Degraded", seconds=60)
    assert (web.last.outcome, web.last.degraded_at) == (Outcome.FAILED, web.now)
    web.become("Healthy", seconds=60)
    assert (web.last.outcome, web.last.healthy_at) == (Outcome.SUCCEEDED, web.now)


@pytest.mark.parametrize("message", ["RolloutAborted: metric failed", "Caused by argoproj.io/Rollout:web/web"])
def test_an_aborted_rollout_takes_its_deployment_back(message: str) -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    web.images = (*A, *B)
    web.become("Progressing", seconds=1)
    web.become("Degraded", seconds=60, message=message)
    aborted_at = web.now
    web.images = A
    web.show()
    assert (web.last.outcome, web.last.rolled_back_at, web.last.rolled_back_how) == (
        Outcome.ROLLED_BACK,
        aborted_at,
        RollbackBy.ABORT,
    )


def test_the_rollout_itself_may_say_that_it_was_aborted() -> None:
    web = Application()
    web.deploy(R1, A)
    assert abort(web.player.memories["argocd/web"], at=web.now)[1] == ()
    web.begin(R2)
    web.end(B)
    _, (aborted,) = abort(web.player.memories["argocd/web"], at=web.now + 7)
    assert (aborted.outcome, aborted.rolled_back_at) == (Outcome.ROLLED_BACK, web.now + 7)


def test_a_restart_is_seen_and_counts_for_nothing() -> None:
    web = Application()
    web.deploy(R1, A)
    web.become("Progressing", seconds=RESTART_AFTER + 100)
    assert (web.last.kind, web.last.counts, web.last.outcome) == (Kind.RESTART, False, Outcome.PROGRESSING)
    web.become("Healthy", seconds=20)
    assert (web.last.outcome, web.last.healthy_at) == (Outcome.SUCCEEDED, web.now)
    web.become("Progressing", seconds=20)
    assert len(web.all) == 2


def test_an_argo_cd_that_does_not_tell_images_is_believed_once_all_has_come_to_rest() -> None:
    web = Application(images=False)
    web.images = A
    web.begin(R1)
    web.end(None)
    web.become("Healthy", seconds=2)
    assert web.last.images is None
    web.player.pass_time(web.now + SETTLED)
    assert web.last.images == A
    web.now += SETTLED
    for revisions, images in ((R2, B), (R3, A)):
        web.begin(revisions)
        web.end(None)
        web.become("Progressing", seconds=1)
        web.images = images
        web.become("Healthy")
        web.player.pass_time(web.now + SETTLED)
        web.now += SETTLED
    assert [one.images for one in web.all] == [A, B, A]
    assert (web.last.kind, web.last.rollback_of) == (Kind.ROLLBACK, web.all[1].id)
    assert web.all[1].rolled_back_by == web.last.id


def test_a_sync_of_changed_resources_alone_sets_no_fewer_images() -> None:
    web = Application()
    both = (*A, "ghcr.io/a/worker:sha-cccc333")
    web.deploy(R1, both)
    last = web.deploy(R2, B, only_changed=True)
    assert last.images == tuple(sorted({*B, both[1]}))
    assert last.new_images == B


def test_the_history_tells_what_happened_before_and_nothing_twice() -> None:
    seen = Application()
    for revisions, images in ((R1, A), (R2, B), (R1, A)):
        seen.deploy(revisions, images)
    late = Application()
    late.__dict__.update({**seen.__dict__, "player": Player()})
    late.show(live=False)
    assert [one.id for one in late.all] == [one.id for one in seen.all]
    assert [one.kind for one in late.all] == [Kind.DEPLOYMENT, Kind.DEPLOYMENT, Kind.ROLLBACK]
    assert all(one.seeded and one.healthy_at is None for one in late.all)
    assert [one.images for one in late.all] == [None, None, A]
    assert [choose(old, new) for old, new in zip(seen.all, late.all, strict=True)] == seen.all
    assert late.show(live=False) == ()


def test_a_history_of_hundreds_is_read_once() -> None:
    web = Application()
    web.history = tuple(
        HistoryEntry(id=number, revisions=(f"{number:040}",), started_at=rfc3339(at), deployed_at=rfc3339(at + 2))
        for number, at in ((number, START - 100_000 + number * 100) for number in range(300))
    )
    assert len(web.show(live=False)) == 300
    assert web.show() == ()
    # What was on its way when the history got its entry is not found a second time.
    web.deploy(R1, A)
    assert len(web.all) == 301


def test_a_deployment_that_became_healthy_while_nobody_looked_is_not_superseded() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.end(B)
    web.become("Progressing", seconds=1)
    web.health = Health(status="Healthy", since=rfc3339(web.now + 40))
    web.begin(R3)
    deployment = web.all[1]
    assert (deployment.outcome, deployment.superseded_by) == (Outcome.SUCCEEDED, None)
    assert deployment.healthy_at == (deployment.finished_at or 0) + 41


def test_a_way_back_to_a_revision_whose_images_nobody_saw_is_one_and_forward_again_is_none() -> None:
    web = Application()
    web.history = (HistoryEntry(id=0, revisions=R1, started_at=rfc3339(START - 500), deployed_at=rfc3339(START - 498)),)
    web.health = Health(status="Progressing", since=rfc3339(START - 490))
    web.show(live=False)
    web.deploy(R2, B)
    back = web.deploy(R1, A)
    assert (back.kind, back.rollback_by) == (Kind.ROLLBACK, RollbackBy.ARGOCD)
    assert web.deploy(R3, B).kind is Kind.DEPLOYMENT


def test_what_runs_at_the_first_look_is_what_the_last_deployment_set_if_all_rests() -> None:
    web = Application()
    web.history = (HistoryEntry(id=0, revisions=R1, started_at=rfc3339(START - 500), deployed_at=rfc3339(START - 498)),)
    web.health = Health(status="Healthy", since=rfc3339(START - 400))
    web.images = A
    web.show(live=False)
    assert web.last.images == A
    assert (web.last.outcome, web.last.healthy_at, web.last.seeded) == (Outcome.SUCCEEDED, None, True)
    web.deploy(R2, B)
    assert web.deploy(R3, A).rollback_by is RollbackBy.REVERT


def test_what_was_found_tells_the_end_of_what_was_left_unseen() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    left = web.last
    assert left.outcome is Outcome.RUNNING
    web.end(B)
    web.become("Progressing", seconds=1)
    web.become("Healthy", seconds=60)
    web.player.memories.clear()
    web.show(live=False)
    assert (web.last.outcome, web.last.phase, web.last.images) == (Outcome.SUCCEEDED, "Succeeded", B)
    assert not web.last.seeded


def test_an_operation_whose_end_was_missed_has_failed_if_the_history_lacks_it() -> None:
    web = Application()
    web.deploy(R1, A)
    web.begin(R2)
    web.begin(R3)
    lost = web.all[1]
    assert (lost.outcome, lost.finished_at) == (Outcome.FAILED, None)
    assert "wasn't seen" in (lost.message or "")


def test_an_application_made_again_begins_anew() -> None:
    web = Application()
    web.deploy(R1, A)
    memory = web.player.memories["argocd/web"]
    again = Observed(
        version=web.version + 1,
        uid="another",
        document=ApplicationStatus(key="argocd/web", name="web", namespace="argocd"),
        detail=Detail(),
    )
    memory, changed = observe(memory, again, now=web.now, live=True)
    assert (memory.uid, memory.last, changed) == ("another", None, ())


def test_after_versions_went_back_older_ones_count_again() -> None:
    web = Application()
    web.deploy(R1, A)
    web.version = 0
    web.begin(R2)
    assert len(web.all) == 1
    web.player.memories["argocd/web"] = rewind(web.player.memories["argocd/web"])
    web.show()
    assert len(web.all) == 2


def test_an_id_is_stable_and_tells_natures_apart() -> None:
    assert identify("u", "2026-11-20T23:17:48Z") == identify("u", "2026-11-20T23:17:48Z")
    assert len({identify("u", "t"), identify("v", "t"), identify("u", "t2"), identify("u", "t", "dry-run")}) == 4


def test_a_time_that_is_none_is_unknown() -> None:
    assert unix_time("2026-11-20T23:17:48Z") == 1_795_216_668.0
    assert unix_time(None) is unix_time("") is unix_time("soon") is unix_time("2026-11-20T23:17:48") is None


def test_shown_is_what_the_store_accepted() -> None:
    shown: tuple[Shown, ...] = shown_in("promotion/stream.sse")
    assert len(shown) > 300
