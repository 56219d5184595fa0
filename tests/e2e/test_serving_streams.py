"""How streams begin, beat, end and are refused; and that what is promised of their bytes holds on real sockets."""

import pytest

from gateway.hub.frame import Form
from gateway.web.conversation import Conversation
from gateway.web.heads import MOST_HEADS
from tests.e2e.fastloop import let_pass, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import FORMS, STREAM, Subscriber
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import fill


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with three applications."""
    fill(argocd, "a", "b", "c")
    return argocd


def gone(stage: Stage) -> list[Subscriber]:
    return [subscriber for subscriber in stage.subscribers if subscriber.ended]


@pytest.mark.parametrize("form", FORMS)
async def test_a_stream_begins_with_its_headers_a_retry_a_snapshot_and_a_heartbeat(
    filled: FakeArgoCD, form: Form
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await stage.watch(form=form)
        await watcher.wait(lambda: len(watcher.events) == 2)
        assert watcher.client.names == ["snapshot", "heartbeat"]
        assert 1_000 <= (watcher.client.retry or 0) < 4_000
        headers = watcher.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert headers["connection"] == "close"
        assert "Accept-Encoding" in headers["vary"]
        assert headers.get("content-encoding") == ("gzip" if form is Form.GZIP else None)
        assert headers.get("transfer-encoding") == (None if form is Form.PLAIN else "chunked")


async def test_each_page_is_told_by_its_own_stream_whether_it_may_read(filled: FakeArgoCD) -> None:
    friend, stranger = "https://portal.example.org", "https://evil.example.org"
    fill(filled, "client.js")
    async with run_gateway(filled, cors_origins=(friend,)) as stage:
        await stage.live()
        for path, origin in [(STREAM, friend), (STREAM, stranger), (f"{STREAM}/client.js", friend), (STREAM, None)] * 2:
            watcher = await stage.subscribe(path=path, headers={} if origin is None else {"Origin": origin})
            assert watcher.headers.get("access-control-allow-origin") == (friend if origin == friend else None)
            # What anybody may embed is the client alone, not an application of its name.
            assert watcher.headers["cross-origin-resource-policy"] == "same-origin"


async def test_origins_of_strangers_are_not_remembered_for_ever(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for number in range(2 * MOST_HEADS):
            watcher = await stage.subscribe(headers={"Origin": f"https://{number}.example.org"})
            watcher.leave()
        assert 0 < len(stage.gateway.heads) <= MOST_HEADS


async def test_a_stream_costs_none_of_what_aiohttp_serves_a_connection_by(
    filled: FakeArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("aiohttp serves it")

    async with run_gateway(filled) as stage:
        await stage.live()
        monkeypatch.setattr(Conversation, "__init__", refuse)
        watchers = [await stage.watch(form=form) for form in FORMS]
        assert all(watcher.client.names[0] == "snapshot" for watcher in watchers)


async def test_http_1_0_gets_plain_bytes_whatever_it_accepts(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await stage.watch(form=Form.PLAIN, headers={"Accept-Encoding": "gzip"})
        assert not {"transfer-encoding", "content-encoding", "content-length"} & set(watcher.headers)
        filled.put(application("a", health="Degraded"))
        await stage.assert_true(filled)


async def test_compression_can_be_turned_off(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, compression=False) as stage:
        watcher = await stage.subscribe(form=Form.CHUNKED, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in watcher.headers
        answer = await stage.get("/api/pipelines", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers


async def test_headers_and_heartbeats_come_at_once_while_the_gateway_connects(filled: FakeArgoCD) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled) as stage:
        watchers = [await stage.subscribe(form=form) for form in FORMS]
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: one.upstream.get("state") == "connecting", within=5.0)  # type: ignore[misc]
        await let_pass(31.0)
        for watcher in watchers:
            assert set(watcher.client.names) == {"heartbeat"}
            assert len(watcher.events) >= 3
            assert watcher.client.last_id == ""
        filled.resume_burst()
        await stage.live()
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
        await stage.assert_true(filled)


async def test_a_heartbeat_comes_after_silence_and_moves_the_cursor_of_a_view_in_which_nothing_happened(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await stage.watch("?projects=other")
        await watcher.wait(lambda: watcher.upstream != {})
        beats, at = len(watcher.client.heartbeats), stage.gateway.clock()
        for step in range(14):
            filled.put(application("a", labels={"step": str(step)}))
            await let_pass(1.0)
        assert len(watcher.client.heartbeats) == beats
        await watcher.wait(lambda: len(watcher.client.heartbeats) > beats, within=4.0)
        assert 14.0 <= stage.gateway.clock() - at <= 17.0
        assert watcher.client.offset == stage.gateway.log.ring.top
        assert watcher.documents == {}


async def test_a_heartbeat_comes_at_once_when_upstreams_state_changes(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watchers = [await stage.watch(form=form) for form in FORMS]
        await filled.stop()
        for state in ("stale", "down"):
            await stage.becomes(state, within=120.0)
            await settle()
            for watcher in watchers:
                await watcher.wait(lambda one=watcher: one.upstream["state"] == state, within=5.0)  # type: ignore[misc]  # noqa: B023
                assert watcher.upstream["reason"] == "unreachable"
        await filled.start()
        await stage.live(within=60.0)
        for watcher in watchers:
            await watcher.wait(lambda one=watcher: one.upstream["state"] == "live", within=5.0)  # type: ignore[misc]


async def test_streams_live_no_longer_than_their_lifetime_and_resume_with_what_changed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, stream_lifetime=100.0) as stage:
        await stage.live()
        began = stage.gateway.clock()
        ends: list[float] = []
        for form in FORMS * 3:
            (await stage.watch(form=form)).heard.append(
                lambda event: ends.append(stage.gateway.clock()) if event.name == "goodbye" else None
            )
        await until(lambda: len(gone(stage)) == 9, within=105.0)
        lives = [end - began for end in ends]
        assert 79.0 <= min(lives) <= max(lives) <= 103.0
        assert max(lives) - min(lives) >= 1.0
        retries = [subscriber.goodbye["retryMs"] for subscriber in stage.subscribers if subscriber.goodbye]
        assert len(set(retries)) > 1
        assert all(1_000 <= retry <= 4_000 for retry in retries)
        filled.put(application("a", health="Degraded"))
        for subscriber in stage.subscribers:
            # The end was proper: see `Client.see_end`.
            subscriber.check()
            assert (subscriber.goodbye or {})["reason"] == "lifetime"
            await subscriber.connect()
            await subscriber.wait(lambda one=subscriber: one.has_state)  # type: ignore[misc]
            assert subscriber.first[1] == "resumed"
        await stage.assert_true(filled)


async def test_a_gzip_stream_that_ends_is_whole_whatever_it_went_through(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, stream_lifetime=60.0) as stage:
        await stage.live()
        watchers = [await stage.watch(form=Form.GZIP), await stage.watch("?names=a", form=Form.GZIP)]
        for step in range(40):
            if step == 20:
                watchers.append(await stage.watch(form=Form.GZIP))
            filled.put(application("ab"[step % 2], labels={"step": str(step)}))
            await let_pass(0.5)
        await until(lambda: len(gone(stage)) == 3, within=90.0)
        for watcher in watchers:
            watcher.check()
            assert watcher.goodbye is not None


async def test_too_many_are_told_to_come_back_each_in_the_way_they_understand(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, max_subscribers=2) as stage:
        await stage.live()
        first, _ = await stage.watch(), await stage.watch()
        for form in FORMS:
            refused = await stage.subscribe(form=form)
            assert refused.status == 200
            await refused.wait(lambda one=refused: one.ended)  # type: ignore[misc]
            refused.check()
            assert refused.client.names == ["goodbye"]
            assert (refused.goodbye or {})["reason"] == "overloaded"
            assert 1_000 <= (refused.client.retry or 0) <= 4_000
        answer = await stage.get("/api/stream/pipelines", headers={"Accept": "application/json"})
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert 1 <= int(answer.headers["Retry-After"]) <= 4
        first.leave()
        await until(lambda: len(stage.gateway.hub) == 1)
        await stage.watch()


async def test_too_many_views_are_refused_and_streams_of_known_views_are_not(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, max_views=2) as stage:
        await stage.live()
        await stage.watch("?names=a")
        await stage.watch("?names=b")
        refused = await stage.subscribe("?names=c")
        await refused.wait(lambda: refused.ended)
        assert (refused.goodbye or {})["reason"] == "overloaded"
        await stage.watch("?names=a")
        assert (await stage.get("/api/pipelines?names=c")).status == 503


async def test_a_drain_is_told_at_once_serves_on_for_a_while_and_then_ends_streams_one_by_one(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled, drain_delay=5.0, drain=20.0) as stage:
        await stage.live()
        ends: list[float] = []
        for form in FORMS * 5:
            (await stage.watch(form=form)).heard.append(
                lambda event: ends.append(stage.gateway.clock()) if event.name == "goodbye" else None
            )
        asked = stage.gateway.clock()
        stage.gateway.drain()
        assert (await stage.get("/readyz")).status == 503
        assert (await stage.get("/healthz")).status == 200
        await let_pass(4.0)
        late = await stage.watch(form=Form.GZIP)
        filled.put(application("a", health="Degraded"))
        await stage.assert_true(filled)
        assert ends == []
        await until(lambda: len(gone(stage)) == 16, within=30.0)
        for subscriber in stage.subscribers:
            subscriber.check()
            assert (subscriber.goodbye or {})["reason"] == "drain"
        assert min(ends) - asked >= 4.0
        assert max(ends) - min(ends) >= 5.0
        assert max(ends) - asked <= 5.0 + 20.0 + 2.0
        assert late.goodbye is not None


async def test_a_stop_says_goodbye_to_everyone_at_once(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, drain_delay=60.0, drain=60.0) as stage:
        await stage.live()
        watchers = [await stage.watch(form=form) for form in FORMS]
        began = stage.gateway.clock()
        stage.gateway.stop()
        await until(lambda: len(gone(stage)) == 3, within=10.0)
        for watcher in watchers:
            watcher.check()
            assert (watcher.goodbye or {})["reason"] == "drain"
        assert stage.gateway.clock() - began < 5.0


async def test_nothing_is_left_of_clients_that_vanish(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for _ in range(10):
            for form in FORMS:
                await stage.watch(form=form)
        half_open = [await stage.subscribe(form=form) for form in FORMS]
        assert len(stage.gateway.hub) == 33
        for subscriber in [*stage.subscribers[:30], *half_open]:
            subscriber.leave()
        await until(lambda: len(stage.gateway.hub) == 0, within=5.0)
        filled.put(application("a", health="Degraded"))
        await let_pass(2.0)
        await stage.watch()
        subscribers = (await stage.get("/api/status")).json["subscribers"]
        assert subscribers == {"open": 1, "behind": 0, "views": 1, "details": 0}


async def test_a_view_that_nobody_uses_is_dropped(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for name in "abc":
            (await stage.watch(f"?names={name}")).leave()
        await let_pass(50.0)
        assert stage.gateway.hub.views == 3
        await let_pass(15.0)
        assert stage.gateway.hub.views == 0
