"""The command line, run as people run it: other processes, real time."""

import asyncio
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import pytest
import trustme
from typer.testing import CliRunner

from gateway import __version__
from gateway.cli import app
from tests.fakes.argocd import SECRET, FakeArgoCD
from tests.fakes.client import fill


class Outcome(NamedTuple):
    code: int | None
    out: str
    err: str


@pytest.fixture
async def argocd() -> AsyncIterator[FakeArgoCD]:
    async with FakeArgoCD() as fake:
        fill(fake, "a", "b")
        yield fake


async def start(*arguments: str, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "ARGOCD_", "PIPELINES_"))
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        env={**clean, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(*arguments: str, **environ: str) -> Outcome:
    process = await start(*arguments, environ=environ)
    out, err = await process.communicate()
    return Outcome(process.returncode, out.decode(), err.decode())


async def test_the_version_is_told() -> None:
    assert await run("--version") == (0, f"argocd-sse-gateway {__version__}\n", "")


async def test_check_finds_all_well(argocd: FakeArgoCD) -> None:
    outcome = await run("check", ARGOCD_BASE_URL=argocd.url, ARGOCD_AUTH_TOKEN=f"Bearer {SECRET}")
    assert outcome.code == 0, outcome
    assert [line[0] for line in outcome.out.splitlines()[1:]] == ["✓"] * 5
    assert "logged in as gateway" in outcome.out
    assert "2 to be seen" in outcome.out
    assert SECRET not in outcome.out + outcome.err


async def test_check_tells_each_cause_with_its_cure(argocd: FakeArgoCD) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    denied, nobody, sick, old = FakeArgoCD(), FakeArgoCD(), FakeArgoCD(), FakeArgoCD(version="v2.9.0")
    denied.forbid_all()
    nobody.logged_in = False
    sick.health = False
    async with (
        denied,
        nobody,
        sick,
        old,
        FakeArgoCD(ssl_context=context) as tls,
        FakeArgoCD(root_path="/argo") as rooted,
    ):
        for fake in (denied, nobody, sick, old, tls, rooted):
            fill(fake, "a")
        cases: list[tuple[str, dict[str, str], str, str]] = [
            ("http://127.0.0.1:9", {}, "can't connect to 127.0.0.1:9", "Check ARGOCD_BASE_URL"),
            (tls.url, {}, "the certificate isn't trusted", "ARGOCD_CA_FILE"),
            (argocd.url.replace("http:", "https:"), {}, "SSL", "http://"),
            (argocd.url, {"ARGOCD_AUTH_TOKEN": "hush"}, "nobody", "generate-token"),
            (nobody.url, {}, "nobody", "generate-token"),
            (denied.url, {}, "may see no application", "argocd-rbac-cm"),
            (denied.url, {"ARGOCD_PROJECTS": "blue"}, "may not see: blue", "argocd-rbac-cm"),
            (sick.url, {}, "/healthz answers 503", "wait until Argo CD is up"),
            (rooted.url.removesuffix("/argo") + "/wrong", {}, "answers 404", "ARGOCD_ROOT_PATH"),
            (old.url, {}, "v2.9.0", "upgrade Argo CD to 2.14"),
            (argocd.url, {"GATEWAY_PROT": "1"}, "GATEWAY_PROT", "GATEWAY_PORT"),
        ]
        for url, more, cause, cure in cases:
            environ = {"ARGOCD_BASE_URL": url, "ARGOCD_AUTH_TOKEN": SECRET, **more}
            # In a thread, for the fakes are served by this one; a process for each would take a minute.
            outcome = await asyncio.to_thread(CliRunner().invoke, app, ["check"], env=environ)
            said = outcome.output
            assert outcome.exit_code == 1, (url, more, said)
            assert isinstance(outcome.exception, SystemExit)
            assert cause in said, (url, more, said)
            assert cure in said, (url, more, said)
            assert not {SECRET, "hush"} & set(re.findall(r"\w+", said)), said


async def test_config_shows_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hush")
    outcome = await run(
        "config", ARGOCD_BASE_URL="https://argocd.example.org", ARGOCD_AUTH_TOKEN="hush", GATEWAY_TICK="250ms"
    )
    assert outcome.code == 0, outcome
    assert re.search(r"^ARGOCD_AUTH_TOKEN +\*+ +environment$", outcome.out, re.MULTILINE)
    assert re.search(r"^GATEWAY_TICK +\S+ +environment$", outcome.out, re.MULTILINE)
    assert re.search(r"^GATEWAY_HEARTBEAT +\S+ +default$", outcome.out, re.MULTILINE)
    from_file = await run("config", ARGOCD_BASE_URL="https://argocd.example.org", ARGOCD_AUTH_TOKEN_FILE=str(token))
    assert from_file.code == 0, from_file
    assert "hush" not in outcome.out + outcome.err + from_file.out + from_file.err


async def test_serve_with_wrong_settings_says_all_that_is_wrong_and_exits_2() -> None:
    outcome = await run("serve", GATEWAY_PORT="x", GATEWAY_TICK="1h", GATEWAY_HOST="0.0.0.0", ARGOCD_AUTH_TOKEN="hush")
    assert (outcome.code, outcome.out) == (2, "")
    for name in ("ARGOCD_BASE_URL", "GATEWAY_PORT", "GATEWAY_TICK", "GATEWAY_AUTH"):
        assert name in outcome.err
    assert "Traceback" not in outcome.err
    assert "hush" not in outcome.err


async def serve(argocd: FakeArgoCD, **more: str) -> tuple[asyncio.subprocess.Process, str, list[str]]:
    """Start a gateway; return its process, its URL, and the lines that it logs."""
    environ = {
        "ARGOCD_BASE_URL": argocd.url,
        "ARGOCD_AUTH_TOKEN": SECRET,
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
    }
    process = await start("serve", environ={**environ, "GATEWAY_LOG_FORMAT": "json", **more})
    lines: list[str] = []
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode():
        lines.append(line)
        entry = orjson.loads(line)
        if entry["event"] == "gateway.listening":
            return process, f"http://{entry['host']}:{entry['port']}", lines
    raise AssertionError(lines)


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
async def test_sigterm_drains_and_exits_0(argocd: FakeArgoCD, loop: str) -> None:
    process, url, lines = await serve(argocd, GATEWAY_DRAIN_DELAY="300ms", GATEWAY_DRAIN="300ms", GATEWAY_LOOP=loop)
    assert process.stderr is not None
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/api/stream/pipelines") as response:
            assert response.status == 200
            await response.content.readuntil(b"event: snapshot")
            process.send_signal(signal.SIGTERM)
            rest = await response.content.read()
        assert b'event: goodbye\ndata: {"reason":"drain"' in rest
    lines += (await process.stderr.read()).decode().splitlines()
    assert await process.wait() == 0
    events = [orjson.loads(line)["event"] for line in lines]
    assert events.index("gateway.draining") < events.index("stream.closed")
    assert not [line for line in lines if "Traceback" in line or SECRET in line]


async def test_sigint_leaves_at_once(argocd: FakeArgoCD) -> None:
    process, url, lines = await serve(argocd, GATEWAY_DRAIN_DELAY="60", GATEWAY_DRAIN="60")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/stream/pipelines") as response:
        await response.content.readuntil(b"event: snapshot")
        process.send_signal(signal.SIGINT)
        assert b"event: goodbye" in await response.content.read()
    assert process.stderr is not None
    lines += (await process.stderr.read()).decode().splitlines()
    assert await process.wait() == 0
    assert not [line for line in lines if "Traceback" in line]


@pytest.mark.parametrize("name", ["GATEWAY_PORT", "GATEWAY_METRICS_PORT"])
async def test_a_port_that_is_taken_is_told_with_what_to_do(argocd: FakeArgoCD, name: str) -> None:
    taken = argocd.url.rpartition(":")[2]
    ports = {"GATEWAY_PORT": "0", "GATEWAY_METRICS_PORT": "0", name: taken}
    outcome = await run("serve", ARGOCD_BASE_URL=argocd.url, **ports)
    assert outcome.code == 1
    assert f"can't listen on 127.0.0.1:{taken}" in outcome.err
    assert name in outcome.err
    assert "Traceback" not in outcome.err
