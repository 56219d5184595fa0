"""What is published: a wheel that has everything, and works where there is nothing else of the project."""

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from gateway import __version__
from tests import wheel

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution that it was made of."""
    uv, folder = wheel.find_uv(), tmp_path_factory.mktemp("dist")
    if uv is None:
        pytest.skip("NO WHEEL IS BUILT HERE: there is no uv; `make install` brings it")
    command = [uv, "build", "--quiet", "--out-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "Failed to fetch" in done.stderr:
        pytest.skip(f"NO WHEEL IS BUILT HERE: the package index can't be reached. {done.stderr}")
    assert done.returncode == 0, done.stderr
    return folder


def find_tracked(*folders: str) -> set[str]:
    command = ["git", "ls-files", "--", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("NOT COMPARED WITH THE REPOSITORY: there is none here")
    return {path for path in done.stdout.splitlines() if (ROOT / path).exists()}


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(built: Path) -> None:
    (path,) = built.glob("*.whl")
    assert path.name == f"argocd_sse_gateway-{__version__}-py3-none-any.whl", "one wheel for all platforms"
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert find_tracked("gateway") <= names
    assert {name.partition("/")[0] for name in names} == {"gateway"}


def test_the_source_has_what_its_tests_need(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = find_tracked(
        "gateway", "tests", "client", "docs", "k8s", "monitoring", "uv.lock", "Makefile", "release.py", "audit.py"
    )
    assert {name for name in wanted if not name.endswith("/.gitignore")} - names == set()


@pytest.mark.timeout(600)
def test_the_wheel_alone_keeps_what_the_tests_promise(built: Path, tmp_path: Path) -> None:
    (path,) = built.glob("*.whl")
    python = wheel.install(path, tmp_path)
    assert wheel.try_out(python, tmp_path, short=True) == 0
