"""The real gateway on the real player, in fast time; and the player's answers, as Argo CD gives them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from gateway.app import Gateway
from gateway.demo.player import Player
from gateway.demo.recording import Recording
from gateway.demo.timetable import Timetable
from gateway.settings.environment import Settings
from tests.e2e.fastloop import until
from tests.e2e.harness import UNIX_OFFSET, on_wire, timeless, truth

A_WHILE = 3_600.0
LIST, STREAM = "/api/v1/applications", "/api/v1/stream/applications"
SSE = {"Accept": "text/event-stream"}


def now() -> float:
    return UNIX_OFFSET + asyncio.get_running_loop().time()


@pytest.fixture
async def player(recorded: Recording) -> AsyncIterator[Player]:
    async with Player(Timetable(recorded), clock=now) as player:
        yield player


@contextlib.asynccontextmanager
async def run_gateway(player: Player, **changes: Any) -> AsyncIterator[Gateway]:
    settings = Settings(
        argocd_base_url=player.url, argocd_auth_token=SecretStr(player.token), port=0, metrics_port=0, **changes
    )
    gateway = Gateway(settings, clock=now, loopback_pages=True)
    running = asyncio.create_task(gateway.run())
    try:
        await until(lambda: gateway.ready.is_set() or running.done())
        yield gateway
    finally:
        gateway.stop()
        await running


@contextlib.asynccontextmanager
async def ask(player: Player) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {player.token}"}
    async with aiohttp.ClientSession(player.url, headers=headers) as session:
        yield session


@pytest.mark.parametrize("framing", ["sse", "ndjson"])
async def test_after_a_loop_and_a_half_the_gateway_holds_what_the_player_does_and_had_nothing_to_repair(
    player: Player, framing: str
) -> None:
    async with run_gateway(player, upstream_framing=framing) as gateway:
        states: set[str] = set()

        def shown() -> dict[str, Any]:
            return timeless({key: on_wire(item) for key, item in gateway.log.documents.items()})

        await until(lambda: gateway.store.published)
        assert len(gateway.log.documents) == 29

        def is_live() -> bool:
            states.add(gateway.reflector.upstream(now()).state)
            return player.times_told >= 1

        await until(is_live, within=A_WHILE)
        half = now() + player.length / 2
        await until(lambda: is_live() and now() >= half, within=A_WHILE)
        await until(lambda: shown() == truth(player.cluster.applications), what="the player's truth")
        assert states == {"live"}
        counts = gateway.reflector.counts
        assert counts["missed_update"] == counts["missed_delete"] == counts["undecodable"] == 0
        assert counts["reconcile"] >= 2


async def test_pages_of_any_port_of_this_machine_may_read_and_others_may_not(player: Player) -> None:
    async with run_gateway(player) as gateway, aiohttp.ClientSession() as session:
        url = "http://{}:{}/api/status".format(*gateway.address)
        for origin, allowed in {
            "http://localhost:5173": True,
            "http://127.0.0.1:3000": True,
            "https://localhost": True,
            "http://[::1]:8000": True,
            "http://localhost.example.org:5173": False,
            "https://example.org": False,
            "file://localhost": False,
            "null": False,
        }.items():
            async with session.get(url, headers={"Origin": origin}) as response:
                assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None), origin


async def test_a_wrong_token_is_refused_as_argo_cd_does(player: Player) -> None:
    async with ask(player) as session:
        about_one = [f"{url}/trombone-pay/resource-tree" for url in (LIST, STREAM)]
        for token in ("wrong", "", player.token + "x"):
            headers = {"Authorization": f"Bearer {token}"}
            for path in (LIST, STREAM, *about_one, "/api/v1/account/can-i/applications/get/*/*"):
                async with session.get(path, headers={**headers, **SSE}) as response:
                    assert response.status == 401
                    assert b"invalid session" in await response.read()
            async with session.get("/api/v1/session/userinfo", headers=headers) as response:
                assert await response.json() == {}


async def test_small_questions_are_answered(player: Player) -> None:
    async with ask(player) as session:
        for path, answer in {
            "/healthz": "ok\n",
            "/api/version": '{"Version":"v3.6.0+demo"}',
            "/api/v1/session/userinfo": '{"loggedIn":true,"username":"demo","iss":"argocd"}',
            "/api/v1/account/can-i/applications/get/store/*": '{"value":"yes"}',
            "/api/v1/account/can-i/applications/delete/store/*": '{"value":"no"}',
        }.items():
            async with session.get(path) as response:
                assert await response.text() == answer


async def test_the_list_and_the_burst_keep_to_the_projects_that_are_asked_for(player: Player) -> None:
    async with ask(player) as session:
        async with session.get(LIST, params={"projects": "swkoo"}) as response:
            listed = await response.json()
        assert {item["spec"]["project"] for item in listed["items"]} == {"swkoo"}
        assert int(listed["metadata"]["resourceVersion"]) == player.cluster.version
        async with session.get(LIST, params={"projects": "nobody's"}) as response:
            assert (await response.json())["items"] is None
        async with session.get(STREAM, params=[("projects", "swkoo"), ("projects", "astrago")]) as response:
            names = [orjson.loads(await response.content.readline())["result"] for _ in range(6)]
        assert {event["type"] for event in names} == {"ADDED"}
        assert {event["application"]["spec"]["project"] for event in names} == {"swkoo", "astrago"}


async def test_a_watch_without_burst_begins_with_the_next_event(player: Player) -> None:
    async with ask(player) as session:
        before = player.cluster.version
        async with session.get(STREAM, params={"resourceVersion": "0"}, headers=SSE) as response:
            line = await response.content.readline()
        event = orjson.loads(line.removeprefix(b"data: "))["result"]
        assert line.endswith(b" \n")
        assert int(event["application"]["metadata"]["resourceVersion"]) == before + 1


async def test_a_quiet_stream_is_kept_alive(recorded: Recording) -> None:
    quiet = Recording(fleet=recorded.fleet, story=recorded.story[:1])
    async with Player(Timetable(quiet, speed=0.01), clock=now) as player, ask(player) as session:
        async with session.get(STREAM, headers=SSE) as response:
            begun = now()
            while await response.content.readline() != b":\n":
                pass
        assert 15.0 <= now() - begun < 16.0


async def test_what_breaks_the_player_comes_to_light(recorded: Recording) -> None:
    gone = next(moment for moment in recorded.story if moment.type == "DELETED")
    twice = Recording(fleet=recorded.fleet, story=(gone, gone))

    async def play() -> None:
        over = asyncio.Event()
        async with Player(Timetable(twice), clock=now) as player:
            player.when_over(over.set)
            await over.wait()

    with pytest.raises(KeyError, match=gone.key):
        await play()
