"""What may happen to Redis and to replicas, and what it means: the table in ARCHITECTURE.md, row by row."""

import asyncio
from pathlib import Path

import pytest

from gateway.log import entries
from gateway.replicas import peers, succession
from tests.fakes.applications import application
from tests.replicas.scene import scene, until
from tests.replicas.server import RedisServer


async def test_redis_gone_for_a_second_is_not_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, lease=10.0) as play:
        epochs, leaders = play.epochs, play.leaders
        for wire in play.wires:
            wire.block()
            wire.cut()
        play.change("app-0", "while it is gone")
        await until(
            lambda: not any(gateway.peers.follower.connected for gateway in play.gateways if gateway.peers), "cut"
        )
        for wire in play.wires:
            wire.unblock()
        await play.true()
        assert (play.epochs, play.leaders) == (epochs, leaders)
        assert set(play.states) == {"live"}
        assert play.findings.counts["snapshot"] == 2, "one each, at the beginning"


async def test_redis_gone_for_long_means_stale_and_then_only_what_changed(tmp_path: Path) -> None:
    async with scene(tmp_path, pipelines_cache_ttl=1.0) as play:
        epochs = play.epochs
        for wire in play.wires:
            wire.block()
            wire.cut()
        play.change("app-0", "while it is gone")
        await until(lambda: set(play.states) == {"stale"}, "all say stale")
        assert {gateway.upstream().reason for gateway in play.gateways} <= {"redis", "no-leader"}
        await until(lambda: not play.leaders, "nobody leads without Redis")
        await until(lambda: all(each.upstream["state"] == "stale" for each in play.watchers), "all are told")
        assert all(watcher.connected for watcher in play.watchers), "everybody is served on"
        for wire in play.wires:
            wire.unblock()
        await play.live()
        await play.true()
        assert play.epochs == epochs
        assert play.findings.counts["snapshot"] == 2


async def test_redis_restarted_empty_begins_another_epoch_with_what_is_held(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        epochs = play.epochs
        await play.redis.restart(save=False)
        play.change("app-0", "after the loss")
        await until(lambda: not play.epochs & epochs, "another epoch")
        await play.live()
        await play.true()
        assert play.findings.counts["later_snapshot_lagged"] == 0
        assert play.findings.counts["snapshot"] == 4, "one more each, for the epoch"


async def test_redis_restarted_from_an_older_dump_begins_another_epoch(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        epochs = play.epochs
        await play.redis.save()
        play.change("app-0", "after the dump")
        play.argocd.delete("argocd/app-1")
        await play.true()
        await play.redis.stop()
        await play.redis.start()
        await until(lambda: not play.epochs & epochs, "another epoch")
        await play.live()
        await play.true()


async def test_a_replica_that_is_promoted_without_the_last_writes_begins_another_epoch(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        epochs = play.epochs
        (tmp_path / "second").mkdir()
        second = RedisServer(tmp_path / "second")
        await second.start("--replicaof", "127.0.0.1", str(play.redis.port))
        try:
            async with play.redis.client() as client:
                while not await client.wait(1, 1_000):
                    pass
            async with second.client() as client:
                await client.replicaof("NO", "ONE")
            play.change("app-0", "which the replica lacks")
            await play.true()
            for wire in play.wires:
                wire.ports = [second.port]
                wire.cut()
            await until(lambda: not play.epochs & epochs, "another epoch")
            play.change("app-1", "behind the promotion")
            await play.live()
            await play.true()
        finally:
            await second.stop()


async def test_redis_without_memory_means_stale_until_there_is_some(tmp_path: Path) -> None:
    async with scene(tmp_path, pipelines_cache_ttl=1.0) as play:
        epochs = play.epochs
        async with play.redis.client() as client:
            await client.config_set("maxmemory", "1")
            play.change("app-0", "which finds no room")
            await until(lambda: set(play.states) == {"stale"}, "all say stale")
            assert any(gateway.peers and gateway.peers.counts["error_memory"] for gateway in play.gateways)
            assert all(watcher.connected for watcher in play.watchers)
            await client.config_set("maxmemory", "0")
        await play.live()
        await play.true()
        assert play.epochs == epochs


async def test_a_slow_redis_delays_and_breaks_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, lease=10.0) as play:
        epochs, leaders = play.epochs, play.leaders
        for wire in play.wires:
            wire.delay = 0.1  # There and back: 200 ms.
        for number in range(8):
            play.change(f"app-{number}", "slowly")
        await play.true()
        assert (play.epochs, play.leaders) == (epochs, leaders)
        assert set(play.states) == {"live"}


async def test_a_leader_that_is_cut_off_from_redis_is_followed_by_another(tmp_path: Path) -> None:
    async with scene(tmp_path, pipelines_cache_ttl=1.0) as play:
        epochs, [old] = play.epochs, play.leaders
        wire = play.wires[play.gateways.index(old)]
        wire.block()
        await until(lambda: play.leaders and play.leaders != [old] and old not in play.leaders, "another leads")
        await until(lambda: old.upstream().state == "stale", "the one that is cut off says so")
        play.change("app-0", "which the old leader can't know")
        wire.cut()
        wire.unblock()
        await play.live()
        await play.true()
        assert play.epochs == epochs
        assert old not in play.leaders
        assert play.findings.counts["snapshot"] == 2


async def test_a_leader_that_ends_in_order_hands_over_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path, 3, lease=60.0, drain_delay=1.0) as play:
        epochs, [old] = play.epochs, play.leaders
        old.drain()
        play.change("app-0", "during the hand-over")
        # By its lease alone that would take a minute.
        await until(lambda: play.leaders and old not in play.leaders, "another leads", within=30.0)
        await play.true()
        assert play.epochs == epochs


async def test_a_planned_hand_over_misses_nothing_even_where_the_whole_content_never_comes(tmp_path: Path) -> None:
    """What happens between two watches is found only by the content: so there must be nothing between them."""
    async with scene(tmp_path, 2, lease=60.0, drain_delay=30.0) as play:
        [old] = play.leaders
        play.argocd.stall_burst_after(0)
        old.drain()
        number = 0
        while old in play.leaders or not play.leaders:
            number += 1
            play.argocd.put(application(f"new-{number}"))
            await asyncio.sleep(0.01)
        play.argocd.put(application("afterwards"))
        await play.true()
        assert play.findings.counts["snapshot"] == 2


async def test_a_leader_leads_until_another_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(tmp_path, 2, lease=60.0, drain_delay=30.0) as play:
        [old] = play.leaders
        ready = asyncio.Event()

        async def get_ready(preparing: succession.Succession) -> None:
            ready.set()

        monkeypatch.setattr(succession.Succession, "_prepare", get_ready)
        monkeypatch.setattr(succession, "PATIENCE", 60.0)
        old.drain()
        await ready.wait()
        play.change("app-0", "nobody is ready")
        await play.true()
        assert play.leaders == [old]
        old.stop()
        await until(lambda: play.leaders and old not in play.leaders, "another leads, ready or not")


async def test_a_leader_that_finds_nobody_gives_the_lease_back_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "PATIENCE", 0.1)
    async with scene(tmp_path, 1, lease=60.0, drain_delay=30.0) as play:
        [old] = play.leaders
        old.drain()
        await until(lambda: not play.leaders, "nobody leads")
        new = await play.join(lease=60.0)
        await until(lambda: play.leaders == [new], "the next one leads, long before the lease would be over")


async def test_clocks_that_differ_by_an_hour_change_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, 1) as play:
        first = play.gateways[0].clock
        for hours in (1, -1):
            await play.join(clock=lambda offset=3_600.0 * hours: first() + offset)  # type: ignore[misc]
        await play.live()
        [old] = play.leaders
        old.drain()
        await until(lambda: play.leaders and old not in play.leaders, "another leads")
        play.gateways.remove(old)
        play.watchers.pop(0)
        play.change("app-0", "by another clock")
        await play.live()
        await play.true()
        assert all(gateway.peers.proof.as_of(gateway.clock()) >= 0 for gateway in play.gateways if gateway.peers)


async def test_a_follower_that_is_behind_by_more_than_the_log_reads_the_whole(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        epochs, [leader] = play.epochs, play.leaders
        [other] = [gateway for gateway in play.gateways if gateway is not leader]
        assert other.peers is not None
        wire = play.wires[play.gateways.index(other)]
        wire.block()
        wire.cut()
        for number in range(8):
            play.change(f"app-{number}", "which the follower misses")
        await until(lambda: leader.log.ring.top > other.log.ring.top + 5, "the leader goes on")
        async with play.redis.client() as client:
            [log] = await client.keys("*:log")
            await client.xtrim(log, maxlen=1, approximate=False)
        wire.unblock()
        await play.true()
        assert play.epochs == epochs
        assert other.peers.counts["load"] == 2


async def test_two_versions_with_different_formats_live_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path, 2) as play:
        monkeypatch.setattr(
            peers, "name_keys", lambda prefix, source: entries.name_keys(prefix, source, number=entries.FORMAT + 1)
        )
        newer = await play.join()
        await until(lambda: newer.upstream().state == "live", "the newer one leads its own")
        assert len(play.leaders) == 2
        play.change("app-0", "which all of them see")
        await play.true()
        assert len(play.epochs) == 2


async def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        async with play.redis.client() as client:
            [signals] = await client.keys("*:signals")
            [meta] = await client.keys("*:meta")
            number = await client.hincrby(meta, "signal", 1)
            await client.xadd(signals, {"k": "of-tomorrow", "b": "?"}, id=f"{number}-0")
            await client.hset(meta, "of-tomorrow", "?")
        play.change("app-0", "behind it")
        await play.true()


async def test_a_new_replica_resumes_a_cursor_of_another(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        for number in range(5):
            play.change(f"app-{number}", "before")
        await play.true()
        cursor = play.watchers[0].cursor
        play.change("app-7", "after")
        await play.true()
        fresh = await play.join()
        newcomer = play.watchers[-1]
        await play.true()
        assert cursor is not None
        assert fresh.log.ring.trimmed <= cursor.position.offset
        again = type(newcomer)(fresh.address[1], play.findings)
        again.cursor, again.documents = play.watchers[0].cursor, dict(play.watchers[0].documents)
        task = asyncio.create_task(again.run())
        await until(lambda: play.findings.counts["first_delta_resumed"] == 1, "it is resumed")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_told_at_one_replica_is_heard_at_all(tmp_path: Path) -> None:
    async with scene(tmp_path) as play:
        [leader] = play.leaders
        [other] = [gateway for gateway in play.gateways if gateway is not leader]
        other.tell("argocd/app-0", "breach", {"application": "argocd/app-0"})
        await until(lambda: play.findings.counts["breach"] == 2, "both hear of a breach")
        silent = application("app-1", health="Degraded", message="which no stream told")
        play.argocd.put(silent, announce=False)
        other.look_again("argocd/app-1")
        await play.true()


async def test_the_state_of_a_fleet_is_never_shown_in_part(tmp_path: Path) -> None:
    async with scene(tmp_path, applications=300) as play:
        assert play.findings.counts["snapshot"] == 2
        assert all(len(watcher.documents) == 300 for watcher in play.watchers)
        assert all(gateway.log.ring.top == 1 for gateway in play.gateways)
