"""A stream is read at once after quiet, and rests where it brings little again and again."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.pace import PLENTY, Pace
from gateway.upstream.token import Token
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

LITTLE = 1_000


def test_what_comes_after_quiet_is_followed_at_once_and_a_succession_rests() -> None:
    pace = Pace(0.02)
    assert pace.rest(LITTLE, 100.0) == 0.0
    assert pace.rest(LITTLE, 100.003) == 0.02
    assert pace.rest(LITTLE, 100.03) == 0.02
    assert pace.rest(LITTLE, 100.2) == 0.0
    assert pace.rest(LITTLE, 101.0) == 0.0


def test_a_stream_that_brings_plenty_does_not_rest() -> None:
    pace = Pace(0.02)
    assert [pace.rest(PLENTY, 100.0 + number / 1_000) for number in range(3)] == [0.0, 0.0, 0.0]
    assert pace.rest(PLENTY - 1, 100.003) == 0.02


def test_without_a_time_nothing_rests() -> None:
    pace = Pace(0.0)
    assert [pace.rest(LITTLE, 100.0) for _ in range(3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("gather", [0.0, 1.0])
async def test_what_comes_while_a_stream_rests_is_read_together_and_nothing_is_lost(gather: float) -> None:
    read: list[int] = []
    async with FakeArgoCD() as argocd:
        argocd.put(application("core"))
        endpoint = Endpoint(base_url=argocd.url, gather=gather)
        async with ArgoCD(endpoint, Token(SecretStr(SECRET))) as client:
            watching = asyncio.create_task(
                client.watch(burst=True, opened=lambda: None, read=lambda events, _: read.append(len(events)))
            )
            await argocd.wait_for_stream(lambda stream: stream.subscribed)
            for number in range(1, 30):
                argocd.put(application("core", health="Degraded", message=f"{number}"))
                await argocd.drained()
            async with asyncio.timeout(20):
                while sum(read) < 30:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0)
            argocd.end_all()
            failure = await watching
    assert failure.message == "Argo CD ended the stream"
    assert sum(read) == 30
    assert (max(read) > 5) is (gather > 0)
