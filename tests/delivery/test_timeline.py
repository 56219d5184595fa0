"""One line for each change: assembled from facts in any order, with the clocks of what is known."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.clocks import between
from gateway.delivery.correlation.index import Index
from gateway.delivery.events import Commit, DeliveryEvent, ImagePushed, Run
from gateway.delivery.timeline import assemble, timeline
from tests.delivery.story import MATRIX, deployments, facts, source_of
from tests.delivery.test_correlate import deployment
from tests.effort import examples

RECORDINGS = ("promotion/stream.sse", "deploy-day/stream.sse", "canary/app.sse")
STAGES = ["commit", "build", "image", "manifest", "sync", "rollout", "healthy"]


def lines(name: str, told: Any = None, *, commit: str | None = None, image: str | None = None) -> list[dict[str, Any]]:
    index = Index(told or facts(name))
    changes: list[dict[str, Any]] = timeline(deployments(name), index, commit=commit, image=image)["changes"]
    return changes


def of(application: str, name: str = "promotion/stream.sse") -> list[dict[str, Any]]:
    return [line for line in lines(name) if line["application"] == f"argocd/{application}"]


def stage(line: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in line["stages"] if one["stage"] == name)
    return found


def test_a_change_is_told_from_its_commit_until_it_is_healthy() -> None:
    line = of("store-auth-dev")[0]
    assert [one["stage"] for one in line["stages"]] == STAGES
    assert {one["state"] for one in line["stages"]} == {"done"}
    assert (line["kind"], line["outcome"]) == ("deployment", "succeeded")
    assert stage(line, "commit")["title"] == "Change 5a6b7c8d"
    assert stage(line, "build")["detail"] == "build (auth)"
    assert stage(line, "image")["title"] == "store-auth:sha-5a6b7c8d"
    assert stage(line, "manifest")["title"] == "dev: store 5a6b7c8d [skip ci]"
    # An image arrives while its build still runs.
    moments = [stage(line, name)["finishedAt"] for name in STAGES if name != "image"]
    assert moments == sorted(moments)
    scan = next(item for item in stage(line, "image")["items"] if item["kind"] == "scan")
    assert scan["counts"]["CRITICAL"] == 0
    durations = line["durations"]
    assert (durations["build"], durations["apply"], durations["rollout"]) == (120.0, 2.0, 76.0)
    assert durations["sync"] == pytest.approx(durations["detect"] + durations["wait"] + durations["apply"], abs=2)
    assert durations["lead"] == durations["pipeline"] + 50


def test_a_rollback_is_told_on_both_sides_and_has_no_lead_time() -> None:
    back, taken, *_ = of("store-auth-prod")
    assert back["rollback"] == {"how": "revert", "of": taken["id"], "by": back["id"]}
    assert taken["rollback"] == {"how": "revert", "of": taken["id"], "by": back["id"], "at": back["startedAt"]}
    assert not {"lead", "pipeline", "build"} & {*back["durations"]}
    assert {"detect", "wait", "apply", "sync", "rollout"} <= {*back["durations"]}
    assert stage(taken, "healthy")["state"] == "skipped"


def test_an_aborted_canary_ends_where_it_was_given_up() -> None:
    bad, good, first = of("trombone-pay", "canary/app.sse")
    assert (bad["outcome"], bad["rollback"]["how"], bad["endedAt"]) == ("rolled-back", "abort", "2026-11-20T23:51:36Z")
    assert (stage(bad, "rollout")["state"], stage(bad, "rollout")["detail"]) == ("failed", "aborted")
    assert (good["outcome"], good["supersededBy"]) == ("superseded", bad["id"])
    assert (first["seeded"], stage(first, "healthy")["state"]) == (True, "unknown")


def test_ci_that_syncs_by_itself_has_its_commit_and_no_manifest() -> None:
    line = next(one for one in of("trombone-web") if stage(one, "commit").get("link", {}).get("grade") == "weak")
    assert stage(line, "commit")["title"] == "Change 77889900"
    assert stage(line, "build")["link"]["grade"] == "weak"
    assert [stage(line, name)["state"] for name in ("image", "manifest", "sync")] == ["skipped", "skipped", "done"]
    assert not {"lead", "pipeline", "sync", "detect"} & {*line["durations"]}


def test_a_failed_sync_says_why() -> None:
    line = of("coelho-realtime", "deploy-day/stream.sse")[1]
    assert (line["outcome"], stage(line, "sync")["state"], stage(line, "rollout")["state"]) == (
        "failed",
        "failed",
        "skipped",
    )
    assert "6 attempts" in stage(line, "sync")["title"]
    assert "not valid" in stage(line, "sync")["detail"]
    assert not {"apply", "sync", "rollout", "lead"} & {*line["durations"]}


def test_what_is_no_deployment_has_no_durations() -> None:
    others = [line for line in lines("promotion/stream.sse") if line["kind"] not in ("deployment", "rollback")]
    assert {line["kind"] for line in others} == {"restart", "self-heal", "dry-run", "partial"}
    assert all(line["durations"] == {} for line in others)


@pytest.mark.parametrize("name", RECORDINGS)
def test_lines_are_newest_first_and_json_without_null(name: str) -> None:
    told = lines(name)
    assert [line["startedAt"] for line in told] == sorted((line["startedAt"] for line in told), reverse=True)
    assert "null" not in json.dumps(told)
    durations = [seconds for line in told for seconds in line["durations"].values()]
    assert durations
    assert min(durations) >= 0


def test_a_commits_line_leads_through_all_environments() -> None:
    told = lines("promotion/stream.sse", commit=MATRIX)
    assert len(told) == 14
    assert lines("promotion/stream.sse", commit="5A6B7C8D") == told
    assert lines("promotion/stream.sse", commit="deadbeef") == []
    reverted = lines("promotion/stream.sse", commit="50360ec95bd1")
    assert "rollback" in {line["kind"] for line in reverted}


@pytest.mark.parametrize(
    ("image", "count"),
    [
        ("ghcr.io/example/store-auth:sha-5a6b7c8d", 3),
        ("ghcr.io/example/store-auth", 7),
        ("store-auth", 7),
        ("store-auth:sha-5a6b7c8d", 3),
        ("ghcr.io/example/store-auth@sha256:0b31", 0),
        ("nginx", 0),
    ],
)
def test_an_images_lines_are_those_that_set_it(image: str, count: int) -> None:
    assert len(lines("promotion/stream.sse", image=image)) == count


# Facts in any order, and facts that break


@settings(max_examples=examples(15), deadline=None)
@given(st.sampled_from(RECORDINGS), st.randoms(use_true_random=False))
def test_in_any_order_and_told_again_facts_make_the_same_lines(name: str, dice: Any) -> None:
    told: list[DeliveryEvent] = [*facts(name), *facts(name)]
    dice.shuffle(told)
    assert lines(name, told) == lines(name)


def broken(name: str, sha: str) -> list[DeliveryEvent]:
    """Return the facts with one SHA mistyped, wherever it is told."""
    other = "0" * 8 + sha[8:]
    told: list[DeliveryEvent] = []
    for fact in facts(name):
        known = isinstance(fact, Commit | Run | ImagePushed) and fact.sha == sha
        told.append(msgspec.structs.replace(fact, sha=other) if known else fact)
    return told


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("deploy-day/stream.sse", "ghcr.io/example/coelho-realtime:4f5e6d7c"),
        ("deploy-day/stream.sse", "ghcr.io/example/swkoo-backend:stage-fd29d375"),
        ("promotion/stream.sse", "ghcr.io/example/astrago-core:core-stage-77aa88bb"),
    ],
)
def test_one_broken_sha_takes_exactly_that_link(name: str, reference: str) -> None:
    _, sha = source_of(reference)
    differing = 0
    for whole, left in zip(lines(name), lines(name, broken(name, sha)), strict=True):
        if reference not in whole.get("images", ()) or whole["kind"] != "deployment":
            assert left == whole
            continue
        differing += 1
        assert [one["stage"] for one, other in zip(whole["stages"], left["stages"], strict=True) if one != other] == [
            "commit",
            "build",
        ]
        assert stage(whole, "commit")["link"]["grade"] == "strong"
        commit = stage(left, "commit")
        assert (commit["link"]["grade"], commit["title"]) == ("likely", sha[:8])
        assert stage(left, "build") == {"stage": "build", "state": "unknown"}
        assert {*whole["durations"]} - {*left["durations"]} <= {"build", "pipeline", "lead"}
    assert differing == 1


def test_without_any_fact_the_line_is_what_argo_cd_knows() -> None:
    line = msgspec.to_builtins(assemble(deployment(healthy_at=1_795_000_010.0), Index(())))
    assert [one["state"] for one in line["stages"]] == [
        "done",
        "unknown",
        "unknown",
        "unknown",
        "done",
        "done",
        "done",
    ]
    assert line["durations"] == {"apply": 2.0, "rollout": 8.0}


def test_a_duration_is_never_negative_and_never_guessed() -> None:
    assert between(10.0, 12.5) == 2.5
    assert between(10.9, 10.0) == 0.0
    assert between(20.0, 10.0) is between(None, 10.0) is between(10.0, None) is None
