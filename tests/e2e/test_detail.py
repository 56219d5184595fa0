"""One application in detail: shared by all who look, dropped after the last, honest about what it couldn't get."""

from typing import Any

import orjson
import pytest

from gateway.detail.desk import LINGER
from gateway.hub.frame import Form
from tests.e2e.fastloop import let_pass, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import FORMS, STREAM, Subscriber
from tests.fakes import recordings
from tests.fakes.applications import REVISION, application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.details import node

WEB = f"{STREAM}/argocd/web"
TREE = "/api/v1/applications/web/resource-tree"
TREE_STREAM = "/api/v1/stream/applications/web/resource-tree"
PODS = [node("Deployment", "web"), node("Pod", "web-1", parent=node("Deployment", "web"))]


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with three applications, two of one name."""
    argocd.put(application("web", project="shop", health="Degraded", sync="OutOfSync"))
    argocd.put(application("core", project="shop"))
    argocd.put(application("core", project="shop", namespace="apps"))
    argocd.details.put_tree("argocd/web", PODS)
    return argocd


async def look(stage: Stage, path: str = WEB, *, form: Form = Form.CHUNKED) -> Subscriber:
    return await stage.watch(form=form, path=path)


async def complete(watcher: Subscriber) -> None:
    """Wait until nothing is missing."""
    await watcher.wait(
        lambda: {part["state"] for part in watcher.detail["parts"].values()} == {"ready"}, what=str(watcher.detail)
    )


async def assert_true(stage: Stage, *watchers: Subscriber, key: str = "argocd/web") -> None:
    """Assert that each fold is the document that the desk holds."""
    await let_pass(1.0)
    await settle()
    for watcher in watchers:
        held = stage.gateway.details.feed.log.documents.get(key, {})
        await watcher.wait(lambda one=watcher, held=held: one.detail == as_read(held))  # type: ignore[misc]


def as_read(document: Any) -> Any:
    return orjson.loads(orjson.dumps(dict(document)))


@pytest.mark.parametrize("form", FORMS)
async def test_a_detail_begins_with_what_is_known_and_is_completed(filled: FakeArgoCD, form: Form) -> None:
    async with run_gateway(filled, argocd_public_url="https://argocd.example.org") as stage:
        await stage.live()
        watcher = await look(stage, form=form)
        assert watcher.first == ("snapshot", "new")
        assert watcher.detail["key"] == "argocd/web"
        assert watcher.detail["parts"]["tree"] == {"state": "loading"}
        await complete(watcher)
        detail = watcher.detail
        assert [each["kind"] for each in detail["tree"]["nodes"]] == ["Deployment", "Pod"]
        assert detail["tree"]["nodes"][1]["parents"] == [detail["tree"]["nodes"][0]["uid"]]
        assert {each["status"] for each in detail["resources"]} == {"OutOfSync"}
        assert detail["revisions"][REVISION]["message"] == f"Change {REVISION[:4]}"
        assert detail["links"] == {"argocd": "https://argocd.example.org/applications/argocd/web"}
        assert [each["code"] for each in detail["explanations"]] == ["degraded", "out-of-sync"]
        assert detail["history"][0]["revisions"] == [REVISION]
        await assert_true(stage, watcher)


async def test_requests_name_the_namespace_and_the_project(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await complete(await look(stage, f"{STREAM}/apps/core"))
        asked = [each for each in filled.requests if "/applications/core" in each.path]
        assert {each.path.removeprefix("/api/v1") for each in asked} == {
            "/stream/applications/core/resource-tree",
            "/applications/core/resource-tree",
            "/applications/core",
            f"/applications/core/revisions/{REVISION}/metadata",
        }
        assert {(each.query["appNamespace"], each.query["project"]) for each in asked} == {("apps", "shop")}


async def test_two_viewers_share_one_stream_upstream_which_ends_after_the_last(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        first, second = await look(stage), await look(stage, f"{STREAM}/web")
        await complete(first)
        await complete(second)
        assert first.detail == second.detail
        assert len(filled.details.streams) == len(filled.requests_to(TREE)) == 1
        first.leave()
        await let_pass(LINGER * 2)
        assert len(filled.details.open_streams) == 1
        second.leave()
        await until(lambda: not filled.details.open_streams, within=LINGER * 2)
        assert (await stage.get("/api/status")).json["subscribers"]["details"] == 0


async def test_a_reload_asks_argo_cd_for_nothing_and_gets_only_what_changed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        asked = len(filled.requests)
        watcher.leave()
        await let_pass(LINGER / 2)
        await watcher.connect()
        await watcher.wait(lambda: watcher.has_state)
        assert watcher.first == ("delta", "resumed")
        assert watcher.events[0].data == {"reason": "resumed", "changed": {}}
        assert len(filled.requests) == asked
        await assert_true(stage, watcher)


async def test_a_cursor_outlives_the_watching(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        watcher.leave()
        await let_pass(LINGER * 3)
        filled.put(application("web", project="shop", health="Healthy"))
        await settle()
        await watcher.connect()
        await watcher.wait(lambda: watcher.has_state)
        assert watcher.first == ("delta", "resumed")
        assert watcher.events[0].data["changed"]["health"]["status"] == "Healthy"
        await complete(watcher)
        await assert_true(stage, watcher)


async def test_a_change_of_the_tree_reaches_the_viewer_and_many_are_one(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        frames = len(watcher.events)
        for number in range(50):
            filled.details.put_tree("argocd/web", [*PODS, node("Pod", f"web-{number}")])
        await watcher.wait(lambda: watcher.detail["tree"]["nodes"][-1]["name"] == "web-49", within=3.0)
        assert len(watcher.events) - frames <= 3
        assert len(filled.requests_to(TREE)) == 1
        await assert_true(stage, watcher)


@pytest.mark.parametrize("name", ["canary/tree.ndjson", "rollout/resource-tree.ndjson"])
async def test_a_recorded_rollout_is_followed_to_its_last_tree(filled: FakeArgoCD, name: str) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        recorded = recordings.lines(name)
        for line in recorded:
            filled.details.send_to_trees(b"data: " + line.strip() + b" \n\n\n")
            await let_pass(0.3)
        last = orjson.loads(recorded[-1])["result"]["nodes"]
        await watcher.wait(
            lambda: [each["uid"] for each in watcher.detail["tree"]["nodes"]] == [each["uid"] for each in last]
        )
        await assert_true(stage, watcher)


async def test_resources_are_asked_for_again_when_the_application_moves_at_most_once_a_second(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        before = len(filled.requests_to("/api/v1/applications/web"))
        for number in range(20):
            filled.put(application("web", project="shop", labels={"step": str(number)}))
            await let_pass(0.1)
        await watcher.wait(lambda: {each["status"] for each in watcher.detail["resources"]} == {"Synced"})
        assert 1 <= len(filled.requests_to("/api/v1/applications/web")) - before <= 4
        await assert_true(stage, watcher)


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_part_that_is_refused_says_why_and_the_rest_goes_on(filled: FakeArgoCD, status: int) -> None:
    filled.details.part_status = dict.fromkeys(("tree", "tree-stream", "revision"), status)
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await watcher.wait(lambda: watcher.detail["parts"]["tree"]["state"] == "failed")
        reason = {403: "forbidden", 404: "not-found", 500: "answered-badly"}[status]
        assert watcher.detail["parts"]["tree"] == {"state": "failed", "reason": reason}
        await watcher.wait(lambda: watcher.detail["parts"]["revisions"] == {"state": "failed", "reason": reason})
        assert watcher.detail["parts"]["resources"] == {"state": "ready"}
        assert "tree" not in watcher.detail
        await let_pass(300.0)
        assert len(filled.requests_to(TREE)) < 25
        assert len(filled.requests_to(TREE_STREAM)) < 25
        filled.details.part_status.clear()
        await watcher.wait(lambda: "tree" in watcher.detail and "revisions" in watcher.detail, within=120.0)
        await complete(watcher)
        await assert_true(stage, watcher)


async def test_what_the_trees_stream_loses_is_asked_for_again(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        for break_all in (
            filled.details.end_trees,
            filled.details.cut_trees,
            lambda: filled.details.fail_trees(404, "gone from the cache"),
            lambda: filled.details.send_to_trees(b"data: {garbage\n\n"),
        ):
            name = f"Pod-{len(filled.requests)}"
            filled.details.put_tree("argocd/web", [node("Pod", name)], announce=False)
            break_all()
            await watcher.wait(
                lambda name=name: watcher.detail["tree"]["nodes"][0]["name"] == name,  # type: ignore[misc]
                within=60.0,
            )
        await until(lambda: len(filled.details.open_streams) == 1, within=60.0)
        await assert_true(stage, watcher)


async def test_a_slow_part_keeps_nobody_waiting(filled: FakeArgoCD) -> None:
    for part in ("tree", "tree-stream", "application", "revision"):
        filled.details.hold(part)
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        filled.put(application("web", project="shop", health="Healthy"))
        await watcher.wait(lambda: watcher.detail["health"]["status"] == "Healthy", within=5.0)
        assert {part["state"] for part in watcher.detail["parts"].values()} == {"loading"}
        for part in ("tree", "tree-stream", "application", "revision"):
            filled.details.release(part)
        await complete(watcher)


async def test_few_revisions_are_asked_for_at_once_and_each_only_once(filled: FakeArgoCD) -> None:
    filled.details.hold("revision")
    web = application("web", project="shop")
    web["status"]["history"] = [
        {"id": number, "revision": f"{number:040x}", "deployedAt": "2026-11-20T23:17:49Z"} for number in range(10)
    ]
    filled.put(web)
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await let_pass(5.0)
        filled.details.release("revision")
        await complete(watcher)
        assert filled.details.most_under_way == 4
        assert len(watcher.detail["revisions"]) == 11
        asked = [each for each in filled.requests if each.path.endswith("/metadata")]
        assert len(asked) == 11
        assert {each.query.get("versionId") for each in asked} == {None, *map(str, range(10))}
        other = await look(stage, f"{STREAM}/argocd/core")
        await complete(other)
        assert len([each for each in filled.requests if each.path.endswith("/metadata")]) <= 12


async def test_an_application_that_is_deleted_is_removed_and_comes_back_when_it_is_created_again(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        filled.delete("argocd/web")
        await watcher.wait(lambda: watcher.detail == {})
        assert watcher.events[-1].data == {"changed": {}, "removed": True}
        await until(lambda: not filled.details.open_streams)
        late = await look(stage)
        await late.wait(lambda: late.detail == {})
        filled.put(application("web", project="shop"))
        for each in (watcher, late):
            await each.wait(lambda one=each: one.detail != {})  # type: ignore[misc]
            await complete(each)
        await assert_true(stage, watcher, late)


async def test_an_unknown_application_is_404_and_an_ambiguous_one_409(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for path, status, kind in (
            ("/nothing", 404, "unknown-application"),
            ("/apps/web", 404, "unknown-application"),
            ("/core", 409, "ambiguous"),
            ("/web?projects=shop", 400, "bad-parameters"),
        ):
            answer = await stage.get(f"{STREAM}{path}", headers={"Accept": "text/event-stream"})
            assert (answer.status, answer.json["type"].rpartition(":")[2]) == (status, kind)
        assert not stage.gateway.details.desk.watched


async def test_before_there_is_a_state_viewers_wait_with_heartbeats(filled: FakeArgoCD) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled) as stage:
        watchers = [await stage.subscribe(path=f"{STREAM}{path}") for path in ("/argocd/web", "/web")]
        strangers = [await stage.subscribe(path=f"{STREAM}{path}") for path in ("/nothing", "/core")]
        gone = await stage.subscribe(path=f"{STREAM}/argocd/web")
        for watcher in [*watchers, *strangers]:
            await watcher.wait(lambda one=watcher: one.upstream.get("state") == "connecting")  # type: ignore[misc]
        assert (await stage.get(WEB)).status == 503
        gone.leave()
        await settle()
        filled.resume_burst()
        await stage.live()
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
            assert watcher.first == ("snapshot", "new")
            await complete(watcher)
        for stranger in strangers:
            await stranger.wait(lambda one=stranger: one.ended)  # type: ignore[misc]
            assert (stranger.goodbye or {})["reason"] == "unknown"
        await assert_true(stage, *watchers)
        for watcher in watchers:
            watcher.leave()
        await until(lambda: not stage.gateway.details.desk.watched, within=LINGER * 2)


async def test_viewers_count_as_subscribers_and_are_drained_like_them(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, max_subscribers=2) as stage:
        await stage.live()
        watchers = [await stage.watch(), await look(stage)]
        refused = await stage.subscribe(path=WEB)
        await refused.wait(lambda: refused.ended)
        assert (refused.goodbye or {})["reason"] == "overloaded"
        status = (await stage.get("/api/status")).json
        assert status["subscribers"] == {"open": 2, "behind": 0, "views": 2, "details": 1}
        stage.gateway.drain()
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: one.ended)  # type: ignore[misc]
            assert (watcher.goodbye or {})["reason"] == "drain"


async def test_so_many_applications_may_be_looked_at_at_once(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        stage.gateway.details.desk._max_watched = 1
        first = await look(stage)
        refused = await stage.subscribe(path=f"{STREAM}/apps/core")
        await refused.wait(lambda: refused.ended)
        assert (refused.goodbye or {})["reason"] == "overloaded"
        assert (await stage.get(f"{STREAM}/apps/core")).status == 503
        first.leave()
        await settle()
        # Whoever nobody looks at any more makes room at once.
        assert (await look(stage, f"{STREAM}/apps/core")).detail["key"] == "apps/core"


async def test_viewers_are_told_how_upstream_is(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await complete(watcher)
        await filled.stop()
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=120.0)
        assert watcher.detail["tree"]
        await filled.start()
        await watcher.wait(lambda: watcher.upstream["state"] == "live", within=120.0)
        await until(lambda: len(filled.details.open_streams) == 1, within=60.0)


@pytest.mark.parametrize("form", FORMS)
async def test_a_slow_viewer_catches_up(filled: FakeArgoCD, form: Form) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = Subscriber(stage.gateway.address, form=form, path=WEB)
        stage.subscribers.append(watcher)
        watcher.receive_buffer = 4_096
        await watcher.connect()
        await complete(watcher)
        watcher.stop_reading()
        for number in range(30):
            pods = [node("Pod", f"web-{number}-{index}-{index * 7919 % 9973}") for index in range(600)]
            filled.details.put_tree("argocd/web", pods)
            await let_pass(0.6)
        watcher.read_on()
        await watcher.wait(lambda: watcher.detail["tree"]["nodes"][0]["name"].startswith("web-29-"))
        await assert_true(stage, watcher)


async def test_the_token_is_nowhere(filled: FakeArgoCD, logs: list[Any]) -> None:
    filled.details.part_status = dict.fromkeys(("tree", "tree-stream", "application", "revision"), 401)
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await look(stage)
        await watcher.wait(lambda: watcher.detail["parts"]["tree"] == {"state": "failed", "reason": "refused"})
        await let_pass(10.0)
        assert "secret" not in str(watcher.events)
    assert "secret" not in str(logs)
