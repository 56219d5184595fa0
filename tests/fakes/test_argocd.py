"""The promises of the fake Argo CD itself: each fact and each fault that other tests build on, seen over real HTTP."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
import pytest

from tests.fakes import recordings
from tests.fakes.applications import application, key_of
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.fields import FieldsFilter, select_for_list

WATCH = "/api/v1/stream/applications"
SSE = {"Accept": "text/event-stream"}
FIELDS = "error,result.type,result.application.metadata.name,result.application.metadata.namespace"


class Client:
    """A plain client of the fake."""

    def __init__(self, argocd: FakeArgoCD, session: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.argocd, self.session, self._stack = argocd, session, stack
        self.token = "secret"

    def request(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        authorization = {"Authorization": f"Bearer {self.token}"}
        return self.session.get(self.argocd.url + path, params=query, headers=authorization | (headers or {}))

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, Any]:
        async with self.request(path, headers, **query) as response:
            body = await response.read()
            return response.status, orjson.loads(body) if response.content_type == "application/json" else body

    async def watch(self, headers: dict[str, str] | None = None, **query: Any) -> aiohttp.StreamReader:
        """Open a watch and wait for its headers, which come with its first event."""
        response: aiohttp.ClientResponse = await self._stack.enter_async_context(
            self.request(WATCH, SSE if headers is None else headers, **query)
        )
        assert response.status == 200, await response.read()
        return response.content

    async def open_bridge(self) -> asyncio.Task[aiohttp.StreamReader]:
        """Open a watch with `resourceVersion=0`, and wait until it is subscribed, which no header tells."""
        opening = asyncio.create_task(self.watch(resourceVersion="0"))
        await self.argocd.wait_for_stream(lambda stream: stream.is_bridge and stream.subscribed)
        return opening

    async def names(self) -> set[str]:
        _, listed = await self.get("/api/v1/applications", fields="items.metadata.name")
        return {item["metadata"]["name"] for item in listed["items"] or []}


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as server:
        yield server


@pytest.fixture
async def client(argocd: FakeArgoCD) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        yield Client(argocd, session, stack)


async def next_event(watch: aiohttp.StreamReader) -> tuple[str, str]:
    event = orjson.loads((await watch.readuntil(b"\n\n\n")).removeprefix(b"data:"))["result"]
    return event["type"], event["application"]["metadata"]["name"]


def fill(argocd: FakeArgoCD, *names: str) -> None:
    for name in names:
        argocd.put(application(name))


async def test_a_burst_is_sorted_by_key_and_framed_as_argo_cd_frames_it(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "b", "a")
    argocd.put(application("a", namespace="apps"))
    watch = await client.watch(fields=FIELDS)
    frame = await watch.readuntil(b"\n\n\n")
    assert frame == (
        b'data: {"result":{"application":{"metadata":{"name":"a","namespace":"apps"}},"type":"ADDED"}} \n\n\n'
    )
    assert [await next_event(watch), await next_event(watch)] == [("ADDED", "a"), ("ADDED", "b")]


async def test_what_changes_during_a_burst_is_lost_for_that_stream_but_not_for_a_bridge(
    argocd: FakeArgoCD, client: Client
) -> None:
    fill(argocd, "a", "b", "c")
    opening = await client.open_bridge()
    argocd.on_burst_item(1, lambda: argocd.delete("argocd/c"))
    watch = await client.watch()
    assert [await next_event(watch) for _ in "abc"] == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]
    await argocd.drained()
    argocd.put(application("a", health="Degraded"))
    assert await next_event(watch) == ("MODIFIED", "a")
    bridge = await opening
    assert [await next_event(bridge), await next_event(bridge)] == [("DELETED", "c"), ("MODIFIED", "a")]
    assert argocd.version_counter == 5


async def test_a_watch_that_sees_nothing_gets_no_headers_and_no_keepalive(argocd: FakeArgoCD, client: Client) -> None:
    argocd.put(application("a", project="hidden"))
    argocd.forbid("hidden")
    opening = asyncio.create_task(client.watch())
    stream = await argocd.wait_for_stream(lambda stream: stream.subscribed)
    argocd.keepalive()
    await argocd.drained()
    assert (stream.headers_sent, stream.bytes_sent, opening.done()) == (False, 0, False)
    argocd.allow("hidden")
    argocd.put(application("a", project="hidden"))
    watch = await opening
    assert await next_event(watch) == ("MODIFIED", "a")
    argocd.keepalive()
    assert await watch.readline() == b":\n"


async def test_ndjson_is_gzipped_and_flushed_event_by_event_on_request(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a")
    client.session._auto_decompress = False
    watch = await client.watch({"Accept": "application/json", "Accept-Encoding": "gzip"}, fields=FIELDS)
    inflate = zlib.decompressobj(wbits=31)
    first = inflate.decompress(await watch.readany())
    assert first == b'{"result":{"application":{"metadata":{"name":"a","namespace":"argocd"}},"type":"ADDED"}}\n'
    await argocd.drained()
    argocd.delete("argocd/a")
    assert orjson.loads(inflate.decompress(await watch.readany()))["result"]["type"] == "DELETED"


async def test_projects_and_fields_decide_at_the_moment_of_sending(argocd: FakeArgoCD, client: Client) -> None:
    argocd.put(application("a", project="blue"))
    watch = await client.watch(projects="blue", fields=FIELDS)
    stream = await argocd.wait_for_stream(lambda stream: stream.subscribed)
    argocd.put(application("a", project="green"))  # leaves the filter: no event
    argocd.put(application("b", project="blue"))
    argocd.put(application("b", project="blue", health="Degraded"))
    argocd.put(application("b", project="blue", health="Missing"))  # the same filtered bytes: no event
    assert [await next_event(watch) for _ in range(3)] == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b")]
    await argocd.drained()
    assert stream.events_sent == 3


async def test_events_below_the_resource_version_and_of_other_names_are_dropped(
    argocd: FakeArgoCD, client: Client
) -> None:
    fill(argocd, "a", "b")
    opening = asyncio.create_task(client.watch(resourceVersion="100"))
    named = await client.watch(name="b", appNamespace="argocd", resourceVersion="1")
    await argocd.wait_until(lambda: all(stream.subscribed for stream in argocd.streams) and len(argocd.streams) == 2)
    fill(argocd, "a")
    late = application("b", version=100)
    argocd.put(late, keep_version=True)
    assert await next_event(await opening) == ("MODIFIED", "b")
    assert [await next_event(named), await next_event(named)] == [("ADDED", "b"), ("MODIFIED", "b")]


async def test_a_list_of_names_tells_the_project_only_since_3_5(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "b", "a")
    fields = "items.metadata.name,items.metadata.uid,items.spec.project"
    expected = [{"metadata": {"name": name}, "spec": {"project": "default"}} for name in "ab"]
    listing = {"metadata": {"resourceVersion": "2"}, "items": expected}
    assert await client.get("/api/v1/applications", fields=fields) == (200, listing)
    argocd.version = "v3.4.7+1a2b3c4"
    _, listing = await client.get("/api/v1/applications", fields=fields)
    assert listing["items"] == [{"metadata": {"name": name}} for name in "ab"]
    assert await client.get("/api/v1/applications", projects="none") == (
        200,
        {"metadata": {"resourceVersion": "2"}, "items": None},
    )


async def test_requests_without_a_good_token_are_401_while_open_streams_go_on(
    argocd: FakeArgoCD, client: Client
) -> None:
    fill(argocd, "a")
    watch = await client.watch()
    await argocd.drained()
    argocd.revoke_token()
    status, body = await client.get("/api/v1/applications")
    assert (status, body["code"], body["error"][:15]) == (401, 16, "invalid session")
    assert await client.get(WATCH, SSE, fields="result.type") == (401, b"data: {} \n\n\n")
    assert await client.get("/api/v1/session/userinfo") == (200, {})
    fill(argocd, "a")
    assert [await next_event(watch), await next_event(watch)] == [("ADDED", "a"), ("MODIFIED", "a")]
    client.token = "new"
    argocd.accept_token("new")
    assert (await client.get("/api/v1/session/userinfo"))[1]["loggedIn"] is True
    argocd.unauthorized = True
    assert (await client.get("/api/v1/account/can-i/applications/get/*/*"))[0] == 401


async def test_a_lost_permission_is_silence_and_a_no_from_can_i(argocd: FakeArgoCD, client: Client) -> None:
    argocd.put(application("a", project="blue"))
    argocd.put(application("b", project="green"))
    argocd.forbid("green")
    answers = [(await client.get(f"/api/v1/account/can-i/applications/get/{p}/*"))[1] for p in ("blue", "green", "*")]
    assert answers == [{"value": "yes"}, {"value": "no"}, {"value": "no"}]
    assert await client.names() == {"a"}
    assert (await client.get("/api/v1/applications/b"))[0] == (await client.get("/api/v1/applications/c"))[0] == 403
    assert (await client.get("/api/v1/applications/c", project="blue"))[0] == 404
    assert (await client.get("/api/v1/applications/a"))[1] == argocd.applications["argocd/a"]
    argocd.forbid_all()
    assert await client.names() == set()


async def test_a_stalled_burst_still_sends_keepalives_until_it_is_resumed(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a", "b")
    argocd.stall_burst_after(1)
    watch = await client.watch()
    assert await next_event(watch) == ("ADDED", "a")
    stream = await argocd.wait_for_stream(lambda stream: stream.is_idle)
    assert (stream.burst_sent, stream.subscribed) == (1, False)
    argocd.keepalive()
    assert await watch.readline() == b":\n"
    argocd.resume_burst()
    assert await next_event(watch) == ("ADDED", "b")


async def test_streams_can_be_cut_inside_a_line_cut_ended_or_fed_garbage(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a")
    argocd.cut_after_bytes(10)
    watch = await client.watch()
    with pytest.raises(aiohttp.ClientPayloadError):
        await watch.read()
    watch = await client.watch(fields=FIELDS)
    argocd.send_raw(b"\x00garbage\n")
    await argocd.drained()
    argocd.fail_all()
    text = await watch.read()
    assert text.split(b"\n\n\n", 1)[1].startswith(b'\x00garbage\ndata: {"error":{"grpc_code":14,')
    watch = await client.watch()
    await argocd.drained()
    argocd.cut_all()
    with pytest.raises(aiohttp.ClientPayloadError):
        await watch.read()
    assert argocd.open_streams == []
    assert len(argocd.streams) == 3


async def test_a_client_that_leaves_is_noticed(argocd: FakeArgoCD, client: Client) -> None:
    opening = await client.open_bridge()
    opening.cancel()
    await argocd.wait_until(lambda: not argocd.open_streams)


async def test_unannounced_changes_and_full_buffers_lose_events_silently(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a", "b")
    first = asyncio.create_task(client.watch(resourceVersion="0"))
    second = await client.watch()
    await argocd.wait_until(lambda: len(argocd.fresh.subscribers) == 2)
    argocd.delete("argocd/a", announce=False)
    argocd.put(application("c"), except_for=lambda stream: stream.is_bridge)
    argocd.put(application("d"), only_to=lambda stream: stream.is_bridge)
    await argocd.drained()
    argocd.watch_buffer = 1
    fill(argocd, "e", "f")
    assert await next_event(await first) == ("ADDED", "d")
    assert [await next_event(second) for _ in range(4)] == [("ADDED", name) for name in "abce"]
    assert [stream.dropped for stream in argocd.streams] == [1, 1]
    assert await client.names() == {"b", "c", "d", "e", "f"}


async def test_lists_and_health_can_lie(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a", "b")
    assert await client.get("/healthz") == (200, b"ok\n")
    argocd.health = False
    assert (await client.get("/healthz"))[0] == 503
    argocd.partial_list(["argocd/b"])
    assert await client.names() == {"b"}
    argocd.list_empty = True
    assert (await client.get("/api/v1/applications"))[1]["items"] is None
    argocd.list_status = 429
    assert (await client.get("/api/v1/applications"))[0] == 429
    assert (await client.get("/api/v1/applications", projects="default"))[0] == 200
    assert (await client.get("/api/v1/other"))[0] == 404


async def test_a_restart_knows_nothing_until_it_is_ready(argocd: FakeArgoCD, client: Client) -> None:
    fill(argocd, "a")
    argocd.restart()
    assert (await client.get("/healthz"))[0] == 503
    assert await client.get("/api/v1/applications") == (200, {"metadata": {}, "items": None})
    opening = asyncio.create_task(client.watch())
    await argocd.wait_for_stream(lambda stream: stream.subscribed)
    fill(argocd, "b")
    argocd.ready()
    watch = await opening
    assert [await next_event(watch), await next_event(watch)] == [("ADDED", "a"), ("ADDED", "b")]
    assert await client.names() == {"a", "b"}


async def test_a_lagging_replica_answers_with_older_versions_and_late_events(
    argocd: FakeArgoCD, client: Client
) -> None:
    fill(argocd, "a")
    lagging = argocd.snapshot()
    argocd.put(application("a", health="Degraded"))
    argocd.delete("argocd/a")
    fill(argocd, "b")
    argocd.route(list="lagging", watch=lambda request: "fresh" if request.query.get("resourceVersion") else lagging)
    assert (await client.get("/api/v1/applications"))[1]["metadata"] == {"resourceVersion": "1"}
    watch = await client.watch()
    await argocd.drained()
    lagging.catch_up(2)
    assert [await next_event(watch) for _ in range(3)] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    argocd.route()
    assert await client.names() == {"b"}


async def test_a_restored_etcd_goes_back_and_a_recreated_application_has_a_new_uid(
    argocd: FakeArgoCD, client: Client
) -> None:
    first = argocd.put(application("a"))
    backup, version = list(argocd.applications.values()), argocd.version_counter
    argocd.delete("argocd/a")
    again = argocd.put(application("a"))
    assert first["metadata"]["uid"] != again["metadata"]["uid"]
    argocd.restore(backup, version)
    assert (argocd.applications["argocd/a"], argocd.version_counter) == (first, 1)


async def test_a_recording_is_played_byte_for_byte_while_the_list_follows(argocd: FakeArgoCD, client: Client) -> None:
    opening = await client.open_bridge()
    seen: list[int] = []
    playing = asyncio.create_task(argocd.play("promotion/stream.sse", after_each=lambda _: seen.append(len(seen))))
    received = bytearray()
    recorded = recordings.body("promotion/stream.sse")
    watch = await opening
    while len(received) < len(recorded):
        received += await watch.readany()
    await playing
    assert bytes(received) == recorded
    assert argocd.applications == recordings.final_word("promotion/stream.sse")
    assert len(seen) == len(recordings.events("promotion/stream.sse"))


async def test_a_recorded_burst_can_be_served_in_place_of_the_state(argocd: FakeArgoCD, client: Client) -> None:
    lines = recordings.lines("lost-in-burst/stream.sse", namespace="argocd")
    argocd.burst_script(lines)
    watch = await client.watch()
    assert await watch.readline() == lines[0]
    stream = await argocd.wait_for_stream(lambda stream: stream.subscribed)
    assert stream.burst_sent == len(recordings.events("lost-in-burst/stream.sse"))
    assert "argocd/astrago-batch" in recordings.final_word("lost-in-burst/stream.sse", namespace="argocd")


async def test_a_burst_has_the_bytes_of_a_recorded_one(argocd: FakeArgoCD, client: Client) -> None:
    lines = recordings.lines("fleet/burst.sse")
    burst = lines[: next(number for number, line in enumerate(lines) if b'"type":"MODIFIED"' in line)]
    argocd.load(event for line in burst if (event := recordings.event_in(line)))
    watch = await client.watch()
    assert [await watch.readuntil(b"\n") for _ in burst] == burst


async def test_keepalives_can_come_by_themselves_and_be_silenced(client: Client) -> None:
    client.argocd = argocd = FakeArgoCD()
    argocd.keepalive_interval = 0.001
    async with argocd:
        fill(argocd, "a")
        watch = await client.watch()
        assert await next_event(watch) == ("ADDED", "a")
        assert await watch.readline() == b":\n"
        argocd.silence = True
        await argocd.drained()
        sent = argocd.streams[0].bytes_sent
        argocd.keepalive()
        await argocd.drained()
        assert argocd.streams[0].bytes_sent == sent


async def test_a_root_path_prefixes_everything_but_health(client: Client) -> None:
    async with FakeArgoCD(root_path="/argo") as server:
        client.argocd = server
        assert (await client.get("/api/version"))[1] == {"Version": "v3.6.0"}
        async with client.session.get(server.url.removesuffix("/argo") + "/healthz") as response:
            assert response.status == 200
        async with client.session.get(server.url.removesuffix("/argo") + "/api/version") as response:
            assert (response.status, await response.text()) == (404, "Not Found\n")
        assert [request.path for request in server.requests] == ["/api/version", "/healthz", "/api/version"]


async def test_a_stopped_server_comes_back_on_the_same_port(argocd: FakeArgoCD, client: Client) -> None:
    url = argocd.url
    await argocd.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/healthz")
    await argocd.start()
    assert (argocd.url, (await client.get("/healthz"))[0]) == (url, 200)


async def test_a_hook_runs_between_a_request_and_its_answer(argocd: FakeArgoCD, client: Client) -> None:
    argocd.on_request("/api/v1/applications", lambda: fill(argocd, "a"))
    assert await client.names() == {"a"}
    assert (await argocd.wait_for_request("/api/v1/applications")).query["fields"] == "items.metadata.name"
    with pytest.raises(TimeoutError, match="waited in vain"):
        await argocd.wait_until(lambda: False, timeout=0.0)


def test_the_fields_filter_has_argo_cds_prefix_quirk() -> None:
    document = {"a": {"sources": [{"x": 1, "y": 2}], "source": {"x": 1}, "other": 3}, "error": {"code": 5}}
    assert FieldsFilter("a.sources.x").prune(document) == {"a": {"sources": [{"x": 1}], "source": {}}}
    assert FieldsFilter("-a.sources,error").prune(document) == {"a": {"source": {"x": 1}, "other": 3}}
    with pytest.raises(ValueError, match="not a map"):
        select_for_list(application("a"), "items.spec,items.spec.project", (3, 5, 1))


def test_built_applications_have_the_shape_of_recorded_ones() -> None:
    recorded = recordings.final_word("deploy-day/stream.ndjson")["argocd/astrago-core"]
    built = application("astrago-core", project="astrago", images=["image:1"], labels={"team": "astrago"})
    assert key_of(built) == key_of(recorded)
    for part in ("metadata", "spec", "status"):
        assert set(built[part]) <= set(recorded[part])
    assert set(built["status"]) == set(recorded["status"])


def test_recorded_answers_and_times_are_read_whole() -> None:
    assert recordings.answer("http/userinfo-anon.http")[::2] == (200, b"{}")
    assert len(recordings.times("deploy-day/stream.sse")) == len(recordings.lines("deploy-day/stream.sse"))
