"""The workflows of GitHub and GitLab: `make check` holds them against their schemas; here, what no schema knows."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_wheels import PYTHONS

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI, RELEASE = (
    yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text()) for name in ("ci", "release")
)
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())

each_file = pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".gitlab-ci.yml"], ids=lambda path: path.name)


@each_file
def test_every_target_that_is_called_is_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = set(re.findall(r"(?:run: |- |&& )make ([a-z-]+)$", path.read_text(), re.MULTILINE))
    assert called
    assert called <= targets


def test_the_check_reads_the_image_and_the_workflows() -> None:
    (check,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in ("hadolint Dockerfile", "github-workflows", "gitlab-ci", "dependabot", "zizmor", "release.py check"):
        assert command in check


@each_file
def test_what_is_run_at_hand_is_there(path: Path) -> None:
    for script in re.findall(r"\bpython (\S+\.py)", path.read_text()):
        assert (ROOT / script).is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+(\.\d+\.\d+)?", comment), action


def test_one_action_is_one_commit_everywhere() -> None:
    used = {action for path in WORKFLOWS for action in re.findall(r"uses: (\S+)", path.read_text())}
    assert len(used) == len({action.partition("@")[0] for action in used})


@each_file
def test_nothing_needs_a_secret_of_ours(path: Path) -> None:
    assert "secrets." not in path.read_text()
    assert not re.search(r"PYPI_(API_)?TOKEN|TWINE_PASSWORD|UV_PUBLISH_TOKEN", path.read_text())


@pytest.mark.parametrize("workflow", [CI, RELEASE], ids=["ci", "release"])
def test_a_job_has_no_right_that_it_does_not_ask_for(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60


def test_the_tests_run_on_every_python_and_on_both_architectures() -> None:
    matrix = CI["jobs"]["test"]["strategy"]["matrix"]
    assert tuple(matrix["python"]) == PYTHONS
    assert {*matrix["machine"], *(each["machine"] for each in matrix["include"])} == {"amd64", "arm64"}
    ((pythons,),) = [each.values() for each in GITLAB["test"]["parallel"]["matrix"]]
    assert tuple(pythons) == PYTHONS


def test_nothing_is_published_that_was_not_checked() -> None:
    jobs = RELEASE["jobs"]
    commands = [step["run"] for step in jobs["dist"]["steps"] if "run" in step]
    assert commands[0] == 'python release.py check "$GITHUB_REF_NAME"'
    assert {"make check", "make dist", "make disttest"} <= set(commands)
    assert (jobs["image"]["needs"], jobs["index"]["needs"], jobs["page"]["needs"]) == (
        "dist",
        ["dist", "image"],
        "index",
    )


def test_the_image_is_built_for_both_and_scanned() -> None:
    for workflow in (CI, RELEASE):
        steps = workflow["jobs"]["image"]["steps"]
        builds = [step["with"] for step in steps if step.get("uses", "").startswith("docker/build-push-action")]
        assert builds[0]["platforms"] == "linux/amd64,linux/arm64"
        (scan,) = (step["with"] for step in steps if step.get("uses", "").startswith("anchore/scan-action"))
        assert scan["output-format"] == "sarif"
    assert "--platform linux/amd64,linux/arm64" in " ".join(GITLAB["container"]["script"])
