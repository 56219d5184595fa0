"""What Argo CD's streams lose, garble and break off: everyone sees the truth all the same, and nobody a part of it."""

import pytest

from gateway.hub.frame import Form
from tests.e2e.fastloop import let_pass, settle
from tests.e2e.harness import run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import WATCH, fill

NAMES = tuple("abcdefghij")


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with ten applications."""
    fill(argocd, *NAMES)
    return argocd


async def test_a_delete_and_a_change_during_the_burst_are_seen_by_the_bridge(filled: FakeArgoCD) -> None:
    def happen() -> None:
        filled.delete("argocd/j")
        filled.put(application("a", health="Degraded"))

    filled.on_burst_item(3, happen)
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        assert watcher.first == ("snapshot", "new")
        assert set(watcher.documents) == {f"argocd/{name}" for name in NAMES[:-1]}
        assert watcher.documents["argocd/a"]["health"]["status"] == "Degraded"
        await stage.assert_true(filled)


async def test_a_delete_during_the_burst_that_even_the_bridge_lost_is_confirmed_by_two_lists(
    filled: FakeArgoCD,
) -> None:
    filled.on_burst_item(3, lambda: filled.delete("argocd/j", announce=False))
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        assert "argocd/j" in watcher.documents
        await watcher.wait(lambda: "argocd/j" not in watcher.documents, within=15.0)
        assert (stage.count("missed_delete"), stage.count("missed_update")) == (1, 0)
        await stage.assert_true(filled)


async def test_what_happens_between_a_burst_and_its_subscription_is_seen_by_the_stream_before(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        await let_pass(6.0)
        filled.stall_burst_after(len(NAMES))
        await stage.reconciled()
        await let_pass(1.0)
        filled.put(application("a", health="Degraded"))
        filled.delete("argocd/b")
        await watcher.wait(lambda: "argocd/b" not in watcher.documents, within=3.0)
        assert watcher.documents["argocd/a"]["health"]["status"] == "Degraded"
        filled.resume_burst()
        await let_pass(10.0)
        assert stage.count("missed_update") == stage.count("missed_delete") == 0
        await stage.assert_true(filled)


async def test_a_delete_that_was_never_announced_is_found_and_counted(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch(form=Form.GZIP)
        await stage.live()
        filled.delete("argocd/e", announce=False)
        # A reconcile at the latest after 1.2 intervals, then the second list.
        await watcher.wait(lambda: "argocd/e" not in watcher.documents, within=360.0 + 15.0)
        assert stage.count("missed_delete") == 1
        await stage.assert_true(filled)


async def test_a_change_that_was_dropped_is_found_and_counted(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        filled.put(application("e", health="Degraded"), announce=False)
        fill(filled, "new")
        await watcher.wait(lambda: "argocd/new" in watcher.documents, within=5.0)
        assert watcher.documents["argocd/e"]["health"]["status"] == "Healthy"
        await stage.counted("missed_update", within=360.0 + 10.0)
        await stage.assert_true(filled)
        assert stage.count("missed_update") == 1


async def test_garbage_on_the_stream_is_put_aside_and_the_stream_goes_on(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        await let_pass(6.0)
        opened, reconciles = len(filled.streams), stage.count("reconcile")
        for garbage in (
            b"data: {\xff\xfe\n",
            b"data: {}\n",
            b"\x00\n",
            b'data: {"result":{"type":"ADDED"}}\n',
            b"[]\n",
        ):
            filled.send_raw(garbage)
        filled.put(application("a", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Degraded", within=5.0)
        assert stage.count("undecodable") == 5
        assert stage.state == "live"
        # What was lost with it is looked for once, not five times.
        await stage.counted("reconcile", reconciles + 1, within=40.0)
        assert len(filled.streams) == opened + 1
        await stage.assert_true(filled)


async def test_an_event_that_cannot_be_read_leaves_the_last_that_could(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        broken = application("b", health="Degraded")
        broken["status"]["sync"] = ["what is this"]
        filled.put(broken)
        await stage.reconciled(within=40.0)
        assert watcher.documents["argocd/b"]["health"]["status"] == "Healthy"
        assert stage.state == "live"
        filled.put(application("b", health="Missing"))
        await watcher.wait(lambda: watcher.documents["argocd/b"]["health"]["status"] == "Missing", within=5.0)
        await stage.assert_true(filled)


@pytest.mark.parametrize("framing", ["sse", "ndjson"])
async def test_a_line_of_three_megabytes_is_read_and_its_message_is_whole_in_the_detail(
    filled: FakeArgoCD, framing: str
) -> None:
    async with run_gateway(filled, upstream_framing=framing) as stage:
        watcher = await stage.watch()
        await stage.live()
        message = "why? " * 600_000
        filled.put(application("a", health="Degraded", message=message))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Degraded", within=5.0)
        assert watcher.documents["argocd/a"]["health"]["message"] == message[:1_000] + "…"
        shown = (await stage.get("/api/pipelines/a")).json["application"]
        assert shown["health"]["message"] == message
        await stage.assert_true(filled)


async def test_a_line_beyond_the_limit_is_counted_and_put_aside(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, max_line=20_000) as stage:
        watcher = await stage.watch()
        await stage.live()
        # For some seconds there are two streams, and each would count it.
        await let_pass(6.0)
        filled.put(application("a", health="Degraded", message="x" * 30_000))
        filled.put(application("b", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/b"]["health"]["status"] == "Degraded", within=5.0)
        assert stage.count("oversized") == 1
        assert watcher.documents["argocd/a"]["health"]["status"] == "Healthy"
        status = (await stage.get("/api/status")).json["upstream"]
        assert (status["state"], status["unreadable"]["oversized"]) == ("live", 1)
        filled.put(application("a", health="Missing"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Missing", within=5.0)
        await stage.assert_true(filled)


async def test_an_application_whose_line_is_always_too_long_keeps_nobody_from_seeing_the_others(
    filled: FakeArgoCD,
) -> None:
    filled.put(application("huge", message="x" * 30_000))
    async with run_gateway(filled, max_line=20_000) as stage:
        watcher = await stage.watch()
        assert set(watcher.documents) == {f"argocd/{name}" for name in NAMES}
        await stage.live()


async def test_a_burst_cut_within_a_line_publishes_nothing_and_is_begun_anew(filled: FakeArgoCD) -> None:
    filled.on_request(WATCH, lambda: None)
    filled.on_request(WATCH, lambda: filled.cut_after_bytes(2_500))
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        assert len(watcher.documents) == len(NAMES)
        assert [event.name for event in watcher.events if event.name != "heartbeat"] == ["snapshot"]
        assert len(filled.streams) >= 4
        await stage.assert_true(filled)


async def test_a_live_stream_cut_within_a_line_loses_nothing(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        await let_pass(6.0)
        (live,) = filled.open_streams
        live.cut_at = live.bytes_sent + 100
        filled.put(application("a", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/a"]["health"]["status"] == "Degraded", within=10.0)
        assert stage.state == "live"
        assert removed == []
        await stage.assert_true(filled)


async def test_what_happens_while_the_stream_is_down_is_shown_when_it_is_back(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, retry_max=10.0) as stage:
        watcher = await stage.watch()
        versions = watcher.watch_documents()
        await stage.live()
        await filled.stop()
        filled.delete("argocd/a")
        filled.put(application("b", health="Degraded"))
        fill(filled, "k")
        await stage.becomes("stale", within=20.0)
        await stage.becomes("down", within=90.0)
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=5.0)
        assert len(watcher.documents) == len(NAMES)
        await filled.start()
        await stage.live(within=30.0)
        await watcher.wait(lambda: "argocd/a" not in watcher.documents, within=15.0)
        await stage.assert_true(filled)
        # Only what differs was sent.
        assert {document["key"] for document in versions} == {"argocd/b", "argocd/k"}


async def test_a_stream_that_falls_silent_is_given_up_after_45_seconds_and_called_stale_from_its_last_sign(
    filled: FakeArgoCD,
) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        await let_pass(31.0)
        filled.silence = True
        await stage.counted("failure_silent", within=61.0)
        await settle()
        assert stage.state == "stale"
        await watcher.wait(lambda: watcher.upstream["state"] == "stale", within=5.0)
        await stage.live(within=10.0)
        await stage.assert_true(filled)


async def test_more_events_than_a_buffer_holds_are_dropped_silently_and_repaired(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        filled.watch_buffer = 3
        for name in NAMES:
            filled.put(application(name, health="Degraded"))
        await filled.drained()
        await stage.counted("missed_update", within=400.0)
        await stage.assert_true(filled)
        assert all(document["health"]["status"] == "Degraded" for document in watcher.documents.values())
