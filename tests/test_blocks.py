"""Every block of code in the documents is run by a test, or a comment before it says why it isn't.

The comment is ``<!-- not run: … -->``, which no reader sees. Plain fences are what programs print.
"""

import os
import re
import shlex
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import typer.main

from gateway.auth.access import parse_access
from gateway.cli import app
from gateway.errors import SettingsError
from gateway.model.waiver import parse_waivers
from gateway.settings.environment import load

ROOT = Path(__file__).parent.parent
PAGES = [page for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]) if page.name != "README.ko.md"]
"""The README in Korean has the code of the English one: ``test_docs`` holds them equal."""

PRINTED = {"", "text", "markdown"}
"""What stands in such a block is shown, not run."""

WHOLE_PAGES = {
    ("docs/api.md", "json"): "tests/contract/test_pages.py",
    ("docs/api.md", "sh"): "tests/contract/test_pages.py",
    ("docs/stream.md", "json"): "tests/contract/test_pages.py",
    ("docs/stream.md", "sh"): "tests/contract/test_pages.py",
    ("docs/argocd.md", "sh"): "tests/k8s/test_guides.py",
    ("docs/k3d.md", "sh"): "tests/k8s/test_guides.py",
    ("docs/kubernetes.md", "sh"): "tests/k8s/test_guides.py",
}
"""Tests that go through all blocks of a language on a page."""

COUNTED = {
    ("README.md", "js"): ("tests/browser/test_readme.py", 1),
    ("README.md", "yaml"): ("tests/k8s/test_argocd.py", 1),
    ("docs/argocd.md", "yaml"): ("tests/k8s/test_argocd.py", 1),
    ("docs/kubernetes.md", "yaml"): ("tests/k8s/conftest.py", 4),
    ("docs/access.md", "toml"): ("tests/test_blocks.py", 1),
    ("docs/releases.md", "toml"): ("tests/test_blocks.py", 1),
    ("docs/scaling.md", "python"): ("tests/test_scaling.py", 1),
    ("docs/webhooks.md", "sh"): ("tests/client/test_webhooks_guide.py", 3),
    ("docs/webhooks.md", "json"): ("tests/client/test_webhooks_guide.py", 2),
    ("docs/frontend.md", "js"): ("tests/client/test_recipes.py", 3),
    ("docs/frontend.md", "ts"): ("tests/client/test_recipes.py", 8),
    ("docs/frontend.md", "tsx"): ("tests/client/test_recipes.py", 2),
    ("docs/frontend.md", "svelte"): ("tests/client/test_recipes.py", 1),
    ("docs/frontend.md", "sh"): ("tests/client/test_recipes.py", 3),
    **{
        (page.relative_to(ROOT).as_posix(), "sh"): ("tests/monitoring/test_alerts.py", 1)
        for page in ROOT.glob("docs/runbooks/Gateway*.md")
    },
}
"""Tests that run some blocks of a page, and how many: whoever adds one has it run, or says why not."""

ARGO = {"ARGOCD_BASE_URL": "https://argocd.example.org"}


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str
    excuse: str

    @property
    def is_manifest(self) -> bool:
        """``tests/k8s/test_schemas.py`` holds these to their schemas."""
        return self.language == "yaml" and re.match(r"apiVersion: .+\nkind: ", self.text) is not None

    @property
    def lines(self) -> list[str]:
        joined = re.sub(r"\\\n\s*", "", self.text)
        return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]

    @property
    def is_setting(self) -> bool:
        shown = all(re.match(r"(?:export )?[A-Z_]+=", line) for line in self.lines)
        return self.language == "sh" and shown and not self.is_command

    @property
    def is_command(self) -> bool:
        """Whether all that it shows are commands of the gateway, or what these print."""
        return self.language in ("sh", "console") and all(
            find_arguments(line) or line.endswith("…") for line in self.lines
        )


def read_blocks() -> list[Block]:
    fence = re.compile(
        r"^(?: *<!-- not run: (?P<excuse>.+?) -->\n)?"
        r"(?P<indent> *)```(?P<language>\w*).*\n(?P<text>(?:.*\n)*?)(?P=indent)```$",
        re.MULTILINE,
    )
    return [
        Block(
            page.relative_to(ROOT).as_posix(),
            text[: found.start("language")].count("\n") + 1,
            found["language"],
            found["text"],
            found["excuse"] or "",
        )
        for page in PAGES
        for text in [page.read_text()]
        for found in fence.finditer(text)
    ]


BLOCKS = read_blocks()


def find_arguments(line: str) -> list[str]:
    """Return what a line says to the gateway; nothing where it is to another program."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        del words[0]
    return words[1 : words.index(">") if ">" in words else None] if words[:1] == ["gateway"] else []


def is_tried_here(block: Block) -> bool:
    return block.is_manifest or block.is_setting or block.is_command


def test_every_block_is_run_or_says_why_not() -> None:
    left = [
        block
        for block in BLOCKS
        if not block.excuse
        and block.language not in PRINTED
        and (block.page, block.language) not in WHOLE_PAGES
        and not is_tried_here(block)
    ]

    def by_kind(block: Block) -> tuple[str, str]:
        return block.page, block.language

    found = {kind: [block.line for block in some] for kind, some in groupby(sorted(left, key=by_kind), key=by_kind)}
    wrong = {kind: lines for kind, lines in found.items() if COUNTED.get(kind, ("", 0))[1] != len(lines)}
    assert wrong == {}, "have a test run what is new, or write `<!-- not run: … -->` before it"
    assert COUNTED.keys() <= found.keys(), "a page has lost what was counted"


def test_the_tests_that_run_blocks_are_there() -> None:
    for test in [*WHOLE_PAGES.values(), *(test for test, _ in COUNTED.values())]:
        assert (ROOT / test).exists(), test


def test_a_block_without_a_mark_is_found() -> None:
    (block, *_) = [block for block in BLOCKS if block.excuse and block.language == "sh"]
    assert not is_tried_here(block._replace(excuse="", text="kubectl get pods\n"))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.is_setting], ids=lambda b: f"{b.page}:{b.line}")
def test_settings_that_are_shown_are_accepted(block: Block) -> None:
    shell = ["bash", "-euc", f"set -a\n{block.text}\nenv -0"]
    said = subprocess.run(shell, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True).stdout
    environ = dict(each.split("=", 1) for each in said.split("\0") if each)
    wrong: list[tuple[str, str]] = []
    try:
        load(ARGO | {name: value for name, value in environ.items() if name.startswith("GATEWAY_")})
    except SettingsError as error:
        wrong += error.problems
    # Files and folders are those of whoever reads.
    assert {name for name, _ in wrong if not name.endswith("_FILE")} <= {"GATEWAY_DATABASE_URL"}, wrong


def find_commands() -> list[tuple[str, list[str]]]:
    return [
        (f"{block.page}:{block.line}", arguments)
        for block in BLOCKS
        if block.language in ("sh", "console")
        for line in block.lines
        if re.match(r"(?:\$ |[A-Z_]+=\S+ )*gateway ", line) and (arguments := find_arguments(line))
    ]


@pytest.mark.parametrize(("place", "arguments"), find_commands())
def test_commands_of_the_gateway_have_the_arguments_that_are_shown(
    place: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "access.toml").touch()
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    try:
        command.make_context("gateway", rest)
    except click.UsageError as error:
        pytest.fail(f"{place}: {error.format_message()}")


def show(page: str) -> str:
    (text, *_) = [block.text for block in BLOCKS if (block.page, block.language) == (page, "toml")]
    return text


def test_the_access_file_that_is_shown_is_one() -> None:
    access = parse_access(show("docs/access.md"))
    assert access is not None


def test_the_exception_that_is_shown_is_one() -> None:
    (exception,) = parse_waivers(show("docs/releases.md"))
    assert exception.who == "anna"
