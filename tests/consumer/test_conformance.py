"""The trial itself: it passes what keeps its promises, and names the promise that is broken."""

import asyncio
import io
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.console import Console

from gateway.consumer.client import UnreachableError
from gateway.consumer.conformance import Outcome, Trial, choose_views, try_gateway
from gateway.consumer.promises import Promise
from gateway.consumer.verdict import show_outcome, write_outcome
from tests.consumer.speaker import Fault, Speaker
from tests.consumer.test_fold import document
from tests.e2e.harness import run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

TRIAL = Trial(clients=16, seconds=20, patience=20)

HEALTHS = ("Healthy", "Progressing", "Degraded")
PROJECTS = ("astrago", "coelho")


def report(outcome: Outcome) -> str:
    console = Console(file=io.StringIO(), width=200, soft_wrap=True)
    show_outcome(outcome, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def broken(outcome: Outcome) -> set[Promise]:
    return {finding.promise for finding in outcome.findings if finding.well is False}


@asynccontextmanager
async def busy(change: Callable[[int], Awaitable[None]]) -> AsyncIterator[None]:
    """Let something change again and again, and then rest."""

    async def go_on() -> None:
        for turn in itertools.count():
            await change(turn)
            await asyncio.sleep(0.35)

    running = asyncio.create_task(go_on())
    try:
        yield
    finally:
        running.cancel()


async def try_speaker(fault: Fault) -> Outcome:
    speaker, dice = Speaker(fault), random.Random(7)
    fleet = {f"argocd/{name}": fresh(name, "Healthy") for name in ("ant", "bee", "cat", "dog", "elk", "fox")}
    await speaker.show(fleet)

    async def change(turn: int) -> None:
        # Never the same field twice in a row: a later change would mend what an earlier one broke.
        name = dice.choice(("ant", "bee", "cat", "dog", "elk", "fox"))
        if turn % 4 == 3 and f"argocd/{name}" in fleet:
            del fleet[f"argocd/{name}"]
        else:
            fleet[f"argocd/{name}"] = fresh(name, dice.choice(HEALTHS), images=[f"image:{turn}"])
        await speaker.show(fleet)

    async with speaker.running() as url, busy(change):
        return await try_gateway(url, TRIAL, dice=random.Random(7))


def fresh(name: str, health: str, **fields: Any) -> dict[str, Any]:
    return document(name, health={"status": health}, labels={"team": PROJECTS[len(name) % 2]}, **fields)


async def test_the_gateway_keeps_every_promise(argocd: FakeArgoCD) -> None:
    dice = random.Random(3)
    names = [f"app-{number}" for number in range(12)]
    for name in names:
        argocd.put(application(name, project=dice.choice(PROJECTS), labels={"team": "astrago"}))

    async def change(turn: int) -> None:
        name = dice.choice(names)
        if turn % 5 == 4 and f"argocd/{name}" in argocd.applications:
            argocd.delete(f"argocd/{name}")
        else:
            argocd.put(application(name, project=dice.choice(PROJECTS), health=dice.choice(HEALTHS)))

    async with run_gateway(argocd, stream_lifetime=8.0) as stage:
        await stage.live()
        async with busy(change):
            outcome = await try_gateway(stage.url, TRIAL, dice=random.Random(3))
    assert outcome.well, report(outcome)
    seen = {finding.promise: finding for finding in outcome.findings}
    assert {promise for promise, finding in seen.items() if not finding.kept} == set(), report(outcome)
    for what in ("delta", "left", "cut off within an event", "stopped reading"):
        assert outcome.happened[what] > 0, what
    assert "gzip" in seen[Promise.ENCODING].seen
    assert "✓ Every promise" in report(outcome)
    assert "✗" not in report(outcome)


async def test_another_server_that_speaks_the_contract_passes_too() -> None:
    outcome = await try_speaker(Fault.NONE)
    assert outcome.well, report(outcome)


@pytest.mark.parametrize(
    ("fault", "promise", "said"),
    [
        (Fault.DROPS_A_DELTA, Promise.FOLD, "stays: at ab12-"),
        (Fault.SKIPS_ON_RESUME, Promise.FOLD, "differs in"),
        (Fault.OLD_IDS_ON_RESUME, Promise.IDS, "came behind"),
        (Fault.KEEPS_REMOVED, Promise.FOLD, "still holds argocd/"),
        (Fault.NO_HEARTBEAT, Promise.FOLLOWED, "two more frames came first"),
        (Fault.CACHEABLE, Promise.HEADERS, "Cache-Control"),
        (Fault.ANY_PARAMETER, Promise.UNKNOWN, "colour=blue answers 200"),
        (Fault.ANY_CURSOR, Promise.CURSORS, "a cursor of garbage got a delta"),
    ],
)
async def test_a_broken_promise_is_named(fault: Fault, promise: Promise, said: str) -> None:
    outcome = await try_speaker(fault)
    text = report(outcome)
    assert not outcome.well, text
    assert promise in broken(outcome), text
    (finding,) = [finding for finding in outcome.findings if finding.promise is promise]
    assert finding.broken > 0
    assert any(said in example for example in finding.examples), text
    assert f"✗ {promise.value}" in text
    assert "broken." in text
    written = write_outcome(outcome)
    assert written["kept"] is False
    assert {"name": promise.name.lower(), "verdict": "broken"}.items() <= written["promises"][
        list(Promise).index(promise)
    ].items()


async def test_nobody_there_is_no_verdict() -> None:
    with pytest.raises(UnreachableError, match="can't connect"):
        await try_gateway("http://127.0.0.1:9", TRIAL, dice=random.Random(1))


def test_views_come_from_what_there_is() -> None:
    fleet = [fresh(name, "Healthy") for name in ("ant", "bee")]
    assert choose_views(fleet)[:5] == [
        (),
        (("projects", "astrago"),),
        (("health", "Healthy"),),
        (("selector", "team=coelho"),),
        (("names", "ant*,bee"),),
    ]
    assert choose_views([])[0] == ()
