"""What the timetable promises of the strands beside the watch: trees, manifests, commits, and what joins them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pytest

from gateway.demo.cluster import Cluster
from gateway.demo.happening import ApplicationHappening, CommitHappening, Happening, Today, TreeHappening
from gateway.demo.happening import ManifestHappening as Manifested
from gateway.demo.recording import Recording, list_times
from gateway.demo.timetable import Timetable
from gateway.demo.trees import find_node

NOW = 1_800_000_000.25
LOOPS = 3
API, PAY = "argocd/trombone-api", "argocd/trombone-pay"
ROLLOUT = ("argoproj.io", "Rollout", "trombone", "trombone-pay")
RUNS = tuple(
    ("argoproj.io", "AnalysisRun", "trombone", name)
    for name in ("trombone-pay-7c986b44-2-2", "trombone-pay-65c5895966-3-2")
)


def parts_of(timetable: Timetable) -> Iterator[list[Happening]]:
    """Go through some loops: the opening, then by turns a telling and what is brought back."""
    opening = timetable.open(NOW)
    yield opening
    now = NOW
    for part in [timetable.tell, timetable.bring_back] * LOOPS:
        happenings = list(part(now))
        now = happenings[-1].at
        yield happenings


@pytest.fixture(scope="module", params=[1.0, 7.5])
def parts(request: pytest.FixtureRequest, recorded: Recording) -> list[list[Happening]]:
    return list(parts_of(Timetable(recorded, speed=request.param)))


@pytest.fixture(scope="module")
def happenings(parts: list[list[Happening]]) -> list[Happening]:
    return list(itertools.chain.from_iterable(parts))


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shapes_of(cluster: Cluster) -> dict[str, Any]:
    """Return all trees and what is known of the canary, but for what belongs to one life."""
    lived = ("uid", "createdAt", "resourceVersion", "parentRefs")

    def shape(node: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in node.items() if name not in lived}

    trees = {key: [shape(node) for node in cluster.show_tree(key).get("nodes", [])] for key in cluster.applications}
    manifests = [cluster.show_manifest(PAY, name) for name in (ROLLOUT, *RUNS)]
    return {"trees": trees, "manifests": [each and each.get("status", {}).get("phase") for each in manifests]}


def test_everything_is_in_order(happenings: list[Happening]) -> None:
    assert all(before.at <= after.at for before, after in itertools.pairwise(happenings))


def test_no_time_in_a_tree_or_a_manifest_or_a_commit_is_later_than_its_moment(happenings: list[Happening]) -> None:
    for happening in happenings:
        match happening:
            case TreeHappening(tree=document) | Manifested(manifest=document) | CommitHappening(metadata=document):
                assert max(list_times(orjson.dumps(document)), default=0.0) <= happening.at


def test_a_resource_has_one_uid_and_one_creation_for_life_and_versions_that_rise(happenings: list[Happening]) -> None:
    lives: dict[str, str] = {}
    versions: dict[str, int] = {}
    gone: set[str] = set()
    held: dict[str, set[str]] = {}
    for happening in happenings:
        if not isinstance(happening, TreeHappening):
            continue
        nodes = {node["uid"]: node for node in happening.tree["nodes"]}
        assert not gone & nodes.keys()
        gone |= held.get(happening.key, set()) - nodes.keys()
        held[happening.key] = set(nodes)
        for uid, node in nodes.items():
            assert lives.setdefault(uid, node["createdAt"]) == node["createdAt"]
            assert versions.get(uid, 0) <= int(node["resourceVersion"])
            versions[uid] = int(node["resourceVersion"])
    assert len(gone) > 10 * LOOPS


def test_a_pod_is_created_when_it_is_first_seen(parts: list[list[Happening]]) -> None:
    first: dict[str, float] = {}
    for happening in itertools.chain.from_iterable(parts[1:]):
        if isinstance(happening, TreeHappening) and happening.key == PAY:
            for node in happening.tree["nodes"]:
                created = seconds_of(node["createdAt"])
                if node["uid"] not in first and created > NOW:
                    assert happening.at - created < 5.0
                first.setdefault(node["uid"], happening.at)


def test_parents_are_in_the_tree(happenings: list[Happening]) -> None:
    for happening in happenings:
        if isinstance(happening, TreeHappening):
            uids = {node["uid"] for node in happening.tree["nodes"]}
            parents = [parent for node in happening.tree["nodes"] for parent in node.get("parentRefs", [])]
            assert {parent["uid"] for parent in parents if "uid" in parent} <= uids


def test_the_tree_agrees_with_its_application_about_the_rollouts_health(recorded: Recording) -> None:
    """Not at every moment, for both tell of the same a moment apart; but wherever a second passes."""
    timetable, cluster = Timetable(recorded), Cluster()
    for happening in timetable.open(NOW):
        cluster.take(happening)
    agreed = 0
    for happening, later in itertools.pairwise(timetable.tell(NOW)):
        cluster.take(happening)
        if later.at - happening.at < 1.0:
            continue
        for key in (API, PAY):
            listed = cluster.applications[key]["status"]["resources"]
            health = next(item["health"]["status"] for item in listed if item["kind"] == "Rollout")
            node = find_node(cluster.show_tree(key), (*ROLLOUT[:3], key.removeprefix("argocd/")))
            assert node is not None
            assert node["health"]["status"] == health, (key, happening.at - NOW)
            agreed += 1
    assert agreed >= 10


def test_the_canarys_manifests_are_those_of_the_tree_and_tell_of_both_analyses(parts: list[list[Happening]]) -> None:
    cluster = Cluster()
    phases: dict[str, list[str]] = {}
    for happening in itertools.chain(*parts[:2]):
        cluster.take(happening)
        if isinstance(happening, Manifested) and happening.key == PAY:
            shown = cluster.show_manifest(PAY, happening.resource)
            node = find_node(cluster.show_tree(PAY), happening.resource)
            assert shown is not None
            assert node is not None
            assert shown["metadata"]["uid"] == node["uid"]
            assert shown["metadata"]["creationTimestamp"] == node["createdAt"]
            phases.setdefault(happening.resource[3], []).append(shown["status"]["phase"])
    assert phases[ROLLOUT[3]][0] == "Healthy"
    assert phases[ROLLOUT[3]][-1] == "Degraded"
    assert "Paused" in phases[ROLLOUT[3]]
    assert [phases[name[3]][-1] for name in RUNS] == ["Successful", "Failed"]


def test_after_each_loop_trees_and_manifests_are_as_they_were_at_first(parts: list[list[Happening]]) -> None:
    cluster = Cluster()
    for happening in parts[0]:
        cluster.take(happening)
    first = shapes_of(cluster)
    assert first["manifests"] == ["Healthy", None, None]
    for told, brought_back in zip(parts[1::2], parts[2::2], strict=True):
        for happening in told:
            cluster.take(happening)
        assert shapes_of(cluster) != first
        for happening in brought_back:
            cluster.take(happening)
        assert shapes_of(cluster) == first


def test_every_revision_is_a_commit_that_was_made_before(happenings: list[Happening]) -> None:
    cluster = Cluster()
    for happening in happenings:
        cluster.take(happening)
        if isinstance(happening, ApplicationHappening):
            status = happening.application["status"]
            told = {status["sync"].get("revision"), *(each["revision"] for each in status.get("history", []))}
            assert told - {None, "", "HEAD"} <= cluster.commits.keys()


def test_what_is_known_of_a_commit_never_changes_and_a_commit_of_a_later_telling_is_another(
    parts: list[list[Happening]],
) -> None:
    known: dict[str, dict[str, Any]] = {}
    made: list[set[str]] = []
    for part in parts:
        commits = [happening for happening in part if isinstance(happening, CommitHappening)]
        for commit in commits:
            assert known.setdefault(commit.sha, commit.metadata) == commit.metadata
        made.append({commit.sha for commit in commits})
    # What was deployed before the story stays what it was; what was only committed by then is committed again.
    assert made[0] & made[2] == made[0] & made[4] == made[2] & made[4] != set()
    assert len({len(each) for each in made[0::2]}) == 1
    assert len({len(each) for each in made[1::2]}) == 1
    assert len(set.union(*made[1::2])) == LOOPS * len(made[1]) > 0


def test_a_commit_of_the_story_is_made_shortly_before_it_is_told(parts: list[list[Happening]]) -> None:
    for happening in itertools.chain(*parts[1::2]):
        if isinstance(happening, CommitHappening):
            assert 0.0 <= happening.at - seconds_of(happening.metadata["date"]) < 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring(Happening):
    telling: int


class Bell:
    """A strand of its own: a bell that rings at two moments of the recording."""

    def __init__(self, times: Sequence[float]) -> None:
        self.times = times

    def happen(self, number: int, today: Today, at: float) -> Iterator[Happening]:
        assert today.date(self.times[number], at=at) == at
        yield Ring(at=at, telling=today.telling)

    def prepare(self, today: Today, at: float) -> Iterator[Happening]:  # noqa: ARG002
        yield from ()

    def restore(self, today: Today, at: float) -> Iterator[Happening]:  # noqa: ARG002
        yield from ()

    def bring_back(self, key: str, today: Today, at: float) -> Iterator[Happening]:  # noqa: ARG002
        yield from ()


def test_other_happenings_may_join_at_their_moments(recorded: Recording) -> None:
    times = [recorded.story[100].at, recorded.story[200].at]
    timetable = Timetable(recorded, strands=[Bell(times)])
    rings = []
    for happenings in parts_of(timetable):
        rings += [(number, each.telling) for number, each in enumerate(happenings) if isinstance(each, Ring)]
        for before, ring in itertools.pairwise(happenings):
            if isinstance(ring, Ring):
                assert before.at == ring.at
    assert [telling for _, telling in rings] == [1, 1, 2, 2, 3, 3]
