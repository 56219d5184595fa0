"""The package: it is what the gateway serves, its types are what the contract says, its own tests pass."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest

import gateway
from tests.browser.stage import run_gateway, url_of
from tests.client.declarations import TARGET, Declarations
from tests.client.node import CLIENT, find_node
from tests.fakes.argocd import FakeArgoCD

MODULE = Path(gateway.__file__).parent / "web" / "static" / "client.js"
TESTS = sorted((CLIENT / "test").glob("*.test.js"))


def test_the_package_has_the_version_of_the_gateway() -> None:
    assert json.loads((CLIENT / "package.json").read_text())["version"] == gateway.__version__


def test_the_types_are_what_the_contract_says() -> None:
    assert Declarations().write() == TARGET.read_text(), "write them anew: python -m tests.client.declarations"


def test_the_types_name_what_the_module_exports() -> None:
    exported = set(re.findall(r"^export (?:function|class|const) (\w+)", MODULE.read_text(), re.MULTILINE))
    declared = set(re.findall(r"^export (?:function|class|const) (\w+)", TARGET.read_text(), re.MULTILINE))
    assert exported == declared


def test_the_module_needs_no_other_and_no_markup() -> None:
    text = MODULE.read_text()
    assert re.search(r"^\s*import\b|\bimport\(|innerHTML|\beval\b|new Function", text, re.MULTILINE) is None


def test_the_package_is_the_module_its_types_and_nothing_else() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("THE PACKAGE ISN'T TRIED HERE: npm isn't installed")
    packed = subprocess.run(
        [npm, "pack", "--dry-run", "--json", "--offline"], cwd=CLIENT, capture_output=True, text=True, check=True
    )
    (package,) = json.loads(packed.stdout[packed.stdout.index("[") :])
    sizes = {file["path"]: file["size"] for file in package["files"]}
    assert sizes.keys() == {"package.json", "README.md", "client.js", "client.d.ts"}
    assert sizes["client.js"] == len(MODULE.read_bytes())
    assert not (CLIENT / "client.js").exists(), "there is but one client.js"


@pytest.mark.parametrize("base_path", ["", "/live"])
async def test_the_gateway_serves_the_module_with_a_validator_even_without_a_dashboard(base_path: str) -> None:
    async with FakeArgoCD() as argocd, run_gateway(argocd, dashboard=False, base_path=base_path) as running:
        url = url_of(running, f"{base_path}/client.js")
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                assert (response.status, response.content_type) == (200, "text/javascript")
                assert await response.read() == MODULE.read_bytes()
                tag = response.headers["ETag"]
            async with session.get(url, headers={"If-None-Match": tag}) as response:
                assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_what_the_client_promises_holds_under_node(path: Path) -> None:
    ran = subprocess.run([find_node(), "--test", str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
