"""The recipes, as far as they need no package: the plain page, Python, curl; and what the documents show of the rest.

Those that need npm are built and tried by `make recipes`.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, Route

from gateway.app import Gateway
from tests.browser.conftest import page
from tests.browser.stage import run_gateway, until, url_of
from tests.client.node import CLIENT, find_node
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

__all__ = ["page"]

RECIPES = CLIENT / "recipes"
DOCUMENT = (CLIENT.parent / "docs" / "frontend.md").read_text()
MODULE = CLIENT.parent / "gateway" / "web" / "static" / "client.js"

SUFFIXES = {".ts", ".tsx", ".svelte", ".js", ".html"}
SOURCES = [
    path
    for path in RECIPES.rglob("*")
    if path.suffix in SUFFIXES and not {"node_modules", ".next", ".svelte-kit", "build", "dist"} & {*path.parts}
]


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(text)


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)


@contextlib.asynccontextmanager
async def run_live(argocd: FakeArgoCD, **changes: Any) -> AsyncIterator[Gateway]:
    """Run a gateway that has a state."""
    async with run_gateway(argocd, **changes) as gateway, aiohttp.ClientSession() as session:
        async with asyncio.timeout(30):
            while (await session.get(url_of(gateway, "/api/pipelines"))).status != 200:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)
        yield gateway


# What is shown of those that are built.


@pytest.mark.parametrize("title", ["A plain page", "React", "TanStack Query", "Svelte", "Next.js", "SvelteKit"])
def test_the_code_that_is_shown_is_that_of_the_recipes(title: str) -> None:
    shown = [block for language in ("js", "ts", "tsx", "svelte") for block in blocks(title, language)]
    assert shown
    texts = [path.read_text() for path in SOURCES]
    for block in shown:
        assert any(block in text for text in texts), block


def test_the_recipes_look_alike() -> None:
    looks = [path for path in RECIPES.rglob("look.css") if "node_modules" not in path.parts]
    assert len(looks) >= 4
    assert len({path.read_text() for path in looks}) == 1


def test_no_recipe_writes_markup() -> None:
    for path in SOURCES:
        assert re.search(r"innerHTML|\{@html|dangerouslySetInnerHTML|\beval\(", path.read_text()) is None, path


@pytest.mark.parametrize("name", ["react", "next", "sveltekit"])
def test_a_lock_file_names_no_registry_and_leaves_the_client_open(name: str) -> None:
    packages = json.loads((RECIPES / name / "package-lock.json").read_text())["packages"]
    client = packages.pop("node_modules/argocd-sse-gateway-client")
    assert client["resolved"] == "file:../argocd-sse-gateway-client.tgz"
    assert "integrity" not in client, "it is packed anew each time"
    foreign = {path: entry["resolved"] for path, entry in packages.items() if "resolved" in entry}
    assert foreign == {}
    assert all("integrity" in entry for path, entry in packages.items() if path)


# The plain page.


async def test_the_plain_page_shows_what_comes_changes_and_goes(page: Page, argocd: FakeArgoCD) -> None:
    async def fulfil(route: Route) -> None:
        name = route.request.url.rpartition("/")[2] or "index.html"
        await route.fulfill(path=RECIPES / "plain" / name)

    async def shows(applications: dict[str, str], standing: str) -> None:
        # A reconnect may lie in between, with its waits.
        page.set_default_timeout(80_000)
        await page.wait_for_function(
            """([applications, standing]) => {
              const cards = [...document.querySelectorAll("li")]
                .map((li) => [li.dataset.key, li.querySelector("span").textContent]);
              return document.querySelector(".standing").textContent === standing
                && JSON.stringify(cards.sort()) === JSON.stringify(applications);
            }""",
            arg=[sorted([f"argocd/{name}", health] for name, health in applications.items()), standing],
        )

    hostile = "<img src=x onerror=alert(1)>"
    argocd.put(application("core"))
    argocd.put(application("ledger"))
    async with run_gateway(argocd) as gateway:
        port = gateway.address[1]
        await page.route("**/shop/*", fulfil)
        await page.goto(url_of(gateway, "/shop/index.html"))
        await shows({"core": "Healthy", "ledger": "Healthy"}, "live")
        argocd.put(application("core", health=hostile))
        argocd.put(application("mailer", health="Missing"))
        argocd.delete("argocd/ledger")
        await shows({"core": hostile, "mailer": "Missing"}, "live")
    await page.wait_for_selector(".applications.old")
    argocd.put(application("core", health="Degraded"))
    async with run_gateway(argocd, port=port):
        await shows({"core": "Degraded", "mailer": "Missing"}, "live")


# Rendered on a server.


async def test_a_state_of_a_server_continues_on_the_stream(argocd: FakeArgoCD) -> None:
    ask, go_on = blocks("Rendered on a server", "js")
    argocd.put(application("core", project="shop"))
    argocd.put(application("ledger", project="bank"))
    async with run_live(argocd) as gateway:
        code = f"""
            import {{ connect }} from {json.dumps(MODULE.as_uri())};
            const [gateway, cookie] = [{json.dumps(url_of(gateway, ""))}, "session=1"];
            {ask} {go_on}
            const {{ known, standing, cursor }} = connection.state;
            const stream = await fetch(`${{gateway}}/api/stream/pipelines?projects=shop&lastEventId=${{cursor}}`);
            const {{ value }} = await stream.body.getReader().read();
            const first = new TextDecoder().decode(value).match(/^event: (\\w+)/m)[1];
            console.log(JSON.stringify({{ known, standing, keys: [...connection.state.applications.keys()], first }}));
            process.exit();
        """
        process = await asyncio.create_subprocess_exec(
            *(find_node(), "--input-type=module", "-e", code), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert json.loads(output) == {"known": True, "standing": "connecting", "keys": ["argocd/core"], "first": "delta"}


# Python.


@contextlib.asynccontextmanager
async def run_script(*arguments: str) -> AsyncIterator[list[str]]:
    """Run the script; yield the lines that it has printed so far."""
    script = str(RECIPES / "python" / "watch.py")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, script, *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    lines: list[str] = []

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            lines.append(line.decode().rstrip())  # noqa: PERF401 - they are looked at while they come

    reading = asyncio.create_task(read())
    try:
        yield lines
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def test_the_script_prints_what_changes_through_a_restart(argocd: FakeArgoCD) -> None:
    lines: list[str] = []

    def changes() -> list[str]:
        return [re.sub(r" [0-9a-f]{7}\b", "", line) for line in lines if line.startswith("argocd/")]

    argocd.put(application("core"))
    argocd.put(application("ledger"))
    async with contextlib.AsyncExitStack() as running:
        async with run_live(argocd) as gateway:
            port = gateway.address[1]
            lines = await running.enter_async_context(run_script(url_of(gateway, "/api/stream/pipelines")))
            await until(lambda: "2 applications, live" in lines)
            argocd.put(application("core", health="Degraded"))
            await until(lambda: len(changes()) == 1)
        argocd.put(application("core", health="Healthy"))
        argocd.delete("argocd/ledger")
        async with run_gateway(argocd, port=port):
            await until(lambda: len(changes()) == 3)
        assert changes() == [
            "argocd/core: Healthy Synced → Degraded Synced",
            "argocd/core: Degraded Synced → Healthy Synced",
            "argocd/ledger: Healthy Synced → absent",
        ]


async def test_the_script_ends_where_coming_back_is_no_use(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as gateway:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(RECIPES / "python" / "watch.py"), url_of(gateway, "/api/stream/pipelines?project=x")),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"Did you mean projects?" in errors
    assert b"Traceback" not in errors


# curl.


async def test_the_lines_of_curl_bring_what_they_promise(argocd: FakeArgoCD, tmp_path: Path) -> None:
    now, later = blocks("curl", "sh")
    argocd.put(application("astrago-core", project="store", health="Degraded"))
    async with run_live(argocd) as gateway:

        async def run(line: str) -> str:
            """Run a line for as long as the gateway is silent after its answer; what it printed."""
            host = "{}:{}".format(*gateway.address)
            line = line.replace("localhost:8090", host).replace("curl -sN", "curl -sN --max-time 2")
            process = await asyncio.create_subprocess_exec(
                *("bash", "-c", line), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            output, _ = await process.communicate()
            return output.decode()

        state, chosen, detail, deltas = (asyncio.create_task(run(line)) for line in now.splitlines())
        assert json.loads(await state)["applications"][0]["name"] == "astrago-core"
        assert "event: snapshot" in await chosen
        assert '"detail"' in await detail
        *first, last = later.splitlines()
        cursor = await run("\n".join([*first, "echo $cursor"]))
        assert json.loads((tmp_path / "state.json").read_text())["applications"]
        argocd.put(application("astrago-core", project="store", health="Healthy"))
        resumed = await run(last.replace("$cursor", cursor.strip()))
        assert '"reason":"resumed"' in resumed
        assert "Healthy" in resumed
        assert "event: snapshot" not in resumed
        assert "event: snapshot" not in await deltas
