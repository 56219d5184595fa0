"""What the recipes are tried on: the packed client, the demo, and each of them built and served as in production."""

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

from tests.ports import find_port

RECIPES = Path(__file__).parent
PACKAGE = RECIPES / "argocd-sse-gateway-client.tgz"
"""Where the lock files expect the client."""

SPEED = 20
"""How many times faster the demo plays: there is a change in every second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An application among the recipes; ``{port}`` in its command is where it shall listen."""

    name: str
    command: tuple[str, ...]
    rendered: bool
    """Whether its server renders the applications."""

    @property
    def folder(self) -> Path:
        return RECIPES / self.name


REACT = Recipe(
    name="react",
    command=("node_modules/.bin/vite", "preview", "--host", "127.0.0.1", "--port", "{port}", "--strictPort"),
    rendered=False,
)
NEXT = Recipe(
    name="next",
    command=("node_modules/.bin/next", "start", "--hostname", "127.0.0.1", "--port", "{port}"),
    rendered=True,
)
SVELTEKIT = Recipe(name="sveltekit", command=("node", "build"), rendered=True)


def pack() -> None:
    """Pack the client as npm would publish it."""
    client = RECIPES.parent
    packed = _run("npm", "pack", "--silent", "--pack-destination", str(RECIPES), folder=client)
    shutil.move(RECIPES / packed.split()[-1], PACKAGE)


def build(recipe: Recipe, *, gateway: str) -> None:
    """Install a recipe with what its lock file says, and build it, types and all."""
    # Not `npm ci`: a lock file names the optional packages of those platforms only that its registry had.
    shutil.rmtree(recipe.folder / "node_modules" / "argocd-sse-gateway-client", ignore_errors=True)
    _run("npm", "install", "--no-save", "--no-audit", "--no-fund", folder=recipe.folder)
    _run("npm", "run", "build", folder=recipe.folder, environ={"SSE_GATEWAY_URL": gateway})


def _run(*command: str, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    ran = subprocess.run(
        command, cwd=folder, env=_surround(environ or {}), capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, f"{' '.join(command)} in {folder.name}:\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def _surround(environ: Mapping[str, str]) -> dict[str, str]:
    ours = ("GATEWAY_", "ARGOCD_", "PIPELINES_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**clean, "NEXT_TELEMETRY_DISABLED": "1", **environ}


@contextlib.asynccontextmanager
async def run_demo(port: int) -> AsyncIterator[str]:
    """Run `gateway demo`; yield its URL once it shows applications."""
    command = (sys.executable, "-m", "gateway", "demo", "--speed", str(SPEED))
    async with _serve(*command, folder=RECIPES.parent.parent, environ={"GATEWAY_PORT": str(port)}) as process:
        url = f"http://127.0.0.1:{port}"
        await _answers(f"{url}/api/pipelines", process)
        yield url


@contextlib.asynccontextmanager
async def run_recipe(recipe: Recipe, *, gateway: str) -> AsyncIterator[str]:
    """Serve a built recipe as in production; yield its URL."""
    port = find_port()
    command = [part.format(port=port) for part in recipe.command]
    environ = {"SSE_GATEWAY_URL": gateway, "HOST": "127.0.0.1", "PORT": str(port), "SHUTDOWN_TIMEOUT": "1"}
    async with _serve(*command, folder=recipe.folder, environ=environ) as process:
        url = f"http://127.0.0.1:{port}"
        await _answers(url, process)
        yield url


@contextlib.asynccontextmanager
async def _serve(*command: str, folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=_surround(environ), start_new_session=True, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _answers(url: str, process: Process) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, f"what should answer at {url} has ended"
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)
