"""What looks like deletion and isn't: restarts, replicas that lag, permissions lost, backups. Nobody sees them go."""

import asyncio
import random
from itertools import count

import pytest
from aiohttp import web

from tests.e2e.fastloop import let_pass
from tests.e2e.harness import run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import fill
from tests.fakes.replica import Replica
from tests.hub.client import Event

NAMES = tuple("abcdefghij")
LAG = 8.0
"""Seconds by which the late replica is late."""


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with ten applications of two projects."""
    for name in NAMES:
        argocd.put(application(name, project="blue" if name < "f" else "green"))
    return argocd


async def test_a_restart_with_an_empty_list_deletes_nothing_for_anybody(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=30.0) as stage:
        watcher = await stage.watch()
        removed, versions = watcher.watch_removals(), watcher.watch_documents()
        await stage.live()
        filled.restart()
        await stage.becomes("stale", within=20.0)
        await stage.becomes("down", within=90.0)
        await let_pass(120.0)
        assert len(await stage.listed()) == len(NAMES)
        filled.ready()
        filled.put(application("a", project="blue", health="Degraded"))
        await stage.live(within=60.0)
        await stage.reconciled(2)
        await stage.assert_true(filled)
        assert removed == []
        assert [document["key"] for document in versions] == ["argocd/a"]


async def test_one_list_that_is_empty_although_all_is_well_deletes_nothing(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=30.0) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.list_empty = True
        await stage.reconciled()
        filled.list_empty = False
        await stage.reconciled(2)
        await stage.assert_true(filled)
        assert removed == []


async def test_two_servers_of_which_one_lags_take_no_live_application_away_and_roll_nothing_back(
    filled: FakeArgoCD,
) -> None:
    lagging, numbers, dice = filled.snapshot(), count(1), random.Random(8)
    loop = asyncio.get_running_loop()

    def choose(_: web.Request) -> str | Replica:
        return lagging if dice.random() < 0.5 else "fresh"

    def change(name: str, *, life: int = 0, gone: bool = False) -> None:
        if gone:
            filled.delete(f"argocd/{name}")
        else:
            labels = {"number": str(next(numbers)), "life": str(life)}
            filled.put(application(name, project="blue", labels=labels))
        loop.call_later(LAG, lagging.catch_up, 1)

    filled.route(list=choose, watch=choose)
    async with run_gateway(filled, reconcile_interval=20.0, removal_confirm=10.0, retry_max=2.0) as stage:
        watcher = await stage.watch()
        versions = watcher.watch_documents()
        wrongly_removed: list[str] = []

        def judge(event: Event) -> None:
            """A deletion may come late, when there is another application of that name; but not for that one."""
            for key in event.data.get("removed", ()):
                shown = next(item for item in reversed(versions) if item["key"] == key and "name" in item)
                alive = filled.applications.get(key)
                if alive is not None and alive["metadata"]["labels"] == shown["labels"]:
                    wrongly_removed.append(key)
                versions.append({"key": key, "removed": True})

        watcher.heard.append(judge)
        await stage.live()
        for step in range(150):
            await let_pass(1.7)
            change(NAMES[step % 7])
            if step % 10 == 3:
                change("extra", life=step)
            if step % 10 == 9:
                change("extra", gone=True)
            if step % 50 == 25:
                filled.cut_all()
        await let_pass(LAG + 1.0)
        await stage.reconciled(2)
        await stage.assert_true(filled)
        assert stage.count("reconcile") > 8
        assert wrongly_removed == []
        least: dict[str, int] = {}
        for item in versions:
            key, number = item["key"], int(item.get("labels", {}).get("number", 0))
            if "removed" in item:
                # What is gone comes back as another one only.
                least[key] += 1
            else:
                assert number >= least.get(key, 0), f"{key} went back to {number}"
                least[key] = number
        assert stage.count("restore") == 0


async def test_a_permission_lost_for_all_is_down_and_deletes_nothing_and_is_regained(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.forbid_all()
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=80.0)
        assert watcher.upstream["reason"] == "permission-lost"
        await let_pass(200.0)
        assert (watcher.upstream["state"], len(watcher.documents), removed) == ("down", len(NAMES), [])
        # What happens now is announced to others alone.
        filled.delete("argocd/a")
        filled.put(application("b", project="blue", health="Degraded"))
        filled.allow()
        await stage.live(within=330.0)
        await stage.reconciled()
        await watcher.wait(lambda: removed == ["argocd/a"], within=100.0)
        await stage.assert_true(filled)
        assert watcher.upstream["state"] == "live"


async def test_a_permission_lost_for_one_project_deletes_nothing_and_the_others_go_on(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.forbid("green")
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=80.0)
        assert watcher.upstream["reason"] == "permission-lost"
        filled.put(application("a", project="blue", health="Degraded"))
        filled.delete("argocd/b")
        await watcher.wait(lambda: removed == ["argocd/b"], within=5.0)
        assert watcher.documents["argocd/a"]["health"]["status"] == "Degraded"
        await let_pass(200.0)
        assert (removed, len(watcher.documents)) == (["argocd/b"], len(NAMES) - 1)
        filled.delete("argocd/j")
        filled.allow("green")
        await stage.live(within=330.0)
        await watcher.wait(lambda: removed == ["argocd/b", "argocd/j"], within=100.0)
        await stage.assert_true(filled)


async def test_deleting_all_of_a_project_is_believed_once_permission_is_confirmed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        for name in "fghij":
            filled.delete(f"argocd/{name}", announce=False)
        await watcher.wait(lambda: len(watcher.documents) == 5, within=100.0)
        assert stage.count("missed_delete") == 5
        assert stage.state == "live"
        assert filled.requests_to("/api/v1/account/can-i/applications/get/green/*")
        await stage.assert_true(filled)


async def test_before_half_of_everything_goes_permission_is_asked_for(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        for name in "abcfg":
            filled.delete(f"argocd/{name}", announce=False)
        await watcher.wait(lambda: len(watcher.documents) == 5, within=100.0)
        for project in ("blue", "green"):
            assert filled.requests_to(f"/api/v1/account/can-i/applications/get/{project}/*")
        await stage.assert_true(filled)


async def test_a_burst_that_stalls_in_the_middle_publishes_no_part_of_a_fleet(filled: FakeArgoCD) -> None:
    filled.stall_burst_after(5)
    async with run_gateway(filled) as stage:
        watcher = await stage.subscribe()
        await filled.wait_for_stream(lambda stream: stream.burst_sent == 5)
        await let_pass(5.0)
        assert watcher.documents == {}
        assert {event.name for event in watcher.events} == {"heartbeat"}
        assert watcher.upstream["state"] == "connecting"
        assert (await stage.get("/api/pipelines")).status == 503
        filled.resume_burst()
        await watcher.wait(lambda: watcher.has_state, within=10.0)
        first = next(event for event in watcher.events if event.name == "snapshot")
        assert (first.data["reason"], len(first.data["applications"])) == ("new", len(NAMES))
        await stage.assert_true(filled)


async def test_a_burst_that_stalls_in_a_later_reconcile_takes_nothing_away(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.stall_burst_after(5)
        await let_pass(100.0)
        filled.put(application("a", project="blue", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Degraded", within=5.0)
        assert stage.state == "live"
        filled.resume_burst()
        await stage.reconciled()
        await stage.assert_true(filled)
        assert removed == []


async def test_etcd_restored_to_an_hour_ago_is_found_out_and_shown(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        backup, version = list(filled.applications.values()), filled.version_counter
        watcher = await stage.watch()
        await stage.live()
        for name in NAMES:
            filled.put(application(name, project="blue", health="Degraded"))
        filled.delete("argocd/c")
        fill(filled, "since")
        await stage.assert_true(filled)
        filled.restore(backup, version)
        await stage.counted("restore", within=300.0)
        await watcher.wait(lambda: "argocd/since" not in watcher.documents, within=200.0)
        await stage.assert_true(filled, within=100.0)
        assert len(watcher.documents) == len(NAMES)
        # From here on versions count as ever.
        filled.put(application("a", project="blue", health="Missing"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Missing", within=5.0)
        filled.delete("argocd/b")
        await watcher.wait(lambda: "argocd/b" not in watcher.documents, within=5.0)
        await stage.assert_true(filled)


async def test_an_application_that_changes_project_leaves_some_and_comes_whole_to_others(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        blue, green = await stage.watch("?projects=blue"), await stage.watch("?projects=green")
        await stage.live()
        removed = blue.watch_removals()
        filled.put(application("a", project="green"))
        await blue.wait(lambda: removed == ["argocd/a"], within=5.0)
        await green.wait(lambda: "argocd/a" in green.documents, within=5.0)
        assert green.documents["argocd/a"] == (await stage.listed())["argocd/a"]
        await stage.assert_same()
        await stage.assert_true(filled)


async def test_an_application_that_leaves_the_projects_that_are_watched_goes_although_nothing_says_so(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled, argocd_projects=("blue",), reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        assert set(watcher.documents) == {f"argocd/{name}" for name in "abcde"}
        filled.put(application("a", project="green"))
        await watcher.wait(lambda: "argocd/a" not in watcher.documents, within=100.0)
        assert stage.state == "live"
        assert all(
            request.query.getall("projects") == ["blue"] for request in filled.requests_to("/api/v1/applications")
        )
