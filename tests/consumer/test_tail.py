"""What a stream looks like: a real gateway on a fake Argo CD, lines on a console that is no terminal."""

import asyncio
import contextlib
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from gateway.consumer.client import (
    GOODBYES,
    Gateway,
    Lost,
    RefusedError,
    UnreachableError,
    goodbye_in_words,
    open_session,
    read_address,
)
from gateway.consumer.sse import Event
from gateway.consumer.tail import Tail, Wish
from gateway.errors import GatewayError
from gateway.hub.subscriber import Ending
from tests.e2e.fastloop import until
from tests.e2e.harness import Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD


class Screen:
    """Somebody who tails, and what they see."""

    def __init__(self, wish: Wish) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        consoles = [Console(file=file, width=200, soft_wrap=True, highlight=False) for file in (self.out, self.err)]
        self.tail = Tail(*consoles, now=lambda: datetime(2026, 11, 21, 12, 3, 7, tzinfo=UTC), wish=wish)

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def notices(self) -> str:
        return self.err.getvalue()

    async def shows(self, text: str) -> None:
        await until(lambda: text in self.out.getvalue(), what=f"{text!r} in {self.lines} {self.notices}")


@contextlib.asynccontextmanager
async def tailing(url: str, *query: tuple[str, str], **wish: bool) -> AsyncIterator[Screen]:
    screen = Screen(Wish(selected=bool(query), **wish))
    async with open_session() as session:
        task = asyncio.create_task(screen.tail.show(Gateway(url, session).follow(query, jitter=lambda: 0.5)))
        try:
            yield screen
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def once(url: str, *query: tuple[str, str], as_json: bool = False) -> Screen:
    screen = Screen(Wish(once=True, as_json=as_json))
    async with open_session() as session:
        await screen.tail.show(Gateway(url, session).follow(query, jitter=lambda: 0.5))
    return screen


async def test_tail_says_each_change_in_words(argocd: FakeArgoCD) -> None:
    argocd.put(application("core", project="astrago", images=["r/core:v1"]))
    argocd.put(application("web", project="astrago", health="Degraded"))
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with tailing(stage.url) as screen:
            await screen.shows("upstream")
            assert screen.lines[:2] == [
                "12:03:07 2 applications  1 Healthy  1 Degraded",
                "12:03:07 astrago/web   Degraded  Synced b2ade24",
            ]
            assert re.fullmatch(r"12:03:07 upstream      live  verified \d\d:\d\d:\d\d", screen.lines[2])
            argocd.put(application("core", project="astrago", images=["r/core:v2"], health="Progressing"))
            await screen.shows("image core v1 → v2")
            argocd.put(application("core", project="astrago", images=["r/core:v2"], sync="OutOfSync"))
            await screen.shows("astrago/core  sync Synced → OutOfSync b2ade24")
            argocd.delete("argocd/web")
            await screen.shows("astrago/web   removed")
            assert "12:03:07 astrago/core  Healthy → Progressing" in screen.lines
            assert "12:03:07 astrago/core  Progressing → Healthy" in screen.lines
            assert "\x1b" not in screen.out.getvalue()
            assert screen.notices == ""


async def test_tail_says_when_upstream_is_lost_and_comes_back(argocd: FakeArgoCD) -> None:
    argocd.put(application("core"))
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with tailing(stage.url) as screen:
            await screen.shows("upstream")
            await argocd.stop()
            await screen.shows("live → stale")
            await argocd.start()
            await screen.shows("→ live")


async def test_tail_survives_the_end_of_a_stream_without_showing_anything_twice(argocd: FakeArgoCD) -> None:
    argocd.put(application("core", project="astrago"))
    async with run_gateway(argocd, stream_lifetime=20.0) as stage:
        await stage.live()
        async with tailing(stage.url, ("projects", "astrago")) as screen:
            await screen.shows("upstream")
            await until(lambda: "resumed" in screen.notices)
            assert "as it does from time to time; again in" in screen.notices
            argocd.put(application("core", project="astrago", health="Missing"))
            await screen.shows("Healthy → Missing")
            argocd.put(application("core", project="coelho"))
            await screen.shows("no longer among these")
            assert len(screen.lines) == 4


async def test_tail_survives_a_restart_and_says_what_changed_meanwhile(argocd: FakeArgoCD) -> None:
    argocd.put(application("core", project="astrago"))
    async with contextlib.AsyncExitStack() as stack:
        first = contextlib.AsyncExitStack()
        stage: Stage = await first.enter_async_context(run_gateway(argocd))
        await stage.live()
        screen = await stack.enter_async_context(tailing(stage.url))
        await screen.shows("upstream")
        port = stage.gateway.address[1]
        await first.aclose()
        await until(lambda: "can't connect" in screen.notices, what=screen.notices)
        argocd.put(application("core", project="astrago", health="Missing"))
        again = await stack.enter_async_context(run_gateway(argocd, port=port))
        await again.live()
        await screen.shows("Healthy → Missing")
        assert "connected again, with a snapshot (reason: epoch)" in screen.notices


async def test_json_is_one_event_a_line(argocd: FakeArgoCD) -> None:
    argocd.put(application("core"))
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with tailing(stage.url, as_json=True) as screen:
            await screen.shows('"heartbeat"')
            argocd.put(application("core", health="Missing"))
            await screen.shows('"delta"')
        events = [json.loads(line) for line in screen.lines]
        assert [event["event"] for event in events] == ["snapshot", "heartbeat", "delta"]
        assert all(set(event) == {"event", "id", "data"} for event in events)
        assert events[2]["data"]["changed"]["argocd/core"]["health"]["status"] == "Missing"


async def test_once_is_the_state_as_it_is_now(argocd: FakeArgoCD) -> None:
    argocd.put(application("core", project="astrago"))
    argocd.put(application("web", project="astrago"))
    async with run_gateway(argocd) as stage:
        await stage.live()
        watcher = await stage.watch()
        # The view's snapshot is kept from here on: what changes comes behind it, as a delta.
        argocd.put(application("web", project="astrago", health="Missing"))
        await watcher.wait(lambda: watcher.documents["argocd/web"]["health"]["status"] == "Missing")
        screen = await once(stage.url)
        assert screen.lines == ["astrago/core  Healthy  Synced b2ade24", "astrago/web   Missing  Synced b2ade24"]
        events = [json.loads(line)["event"] for line in (await once(stage.url, as_json=True)).lines]
        assert (events[0], events[-1]) == ("snapshot", "heartbeat")
        assert (await once(stage.url, ("names", "nobody"))).lines == []


async def test_what_would_be_in_vain_is_explained_at_once(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        with pytest.raises(RefusedError, match="400: health: 'red' is unknown; allowed are Healthy"):
            await once(stage.url, ("health", "red"))
        with pytest.raises(RefusedError, match=r"404: There is nothing at this path\."):
            await once(f"{stage.url}/wrong")
        with pytest.raises(UnreachableError, match=r"can't connect to 127\.0\.0\.1:9: connection refused"):
            await once("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (web.Response(status=401, text="who?"), RefusedError, "something before the gateway asks for a login"),
        (web.Response(text="<html>", content_type="text/html"), RefusedError, "not a login page"),
        (web.Response(status=404, text="nginx"), RefusedError, "GATEWAY_BASE_PATH"),
        (web.Response(status=502, text="bad\x1b[2J gateway"), UnreachableError, r"502 bad \[2J gateway"),
    ],
)
async def test_other_answers_are_explained(answer: web.Response, error: type[GatewayError], said: str) -> None:
    async def respond(_: web.Request) -> web.Response:
        return answer

    async with serving(respond) as url:
        with pytest.raises(error, match=said):
            await once(url)


async def test_a_client_waits_as_long_as_it_is_told_and_says_where_it_was(argocd: FakeArgoCD) -> None:
    asked: list[str | None] = []

    async def respond(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Last-Event-ID"))
        body = 'retry: 7000\nevent: heartbeat\nid: e-1-v\ndata: {}\n\nevent: goodbye\ndata: {"reason":"drain"}\n\n'
        return web.Response(text=body, content_type="text/event-stream")

    async with serving(respond) as url, open_session() as session:
        items: list[Event | Lost] = []
        async with contextlib.aclosing(Gateway(url, session).follow((), jitter=lambda: 0.5)) as following:
            async for item in following:
                items.append(item)
                if len(asked) == 3:
                    break
    assert asked == [None, "e-1-v", "e-1-v"]
    assert items[2] == Lost(said="the gateway is stopping", seconds=7.0, goodbye=True)


def test_every_reason_for_which_a_stream_ends_is_said_in_words() -> None:
    assert set(GOODBYES) == {ending.value for ending in Ending}
    assert all(goodbye_in_words(json.dumps({"reason": reason})) == said for reason, said in GOODBYES.items())


@pytest.mark.parametrize("data", ['{"reason":"eclipse"}', '{"reason":["eclipse"]}', "{}", "[]", "{"])
def test_a_reason_from_a_newer_gateway_is_shown_as_it_is(data: str) -> None:
    assert goodbye_in_words(data).startswith("the gateway said goodbye: ")
    assert ("eclipse" in goodbye_in_words(data)) is ("eclipse" in data)


async def test_delays_grow_while_nobody_answers() -> None:
    delays: list[float] = []
    async with (
        open_session() as session,
        contextlib.aclosing(Gateway("http://127.0.0.1:9", session).follow((), jitter=lambda: 1.0)) as following,
    ):
        async for item in following:
            assert isinstance(item, Lost)
            delays.append(item.seconds)
            if len(delays) == 7:
                break
    assert delays == [1, 2, 4, 8, 16, 30, 30]


@contextlib.asynccontextmanager
async def serving(respond: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("localhost:8090", "http://localhost:8090"),
        ("http://h/argo/", "http://h/argo"),
        ("https://h?x=1#y", "https://h"),
        ("http://[::1]:1/a/b", "http://[::1]:1/a/b"),
    ],
)
def test_an_address_is_with_or_without_a_base_path(given: str, base: str) -> None:
    assert str(read_address(given)) == base


@pytest.mark.parametrize("given", ["", "ftp://h", "http://", "http://h:port", "/path"])
def test_what_is_no_address_is_said(given: str) -> None:
    with pytest.raises(GatewayError, match="is no address of a gateway"):
        read_address(given)
