"""The Dockerfile, read and followed: its rules hold, and what it installs starts. No container engine is needed."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import typer.main

from gateway import __version__
from gateway.cli import app
from gateway.settings.variables import Settings, find_fields

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())


class Step(NamedTuple):
    word: str
    rest: str


Stage = list[Step]


def read_stages() -> tuple[dict[str, str], list[Stage]]:
    """Return the global arguments, and the steps of each stage."""
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in joined.splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(Step(word, rest.strip()))
        else:
            assert word == "ARG", line
            name, _, value = rest.partition("=")
            arguments[name] = value
    return arguments, stages


ARGUMENTS, (BUILD, FINAL) = read_stages()


def rests(stage: Stage, word: str) -> list[str]:
    return [step.rest for step in stage if step.word == word]


def pairs(stage: Stage, word: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in rests(stage, word) for pair in shlex.split(rest))


def syncs() -> list[list[str]]:
    return [shlex.split(rest) for rest in rests(BUILD, "RUN") if rest.startswith("uv sync")]


def test_every_stage_is_the_same_slim_python_pinned_by_its_minor_version() -> None:
    images = [step.rest.split()[0] for step in (BUILD[0], FINAL[0])]
    assert images == ["python:${PYTHON_VERSION}-slim"] * 2
    assert re.fullmatch(r"3\.\d+", ARGUMENTS["PYTHON_VERSION"])
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = required.removeprefix(">=").split(".")
    assert [*map(int, ARGUMENTS["PYTHON_VERSION"].split("."))] >= [*map(int, oldest)]


def test_it_installs_what_is_locked_with_the_uv_that_is_locked() -> None:
    bootstrap, *_ = rests(BUILD, "RUN")
    assert bootstrap == "python bootstrap.py /opt/uv"
    assert "bootstrap.py" in (ROOT / "Makefile").read_text(), "`make install` takes the same way"
    assert pairs(BUILD, "ENV")["PATH"].startswith("/opt/uv/bin:")
    assert len(syncs()) == 2
    for sync in syncs():
        assert {"--locked", "--no-dev", "--no-editable", "--all-extras"} <= set(sync)
    assert "--no-install-project" in syncs()[0]
    assert "--no-install-project" not in syncs()[1]
    assert pairs(BUILD, "ENV")["UV_COMPILE_BYTECODE"] == "1"


def test_it_runs_as_a_number_that_is_not_root_and_only_copies_what_was_built() -> None:
    (user,) = rests(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d+(:[1-9]\d+)?", user)
    assert rests(FINAL, "RUN") == []
    environment = pairs(BUILD, "ENV")["UV_PROJECT_ENVIRONMENT"]
    # Scripts name their interpreter by its path, so the environment stays where it was made.
    assert rests(FINAL, "COPY") == [f"--from=build {environment} {environment}"]
    assert pairs(FINAL, "ENV")["PATH"].startswith(f"{environment}/bin:")
    assert pairs(FINAL, "ENV")["PYTHONDONTWRITEBYTECODE"] == "1", "its file system may be read-only"


def test_who_may_read_is_left_to_whoever_runs_it() -> None:
    environment = pairs(FINAL, "ENV")
    assert environment["GATEWAY_HOST"] == "0.0.0.0"
    assert "GATEWAY_AUTH" not in environment
    assert {name for name in environment if name.startswith("GATEWAY_")} <= find_fields().keys()
    assert not re.search("TOKEN|SECRET|PASSWORD", " ".join(rests(BUILD, "ENV") + rests(FINAL, "ENV")))


def test_signals_reach_the_gateway_for_no_shell_is_in_between() -> None:
    (entrypoint,), (command,) = rests(FINAL, "ENTRYPOINT"), rests(FINAL, "CMD")
    assert json.loads(entrypoint) == ["gateway"]
    commands: Any = getattr(typer.main.get_command(app), "commands", {})
    assert json.loads(command)[0] in commands
    assert not {"HEALTHCHECK", "SHELL", "STOPSIGNAL"} & {step.word for step in FINAL}


def test_the_ports_are_those_of_the_settings() -> None:
    fields = Settings.model_fields
    assert " ".join(rests(FINAL, "EXPOSE")).split() == [str(fields[name].default) for name in ("port", "metrics_port")]


def test_its_labels_say_what_it_is() -> None:
    labels = pairs(FINAL, "LABEL")
    described = {"title", "description", "version", "revision", "base.name"}
    assert labels.keys() == {f"org.opencontainers.image.{name}" for name in described}
    given = dict(rest.partition("=")[::2] for rest in rests(FINAL, "ARG"))
    assert given["VERSION"] == __version__
    # An argument before the first FROM is unknown in a stage that doesn't ask for it.
    assert set(re.findall(r"\$\{(\w+)\}", " ".join(rests(FINAL, "LABEL")))) == given.keys()
    assert labels["org.opencontainers.image.base.name"].endswith(FINAL[0].rest)


def test_make_builds_it_as_this_version_and_this_commit() -> None:
    asked = ["make", "--dry-run", "--no-print-directory", "image"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    command = shlex.split(done.stdout)
    assert command[:2] == ["docker", "build"]
    assert f"VERSION={__version__}" in command
    assert "REVISION=$(git" in command
    assert f"registry.example.org/argocd-sse-gateway:{__version__}" in command, "the name that k8s/ gives it"


def test_any_builder_can_build_it_for_any_architecture() -> None:
    assert not re.search(r"amd64|arm64|x86|aarch|TARGETARCH|--platform|--mount|^# syntax", DOCKERFILE, re.MULTILINE)


def test_everything_that_it_copies_is_there_and_not_ignored() -> None:
    ignore = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignore[0] == "*"
    for rest in rests(BUILD, "COPY"):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignore


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Follow the build stage in an empty folder; give the environment variables that the image would have."""
    local = ROOT / ".uv" / "bin" / "uv"
    uv = str(local) if local.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("THE DOCKERFILE'S STEPS ARE NOT TRIED: there is no uv; `make install` brings it")
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("opt") / "gateway"
    # Proxies, certificates, indexes and caches are this machine's; settings and environments are not the image's.
    foreign = ("GATEWAY_", "ARGOCD_", "PIPELINES_", "VIRTUAL_ENV", "UV_PROJECT", "UV_PYTHON", "PYTHON")
    given = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    variables: dict[str, str] = {}
    for word, rest in BUILD:
        if word == "ENV":
            variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            # Links instead of copies, where the cache is on the same disk: it is thrown away soon.
            variables |= {"UV_PROJECT_ENVIRONMENT": str(target), "UV_LINK_MODE": "hardlink", "PATH": os.environ["PATH"]}
        elif word == "COPY":
            *origins, destination = rest.split()
            for origin in origins:
                _copy(ROOT / origin, (source / destination / origin) if destination == "./" else source / destination)
        elif word == "RUN" and rest.startswith("uv sync"):
            # The image has one Python; here it is the one that runs the tests.
            command = [uv, *shlex.split(rest)[1:], "--quiet", "--python", sys.executable]
            done = subprocess.run(
                command, cwd=source, env={**given, **variables}, capture_output=True, text=True, check=False
            )
            if "Failed to fetch" in done.stderr:
                pytest.skip(f"THE DOCKERFILE'S STEPS ARE NOT TRIED: the package index can't be reached. {done.stderr}")
            assert done.returncode == 0, done.stderr
    shutil.rmtree(source)  # what is installed must stand alone
    yield {**pairs(FINAL, "ENV"), "PATH": f"{target}/bin:/usr/bin:/bin"}
    shutil.rmtree(target)


def _copy(origin: Path, destination: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(origin, destination)


def run(variables: dict[str, str], *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    # Not `gateway` alone: subprocess looks for that in the PATH of the tests.
    program = shutil.which("gateway", path=variables["PATH"])
    assert program is not None
    return subprocess.run(
        [program, *arguments],
        env={**variables, **more},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_what_it_installs_tells_its_version(installed: dict[str, str]) -> None:
    done = run(installed, "--version")
    assert (done.returncode, done.stdout) == (0, f"argocd-sse-gateway {__version__}\n"), done.stderr


def test_what_it_installs_does_not_open_itself_to_a_network_unasked(installed: dict[str, str]) -> None:
    (command,) = rests(FINAL, "CMD")
    done = run(installed, *json.loads(command), ARGOCD_BASE_URL="https://argocd.example.org")
    assert done.returncode == 2
    assert "GATEWAY_AUTH" in done.stderr
    assert "Traceback" not in done.stderr


READ_ONLY = """
while read -r _ point _; do
  case $point in /proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$point" 2>/dev/null ;; esac
done < /proc/self/mounts
touch "$0" 2>/dev/null && exit 77
exec "$@"
"""


def find_read_only_root(folder: Path) -> list[str]:
    """Return what a command is run by so that it can write no file; nothing where mounts can't be changed."""
    alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, str(folder / "written")]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        return []
    return alone


def test_what_it_installs_has_all_that_the_settings_may_ask_for(installed: dict[str, str]) -> None:
    python = shutil.which("python", path=installed["PATH"])
    assert python is not None
    modules = "uvloop, redis.asyncio, hiredis, asyncpg, aiosqlite, opentelemetry.sdk.trace"
    exporter = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    command = [python, "-I", "-c", f"import {modules}, {exporter}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("read_only", [False, True], ids=["anywhere", "on a read-only root"])
def test_what_it_installs_serves_on_uvloop_until_sigterm(
    installed: dict[str, str], tmp_path: Path, read_only: bool
) -> None:
    program = shutil.which("gateway", path=installed["PATH"])
    assert program is not None
    more = {
        "ARGOCD_BASE_URL": "http://127.0.0.1:9",
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_METRICS_HOST": "127.0.0.1",
        "GATEWAY_PORT": "0",
        "GATEWAY_METRICS_PORT": "0",
        "GATEWAY_DRAIN_DELAY": "0",
        "GATEWAY_DRAIN": "0",
        "GATEWAY_LOOP": "uvloop",
    }
    command = [program, *json.loads(rests(FINAL, "CMD")[0])]
    if read_only:
        if not (root := find_read_only_root(tmp_path)):
            pytest.skip("A READ-ONLY ROOT IS NOT TRIED: mounts can't be changed here")
        command = [*root, *command]
    with subprocess.Popen(command, env={**installed, **more}, cwd="/", stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        events = []
        for line in process.stderr:
            events.append(orjson.loads(line)["event"])
            if events[-1] == "gateway.listening":
                process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0, events
    assert "gateway.draining" in events


def test_what_it_installs_has_the_demo_in_it_and_needs_no_disk_for_it(
    installed: dict[str, str], tmp_path: Path
) -> None:
    program = shutil.which("gateway", path=installed["PATH"])
    assert program is not None
    more = {"GATEWAY_AUTH": "none", "GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": "0"}
    environment = {**installed, **more}
    command = [*find_read_only_root(tmp_path), program, "demo"]
    with subprocess.Popen(
        command, env=environment, cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "the page" in line:
                process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0, said
    assert any("/api/stream/pipelines" in line for line in said)
