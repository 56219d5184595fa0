"""Links between a deployment and what was told: every right one, no wrong one, each with its grade and its reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.delivery.correlation.correlate import correlate
from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.links import Correlation, Grade, SourceLink
from gateway.delivery.correlation.manifests import trailers_in, updates_in
from gateway.delivery.deployments.deployment import Deployment, Kind, Origin, Outcome
from gateway.delivery.events import Commit, DeliveryEvent, ImagePushed, Run, RunState, Scanned
from tests.delivery.story import CLAIMED, CLAIMED_RUN, MANIFESTS, deployments, facts, source_of

RECORDINGS = ("promotion/stream.sse", "deploy-day/stream.sse", "canary/app.sse")
SHOP = "git.example.org/example/shop"
SHA = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"
OTHER = "5a6b7c8dffffffffffffffffffffffffffffffff"
AT = 1_795_000_000.0
BEFORE, REVISION = "b" * 40, "c" * 40
WEB = "ghcr.io/example/web"


def deployment(image: str | None = f"{WEB}:sha-5a6b7c8d", **fields: Any) -> Deployment:
    values: dict[str, Any] = {
        "id": "d",
        "key": "argocd/web",
        "uid": "u",
        "kind": Kind.DEPLOYMENT,
        "outcome": Outcome.SUCCEEDED,
        "origins": (Origin(repository=MANIFESTS, path="apps/web"),),
        "revisions": (REVISION,),
        "before_revisions": (BEFORE,),
        "images": (image,) if image else (),
        "before_images": (),
        "phase": "Succeeded",
        "started_at": AT,
        "finished_at": AT + 2,
    }
    return Deployment(**{**values, **fields})


def commit(sha: str = SHA, repository: str = SHOP, **fields: Any) -> Commit:
    return Commit(**{"repository": repository, "sha": sha, "committed_at": AT - 500, **fields})


def manifest(sha: str = REVISION, message: str = "Update web", **fields: Any) -> Commit:
    values = {"parent": BEFORE, "files": ("apps/web/values.yaml",), "committed_at": AT - 30, **fields}
    return commit(sha, MANIFESTS, message=message, **values)


def run(identity: str, name: str, **fields: Any) -> Run:
    values = {"sender": "ci", "state": RunState.SUCCEEDED, "repository": SHOP, "sha": SHA, "started_at": AT - 400}
    return Run(**{"id": identity, "name": name, **values, **fields})


def pushed(tag: str = "sha-5a6b7c8d", **fields: Any) -> ImagePushed:
    return ImagePushed(image=WEB, tag=tag, **fields)


def linked(told: list[DeliveryEvent], image: str | None = f"{WEB}:sha-5a6b7c8d", **fields: Any) -> Correlation:
    return correlate(deployment(image, **fields), Index(told))


def only(correlation: Correlation) -> SourceLink:
    (source,) = correlation.sources
    return source


# The recordings, whose truth is known


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_link_of_a_recording_is_right_and_none_is_missing(name: str) -> None:
    index = Index(facts(name))
    checked = 0
    for one in deployments(name):
        correlation = correlate(one, index)
        expected = {source_of(reference) for reference in one.new_images}
        if one.info:
            expected = {("git.example.org/example/trombone-web", CLAIMED)}
        found = {(source.repository, source.sha) for source in correlation.sources if not source.own}
        if one.images is None and found:
            # What the history doesn't tell, the manifests' commit may.
            assert [source.link.grade for source in correlation.sources] == [Grade.LIKELY]
            assert one.key == "argocd/astrago-core"
            expected = {source_of("ghcr.io/example/astrago-core:core-stage-9f1c2d3e")}
        assert found == expected, one
        assert {link.run.sha for link in correlation.runs} <= {sha for _, sha in expected}
        assert all(manifest.commit is not None for manifest in correlation.manifests)
        assert all(image.pushed is not None for image in correlation.images)
        checked += len(expected)
    assert checked >= {"promotion/stream.sse": 33, "deploy-day/stream.sse": 50, "canary/app.sse": 3}[name]


def test_each_way_of_working_has_its_grade() -> None:
    grades: dict[str, set[str]] = {}
    for name in RECORDINGS:
        index = Index(facts(name))
        for one in deployments(name):
            project = one.key.removeprefix("argocd/").partition("-")[0]
            sources = [source for source in correlate(one, index).sources if not source.own]
            grades.setdefault(project, set()).update(str(source.link.grade) for source in sources)
    # The registry named the commit; CI said what it made, or claimed it; the tag told.
    assert grades["store"] == {"certain"}
    assert grades["trombone"] == {"certain", "weak"}
    assert grades["coelho"] == grades["swkoo"] == {"strong"}
    # Of one that the history alone tells of, the message of the manifests' commit told.
    assert grades["astrago"] == {"strong", "likely"}


def test_of_a_matrix_build_the_job_is_chosen_that_names_the_service_and_all_are_kept() -> None:
    index = Index(facts("promotion/stream.sse"))
    matrix = [one for one in deployments("promotion/stream.sse") if "sha-5a6b7c8d" in str(one.new_images)]
    assert len(matrix) == 14
    for one in matrix:
        service = one.key.split("-")[1]
        runs = correlate(one, index).runs
        assert [link.run.name for link in runs if link.builds] == [f"build ({service})"]
        assert len(runs) == 7


def test_one_image_through_all_environments_is_one_build() -> None:
    index = Index(facts("promotion/stream.sse"))
    auth = [one for one in deployments("promotion/stream.sse") if "store-auth:sha-5a6b7c8d" in str(one.new_images)]
    assert sorted(one.key for one in auth) == [
        "argocd/store-auth-dev",
        "argocd/store-auth-prod",
        "argocd/store-auth-stage",
    ]
    built = {link.run.id for one in auth for link in correlate(one, index).runs if link.builds}
    assert len(built) == 1


def test_a_revision_that_is_about_another_application_is_not_what_changed_this_one() -> None:
    index = Index(facts("deploy-day/stream.sse"))
    core = next(one for one in deployments("deploy-day/stream.sse") if "core-stage-9f1c2d3e" in str(one.new_images))
    manifests = correlate(core, index).manifests
    assert [(one.revision, one.touches, one.commit and one.commit.message) for one in manifests] == [
        (True, False, "Update trombone-api to v1.0.1-sha1234"),
        (False, True, "Update image tags to core-stage-9f1c2d3e [skip ci]"),
    ]


# Images and their commits


def test_a_digest_named_by_the_registry_is_certain() -> None:
    source = only(linked([commit(), pushed(digest="sha256:0b31", sha=SHA)], f"{WEB}@sha256:0b31"))
    assert (source.sha, source.link.grade) == (SHA, Grade.CERTAIN)
    assert source.commit == commit()


def test_a_tag_that_was_moved_to_another_digest_is_another_image() -> None:
    correlation = linked([commit(), pushed("v1", digest="sha256:0b31", sha=SHA)], f"{WEB}:v1@sha256:ffff")
    assert correlation.sources == ()
    assert correlation.images[0].pushed is None


def test_of_a_tag_that_is_pushed_again_and_again_the_last_before_the_sync_counts() -> None:
    told: list[DeliveryEvent] = [
        pushed("latest", digest="sha256:1", sha="1" * 40, pushed_at=AT - 900),
        pushed("latest", digest="sha256:2", sha=SHA, pushed_at=AT - 90),
        pushed("latest", digest="sha256:3", sha="3" * 40, pushed_at=AT + 90),
    ]
    assert only(linked(told, f"{WEB}:latest")).sha == SHA


def test_what_ci_says_that_it_made_is_certain() -> None:
    correlation = linked([commit(), run("7", "Build", artifacts=(f"{WEB}:v7",))], f"{WEB}:v7")
    assert only(correlation).link.grade is Grade.CERTAIN
    assert [link.run.id for link in correlation.runs if link.builds] == ["7"]


def test_a_sha_in_a_tag_that_is_a_known_commits_is_strong() -> None:
    source = only(linked([commit()]))
    assert (source.sha, source.repository, source.link.grade) == (SHA, SHOP, Grade.STRONG)
    assert source.link.evidence == ("tag sha-5a6b7c8d of web names commit 5a6b7c8d",)


def test_a_sha_of_which_only_runs_are_known_is_that_runs() -> None:
    source = only(linked([run("7", "Build")]))
    assert (source.sha, source.repository, source.commit, source.link.grade) == (SHA, SHOP, None, Grade.STRONG)


def test_a_sha_of_which_nobody_told_is_linked_as_far_as_the_tag_tells() -> None:
    source = only(linked([]))
    assert (source.sha, source.commit, source.link.grade) == ("5a6b7c8d", None, Grade.LIKELY)


def test_a_very_short_sha_is_strong_only_where_the_image_is_built() -> None:
    image = f"{WEB}:v1-sha5a6b"
    assert only(linked([commit()], image)).link.grade is Grade.LIKELY
    assert only(linked([commit(), pushed("v0", repository=SHOP)], image)).link.grade is Grade.STRONG


def test_between_two_commits_of_one_beginning_the_images_own_repository_decides() -> None:
    told: list[DeliveryEvent] = [commit(), commit(OTHER, "git.example.org/example/other")]
    ambiguous = linked(told)
    assert ambiguous.sources == ()
    assert "may be any of 5a6b7c8d" in ambiguous.remarks[0]
    decided = linked([*told, pushed("v0", repository=SHOP)])
    assert only(decided).sha == SHA
    elsewhere = linked([told[1], pushed("v0", repository=SHOP)])
    assert (only(elsewhere).sha, only(elsewhere).commit) == ("5a6b7c8d", None)


def test_the_same_commit_in_a_fork_is_no_other() -> None:
    source = only(linked([commit(), commit(repository="git.example.org/fork/shop")]))
    assert (source.sha, source.repository) == (SHA, None)


def test_a_commit_of_after_the_sync_is_not_what_it_brought() -> None:
    assert only(linked([commit(committed_at=AT + 3600)])).commit is None


def test_an_image_that_was_there_before_is_not_linked() -> None:
    image = f"{WEB}:sha-5a6b7c8d"
    correlation = linked([commit(), manifest()], image, before_images=(image,))
    assert (only(correlation).own, only(correlation).sha) == (True, REVISION)
    assert correlation.images == ()


def test_several_images_of_several_commits_are_several_links() -> None:
    images = (f"{WEB}:sha-5a6b7c8d", "ghcr.io/example/worker:sha-1234567a", "ghcr.io/example/proxy:v3")
    correlation = linked([commit(), commit("1234567a" + "0" * 32)], images=images)
    assert [(source.images, source.sha[:8]) for source in correlation.sources] == [
        (("worker",), "1234567a"),
        (("web",), "5a6b7c8d"),
    ]
    assert correlation.remarks == ("the tag v3 of proxy names no commit",)


# Manifests


def test_a_trailer_names_the_source_where_the_tag_does_not() -> None:
    told = [commit(), manifest(message=f"dev: shop\n\nSource-Commit: {SHA}")]
    source = only(linked([*told], f"{WEB}:v7"))
    assert (source.sha, source.link.grade) == (SHA, Grade.STRONG)


def test_a_trailer_and_a_tag_that_agree_are_one_link_and_the_tag_wins_where_they_do_not() -> None:
    agreeing = only(linked([commit(), manifest(message=f"x\n\nSource-Commit: {SHA}")]))
    assert len(agreeing.link.evidence) == 2
    differing = linked([commit(), manifest(message=f"x\n\nSource-Commit: {'d' * 40}")])
    assert only(differing).sha == SHA
    assert "the image's is another" in differing.remarks[0]


def test_the_hydrators_trailers_name_commit_and_repository() -> None:
    message = f"x\n\nArgocd-reference-commit-repourl: https://{SHOP}.git\nArgocd-reference-commit-sha: {SHA}\n"
    (trailer,) = trailers_in(message)
    assert (trailer.sha, trailer.repository) == (SHA, SHOP)
    told = [commit(), commit(SHA, "git.example.org/fork/shop"), manifest(message=message)]
    assert only(linked([*told], f"{WEB}:v7")).repository == SHOP


def test_a_message_that_names_a_known_commit_is_likely() -> None:
    source = only(linked([commit(), manifest(message="stage: promote shop 5a6b7c8d")], f"{WEB}:v7"))
    assert (source.sha, source.link.grade) == (SHA, Grade.LIKELY)


def test_a_message_about_another_application_names_nothing_here() -> None:
    told = [commit(), manifest(message="stage: promote 5a6b7c8d", files=("apps/other/values.yaml",))]
    assert linked([*told], f"{WEB}:v7").sources == ()
    unknown = manifest(message="stage: promote 5a6b7c8d", files=())
    assert only(linked([commit(), unknown], f"{WEB}:v7")).own


def test_image_updaters_lines_are_evidence_for_the_image() -> None:
    message = "build: automatic update of web\n\nupdates image example/web tag 'v6' to 'v7'\n"
    assert [*updates_in(message)] == [("example/web", "v7")]
    correlation = linked([manifest(message=message), pushed("v7")], f"{WEB}:v7")
    assert correlation.images[0].link is not None
    assert "Image Updater" in correlation.images[0].link.evidence[1]


def test_commits_between_two_syncs_are_walked_and_else_told_by_time() -> None:
    middle = manifest("d" * 40, "Update web, too", committed_at=AT - 60)
    told = [commit(BEFORE, MANIFESTS, committed_at=AT - 90), middle, manifest(parent="d" * 40, files=("README",))]
    walked = linked([*told]).manifests
    assert [(one.sha[0], one.touches, one.link.grade) for one in walked] == [
        ("c", False, Grade.CERTAIN),
        ("d", True, Grade.CERTAIN),
    ]
    by_time = linked([told[0], middle, manifest(parent=None, files=("README",))]).manifests
    assert [(one.sha[0], one.link.grade) for one in by_time] == [("c", Grade.CERTAIN), ("d", Grade.LIKELY)]


def test_a_revision_of_which_nobody_told_is_still_shown() -> None:
    (one,) = linked([]).manifests
    assert (one.sha, one.commit, one.repository, one.touches) == (REVISION, None, MANIFESTS, None)


# What an operation says, runs and scans


def test_what_an_operation_was_asked_for_with_is_weak() -> None:
    info = (("commit", SHA), ("ci", f"github-actions run {CLAIMED_RUN}"))
    told: list[DeliveryEvent] = [commit(), run(CLAIMED_RUN, "Deploy", sha=None), manifest()]
    correlation = linked(told, None, info=info)
    assert (only(correlation).sha, only(correlation).link.grade) == (SHA, Grade.WEAK)
    assert [(link.run.id, link.link.grade) for link in correlation.runs] == [(CLAIMED_RUN, Grade.WEAK)]


def test_the_manifests_own_commit_stands_in_where_nothing_else_tells() -> None:
    source = only(linked([manifest()], f"{WEB}:2026.11.1"))
    assert (source.own, source.sha, source.link.grade) == (True, REVISION, Grade.LIKELY)


def test_between_several_runs_that_nothing_tells_apart_none_is_chosen() -> None:
    correlation = linked([commit(), run("1", "lint"), run("2", "checks")])
    assert [(link.run.id, link.builds) for link in correlation.runs] == [("1", False), ("2", False)]


@pytest.mark.parametrize(
    ("runs", "chosen"),
    [
        ([run("1", "CI")], ["1"]),
        ([run("1", "lint"), run("2", "docker", kind="build")], ["2"]),
        ([run("1", "CI"), run("2", "build (web)", parent="1"), run("3", "build (api)", parent="1")], ["2"]),
        ([run("1", "web", kind="test"), run("2", "image", kind="build")], ["2"]),
        ([run("1", "CI"), run("1", "CI", attempt=2)], ["1"]),
        (
            [
                run("1", "CI"),
                run("2", "docker", kind="build", parent="1"),
                run("3", "docker", kind="build", parent="1"),
            ],
            ["1"],
        ),
    ],
)
def test_the_run_that_built_the_image_is_chosen(runs: list[Run], chosen: list[str]) -> None:
    links = linked([commit(), *runs]).runs
    assert [link.run.id for link in links if link.builds] == chosen
    assert len(links) == len(runs)


def test_runs_of_another_repository_are_not_these() -> None:
    fork = run("1", "CI", repository="git.example.org/fork/shop")
    assert linked([commit(), fork, pushed("v0", repository=SHOP)]).runs == ()


def test_scans_are_joined_by_digest_by_tag_and_by_commit() -> None:
    image = f"{WEB}:sha-5a6b7c8d@sha256:0b31"
    told: list[DeliveryEvent] = [
        commit(),
        Scanned(tool="trivy", counts={"HIGH": 1}, digest="sha256:0b31"),
        Scanned(tool="harbor", counts={"HIGH": 2}, image=WEB, tag="sha-5a6b7c8d"),
        Scanned(tool="other", counts={"HIGH": 3}, image="ghcr.io/example/other", tag="sha-5a6b7c8d"),
        Scanned(tool="codeql", counts={"HIGH": 4}, repository=SHOP, sha=SHA),
    ]
    correlation = linked(told, image)
    assert [scan.tool for scan in correlation.images[0].scans] == ["trivy", "harbor"]
    assert [scan.tool for scan in correlation.scans] == ["codeql"]


def test_a_link_is_no_surer_than_what_it_hangs_on() -> None:
    correlation = linked([run("1", "CI"), commit()], f"{WEB}:v1-sha5a6b")
    assert {link.link.grade for link in correlation.runs} == {Grade.LIKELY}


def test_a_link_can_be_shown() -> None:
    assert msgspec.to_builtins(only(linked([commit()])).link) == {
        "grade": "strong",
        "evidence": ("tag sha-5a6b7c8d of web names commit 5a6b7c8d",),
    }
