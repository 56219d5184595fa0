"""What every log promises, in memory and on Redis alike: the same tests, against each."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.log.entries import make_entries, name_keys
from gateway.log.lease import Claim
from gateway.log.memory import MemoryLog
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Replica
from gateway.log.writer import Writer
from gateway.model.application import ApplicationStatus, Detail, Observed, Tombstone
from gateway.model.delta import Change
from tests.hub.documents import State, application, chain, upserts
from tests.replicas.server import PROGRAM, RedisServer


class InMemory:
    """A log of one process."""

    def __init__(self) -> None:
        self.log = MemoryLog(epoch="5f2c81d0", capacity=1_000, max_bytes=10**9)

    async def append(self, changes: Sequence[Change]) -> None:
        self.log.append(changes, at=1_000.0)


class OnRedis:
    """A log that is written by a leader and read back by a replica, each with its own connection."""

    def __init__(self, url: str) -> None:
        self.log = MemoryLog(epoch="0", capacity=1_000, max_bytes=10**9)
        self.replica = Replica(self.log)
        self.streams = RedisStreams(url, name_keys("test", "contract"))
        self.held: dict[str, Observed] = {}
        self.tombstones: dict[str, Tombstone] = {}
        self.counts: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        taken = await self.streams.take(Claim(), "a")
        begun = asyncio.Event()
        self.writer = Writer(
            self.streams,
            taken,
            top=0,
            store=lambda: self,
            replica=self.replica,
            interval=0.0,
            clock=lambda: 1_000.0,
            counts=self.counts,
            begun=lambda _: begun.set(),
            fenced=lambda _: None,
        )
        self._writing = asyncio.create_task(self.writer.run())
        self.writer.begin()
        await begun.wait()
        loaded = await self.streams.load()
        assert loaded.stored is not None
        self.replica.load(loaded.stored)
        self.place = loaded.place

    async def append(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.after is None:
                del self.held[change.key]
            else:
                self.held[change.key] = observe(change.after)
        self.writer.put(make_entries(changes, self.held, self.tombstones, at=1_000.0), set())
        top = self.log.ring.top + len(changes)
        while self.log.ring.top < top:
            read = await self.streams.read(self.place)
            self.place = read.place
            self.replica.take([entry for entry in read.entries if not isinstance(entry, Observed)])

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.streams.close()


def observe(document: ApplicationStatus) -> Observed:
    return Observed(version=1, uid="u", document=document, detail=Detail())


Kept = InMemory | OnRedis


@pytest.fixture(params=["memory", "redis"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    if request.param == "memory":
        yield InMemory()
        return
    if PROGRAM is None:
        pytest.skip("redis-server isn't installed: make programs")
    server = RedisServer(tmp_path)
    await server.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        on_redis = OnRedis(server.url)
        stack.push_async_callback(on_redis.close)
        await on_redis.open()
        yield on_redis


async def test_a_position_counts_changes_and_the_documents_are_those_at_the_top(kept: Kept) -> None:
    log, state, base = kept.log, State(), kept.log.ring.top
    await kept.append(upserts(state, application("argocd/a"), application("argocd/b")))
    await kept.append(chain(state, [("argocd/a", None), ("argocd/b", application("argocd/b", project="shop"))]))
    assert log.position.offset == base + 4
    assert log.documents == state == {"argocd/b": application("argocd/b", project="shop")}


async def test_the_history_leads_from_any_position_to_any_later_one(kept: Kept) -> None:
    log, state, base = kept.log, State(), kept.log.ring.top
    changes = upserts(state, *(application(f"argocd/{number}") for number in range(5)))
    changes += chain(state, [("argocd/3", None)])
    await kept.append(changes)
    for after in range(7):
        for upto in range(after, 7):
            assert list(log.ring.between(base + after, base + upto)) == changes[after:upto]
    with pytest.raises(LookupError):
        log.ring.between(base, base + 7)


async def test_followers_are_called_when_all_of_an_append_is_there(kept: Kept) -> None:
    log, state = kept.log, State()
    heard: list[int] = []
    log.follow(lambda: heard.append(len(log.documents)))
    await kept.append(upserts(state, application("argocd/a"), application("argocd/b")))
    assert heard[-1] == 2


async def test_news_is_dated(kept: Kept) -> None:
    log, state = kept.log, State()
    await kept.append(upserts(state, application("argocd/a")))
    assert [(each.at, each.change.key) for each in log.ring.news(999.0)] == [(1_000.0, "argocd/a")]
    assert list(log.ring.news(1_001.0)) == []


async def test_many_changes_at_once_come_in_order(kept: Kept) -> None:
    log, state, base = kept.log, State(), kept.log.ring.top
    changes = upserts(state, *(application(f"argocd/{number % 40}", images=(str(number),)) for number in range(900)))
    await kept.append(changes)
    assert list(log.ring.between(base, base + 900)) == changes
    assert log.documents == state
