"""The fake Argo CD fails as it is told to: each fault that other tests build on, seen over real HTTP."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import Client, fill, next_event

FIELDS = "error,result.type,result.application.metadata.name,result.application.metadata.namespace"


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
