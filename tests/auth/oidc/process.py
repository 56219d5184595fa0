"""A certified OpenID provider as a process of its own: npm's oidc-provider, installed on first use, run by Node."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests import npm

FOLDER = Path(__file__).parent / "provider"


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
    return npm.install(FOLDER, untried="NO LOGIN AT A REAL PROVIDER IS TRIED HERE")


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
