"""Tries a built wheel: ``python -m tests.wheel [--short] WHEEL`` installs it alone and runs the tests against that.

The tests are copied to a place without the sources, so that what they import is what is installed. ``--short`` runs a
quick part of them, about what a package may lack: the contract, the pages.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

BESIDE = (
    "tests",
    "benchmarks",
    "client",
    "docs",
    "k8s",
    "monitoring",
    "pyproject.toml",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
)
"""What the tests read beside the package."""

OF_THE_SOURCES = (
    "tests/browser/test_readme.py",
    "tests/client",
    "tests/demo/test_recording.py",
    "tests/k8s",
    "tests/test_blocks.py",
    "tests/test_bootstrap.py",
    "tests/test_dockerfile.py",
    "tests/test_docs.py",
    "tests/test_release.py",
    "tests/test_supply_chain.py",
    "tests/test_wheel.py",
    "tests/test_wheels.py",
    "tests/test_workflows.py",
)
"""Tests of the repository, not of the package."""

SHORT = ("tests/contract/test_documents.py", "tests/web/test_page.py")


def find_uv() -> str | None:
    """Return uv, which everything here is installed by."""
    local = ROOT / ".uv" / "bin" / "uv"
    return str(local) if local.exists() else shutil.which("uv")


def install(wheel: Path, folder: Path) -> Path:
    """Put a wheel, all its extras and what the tests need into an environment of its own; return its Python."""
    uv = find_uv()
    assert uv is not None, "make install brings uv"
    python, locked = folder / "env" / "bin" / "python", folder / "locked.txt"
    export = [uv, "export", "--quiet", "--locked", "--all-extras", "--no-emit-project", "--output-file", str(locked)]
    into = ["--quiet", "--python", str(python)]
    for command in (
        export,
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env")],
        [uv, "pip", "install", *into, "--require-hashes", "--requirement", str(locked)],
        [uv, "pip", "install", *into, "--no-deps", "--offline", str(wheel.absolute())],
    ):
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        # Links are as good, where the cache is on the same disk: it is thrown away soon.
        environment["UV_LINK_MODE"] = "hardlink"
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return python


def try_out(python: Path, folder: Path, *, short: bool) -> int:
    """Run the tests with an environment's Python, away from the sources; return pytest's exit code."""
    place = folder / "beside"
    place.mkdir()
    for name in BESIDE:
        source = ROOT / name
        if source.is_dir():
            kept_out = shutil.ignore_patterns("__pycache__", "node_modules", ".next", ".svelte-kit")
            shutil.copytree(source, place / name, ignore=kept_out)
        else:
            shutil.copy(source, place / name)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"PYTHONPATH": "", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    where = "import gateway, sys; sys.exit(gateway.__file__.startswith(sys.prefix) is False)"
    if subprocess.run([python, "-c", where], cwd=place, env=environment, check=False).returncode:
        raise RuntimeError("what is tested isn't what was installed")
    ignored = [f"--ignore={path}" for path in OF_THE_SOURCES]
    chosen = ["-n", "0", *SHORT] if short else ["-n", "auto", "--dist", "loadfile", *ignored]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    return subprocess.run(command, cwd=place, env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Install and try; return the exit code."""
    short, wheels = "--short" in arguments, [Path(each) for each in arguments if each != "--short"]
    if len(wheels) != 1 or not wheels[0].is_file():
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        return try_out(install(wheels[0], Path(folder)), Path(folder), short=short)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
