"""What changed of late, and badges: asked over HTTP."""

from pathlib import Path

import pytest

from gateway.model.upstream import rfc3339
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Answer, Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    argocd.put(application("core", project="blue", health="Healthy", labels={"team": "one"}))
    argocd.put(application("web", project="green", health="Healthy"))
    return argocd


async def put(stage: Stage, argocd: FakeArgoCD, *puts: tuple[str, str, str]) -> None:
    """Have Argo CD show applications, one after the other: name, project, health."""
    for name, project, health in puts:
        top = stage.gateway.log.ring.top
        argocd.put(application(name, project=project, health=health))
        await until(lambda above=top: stage.gateway.log.ring.top > above)  # type: ignore[misc]


def told(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer
    return [(change["kind"], change["name"]) for change in answer.json["changes"]]


async def test_what_there_was_at_the_beginning_is_no_change_and_the_log_says_how_far_it_reaches(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        began = stage.gateway.log.ring.dated_from
        assert began is not None
        await let_pass(10.0)
        answer = await stage.get("/api/changes")
        assert answer.json == {
            "position": str(stage.gateway.log.position),
            "since": rfc3339(stage.gateway.clock() - 3_600.0),
            "complete": False,
            "from": rfc3339(began),
            "changes": [],
        }
        recent = (await stage.get("/api/changes?since=5")).json
        assert (recent["complete"], "from" in recent) == (True, False)


async def test_each_change_is_told_by_itself_newest_first_with_the_fields_that_differ(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await let_pass(10.0)
        changed_at = stage.gateway.clock()
        await put(stage, filled, ("web", "green", "Degraded"), ("web", "green", "Healthy"), ("new", "blue", "Healthy"))
        filled.delete("argocd/core")
        await until(lambda: "argocd/core" not in stage.gateway.log.documents)
        answer = await stage.get("/api/changes?since=9")
        assert told(answer) == [("removed", "core"), ("added", "new"), ("changed", "web"), ("changed", "web")]
        removed, added, healed, broke = answer.json["changes"]
        assert (set(removed) & {"before", "after"}, set(added) & {"before", "after"}) == ({"before"}, {"after"})
        assert (removed["before"]["team"], removed["project"]) == ("one", "blue")
        assert added["after"]["key"] == added["key"] == "argocd/new"
        assert {field: broke["after"][field]["status"] for field in broke["after"]} == {"health": "Degraded"}
        assert broke["after"] == healed["before"]
        assert [each["offset"] for each in answer.json["changes"]] == [6, 5, 4, 3]
        assert broke["at"] == rfc3339(changed_at)
        exact = await stage.get(f"/api/changes?since={rfc3339(stage.gateway.clock() + 1)}")
        assert told(exact) == []


async def test_changes_are_told_as_the_selection_sees_them(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await put(
            stage, filled, ("web", "green", "Degraded"), ("web", "green", "Missing"), ("core", "green", "Missing")
        )
        assert told(await stage.get("/api/changes?health=Degraded")) == [("removed", "web"), ("added", "web")]
        assert told(await stage.get("/api/changes?projects=blue")) == [("removed", "core")]
        assert told(await stage.get("/api/changes?projects=green")) == [
            ("added", "core"),
            ("changed", "web"),
            ("changed", "web"),
        ]
        (left,) = (await stage.get("/api/changes?projects=blue")).json["changes"]
        assert (left["project"], left["before"]["project"], "after" in left) == ("blue", "blue", False)


async def test_a_limit_and_a_trimmed_log_are_said_to_be_incomplete(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, log_capacity=4) as stage:
        await stage.live()
        await let_pass(60.0)
        flips = [("web", "green", word) for word in ("Degraded", "Healthy") * 3]
        await put(stage, filled, *flips)
        whole = (await stage.get("/api/changes?since=30")).json
        assert (len(whole["changes"]), whole["complete"]) == (4, False)
        cut = (await stage.get("/api/changes?since=30&limit=2")).json
        assert (cut["changes"], cut["complete"], cut["from"]) == (whole["changes"][:2], False, cut["changes"][-1]["at"])


async def test_a_tag_spares_the_body_until_something_changed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await put(stage, filled, ("web", "green", "Degraded"))
        first = await stage.get("/api/changes")
        assert first.headers["Cache-Control"] == "no-cache"
        tag = {"If-None-Match": first.headers["ETag"]}
        await let_pass(5.0)
        again = await stage.get("/api/changes", headers=tag)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        assert (await stage.get("/api/changes?since=1", headers=tag)).status == 200
        await put(stage, filled, ("web", "green", "Healthy"))
        assert told(await stage.get("/api/changes", headers=tag)) == [("changed", "web")] * 2


async def test_after_a_restart_only_what_a_content_finds_to_differ_has_changed(
    filled: FakeArgoCD, tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    async with run_gateway(filled, state_file=file) as stage:
        await stage.live()
    filled.put(application("web", project="green", health="Degraded"))
    filled.stall_burst_after(0)
    async with run_gateway(filled, state_file=file, team_rules="project") as stage:
        # Shown by other rules, which is no change.
        listed = await stage.listed()
        assert {document["team"] for document in listed.values()} == {"blue", "green"}
        assert told(await stage.get("/api/changes")) == []
        filled.resume_burst()
        await stage.live()
        await until(lambda: stage.gateway.log.ring.top > 2)
        assert told(await stage.get("/api/changes")) == [("changed", "web")]


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ("since=yesterday", ["since: allowed are a duration back from now, such as 90, 15m, 1h or 30d"]),
        ("since=-5", ["since: allowed are"]),
        ("since=2026-11-20", ["since: allowed are"]),
        ("since=2026-11-20T23:00:00", ["since: allowed are"]),
        ("since=2026-13-20T23:00:00Z", ["since: allowed are"]),
        ("limit=0", ["limit: allowed are whole numbers from 1 to 2,000"]),
        ("limit=2001", ["limit: allowed are"]),
        ("limit=ten", ["limit: allowed are"]),
        ("sinse=1h", ["Did you mean since? Allowed are projects, namespaces, names, selector, health, sync, since"]),
        ("limit=&health=Fine&x=1", ["'x' is no parameter", "health: 'Fine' is unknown", "limit: allowed are"]),
    ],
)
async def test_a_query_that_can_not_be_understood_is_told_all_that_is_wrong_with_it(
    filled: FakeArgoCD, query: str, problems: list[str]
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        answer = await stage.get(f"/api/changes?{query}")
        assert answer.status == 400
        said = answer.json["problems"]
        assert len(said) == len(problems)
        for expected, problem in zip(problems, said, strict=True):
            assert expected in problem


@pytest.mark.parametrize(
    "since",
    [
        "0",
        "1.5h",
        "500ms",
        "9999999h",
        "2026-11-20T23:00:00Z",
        "2026-11-20T23:00:00.5%2B09:00",
        "2026-11-20t23:00:00+09:00",
    ],
)
async def test_a_moment_can_be_written_in_several_ways(filled: FakeArgoCD, since: str) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        assert (await stage.get(f"/api/changes?since={since}")).status == 200


# Badges


async def test_a_badge_is_a_picture_that_may_be_kept_for_a_moment_and_can_do_nothing(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        answer = await stage.get("/badge/web.svg?label=%3Cb%3E")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert answer.headers["Cache-Control"] == "max-age=10, must-revalidate"
        assert "default-src 'none'; " in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert b"&lt;b&gt;" in answer.body
        assert "Healthy" in answer.body.decode()
        again = await stage.get("/badge/web.svg?label=%3Cb%3E", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        await put(stage, filled, ("web", "green", "Degraded"))
        assert "Degraded" in (await stage.get("/badge/argocd/web.svg")).body.decode()


async def test_whatever_is_not_known_is_a_grey_picture_that_says_so(filled: FakeArgoCD) -> None:
    filled.put(application("web", namespace="apps"))
    filled.stall_burst_after(0)
    async with run_gateway(filled) as stage:
        early = await stage.get("/badge/core.svg")
        assert (early.status, b"connecting" in early.body) == (503, True)
        filled.resume_burst()
        await stage.live()
        for path, status, word in (
            ("/badge/gone.svg", 404, b"unknown"),
            ("/badge/apps/core.svg", 404, b"unknown"),
            ("/badge/web.svg", 409, b"ambiguous"),
        ):
            answer = await stage.get(path, headers={"If-None-Match": "*"})
            assert (answer.status, word in answer.body, answer.headers["Content-Type"][:13]) == (
                status,
                True,
                "image/svg+xml",
            )
        await filled.stop()
        await stage.becomes("stale")
        assert b"stale" in (await stage.get("/badge/core.svg")).body


async def test_a_badge_that_is_asked_for_wrongly_says_all_that_is_wrong(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        answer = await stage.get(f"/badge/core.svg?show=all&label={'x' * 101}&colour=red")
        assert answer.status == 400
        assert answer.json["problems"] == [
            "show: allowed are both, health, sync",
            "label: at most 100 characters are allowed",
            "'colour' is no parameter. Allowed are label, show",
        ]
