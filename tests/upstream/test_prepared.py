"""A watch that was opened before anybody needed it brings everything since then, in order, once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from gateway.upstream import prepared
from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.messages import Kind
from gateway.upstream.prepared import PreparedWatch
from gateway.upstream.raw import RawEvent
from gateway.upstream.token import Token
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as fake:
        yield fake


@pytest.fixture
async def client(argocd: FakeArgoCD) -> AsyncIterator[ArgoCD]:
    async with ArgoCD(Endpoint(base_url=argocd.url), Token(SecretStr(SECRET))) as opened:
        yield opened


class Taker:
    """Somebody who takes a watch, and notes what it says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.moved = asyncio.Event()

    def opened(self) -> None:
        self.said.append("opened")

    def read(self, events: tuple[object, ...], oversized: int) -> None:
        assert oversized == 0
        self.said += [event.application.metadata.name for event in events if isinstance(event, RawEvent)]
        self.moved.set()

    async def heard(self, name: str) -> None:
        while name not in self.said:
            self.moved.clear()
            await self.moved.wait()


async def follow(watch: PreparedWatch, taker: Taker) -> asyncio.Task[object]:
    return asyncio.create_task(watch.follow(opened=taker.opened, read=taker.read))


async def test_what_came_before_it_was_taken_comes_first_and_then_what_follows(
    argocd: FakeArgoCD, client: ArgoCD
) -> None:
    watch = PreparedWatch(client)
    await argocd.wait_for_stream(lambda stream: stream.subscribed)
    argocd.put(application("before"))
    argocd.put(application("as-well"))
    await argocd.drained()
    taker = Taker()
    following = await follow(watch, taker)
    await taker.heard("as-well")
    argocd.put(application("after"))
    await taker.heard("after")
    assert taker.said == ["opened", "before", "as-well", "after"]
    argocd.end_all()
    assert getattr(await following, "kind", None) is Kind.ENDED
    assert watch.over


async def test_whoever_takes_it_ends_it(argocd: FakeArgoCD, client: ArgoCD) -> None:
    watch = PreparedWatch(client)
    await argocd.wait_for_stream(lambda stream: stream.subscribed)
    following = await follow(watch, Taker())
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await argocd.wait_until(lambda: not argocd.open_streams)


async def test_one_that_nobody_takes_is_closed(argocd: FakeArgoCD, client: ArgoCD) -> None:
    watch = PreparedWatch(client)
    await argocd.wait_for_stream(lambda stream: stream.subscribed)
    assert not watch.over
    watch.close()
    await argocd.wait_until(lambda: not argocd.open_streams)


async def test_one_that_is_refused_is_over(argocd: FakeArgoCD, client: ArgoCD) -> None:
    argocd.revoke_token(SECRET)
    watch = PreparedWatch(client)
    await asyncio.wait([watch._watching])
    assert watch.over


async def test_what_is_kept_is_bounded(argocd: FakeArgoCD, client: ArgoCD, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_KEPT", 2)
    watch = PreparedWatch(client)
    await argocd.wait_for_stream(lambda stream: stream.subscribed)
    for number in range(3):
        argocd.put(application(f"app-{number}"))
    await asyncio.wait([watch._watching])
    assert watch.over
