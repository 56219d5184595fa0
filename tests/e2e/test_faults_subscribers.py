"""What befalls those who watch: they stop reading, come back late, bring foreign cursors, or the gateway restarts."""

import base64
import random
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from gateway.hub.frame import Form
from tests.e2e.fastloop import let_pass, settle, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import FORMS, Subscriber
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import fill

BUFFERS = 1_000_000
"""Bytes that may wait for a subscriber in the gateway: the transport's high-water mark, and a slice or frame beyond."""


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with three applications."""
    fill(argocd, "a", "b", "c")
    return argocd


async def change_often(argocd: FakeArgoCD, stage: Stage, changes: int) -> list[float]:
    """Let applications change; return the seconds that each change took to be seen by the one who watches, reading."""
    reader = stage.subscribers[0]
    clock, dice, delays = stage.gateway.clock, random.Random(changes), []
    for step in range(changes):
        name = f"busy{step % 50:02}"
        # Random, so that compression doesn't make it go away.
        texts = [base64.b64encode(dice.randbytes(720)).decode() for _ in range(3)]
        conditions = [{"type": "SyncError", "message": text} for text in texts[1:]]
        argocd.put(application(name, health="Degraded", message=f"{step} {texts[0]}", conditions=conditions))
        if step % 20 == 19:
            at, key, begin = clock(), f"argocd/{name}", f"{step} "
            await reader.wait(
                lambda key=key, begin=begin: reader.documents.get(key, {"health": {"message": ""}})["health"][  # type: ignore[misc]
                    "message"
                ].startswith(begin),
                within=5.0,
            )
            delays.append(clock() - at)
    return delays


async def stop_reading(slow: Subscriber) -> None:
    """Come again with little room in the system's buffers, and then read nothing."""
    slow.leave()
    slow.receive_buffer = 64 * 1024
    await slow.wait(lambda: slow.ended)
    await slow.connect()
    await slow.wait(lambda: slow.upstream != {})
    slow.stop_reading()


def unsent(stage: Stage) -> int:
    """Return the bytes that wait in the gateway for the one who is furthest behind."""
    return max((subscriber.link.unsent() for subscriber in stage.gateway.hub._members), default=0)


@pytest.mark.parametrize("form", FORMS)
async def test_someone_who_stops_reading_costs_nobody_anything_and_converges_when_they_read_again(
    filled: FakeArgoCD, form: Form
) -> None:
    async with run_gateway(filled, slow_limit=86_400.0) as stage:
        await stage.watch()
        slow = await stage.watch(form=form)
        await stage.live()
        await stop_reading(slow)
        most = 0
        for _ in range(10):
            delays = await change_often(filled, stage, 500)
            most = max(most, unsent(stage))
            # Two ticks: one may just have been.
            assert median(delays) <= 0.25
        assert stage.gateway.hub.lagging == 1
        assert most < BUFFERS
        slow.read_on()
        await stage.assert_same()
        await stage.assert_true(filled)
        await until(lambda: stage.gateway.hub.lagging == 0, within=5.0)
        # It was led there in one step or two, not in five hundred.
        assert [event.data["reason"] for event in slow.events if event.name == "snapshot"] in ([], ["lagged"])
        fill(filled, "later")
        await slow.wait(lambda: "argocd/later" in slow.documents, within=5.0)


async def test_someone_who_never_reads_again_is_cut_off_after_the_limit_and_nobody_else_is(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, slow_limit=30.0) as stage:
        reader = await stage.watch()
        slow = await stage.watch()
        await stage.live()
        await stop_reading(slow)
        while not stage.gateway.hub.lagging:
            await change_often(filled, stage, 100)
        await let_pass(20.0)
        assert len(stage.gateway.hub) == 2
        await let_pass(15.0)
        assert len(stage.gateway.hub) == 1
        assert stage.gateway.hub.counts["end_slow"] == 1
        assert not reader.ended
        slow.read_on()
        await slow.wait(lambda: slow.ended)
        assert slow.goodbye is None
        await slow.connect()
        await slow.wait(lambda: slow.has_state)
        await stage.assert_same(reader, slow)


async def test_a_resume_after_ten_seconds_gets_what_changed_and_no_more(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        for form in FORMS:
            watcher = await stage.watch(form=form)
            watcher.leave()
            await watcher.wait(lambda one=watcher: one.ended)  # type: ignore[misc]
        await stage.live()
        await let_pass(10.0)
        filled.put(application("a", health="Degraded"))
        filled.delete("argocd/b")
        fill(filled, "d")
        await let_pass(1.0)
        for watcher in stage.subscribers:
            await watcher.connect()
            await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
            assert watcher.first == ("delta", "resumed")
            data = next(event for event in watcher.events if event.name == "delta").data
            assert (set(data["changed"]), data["removed"]) == ({"argocd/a", "argocd/d"}, ["argocd/b"])
            assert set(data["changed"]["argocd/a"]) == {"health"}
        await stage.assert_true(filled)
        # Nothing happened since: an empty delta says so.
        await watcher.wait(lambda: watcher.upstream != {})
        watcher.leave()
        await watcher.wait(lambda: watcher.ended)
        await watcher.connect()
        await watcher.wait(lambda: watcher.has_state)
        data = next(event for event in watcher.events if event.name == "delta").data
        assert (data["reason"], data["changed"], data["removed"]) == ("resumed", {}, [])


async def test_a_cursor_that_leads_nowhere_gets_a_snapshot_with_the_reason(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, log_capacity=20) as stage:
        watcher = await stage.watch()
        await stage.live()
        cursor = watcher.client.last_id
        epoch, offset, view = cursor.split("-")
        cases = {
            f"ffffffff-{offset}-{view}": "epoch",
            f"{epoch}-{int(offset) + 1_000}-{view}": "epoch",
            f"{epoch}-{offset}-0123456789": "view",
            "\u00e9'\";--": "epoch",
            "x" * 4_000: "epoch",
            "1": "epoch",
        }
        for wrong, reason in cases.items():
            again = await stage.watch(cursor=wrong)
            assert again.first == ("snapshot", reason), wrong
            again.leave()
        for query, reason in {"": "resumed", "?projects=default": "view"}.items():
            again = await stage.watch(query, cursor=cursor)
            assert again.first[1] == reason
            again.leave()
        for step in range(30):
            filled.put(application("a", labels={"step": str(step)}))
            await let_pass(0.2)
        again = await stage.watch(cursor=cursor)
        assert again.first == ("snapshot", "trimmed")
        await stage.assert_same(watcher, again)


async def test_the_header_wins_over_the_parameter(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        cursor = watcher.client.last_id
        by_parameter = await stage.watch(f"?lastEventId={cursor}")
        assert by_parameter.first == ("delta", "resumed")
        by_both = await stage.watch("?lastEventId=1-1-1", cursor=cursor)
        assert by_both.first == ("delta", "resumed")


def shown_states(events: list[Any]) -> list[str]:
    """Return the states of upstream that heartbeats told of, repetitions left out."""
    states: list[str] = []
    for event in events:
        if event.name == "heartbeat" and (state := event.data["upstream"]["state"]) not in states[-1:]:
            states.append(state)
    return states


async def test_a_gateway_restarted_in_an_outage_shows_the_stored_state_as_stale_and_then_sends_differences(
    filled: FakeArgoCD, tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    fill(filled, *(f"more{number}" for number in range(20)))
    async with run_gateway(filled, state_file=file) as stage:
        before = (await stage.watch()).documents
        await stage.live()
        await stage.reconciled()
        shown_at = await stage.listed()
    await filled.stop()
    filled.put(application("a", health="Degraded"))
    filled.delete("argocd/b")
    fill(filled, "d")
    await let_pass(60.0)
    async with run_gateway(filled, state_file=file) as stage:
        assert (await stage.get("/readyz")).status == 200
        watcher = await stage.watch()
        versions, removed = watcher.watch_documents(), watcher.watch_removals()
        assert watcher.documents == shown_at
        assert set(before) == set(shown_at)
        assert watcher.upstream["state"] == "stale"
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=100.0)
        await let_pass(600.0)
        assert (len(watcher.documents), versions, removed) == (23, [], [])
        await filled.start()
        await watcher.wait(lambda: watcher.upstream["state"] == "live", within=60.0)
        await watcher.wait(lambda: removed == ["argocd/b"], within=20.0)
        await stage.assert_true(filled)
        assert {document["key"] for document in versions} == {"argocd/a", "argocd/d"}
        assert shown_states(watcher.events) == ["stale", "down", "live"]
        # It stays known since when each sync status holds.
        assert watcher.documents["argocd/c"]["sync"] == shown_at["argocd/c"]["sync"]


async def test_a_state_file_of_another_argo_cd_is_passed_over(filled: FakeArgoCD, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with run_gateway(filled, state_file=file) as stage:
        await stage.live()
    async with run_gateway(filled, state_file=file, argocd_projects=("blue",)) as stage:
        watcher = await stage.watch()
        assert watcher.documents == {}
    file.write_bytes(b"{")
    async with run_gateway(filled, state_file=file) as stage:
        watcher = await stage.watch()
        await settle()
        assert len(watcher.documents) == 3
