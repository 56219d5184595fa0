"""Rollouts and their analyses are read as they were recorded; what a manifest lacks is absent, never an error."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.analyses import AnalysisRun, read_analysis
from gateway.upstream.family import find_families
from gateway.upstream.manifest import Manifest, decode_manifest, later, parse_duration
from gateway.upstream.parts import to_wire
from gateway.upstream.rollouts import Rollout, hash_of, name_current_runs, read_rollout
from tests.fakes import recordings

GOOD, BAD = "trombone-pay-7c986b44-2-2", "trombone-pay-65c5895966-3-2"
OLD = {"76677dd586": ("ghcr.io/example/trombone-pay:v2.0.0-sha0001",)}


def manifest_at(seconds: float, kind: str = "Rollout", name: str = "trombone-pay") -> Manifest:
    """The canary's resource as it was last read by then."""
    read = [orjson.loads(line) for line in recordings.lines("canary/resources.ndjson")]
    seen = [orjson.loads(each["manifest"]) for each in read if each["kind"] == kind and each["at"] <= seconds]
    return Manifest([each for each in seen if each["metadata"]["name"] == name][-1])


def rollout_at(seconds: float, failed_step: int | None = None) -> Rollout:
    return read_rollout(manifest_at(seconds), OLD, failed_step)


def run_at(seconds: float, name: str) -> AnalysisRun:
    return read_analysis(manifest_at(seconds, "AnalysisRun", name))


def states(rollout: Rollout) -> list[str]:
    return [step.state for step in rollout.steps]


def canary(*steps: dict[str, Any], status: dict[str, Any] | None = None, **spec: Any) -> Rollout:
    raw = {"spec": {"strategy": {"canary": {"steps": list(steps)}}, **spec}, "status": status or {}}
    return read_rollout(Manifest(raw), {})


def test_a_recorded_canary_begins_with_its_first_weight_before_any_of_its_pods_is_available() -> None:
    rollout = rollout_at(5.0)
    assert [(step.kind, step.weight, step.duration) for step in rollout.steps] == [
        ("setWeight", 20, None),
        ("pause", None, 20.0),
        ("analysis", None, None),
        ("setWeight", 80, None),
        ("pause", None, 10.0),
    ]
    assert rollout.steps[2].templates == ("success-rate",)
    assert (rollout.strategy, rollout.phase, rollout.step) == ("canary", "Progressing", 1)
    assert states(rollout) == ["current", "ahead", "ahead", "ahead", "ahead"]
    assert (rollout.weight, rollout.desired_weight) == (0, 20)
    assert to_wire(rollout.stable_revision) == {"hash": "76677dd586", "images": OLD["76677dd586"]}
    assert to_wire(rollout.canary_revision)["images"] == ("ghcr.io/example/trombone-pay:v2.1.0-sha0002",)
    assert to_wire(rollout.replicas) == {"desired": 5, "ready": 4, "updated": 1, "available": 4}
    assert (rollout.outcome, rollout.moves) == (None, True)


def test_a_recorded_pause_says_when_it_ends() -> None:
    rollout = rollout_at(71.0)
    assert (rollout.phase, rollout.step, rollout.pause_reason) == ("Paused", 2, "CanaryPauseStep")
    assert (rollout.paused_since, rollout.pause_ends_at) == ("2026-11-20T23:48:45Z", "2026-11-20T23:49:05Z")
    assert (rollout.weight, rollout.desired_weight) == (20, 20)
    assert states(rollout) == ["done", "current", "ahead", "ahead", "ahead"]


def test_a_recorded_analysis_succeeds_measurement_by_measurement_and_the_canary_goes_on() -> None:
    assert rollout_at(87.0).step == 3
    assert name_current_runs(manifest_at(87.0)) == {GOOD}
    (metric,) = run_at(87.0, GOOD).metrics
    assert (metric.phase, metric.successful, metric.count, len(metric.values)) == ("Running", 1, 3, 1)
    run = run_at(99.0, GOOD)
    assert (run.phase, run.type, run.step, run.failed_at) == ("Successful", "Step", 3, None)
    assert (run.started_at, run.completed_at) == ("2026-11-20T23:49:05Z", "2026-11-20T23:49:15Z")
    (metric,) = run.metrics
    assert (metric.query, metric.provider, metric.condition) == ("vector(1)", "prometheus", "result[0] >= 0.95")
    assert [(each.value, each.phase, each.at) for each in metric.values] == [
        ("[1]", "Successful", f"2026-11-20T23:49:{second}Z") for second in ("05", "10", "15")
    ]
    after = rollout_at(99.0)
    assert (after.step, after.weight, after.desired_weight) == (4, 25, 80)
    assert states(after) == ["done", "done", "done", "current", "ahead"]


def test_a_recorded_bad_canary_is_aborted_where_its_analysis_failed_and_says_why() -> None:
    run = run_at(303.0, BAD)
    assert (run.phase, run.step, run.failed_at) == ("Failed", 3, 2)
    (metric,) = run.metrics
    assert (metric.failed, metric.limit, [each.value for each in metric.values]) == (2, 1, ["[0]", "[0]"])
    rollout = rollout_at(303.0, run.failed_at)
    assert (rollout.aborted, rollout.aborted_at, rollout.phase) == (True, "2026-11-20T23:51:36Z", "Degraded")
    assert rollout.reason is not None
    assert rollout.reason.endswith('Metric "success-rate" assessed Failed due to failed (2) > failureLimit (1)')
    assert states(rollout) == ["done", "done", "failed", "ahead", "ahead"]
    assert (rollout.step, rollout.weight, rollout.desired_weight) == (None, 0, 0)
    assert (rollout.outcome, rollout.moves) == ("aborted", False)
    # Without the analysis nobody knows where it was: its position begins again at 0.
    assert states(rollout_at(303.0)) == ["ahead"] * 5


def test_a_recorded_rollout_that_is_through_has_done_all_and_carries_everything() -> None:
    answer = orjson.loads(recordings.answer("http/rollout.http").body)
    rollout = read_rollout(decode_manifest(answer["manifest"]), {})
    assert states(rollout) == ["done"] * 4
    assert (rollout.step, rollout.weight, rollout.desired_weight, rollout.outcome) == (None, 100, 100, "promoted")
    assert rollout.stable_revision is not None
    assert rollout.stable_revision.images == ("ghcr.io/example/trombone-api:v1.0.1-sha1234",)
    assert rollout.canary_revision is None


def test_a_pause_without_a_duration_has_no_end_and_one_for_another_reason_neither() -> None:
    paused = {
        "currentStepIndex": 0,
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}],
    }
    assert canary({"pause": {}}, status=paused).pause_ends_at is None
    assert canary({"pause": {"duration": "1h30m"}}, status=paused).pause_ends_at == "2026-01-01T01:30:00Z"
    assert canary({"pause": {"duration": 90}}, status=paused).pause_ends_at == "2026-01-01T00:01:30Z"
    assert canary({"pause": {"duration": 90}}, status=paused, paused=True).pause_ends_at is None
    doubtful = {"reason": "InconclusiveAnalysisRun", "startTime": "2026-01-01T00:00:00Z"}
    both = {**paused, "pauseConditions": [*paused["pauseConditions"], doubtful]}  # type: ignore[misc]
    assert canary({"pause": {"duration": 90}}, status=both).pause_ends_at is None
    assert canary(paused=True).pause_reason == "Paused"


def test_a_traffic_routers_weight_is_the_weight() -> None:
    routed = {"currentStepIndex": 1, "replicas": 4, "availableReplicas": 4, "updatedReplicas": 2}
    steps: tuple[dict[str, Any], ...] = ({"setWeight": 5}, {"pause": {}})
    assert canary(*steps, status=routed).weight == 50
    weights = {"canary": {"weights": {"canary": {"weight": 5}, "stable": {"weight": 95}}}}
    assert canary(*steps, status=routed | weights).weight == 5


def test_what_the_controller_has_not_seen_yet_is_progressing() -> None:
    raw = {"metadata": {"generation": 7}, "status": {"observedGeneration": "6", "phase": "Healthy", "message": "old"}}
    rollout = read_rollout(Manifest(raw), {})
    assert (rollout.phase, rollout.moves) == ("Progressing", True)
    assert rollout.message == "waiting for the controller to see what is wanted now"


def test_blue_green_tells_its_services_and_until_when_it_waits_for_promotion() -> None:
    strategy = {"activeService": "shop", "previewService": "shop-preview", "autoPromotionSeconds": 30}
    status = {
        "phase": "Paused",
        "pauseConditions": [{"reason": "BlueGreenPause", "startTime": "2026-01-01T00:00:00Z"}],
        "blueGreen": {"activeSelector": "aaa", "previewSelector": "bbb"},
        "stableRS": "aaa",
        "currentPodHash": "bbb",
    }
    rollout = read_rollout(Manifest({"spec": {"strategy": {"blueGreen": strategy}}, "status": status}), {})
    assert to_wire(rollout.blue_green) == {
        "activeService": "shop",
        "previewService": "shop-preview",
        "activeRevision": "aaa",
        "previewRevision": "bbb",
        "autoPromotion": True,
        "autoPromotionSeconds": 30,
    }
    assert rollout.pause_ends_at == "2026-01-01T00:00:30Z"
    assert rollout.weight is None
    by_hand = {"spec": {"strategy": {"blueGreen": {"autoPromotionEnabled": False}}}, "status": status}
    waiting = read_rollout(Manifest(by_hand), {})
    assert (waiting.pause_ends_at, to_wire(waiting.blue_green)["autoPromotion"]) == (None, False)


def test_metrics_without_results_wait_and_results_without_metrics_are_shown() -> None:
    raw = {
        "spec": {"metrics": [{"name": "a", "failureLimit": "2", "provider": {"datadog": {"query": "avg:x"}}}]},
        "status": {"metricResults": [{"name": "b", "phase": "Error", "error": 5, "message": "no such host"}]},
    }
    first, second = read_analysis(Manifest(raw)).metrics
    assert (first.name, first.phase, first.limit, first.query) == ("a", "Pending", 2, "avg:x")
    assert (second.name, second.phase, second.error, second.message) == ("b", "Error", 5, "no such host")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20", 20.0), ("20s", 20.0), ("1h30m", 5400.0), ("1.5m", 90.0), ("500ms", 0.5), ("", None), ("soon", None),
     ("-5s", None), ("9" * 400 + "h", None), ("1d", None), ("²", None)],
)  # fmt: skip
def test_durations_are_read_as_kubernetes_and_go_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_no_time_is_beyond_the_calendar() -> None:
    assert later("9999-12-31T23:59:59Z", 10.0) is None
    assert later("yesterday", 10.0) is None


def test_the_recorded_tree_names_the_rollout_its_analyses_and_the_images_of_its_versions() -> None:
    from gateway.upstream.parts import decode_tree_line

    trees = [decode_tree_line(line) for line in recordings.lines("canary/tree.ndjson")]
    (family,) = trees[-1].rollouts
    assert (family.rollout.name, family.rollout.health) == ("trombone-pay", "Degraded")
    assert [run.name for run in family.runs] == [BAD, GOOD]
    assert trees[20].rollouts[0].images == {
        "76677dd586": ("ghcr.io/example/trombone-pay:v2.0.0-sha0001",),
        "7c986b44": ("ghcr.io/example/trombone-pay:v2.1.0-sha0002",),
    }
    assert all(tree.rollouts[0].rollout.resource_version for tree in trees)
    assert find_families([]) == ()


# Odd manifests: a recorded one from which anything is missing, or in which anything is something else.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["20s", "1", "-1"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=6,
)
RECORDED = [manifest_at(at)._content for at in (5.0, 71.0, 87.0, 303.0)]
RECORDED += [manifest_at(303.0, "AnalysisRun", name)._content for name in (GOOD, BAD)]


@st.composite
def mutilated(draw: st.DrawFn) -> Any:
    manifest = orjson.loads(orjson.dumps(draw(st.sampled_from(RECORDED))))
    manifest.get("metadata", {}).pop("managedFields", None)
    for _ in range(draw(st.integers(1, 5))):
        place = manifest
        while isinstance(place, dict | list) and place:
            step = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            below = place[step]
            if draw(st.integers(0, 3)) == 0 or not isinstance(below, dict | list) or not below:
                if draw(st.booleans()):
                    place[step] = draw(JSON)
                else:
                    place.pop(step)
                break
            place = below
    return manifest


@given(JSON | mutilated(), st.none() | st.integers(-2, 9))
def test_whatever_a_manifest_is_it_is_read_and_can_be_sent(content: Any, failed_step: int | None) -> None:
    manifest = Manifest(content)
    rollout = read_rollout(manifest, OLD, failed_step)
    run = read_analysis(manifest)
    name_current_runs(manifest), hash_of(manifest)
    assert rollout.step is None or 1 <= rollout.step <= len(rollout.steps)
    assert rollout.weight is None or rollout.weight <= 100 or "weights" in str(content)
    assert sum(step.state in ("current", "failed") for step in rollout.steps) <= 1
    assert all(metric.name for metric in run.metrics)
    orjson.dumps([to_wire(rollout), to_wire(run)])


@pytest.mark.parametrize("text", ["", "{", "\ud800", "[" * 100_000])
def test_what_is_no_manifest_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_manifest(text)
