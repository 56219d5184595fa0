"""Packages of npm that tests need, installed on first use as their lock file says, beside other caches."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

LEAST = 20
"""The major version of Node from which on they run."""


def install(folder: Path, *, untried: str) -> Path:
    """Return a folder that has what a folder's package-lock.json names, and that file's neighbours.

    Skips the test, saying what is ``untried``, where Node or npm is missing or its registry can't be reached.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{untried}: node or npm isn't installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < LEAST:
        pytest.skip(f"{untried}: node is {version}, at least v{LEAST} is needed")
    lock = (folder / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "argocd-sse-gateway" / f"{folder.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (place / "installed").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, place)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=100)
        if done.returncode != 0:
            pytest.skip(f"{untried}: npm ci failed: {done.stderr[-300:]}")
        (place / "installed").touch()
    for path in folder.iterdir():
        shutil.copy(path, place)
    return place
