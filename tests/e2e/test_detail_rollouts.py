"""A rollout moves in the detail: read while somebody looks, once for all who do, often while it moves."""

from typing import Any

import orjson
import pytest

from gateway.detail.attendance import CALM, MOST
from gateway.detail.clerk import MANIFESTS_AT_ONCE
from gateway.detail.desk import LINGER
from gateway.detail.messages import RolloutEnded
from gateway.detail.rollouts import MOVING, RESTING
from gateway.upstream.family import GROUP
from tests.e2e.fastloop import let_pass, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import STREAM, Subscriber
from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.details import Node, node

PAY = f"{STREAM}/argocd/trombone-pay"
MANIFEST = "/api/v1/applications/trombone-pay/resource"
KEY = "argocd/trombone-pay"


def nodes_of(line: bytes) -> list[Node]:
    nodes: list[Node] = orjson.loads(line)["result"]["nodes"]
    return nodes


TREES = [nodes_of(line) for line in recordings.lines("canary/tree.ndjson")]
READINGS = [orjson.loads(line) for line in recordings.lines("canary/resources.ndjson")]


@pytest.fixture
def canary(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with the recorded canary's application, before anything moves."""
    argocd.put(application("trombone-pay", project="trombone"))
    argocd.details.put_tree(KEY, TREES[0])
    argocd.details.put_manifest(READINGS[0]["manifest"], kind="Rollout", name="trombone-pay")
    return argocd


async def look(stage: Stage) -> Subscriber:
    watcher = await stage.watch(path=PAY)
    await watcher.wait(lambda: watcher.detail["parts"].get("rollouts", {}).get("state") == "ready")
    return watcher


async def play(argocd: FakeArgoCD, *, upto: float, after: float = 0.0) -> None:
    """Let happen what was recorded, at the pace of the recording."""
    trees = zip(recordings.times("canary/tree.ndjson"), TREES, strict=True)
    happenings: list[tuple[float, Any]] = [*trees, *((each["at"], each) for each in READINGS)]
    now = after
    for at, what in sorted(happenings, key=lambda happening: happening[0]):
        if after < at <= upto:
            await let_pass(at - now)
            now = at
            if isinstance(what, list):
                argocd.details.put_tree(KEY, what)
            else:
                name = orjson.loads(what["manifest"])["metadata"]["name"]
                argocd.details.put_manifest(what["manifest"], kind=what["kind"], name=name)
    await let_pass(MOVING + 1.0)
    await settle()


def rollout(name: str, *, kind: str = "Rollout", **more: Any) -> Node:
    return node(kind, name, group=GROUP, **more)


def steps_of(frames: list[Any]) -> list[Any]:
    """What a viewer saw of the step and of the weights, without repetitions."""
    seen: list[Any] = []
    for frame in frames:
        for each in frame.get("changed", {}).get("rollouts", ()):
            standing = (each["phase"], each.get("step"), each["weight"], each["desiredWeight"])
            if standing not in seen[-1:]:
                seen.append(standing)
    return seen


async def test_the_recorded_canaries_move_in_the_stream_to_the_abort_and_its_reason(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        await stage.live()
        watcher = await look(stage)
        before = len(watcher.events)
        await play(canary, upto=120.0)
        assert steps_of([event.data for event in watcher.events[before:]]) == [
            ("Progressing", 1, 0, 20),
            ("Paused", 2, 20, 20),
            ("Progressing", 3, 20, 20),
            ("Progressing", 4, 25, 80),
        ]
        (shown,) = watcher.detail["rollouts"]
        assert shown["stableRevision"]["images"] == ["ghcr.io/example/trombone-pay:v2.0.0-sha0001"]
        assert shown["canaryRevision"]["images"] == ["ghcr.io/example/trombone-pay:v2.1.0-sha0002"]
        (run,) = shown["analysisRuns"]
        assert (run["phase"], run["step"]) == ("Successful", 3)
        assert [each["value"] for each in run["metrics"][0]["values"]] == ["[1]"] * 3
        before = len(watcher.events)
        await play(canary, after=120.0, upto=303.0)
        assert steps_of([event.data for event in watcher.events[before:]]) == [
            ("Progressing", 1, 0, 20),
            ("Paused", 2, 20, 20),
            ("Progressing", 3, 20, 20),
            ("Degraded", None, 0, 0),
        ]
        (shown,) = watcher.detail["rollouts"]
        assert shown["aborted"] is True
        assert "failed (2) > failureLimit (1)" in shown["reason"]
        assert [step["state"] for step in shown["steps"]] == ["done", "done", "failed", "ahead", "ahead"]
        # The analysis of the version before belongs to another rollout.
        (run,) = shown["analysisRuns"]
        assert (run["phase"], run["metrics"][0]["failed"]) == ("Failed", 2)
        assert watcher.detail["parts"]["rollouts"] == {"state": "ready"}


async def test_two_viewers_share_one_reader_and_nothing_is_read_after_the_last_has_left(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        await stage.live()
        await let_pass(RESTING)
        assert not canary.requests_to(MANIFEST)
        first, second = await look(stage), await look(stage)
        assert first.detail == second.detail
        assert len(canary.requests_to(MANIFEST)) == 1
        asked = canary.requests_to(MANIFEST)[0].query
        assert dict(asked) == {
            "appNamespace": "argocd",
            "project": "trombone",
            "namespace": "trombone",
            "resourceName": "trombone-pay",
            "version": "v1alpha1",
            "kind": "Rollout",
            "group": "argoproj.io",
        }
        await play(canary, upto=20.0)
        assert first.detail == second.detail
        assert first.detail["rollouts"][0]["step"] == 1
        # What moves is read every few seconds, though its tree stands still.
        moving = len(canary.requests_to(MANIFEST))
        await let_pass(MOVING * 4)
        assert 3 <= len(canary.requests_to(MANIFEST)) - moving <= 5
        first.leave()
        await let_pass(MOVING * 4)
        second.leave()
        await settle()
        left = len(canary.requests_to(MANIFEST))
        await let_pass(LINGER - 1.0)
        assert len(canary.details.open_streams) == 1
        await let_pass(RESTING * 3)
        assert not canary.details.open_streams
        assert len(canary.requests_to(MANIFEST)) == left


async def test_who_comes_back_at_once_sees_it_move_on(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        await stage.live()
        watcher = await look(stage)
        await play(canary, upto=20.0)
        watcher.leave()
        await play(canary, after=20.0, upto=25.0)
        canary.details.put_manifest(READINGS[17]["manifest"], kind="Rollout", name="trombone-pay")
        await watcher.connect()
        await watcher.wait(lambda: watcher.detail["rollouts"][0]["phase"] == "Paused", within=MOVING)


async def test_what_rests_is_read_seldom(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        await stage.live()
        await look(stage)
        await let_pass(RESTING * 5)
        assert 3 <= len(canary.requests_to(MANIFEST)) <= 6


async def test_only_so_many_manifests_are_asked_for_at_once(argocd: FakeArgoCD) -> None:
    argocd.put(application("trombone-pay", project="trombone"))
    names = [f"pay-{number}" for number in range(MANIFESTS_AT_ONCE * 3)]
    argocd.details.put_tree(KEY, [rollout(name) for name in names])
    for name in names:
        argocd.details.put_manifest({"spec": {"strategy": {"canary": {}}}}, kind="Rollout", name=name)
    argocd.details.hold("resource")
    async with run_gateway(argocd) as stage:
        await stage.live()
        watcher = await stage.watch(path=PAY)
        await until(lambda: argocd.details.manifests_under_way == MANIFESTS_AT_ONCE, within=10.0)
        await let_pass(5.0)
        argocd.details.release("resource")
        await watcher.wait(lambda: [each["name"] for each in watcher.detail.get("rollouts", ())] == names)
        assert argocd.details.most_manifests_under_way == MANIFESTS_AT_ONCE


async def test_what_cannot_be_read_is_said_and_tried_again(canary: FakeArgoCD) -> None:
    canary.details.part_status["resource"] = 403
    async with run_gateway(canary) as stage:
        await stage.live()
        watcher = await stage.watch(path=PAY)
        await watcher.wait(lambda: watcher.detail["parts"].get("rollouts", {}).get("state") == "failed")
        assert watcher.detail["parts"]["rollouts"]["reason"] == "forbidden"
        assert "rollouts" not in watcher.detail
        assert watcher.detail["parts"]["tree"] == {"state": "ready"}
        assert stage.gateway.details.desk.counts["failure_rollouts"] == 1
        del canary.details.part_status["resource"]
        await watcher.wait(lambda: watcher.detail["parts"]["rollouts"] == {"state": "ready"}, within=60.0)
        assert watcher.detail["rollouts"][0]["phase"] == "Healthy"


@pytest.mark.parametrize("manifest", ["", "[]", "nonsense", '{"status":7,"spec":{"strategy":{"canary":[1]}}}'])
async def test_an_odd_manifest_harms_nothing(canary: FakeArgoCD, manifest: str) -> None:
    canary.details.put_manifest(manifest, kind="Rollout", name="trombone-pay")
    async with run_gateway(canary) as stage:
        await stage.live()
        watcher = await stage.watch(path=PAY)
        await watcher.wait(lambda: watcher.detail["parts"].get("rollouts", {}).get("state") in ("ready", "failed"))
        canary.details.put_manifest(READINGS[0]["manifest"], kind="Rollout", name="trombone-pay")
        await watcher.wait(
            lambda: watcher.detail.get("rollouts", [{}])[0].get("phase") == "Healthy", within=RESTING * 2
        )


async def test_a_rollout_that_is_gone_is_no_longer_shown(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        await stage.live()
        watcher = await look(stage)
        canary.details.put_tree(KEY, [each for each in TREES[0] if each["kind"] != "Rollout"])
        await watcher.wait(lambda: "rollouts" not in watcher.detail)
        assert "rollouts" not in watcher.detail["parts"]
        asked = len(canary.requests_to(MANIFEST))
        await let_pass(RESTING * 2)
        assert len(canary.requests_to(MANIFEST)) == asked


BLAME = "Caused by argoproj.io/Rollout:trombone/trombone-pay"


async def test_a_rollout_that_moves_is_looked_at_though_nobody_does_until_its_end_is_told(canary: FakeArgoCD) -> None:
    async with run_gateway(canary) as stage:
        ends: list[RolloutEnded] = []
        stage.gateway.details.follow_rollouts(ends.append)
        await stage.live()
        await let_pass(RESTING)
        assert not canary.details.streams
        canary.put(application("trombone-pay", project="trombone", health="Progressing", message=BLAME))
        await until(lambda: len(canary.details.open_streams) == 1, within=10.0)
        await play(canary, upto=303.0)
        canary.put(application("trombone-pay", project="trombone", health="Degraded", message=BLAME))
        await let_pass(CALM + LINGER + 5.0)
        assert not canary.details.open_streams
        assert [end.outcome for end in ends] == ["promoted", "aborted"]
        assert (ends[-1].key, ends[-1].name) == (KEY, "trombone-pay")
        assert ends[-1].at == 1795218696.0
        assert "failed (2) > failureLimit (1)" in (ends[-1].reason or "")
        read = len(canary.requests_to(MANIFEST))
        await let_pass(RESTING * 2)
        assert len(canary.requests_to(MANIFEST)) == read


async def test_what_goes_away_is_left_alone_and_only_so_many_are_looked_at(argocd: FakeArgoCD) -> None:
    names = [f"pay-{number}" for number in range(MOST + 5)]
    for name in names:
        argocd.put(application(name, project="trombone", health="Suspended", message=BLAME))
    async with run_gateway(argocd) as stage:
        await stage.live()
        await until(lambda: len(argocd.details.open_streams) == MOST, within=10.0)
        for name in names:
            argocd.delete(f"argocd/{name}")
        await until(lambda: not argocd.details.open_streams, within=10.0)
        await let_pass(CALM + LINGER + 5.0)
        assert not stage.gateway.details.desk.watched
