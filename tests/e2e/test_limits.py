"""Limits over HTTP: who asks too much is told when to come back, and nobody else notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.web.connections import MAX_HEAD, MAX_LINE
from gateway.web.conversation import HEAD_WITHIN
from gateway.web.listening import IDLE_LIMIT
from gateway.web.turnstile import MAX_QUERY
from tests.e2e.fastloop import let_pass, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import STREAM
from tests.e2e.test_access import ACCESS, HEADERS, PUBLIC, files, filled
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

__all__ = ["files", "filled"]

EVENTS = {"Accept": "text/event-stream"}


class Line(asyncio.Protocol):
    """A connection that says only what it is told to say."""

    def __init__(self) -> None:
        self.heard = b""
        self.closed = False
        self._transport: asyncio.Transport | None = None

    def say(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def read_all(self) -> bytes:
        """Return all that comes until the other end closes."""
        await until(lambda: self.closed)
        return self.heard

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, _: Exception | None) -> None:
        self.closed = True


@contextlib.asynccontextmanager
async def call(stage: Stage, number: int = 1) -> AsyncIterator[list[Line]]:
    """Open so many connections."""
    loop = asyncio.get_running_loop()
    lines = [(await loop.create_connection(Line, *stage.gateway.address))[1] for _ in range(number)]
    try:
        yield lines
    finally:
        for line in lines:
            line.close()


def count(stage: Stage, limit: str) -> int:
    return stage.gateway.entrance.turnstile.limits.counts[limit]


# Streams.


async def test_an_event_source_over_its_streams_is_told_when_to_come_back(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_streams_per_address=2) as stage:
        await stage.live()
        first, second = await stage.watch(), await stage.watch()
        refused = await stage.get(STREAM, headers=EVENTS)
        assert refused.status == 200
        assert refused.headers["Content-Type"].startswith("text/event-stream")
        assert refused.body.startswith(b"retry: ")
        assert b'event: goodbye\ndata: {"reason":"overloaded","retryMs":' in refused.body
        assert count(stage, "streams_address") == 1
        first.leave()
        await until(lambda: len(stage.gateway.hub) == 1)
        await settle()
        third = await stage.watch()
        await stage.assert_same(second, third)


async def test_other_clients_over_their_streams_get_a_problem_with_a_time_of_their_own(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_streams_per_address=1) as stage:
        await stage.live()
        await stage.watch()
        answers = [await stage.get(STREAM) for _ in range(20)]
        assert {answer.status for answer in answers} == {429}
        assert {answer.json["type"].rpartition(":")[2] for answer in answers} == {"too-many"}
        assert len({answer.headers["Retry-After"] for answer in answers}) > 1


async def test_a_stream_that_was_refused_for_another_reason_takes_no_place(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_streams_per_address=1) as stage:
        await stage.live()
        for _ in range(3):
            assert (await stage.get(f"{STREAM}?nonsense=1")).status == 400
            assert (await stage.get(f"{STREAM}/nobody")).status == 404
        await stage.watch()


async def test_a_token_has_its_streams_wherever_it_is_used_and_others_have_theirs(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    async with run_gateway(filled, **files, max_streams_per_identity=1) as stage:
        await stage.live()
        mine = await stage.subscribe(headers=HEADERS["right"])
        await mine.wait(lambda: mine.has_state)
        assert (await stage.get(STREAM, headers=HEADERS["right"])).status == 429
        other = await stage.subscribe(headers=HEADERS["other"])
        await other.wait(lambda: other.has_state)
        assert not mine.ended


async def test_a_proxy_that_is_believed_says_whose_stream_it_is_and_nobody_else_does(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_streams_per_address=1, proxy_trusted=("127.0.0.1",)) as stage:
        await stage.live()
        for client in ("192.0.2.1", "192.0.2.2"):
            watcher = await stage.subscribe(headers={"X-Forwarded-For": f"203.0.113.9, {client}"})
            await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
        assert (await stage.get(STREAM, headers={"X-Forwarded-For": "192.0.2.1"})).status == 429
    async with run_gateway(argocd, max_streams_per_address=1) as stage:
        await stage.live()
        await stage.subscribe(headers={"X-Forwarded-For": "192.0.2.1"})
        assert (await stage.get(STREAM, headers={"X-Forwarded-For": "192.0.2.2"})).status == 429


# Requests.


async def test_who_asks_too_often_is_told_when_to_come_back_and_may_then(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_requests_per_second=1) as stage:
        await stage.live()
        answers = [await stage.get("/api/status") for _ in range(20)]
        refused = [answer for answer in answers if answer.status == 429]
        assert [answer.status for answer in answers[:11]] == [200] * 11
        assert refused
        assert (await stage.get(STREAM, headers=EVENTS)).status == 200
        assert count(stage, "requests_address") >= len(refused)
        await let_pass(int(refused[-1].headers["Retry-After"]))
        assert (await stage.get("/api/status")).status == 200


async def test_probes_are_always_answered(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_requests_per_second=1) as stage:
        await stage.live()
        for path in ("/healthz", "/readyz", "/startupz"):
            assert {(await stage.get(path)).status for _ in range(20)} == {200}


async def test_a_wrong_token_is_limited_by_its_address(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    async with run_gateway(filled, **files, max_requests_per_second=1) as stage:
        await stage.live()
        statuses = [(await stage.get("/api/status", headers=HEADERS["unknown"])).status for _ in range(20)]
        assert set(statuses) == {401, 429}


# Sizes.


async def test_a_query_or_a_head_that_is_too_long_is_refused_and_counted(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        answer = await stage.get(f"/api/pipelines?names={'x' * MAX_QUERY}")
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (414, "query-too-long")
        async with call(stage, 2) as (long, large):
            long.say(b"GET /" + b"x" * MAX_LINE)
            assert (await long.read_all()).startswith(b"HTTP/1.1 414 ")
            large.say(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Long: x\r\n" * (MAX_HEAD // 10))
            assert (await large.read_all()).startswith(b"HTTP/1.1 431 ")
        answer = await stage.get("/api/pipelines", headers={"X-Long": "x" * (MAX_LINE + 10)})
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (431, "headers-too-large")
        assert (count(stage, "query"), count(stage, "head")) == (2, 2)
        assert (await stage.get("/api/pipelines")).status == 200


@pytest.mark.parametrize("path", ["/api/pipelines", "/healthz", "/api/deliveries/1/redeliver"])
async def test_no_route_takes_a_body_but_the_webhooks(argocd: FakeArgoCD, path: str) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        answer = await stage.send(path, b"x")
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (413, "content-too-large")


async def test_a_body_that_never_ends_is_not_waited_for(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage) as (line,):
            line.say(b"POST /api/pipelines HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nxx")
            assert (await line.read_all()).startswith(b"HTTP/1.1 413 ")


async def test_a_webhook_whose_body_comes_too_slowly_is_not_waited_for(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, webhook_github_secret=SecretStr("a-secret-of-github")) as stage:
        await stage.live()
        async with call(stage) as (line,):
            line.say(b"POST /api/webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nxx")
            assert (await line.read_all()).startswith(b"HTTP/1.1 408 ")


# Connections.


async def test_half_open_connections_neither_hurt_those_who_ask_nor_stay(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage, 100) as lines:
            for number, line in enumerate(lines):
                line.say(b"" if number % 2 else b"GET /api/pipelines HTTP/1.1\r\nHost: loc")
            watcher = await stage.watch()
            argocd.put(application("web"))
            await watcher.wait(lambda: "argocd/web" in watcher.documents)
            await let_pass(HEAD_WITHIN + 1.0)
            await until(lambda: all(line.closed for line in lines))
            assert {(await line.read_all())[:13] for line in lines} == {b"", b"HTTP/1.1 408 "}
            assert count(stage, "slow_head") == 100
            assert not watcher.ended


async def test_a_head_may_come_in_any_parts(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage) as (line,):
            for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
                line.say(bytes([byte]))
                await settle()
            assert (await line.read_all()).endswith(b"\r\n\r\nok\n")


async def test_a_trickle_of_bytes_buys_no_time(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage) as (line,):
            for _ in range(int(HEAD_WITHIN)):
                line.say(b"GET / HTTP/1.1\r\nX: y\r\n"[:1])
                await let_pass(1.0)
            await until(lambda: count(stage, "slow_head") == 1, within=2.0)


ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_an_idle_connection_is_closed_in_the_end(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage, 2) as (idle, begun):
            idle.say(ASK)
            begun.say(ASK + b"GET /healthz HT")
            await until(lambda: idle.heard.endswith(b"ok\n"))
            await let_pass(IDLE_LIMIT - 5.0)
            assert not idle.closed
            await until(lambda: idle.closed and begun.closed, within=10.0)


async def test_the_head_of_a_further_request_has_to_hurry_too_and_a_trickle_buys_no_time(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage, 2) as (slow, brisk):
            for line in (slow, brisk):
                line.say(ASK)
            await until(lambda: slow.heard.endswith(b"ok\n") and brisk.heard.endswith(b"ok\n"))
            # An idle one may begin late, and then has its whole time.
            await let_pass(IDLE_LIMIT - HEAD_WITHIN - 10.0)
            for byte in b"GET /healthz":
                slow.say(bytes([byte]))
                brisk.say(bytes([byte]))
                await let_pass(0.5)
            brisk.say(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for _ in range(int(HEAD_WITHIN)):
                slow.say(b"/")
                await let_pass(0.5)
            await until(lambda: slow.closed, within=2.0)
            assert b"HTTP/1.1 408 " in slow.heard
            assert b"urn:argocd-sse-gateway:problem:request-timeout" in slow.heard
            assert count(stage, "slow_head") == 1
            assert brisk.heard.count(b"ok\n") == 2
            assert not brisk.closed


@pytest.mark.parametrize("first", [b"", ASK])
async def test_what_is_no_request_is_answered_with_a_problem_that_repeats_none_of_it(
    argocd: FakeArgoCD, first: bytes
) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage, 3) as (garbage, long, good):
            garbage.say(first + b"GET / HTTP/1.1\r\nAuthorization: Bearer hush\x01hush\r\n\r\n")
            long.say(first + b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (MAX_LINE + 10) + b"\r\n\r\n")
            for line, status, kind in ((garbage, 400, "malformed-request"), (long, 431, "headers-too-large")):
                heard = await line.read_all()
                assert f" {status} ".encode() in heard
                assert f"urn:argocd-sse-gateway:problem:{kind}".encode() in heard
                assert b"hush" not in heard
                assert b"Python" not in heard
            good.say(ASK + b"\r\n" + ASK)
            await until(lambda: good.heard.count(b"ok\n") == 2)


async def test_where_there_is_no_room_those_who_were_answered_and_ask_no_more_go_too(
    argocd: FakeArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.front.SPARE_CONNECTIONS", 20)
    async with run_gateway(argocd, max_subscribers=10) as stage:
        await stage.live()
        watchers = [await stage.watch() for _ in range(5)]
        async with call(stage, 100) as lines:
            for line in lines:
                line.say(ASK)
                await settle()
            assert (await stage.get("/api/pipelines")).status == 200
            watchers.append(await stage.watch())
            assert sum(not line.closed for line in lines) <= 30
            assert count(stage, "connections") >= 70
        await stage.assert_same(*watchers)


async def test_where_there_is_no_room_those_go_first_who_ask_for_nothing(
    argocd: FakeArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.front.SPARE_CONNECTIONS", 20)
    async with run_gateway(argocd, max_subscribers=10) as stage:
        await stage.live()
        watchers = [await stage.watch() for _ in range(10)]
        async with call(stage, 200) as lines:
            await until(lambda: count(stage, "connections") >= 150)
            assert (await stage.get("/api/pipelines")).status == 200
            assert sum(not line.closed for line in lines) <= 20
        await stage.assert_same(*watchers)


async def test_nothing_is_left_of_newcomers_when_the_gateway_ends(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        async with call(stage, 5) as lines:
            await settle()
            stage.gateway.stop()
            await until(lambda: all(line.closed for line in lines), within=5.0)


async def test_what_was_refused_is_measured(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd, max_streams_per_address=1) as stage:
        await stage.live()
        await stage.watch()
        await stage.get(STREAM, headers=EVENTS)
        metrics = (await stage.get(stage.metrics_url)).body.decode()
        assert 'gateway_limited_total{limit="streams_address"} 1.0' in metrics


# Views.


async def test_an_identity_has_so_many_different_selections_and_streams_of_the_same_are_one(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    async with run_gateway(filled, **files, max_views_per_identity=2) as stage:
        await stage.live()
        one = await stage.watch(headers=HEADERS["right"])
        await stage.watch("?health=Degraded", headers=HEADERS["right"])
        await stage.watch(headers=HEADERS["right"])
        refused = await stage.get(f"{STREAM}?health=Healthy", headers={**EVENTS, **HEADERS["right"]})
        assert refused.status == 200
        assert b'event: goodbye\ndata: {"reason":"overloaded","retryMs":' in refused.body
        for path in (f"{STREAM}?health=Healthy", f"{STREAM}/argocd/web"):
            plain = await stage.get(path, headers=HEADERS["right"])
            assert (plain.status, plain.json["type"].rpartition(":")[2]) == (429, "too-many")
            assert int(plain.headers["Retry-After"]) > 0
        await stage.watch("?health=Healthy", headers=HEADERS["other"])
        assert count(stage, "views_identity") == 3
        for subscriber in stage.subscribers[1:3]:
            subscriber.leave()
        await until(lambda: len(stage.gateway.hub) == 2)
        await settle()
        await stage.watch("?health=Healthy", headers=HEADERS["right"])
        assert not one.ended


async def test_the_anonymous_together_leave_room_for_those_who_are_known(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    files["access_file"].write_text(ACCESS + PUBLIC)
    async with run_gateway(filled, **files, max_views=4) as stage:
        await stage.live()
        for name in ("a", "b"):
            await stage.watch(f"?names={name}")
        assert (await stage.get(f"{STREAM}?names=c")).status == 429
        for name in ("a", "b"):
            await stage.watch(f"?names={name}", headers=HEADERS["right"])
        assert count(stage, "views_anonymous") == 1


async def test_a_selector_may_be_so_complex(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        for query, what in (
            (f"names={'*a' * 51}", "51 of *, ? and [, 50 are allowed in all"),
            (f"names={','.join(f'a{number}' for number in range(101))}", "101 values, 100 are allowed"),
            (f"selector={','.join(f'a{number}' for number in range(21))}", "21 requirements, 20 are allowed"),
        ):
            answer = await stage.get(f"/api/pipelines?{query}")
            assert answer.status == 400
            assert what in answer.json["detail"]
