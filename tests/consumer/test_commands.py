"""The commands as people run them: processes, pipes, signals and exit codes, on a gateway in real time."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from gateway.app import Gateway
from gateway.settings.environment import Settings
from tests.e2e.test_cli import Outcome, run, start
from tests.fakes.argocd import SECRET, FakeArgoCD
from tests.fakes.client import fill


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with FakeArgoCD() as argocd:
        fill(argocd, "a", "b")
        settings = Settings(
            argocd_base_url=argocd.url,
            argocd_auth_token=SecretStr(SECRET),
            port=0,
            metrics_port=0,
            drain=0.0,
            drain_delay=0.0,
        )
        gateway = Gateway(settings)
        running = asyncio.create_task(gateway.run())
        await gateway.ready.wait()
        address = "http://{}:{}/api/stream/pipelines".format(*gateway.address)
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            await response.content.readuntil(b"event: snapshot")
        try:
            yield gateway
        finally:
            gateway.stop()
            await running


@pytest.fixture
def url(gateway: Gateway) -> str:
    return "http://{}:{}".format(*gateway.address)


async def shell(command: str) -> Outcome:
    process = await asyncio.create_subprocess_shell(
        command, executable="/bin/bash", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return Outcome(process.returncode, out.decode(), err.decode())


async def test_status_and_the_state_once(url: str) -> None:
    listed = await run("tail", url, "--once")
    assert (listed.code, listed.err) == (0, ""), listed
    assert [line.split()[0] for line in listed.out.splitlines()] == ["default/a", "default/b"]
    shown, as_json = await run("status", url), await run("status", url, "--json")
    assert (shown.code, shown.err, as_json.code) == (0, "", 0), shown
    assert "live" in shown.out
    assert "\x1b" not in shown.out
    assert json.loads(as_json.out)["upstream"]["state"] == "live"


async def test_exit_codes_tell_programs(url: str) -> None:
    async with FakeArgoCD() as lost:
        lost.forbid_all()
        settings = Settings(
            argocd_base_url=lost.url,
            argocd_auth_token=SecretStr("wrong"),
            port=0,
            metrics_port=0,
            drain=0.0,
            drain_delay=0.0,
        )
        other = Gateway(settings)
        running = asyncio.create_task(other.run())
        await other.ready.wait()
        not_live = await run("status", "http://{}:{}".format(*other.address))
        other.stop()
        await running
    assert (not_live.code, not_live.err) == (1, ""), not_live
    asked = (
        ("status", "http://127.0.0.1:9"),
        ("tail", "http://127.0.0.1:9", "--once"),
        ("tail", url, "--health", "red"),
        ("conformance", "http://127.0.0.1:9"),
        ("status", "ftp://nowhere"),
    )
    for arguments, outcome in zip(asked, await asyncio.gather(*(run(*each) for each in asked)), strict=True):
        assert (outcome.code, outcome.out) == (2, ""), (arguments, outcome)
        assert outcome.err.startswith("gateway: "), outcome
        assert len(outcome.err.splitlines()) == 1, outcome


async def test_ctrl_c_ends_tail_quietly(url: str) -> None:
    process = await start("tail", url, environ={})
    assert process.stdout is not None
    assert b"2 applications" in await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")


async def test_a_closed_pipe_ends_tail_at_once_and_quietly(url: str) -> None:
    # Nothing changes meanwhile: it isn't the next line that fails.
    outcome = await shell(f"{sys.executable} -m gateway tail {url} | head -1; echo ${{PIPESTATUS[0]}}")
    assert outcome.err == ""
    assert outcome.out.endswith("2 applications  2 Healthy\n0\n"), outcome


async def test_conformance_reports_in_words_and_as_json(url: str) -> None:
    outcome = await run("conformance", url, "--seconds", "1", "--clients", "4", "--json")
    assert outcome.code == 0, outcome
    report = json.loads(outcome.out)
    assert report["kept"] is True
    assert {promise["verdict"] for promise in report["promises"]} <= {"kept", "not seen"}
    assert os.linesep in outcome.out
