"""Packages of npm that tests need, installed on first use as their lock file says, beside other caches."""

import fcntl
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
    place.mkdir(parents=True, exist_ok=True)
    # Tests run beside each other: one installs, the others wait, and nobody reads a file that is being written.
    with (place / "lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        for path in folder.iterdir():
            if path.is_file():
                shutil.copy(path, place / f"{path.name}.new")
                (place / f"{path.name}.new").replace(place / path.name)
        if not (place / "installed").exists():
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=100)
            if done.returncode != 0:
                pytest.skip(f"{untried}: npm ci failed: {done.stderr[-300:]}")
            (place / "installed").touch()
    return place
