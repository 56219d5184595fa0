"""Node, where there is one: it runs the client's own tests, and folds for comparison."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).parents[2] / "client"

LEAST = 20
"""The major version of Node from which on its test runner has what the tests use."""


def find_node() -> str:
    """Return Node's path; skip the test where there is none, or an old one."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("NO TEST OF THE CLIENT RUNS HERE: node isn't installed")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < LEAST:
        pytest.skip(f"NO TEST OF THE CLIENT RUNS HERE: node is {version}, at least v{LEAST} is needed")
    return path


class Folder:
    """A process that folds sequences of events by the client's rule."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("fold_lines.js")
        self._process = subprocess.Popen([find_node(), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def fold(self, events: list[tuple[str, Any]], *, detail: bool = False) -> dict[str, Any]:
        """Return what is held after these events, and what each of them changed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"detail": detail, "events": events}).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)
