"""`gateway demo`, run as people run it: another process, in real time."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

SOON = 60.0
"""Seconds after which there is something to see, also on a slow machine that does much else."""


@contextlib.asynccontextmanager
async def run(*arguments: str, environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A demo, which doesn't outlive its test."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "ARGOCD_", "PIPELINES_"))
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", *arguments),
        env={**clean, "GATEWAY_PORT": "0", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_the_demo_shows_applications_within_seconds_whatever_argo_cd_is_configured(tmp_path: Path) -> None:
    kept = tmp_path / "state"
    async with run(
        *("--speed", "10"),
        environ={
            "ARGOCD_BASE_URL": "https://argocd.example.org",
            "ARGOCD_AUTH_TOKEN": "hush",
            "ARGOCD_PROJECTS": "none-of-these",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "GATEWAY_STATE_FILE": str(kept),
        },
    ) as process:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(SOON), aiohttp.ClientSession() as session:
            while "Ctrl-C" not in said:
                line = (await process.stdout.readline()).decode()
                assert line, "the demo has ended"
                said += line
            (url,) = re.findall(r"curl (http://localhost:\d+)/api/pipelines\n", said)
            async with session.get(f"{url}/api/stream/pipelines") as stream:
                while (await stream.content.readline()) != b"event: delta\n":
                    pass
            async with session.get(f"{url}/api/pipelines") as response:
                shown = await response.json()
        assert len(shown["applications"]) >= 29
        assert shown["upstream"]["state"] == "live"
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        assert not kept.exists()


async def test_settings_that_are_wrong_are_told_as_ever() -> None:
    async with run(environ={"GATEWAY_TICK": "1h"}) as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"GATEWAY_TICK" in errors
    assert b"Traceback" not in errors
