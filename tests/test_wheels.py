"""What the lock file has for other machines than this one: nowhere has anything to be compiled."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parent.parent
PACKAGES: dict[str, dict[str, Any]] = {
    package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Those that the tests run on: see .github/workflows/ci.yml."""

MACHINES = ("x86_64", "aarch64")

GLIBC = 36
"""The minor version of glibc that the image has at least: Debian 12's."""


def list_platforms(machine: str) -> list[str]:
    """Return the platform tags that a Linux of this machine takes, the newest first."""
    return [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)] + [f"manylinux2014_{machine}"]


def list_needed(python: str, machine: str) -> set[str]:
    """Return the packages that are installed there with all extras."""
    environment: dict[str, str] = {
        **default_environment(),  # type: ignore[dict-item]
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    own = PACKAGES["argocd-sse-gateway"]
    wanted = [*own["dependencies"], *(each for extra in own["optional-dependencies"].values() for each in extra)]
    needed: set[tuple[str, str]] = set()
    while wanted:
        dependency = wanted.pop()
        if "marker" in dependency and not Marker(dependency["marker"]).evaluate(environment):
            continue
        package = PACKAGES[dependency["name"]]
        for extra in ("", *dependency.get("extra", ())):
            if (package["name"], extra) not in needed:
                needed.add((package["name"], extra))
                wanted += package["optional-dependencies"][extra] if extra else package.get("dependencies", ())
    return {name for name, _ in needed}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
def test_nothing_has_to_be_compiled(python: str, machine: str) -> None:
    version = (3, int(python.removeprefix("3.")))
    platforms = list_platforms(machine)
    taken = {*cpython_tags(version, platforms=platforms), *compatible_tags(version, platforms=platforms)}
    needed = list_needed(python, machine)
    assert {"aiohttp", "uvloop", "hiredis", "asyncpg", "opentelemetry-sdk"} <= needed
    for name in needed:
        wheels = [wheel["url"].rpartition("/")[2] for wheel in PACKAGES[name]["wheels"]]
        assert any(parse_wheel_filename(wheel)[3] & taken for wheel in wheels), f"{name} has no wheel"


def test_the_image_and_the_build_know_these_pythons() -> None:
    (image,) = re.findall(r"^ARG PYTHON_VERSION=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image in PYTHONS
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == f">={PYTHONS[0]}"
