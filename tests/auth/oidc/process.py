"""A certified OpenID provider as a process of its own: npm's oidc-provider, installed on first use, run by Node."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FOLDER = Path(__file__).parent / "provider"
LEAST = 20
"""The major version of Node from which on the provider runs."""


class CertifiedProvider:
    """A running provider."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: str, session: aiohttp.ClientSession) -> None:
        self.issuer = issuer
        self._process = process
        self._session = session

    async def set(self, what: str, **content: Any) -> None:
        """Change something: ``client``, ``groups``, ``ttl``, ``end``."""
        async with self._session.post(f"{self.issuer}/test/{what}", json=content) as response:
            assert response.status == 200, await response.text()

    async def asked(self) -> dict[str, int]:
        """Return how many requests there were, by path."""
        async with self._session.get(f"{self.issuer}/test/asked") as response:
            counts: dict[str, int] = json.loads(await response.text())
            return counts

    async def take_token(self, **form: str) -> str:
        """Return an access token for a service, by its own credentials."""
        form = {"grant_type": "client_credentials", **form}
        async with self._session.post(f"{self.issuer}/token", data=form) as response:
            content = await response.json()
            assert response.status == 200, content
            return str(content["access_token"])

    async def stop(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def install() -> Path:
    """Return the folder that the provider is installed in; skip the test where that can't be done."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("NO LOGIN AT A REAL PROVIDER IS TRIED HERE: node or npm isn't installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < LEAST:
        pytest.skip(f"NO LOGIN AT A REAL PROVIDER IS TRIED HERE: node is {version}, at least v{LEAST} is needed")
    lock = (FOLDER / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "argocd-sse-gateway" / f"oidc-provider-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (place / "installed").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, place)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=100)
        if done.returncode != 0:
            pytest.skip(f"NO LOGIN AT A REAL PROVIDER IS TRIED HERE: npm ci failed: {done.stderr[-300:]}")
        (place / "installed").touch()
    shutil.copy(FOLDER / "server.js", place)
    return place


@asynccontextmanager
async def run_provider(**environment: str) -> AsyncIterator[CertifiedProvider]:
    """Run a provider with no clients yet."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "server.js",
        cwd=await asyncio.to_thread(install),
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with aiohttp.ClientSession() as session:
        issuer = json.loads(await process.stdout.readline())["issuer"]
        provider = CertifiedProvider(process, issuer, session)
        try:
            yield provider
        finally:
            await provider.stop()
