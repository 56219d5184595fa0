"""The fake Argo CD is faithful: what is known of the real one's API, seen over real HTTP."""

from __future__ import annotations

import asyncio
import zlib

import orjson
import pytest

from tests.fakes import recordings
from tests.fakes.applications import application, key_of
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import SSE, WATCH, Client, fill, next_event
from tests.fakes.fields import FieldsFilter, select_for_list

FIELDS = "error,result.type,result.application.metadata.name,result.application.metadata.namespace"


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


async def test_a_burst_has_the_bytes_of_a_recorded_one(argocd: FakeArgoCD, client: Client) -> None:
    lines = recordings.lines("fleet/burst.sse")
    burst = lines[: next(number for number, line in enumerate(lines) if b'"type":"MODIFIED"' in line)]
    argocd.load(event for line in burst if (event := recordings.event_in(line)))
    watch = await client.watch()
    assert [await watch.readuntil(b"\n") for _ in burst] == burst


async def test_a_root_path_prefixes_everything_but_health(client: Client) -> None:
    async with FakeArgoCD(root_path="/argo") as server:
        client.argocd = server
        assert (await client.get("/api/version"))[1] == {"Version": "v3.6.0"}
        async with client.session.get(server.url.removesuffix("/argo") + "/healthz") as response:
            assert response.status == 200
        async with client.session.get(server.url.removesuffix("/argo") + "/api/version") as response:
            assert (response.status, await response.text()) == (404, "Not Found\n")
        assert [request.path for request in server.requests] == ["/api/version", "/healthz", "/api/version"]


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
