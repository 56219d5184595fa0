"""The writer: at once after quiet, then gathered, and all of it when it has to end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from gateway.log.entries import make_entries, name_keys
from gateway.log.lease import Claim
from gateway.log.memory import MemoryLog
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Replica
from gateway.log.writer import Writer
from gateway.model.application import Detail, Observed, Tombstone
from gateway.model.delta import Change
from tests.hub.documents import application
from tests.replicas.server import RedisServer


class Scene:
    """A writer that gathers for longer than any test takes."""

    def __init__(self, streams: RedisStreams) -> None:
        self.streams = streams
        self.held: dict[str, Observed] = {}
        self.tombstones: dict[str, Tombstone] = {}
        self.counts: Counter[str] = Counter()

    async def begin(self) -> None:
        begun = asyncio.Event()
        self.writer = Writer(
            self.streams,
            await self.streams.take(Claim(), "a"),
            top=0,
            store=lambda: self,
            replica=Replica(MemoryLog(epoch="0", capacity=10, max_bytes=10**6)),
            interval=3_600.0,
            clock=lambda: 1_000.0,
            counts=self.counts,
            begun=lambda _: begun.set(),
            fenced=lambda _: None,
        )
        self.writing = asyncio.create_task(self.writer.run())
        self.writer.begin()
        await begun.wait()

    def be_quiet(self) -> None:
        """Be as if nothing had been written for long."""
        self.writer._written_at = self.writer._changed_at = float("-inf")

    def change(self, name: str) -> None:
        document = application(f"argocd/{name}")
        self.held[document.key] = Observed(version=1, uid="u", document=document, detail=Detail())
        change = Change(document.key, None, document)
        self.writer.put(make_entries([change], self.held, self.tombstones, at=1_000.0), set())


@pytest.fixture
async def scene(server: RedisServer) -> AsyncIterator[Scene]:
    streams = RedisStreams(server.url, name_keys("test", "writer"))
    made = Scene(streams)
    await made.begin()
    yield made
    made.writing.cancel()
    await asyncio.gather(made.writing, return_exceptions=True)
    await streams.close()


async def test_what_follows_on_a_write_is_gathered_into_one(scene: Scene) -> None:
    # The first content was a write.
    for name in ("a", "b", "c"):
        scene.change(name)
        await asyncio.sleep(0)
    assert scene.counts["append"] == 0
    assert scene.writer.waiting == 3
    await scene.writer.empty()
    assert scene.counts == {"epoch": 1, "append": 1, "change": 3}


async def test_a_change_after_quiet_is_written_at_once(scene: Scene) -> None:
    scene.be_quiet()
    scene.change("a")
    await scene.writer._idle.wait()
    assert scene.counts["append"] == 1


async def test_a_change_does_not_wait_because_of_what_nobody_waits_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.be_quiet()
    scene.change("a")
    await scene.writer._idle.wait()
    monkeypatch.setattr(scene.writer, "_is_shown", lambda _: True)
    scene.writer.put((), {"argocd/a"})
    for _ in range(3):
        await asyncio.sleep(0)
    assert not scene.writer._idle.is_set(), "what is newer without a change is gathered"
    # Of changes, none was written for long.
    scene.writer._changed_at = float("-inf")
    scene.change("b")
    await scene.writer._idle.wait()
    assert scene.counts == {"epoch": 1, "append": 2, "change": 2}


async def test_another_epoch_waits_for_nothing(scene: Scene) -> None:
    scene.change("a")
    first = scene.writer.epoch
    scene.writer.begin()
    await scene.writer.empty()
    assert scene.writer.epoch != first
    assert scene.counts["epoch"] == 2
