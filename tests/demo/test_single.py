"""What the player answers about one application, as Argo CD does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from gateway.demo.player import Player
from gateway.demo.recording import Recording
from gateway.demo.timetable import Timetable
from tests.fakes import recordings

UNIX_OFFSET = 1_800_000_000.0
APPLICATIONS, STREAM = "/api/v1/applications", "/api/v1/stream/applications"
SSE = {"Accept": "text/event-stream"}
PAY = {"appNamespace": "argocd", "project": "trombone"}


def now() -> float:
    return UNIX_OFFSET + asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def play(recorded: Recording) -> AsyncIterator[tuple[Player, aiohttp.ClientSession]]:
    async with Player(Timetable(recorded), clock=now) as player:
        headers = {"Authorization": f"Bearer {player.token}"}
        async with aiohttp.ClientSession(player.url, headers=headers) as session:
            yield player, session


async def fetch(session: aiohttp.ClientSession, path: str, **params: str) -> tuple[int, Any]:
    async with session.get(APPLICATIONS + path, params=params) as response:
        return response.status, orjson.loads(await response.read())


def recorded_answer(name: str) -> tuple[int, Any]:
    answer = recordings.answer(f"http/{name}.http")
    return answer.status, orjson.loads(answer.body)


async def test_an_application_is_told_whole(recorded: Recording) -> None:
    async with play(recorded) as (player, session):
        status, application = await fetch(session, "/trombone-pay", **PAY)
        assert status == 200
        assert application == player.cluster.applications["argocd/trombone-pay"]
        assert application["status"]["operationState"]["syncResult"]["resources"]
        assert len(application["status"]["resources"]) == 4
        assert (await fetch(session, "/trombone-pay"))[1]["metadata"]["name"] == "trombone-pay"


@pytest.mark.parametrize("what", ["", "/resource-tree", "/revisions/HEAD/metadata", "/resource", "/syncwindows"])
async def test_what_is_missing_is_refused_in_the_recorded_words(recorded: Recording, what: str) -> None:
    async with play(recorded) as (_, session):
        assert await fetch(session, f"/nope{what}") == recorded_answer("get-missing")
        assert await fetch(session, f"/nope{what}", project="store") == recorded_answer("get-missing-project")
        status, said = await fetch(session, f"/trombone-pay{what}", project="store")
        assert (status, said["code"]) == (404, 5)
        assert (await fetch(session, f"/trombone-pay{what}", appNamespace="elsewhere"))[0] == 403
        async with session.get(
            f"{APPLICATIONS}/trombone-pay{what}", params=[("project", "store"), ("project", "trombone")]
        ) as response:
            assert response.status == 400


@pytest.mark.parametrize("accept", [{}, SSE])
async def test_a_stream_of_a_missing_tree_is_refused_as_a_stream(recorded: Recording, accept: dict[str, str]) -> None:
    async with play(recorded) as (_, session):
        for params, status in (({}, 403), ({"project": "store"}, 404)):
            async with session.get(f"{STREAM}/nope/resource-tree", params=params, headers=accept) as response:
                assert response.status == status
                text = await response.read()
            assert text.startswith(b"data: ") == bool(accept)
            assert orjson.loads(text.removeprefix(b"data: "))["error"]["http_code"] == status


async def test_a_recorded_tree_has_what_the_rollout_made(recorded: Recording) -> None:
    async with play(recorded) as (_, session):
        _, tree = await fetch(session, "/trombone-pay/resource-tree", **PAY)
        kinds = [node["kind"] for node in tree["nodes"]]
        assert (kinds.count("Pod"), kinds.count("ReplicaSet"), kinds.count("Rollout")) == (5, 1, 1)


async def test_a_tree_that_wasnt_recorded_is_what_the_application_says_itself(recorded: Recording) -> None:
    async with play(recorded) as (player, session):
        _, tree = await fetch(session, "/store-auth-dev/resource-tree")
        listed = player.cluster.applications["argocd/store-auth-dev"]["status"]["resources"]
        assert [(node["kind"], node["name"]) for node in tree["nodes"]] == [
            (item["kind"], item["name"]) for item in listed
        ]
        assert len({node["uid"] for node in tree["nodes"]}) == len(listed) == 3


@pytest.mark.parametrize("accept", [{}, SSE])
@pytest.mark.parametrize("name", ["trombone-pay", "astrago-core"])
async def test_a_tree_stream_begins_with_the_next_tree_and_tells_each_as_a_whole(
    recorded: Recording, name: str, accept: dict[str, str]
) -> None:
    async with play(recorded) as (player, session):
        before = player.cluster.show_tree(f"argocd/{name}")
        async with session.get(f"{STREAM}/{name}/resource-tree", params=dict(PAY), headers=accept) as response:
            assert response.status == (200 if name == "trombone-pay" else 404)
        async with session.get(f"{STREAM}/{name}/resource-tree", headers=accept) as response:
            line = await response.content.readline()
            tree = orjson.loads(line.removeprefix(b"data: "))["result"]
            assert tree["nodes"]
            assert tree != before
            assert tree == player.cluster.show_tree(f"argocd/{name}")
            assert line.endswith(b" \n" if accept else b"}\n")


async def test_the_tree_stream_of_an_application_that_is_deleted_ends_with_an_error(recorded: Recording) -> None:
    async with play(recorded) as (player, session):
        async with session.get(f"{STREAM}/swkoo-frontend/resource-tree") as response:
            lines = [line async for line in response.content]
        assert "argocd/swkoo-frontend" not in player.cluster.applications
        assert b"cache: key is missing" in lines[-1]


async def test_a_revision_is_told_as_recorded_but_for_its_time(recorded: Recording) -> None:
    async with play(recorded) as (player, session):
        application = player.cluster.applications["argocd/store-auth-dev"]
        revision = application["status"]["sync"]["revision"]
        status, said = await fetch(session, f"/store-auth-dev/revisions/{revision}/metadata", project="store")
        assert status == 200
        assert said.keys() == recorded_answer("revmeta")[1].keys()
        assert said["author"] == "Example CI <ci@example.org>"
        assert (await fetch(session, f"/store-auth-dev/revisions/{'0' * 40}/metadata"))[0] == 500


async def test_a_manifest_is_told_as_text_and_one_that_wasnt_recorded_as_far_as_the_tree_knows_it(
    recorded: Recording,
) -> None:
    rollout = {"namespace": "trombone", "version": "v1alpha1", "kind": "Rollout", "group": "argoproj.io"}
    async with play(recorded) as (_, session):
        _, said = await fetch(session, "/trombone-pay/resource", resourceName="trombone-pay", **rollout)
        manifest = orjson.loads(said["manifest"])
        assert manifest["status"]["phase"] == "Healthy"
        assert len(manifest["spec"]["strategy"]["canary"]["steps"]) == 5
        assert "managedFields" not in manifest["metadata"]
        _, said = await fetch(session, "/trombone-api/resource", resourceName="trombone-api", **rollout)
        assert orjson.loads(said["manifest"]).keys() == {"apiVersion", "kind", "metadata"}
        status, said = await fetch(session, "/trombone-api/resource", resourceName="nope", **rollout)
        assert (status, said["code"]) == (400, 3)


async def test_whatever_is_recorded_may_be_synced(recorded: Recording) -> None:
    async with play(recorded) as (_, session):
        assert await fetch(session, "/trombone-pay/syncwindows", **PAY) == recorded_answer("syncwindows")


async def test_whoever_hears_of_what_happens_hears_all_of_it(recorded: Recording) -> None:
    heard: list[float] = []
    async with Player(Timetable(recorded), clock=now, hearers=[lambda happening: heard.append(happening.at)]) as player:
        opened = len(heard)
        assert opened > len(player.cluster.applications)
        await asyncio.sleep(60.0)
        assert len(heard) > opened
        assert heard == sorted(heard)


async def test_an_application_without_resources_has_a_tree_without_nodes(recorded: Recording) -> None:
    async with play(recorded) as (player, session):
        async with session.get(STREAM) as response:
            async for line in response.content:
                if b'"broken-path"' in line:
                    break
        assert "argocd/broken-path" in player.cluster.applications
        assert await fetch(session, "/broken-path/resource-tree") == (200, {})
