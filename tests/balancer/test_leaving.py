"""SIGTERM under load behind a balancer that notices three seconds late: nobody is refused. After SIGKILL: soon back."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import aiohttp
import pytest

from gateway.consumer.sse import Event, Parser
from tests.balancer.balancer import Balancer
from tests.balancer.process import run_process
from tests.browser.stage import until
from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

LATE = 3.0
"""Seconds by which the balancer acts late."""

STREAMS, POLLERS = 30, 4
DRAIN_DELAY, DRAIN = 12, 5
"""Seconds: a delay that a busy machine's balancer keeps to, too: it may be late by thrice as long as said."""

LEAVES_WITHIN = DRAIN_DELAY + DRAIN + 2
"""Seconds from the signal to the end: the grace that Kubernetes has to give is longer."""

BUSY = 15
"""Seconds by which a busy machine may be late."""


class Client:
    """A stream's client: comes again at once, wherever the balancer sends it, and resumes."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.failures: list[str] = []
        self.goodbyes: list[float] = []
        self.first: list[str] = []
        self.connected = False
        self._session = session
        self._url = url

    async def watch(self) -> None:
        """Watch, until cancelled."""
        cursor = ""
        while True:
            parser, begun = Parser(last_id=cursor), False
            try:
                async with self._session.get(self._url, headers={"Last-Event-ID": cursor}) as response:
                    if response.status != 200:
                        self.failures.append(f"{response.status}")
                    async for data in response.content.iter_any():
                        for event in parser.feed(data):
                            self._take(event, begun)
                            begun = begun or event.name in ("snapshot", "delta")
                            self.connected = True
            except aiohttp.ClientError as error:
                self.failures.append(repr(error))
            self.connected, cursor = False, parser.last_id
            await asyncio.sleep(0.05)

    def _take(self, event: Event, begun: bool) -> None:
        if event.name == "goodbye":
            self.goodbyes.append(asyncio.get_running_loop().time())
        elif event.name in ("snapshot", "delta") and not begun:
            self.first.append(event.name)


async def poll(url: str, answers: list[str]) -> None:
    """Ask again and again, each time by another connection, until cancelled."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        while True:
            try:
                async with session.get(f"{url}/api/pipelines") as response:
                    await response.read()
                    answers.append(str(response.status))
            except aiohttp.ClientError as error:
                answers.append(repr(error))
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Have all this done meanwhile."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def is_ready(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
        return response.status == 200


async def become_ready(url: str) -> None:
    async with asyncio.timeout(90):
        while not await is_ready(url):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    fake = FakeArgoCD()
    fake.keepalive_interval = 1.0
    async with fake:
        yield fake


@pytest.mark.timeout(300)
async def test_a_gateway_leaves_under_load_and_nobody_behind_a_late_balancer_is_refused(argocd: FakeArgoCD) -> None:
    argocd.put(application("core"))
    settings = {"GATEWAY_DRAIN_DELAY": f"{DRAIN_DELAY}s", "GATEWAY_DRAIN": f"{DRAIN}s"}
    async with run_process(argocd, **settings) as leaving, run_process(argocd) as staying:
        for gateway in (leaving, staying):
            await become_ready(gateway.url)
        async with (
            Balancer([leaving.address, staying.address], late=LATE) as balancer,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session,
        ):
            url = f"http://127.0.0.1:{balancer.port}"
            clients = [Client(session, f"{url}/api/stream/pipelines") for _ in range(STREAMS)]
            answers: list[str] = []
            pollers = [poll(url, answers) for _ in range(POLLERS)]
            async with running(*(client.watch() for client in clients), *pollers, change(argocd)):
                await until(lambda: all(client.connected for client in clients) and len(answers) > 20)
                asked_at = asyncio.get_running_loop().time()
                leaving.send(signal.SIGTERM)
                await until(lambda: leaving.address in balancer.unready_at)
                # It isn't ready any more, but whoever comes is served.
                late: list[str] = []
                async with running(poll(leaving.url, late)):
                    await until(lambda: len(late) > 3)
                assert set(late) == {"200"}
                assert await leaving.end() == 0
                seconds = asyncio.get_running_loop().time() - asked_at
                assert DRAIN_DELAY <= seconds < LEAVES_WITHIN + BUSY
                await until(lambda: all(client.connected for client in clients))
                before = len(answers)
                await until(lambda: len(answers) > before + 20)
    assert balancer.refused == {}
    assert [client.failures for client in clients if client.failures] == []
    assert set(answers) == {"200"}
    ends = sorted(at for client in clients for at in client.goodbyes)
    unready_at = balancer.unready_at[leaving.address]
    assert len(ends) >= STREAMS / 4, "a part of the streams was there, and was told"
    assert ends[0] > unready_at
    assert ends[-1] - ends[0] > 1.0, "they leave one after the other"
    assert staying.address not in balancer.unready_at


async def change(argocd: FakeArgoCD) -> None:
    """Let something happen all the time."""
    for number in range(10_000):
        argocd.put(application("core", health="Degraded", message=f"{number}"))
        await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_a_gateway_that_was_killed_is_soon_ready_again_with_what_it_knew(
    argocd: FakeArgoCD, tmp_path: Path
) -> None:
    argocd.load(recordings.events("fleet/burst.sse"))
    argocd.put(application("one-more"))
    settings = {"GATEWAY_STATE_FILE": str(tmp_path / "state")}
    async with run_process(argocd, **settings) as gateway:
        await become_ready(gateway.url)
        async with asyncio.timeout(90):
            while not (tmp_path / "state").exists():  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)
        gateway.send(signal.SIGKILL)
        assert await gateway.end() == -signal.SIGKILL
    # Argo CD doesn't answer any more: what is shown is what was known.
    await argocd.stop()
    began = asyncio.get_running_loop().time()
    async with run_process(argocd, **settings) as gateway:
        await become_ready(gateway.url)
        seconds, worked = asyncio.get_running_loop().time() - began, gateway.worked()
        sys.stdout.write(f"ready after {seconds:.2f} s, {worked:.2f} s of them its own\n")
        async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/api/pipelines") as response:
            shown = await response.json()
        assert len(shown["applications"]) == len(argocd.applications) >= 1_028
        assert shown["upstream"]["state"] in ("stale", "down")
        # A busy machine makes it late, but not work longer.
        assert worked < 5.0
    await argocd.start()
