"""Gets uv, which installs everything else, with nothing but Python's standard library.

The wheel is the one that uv.lock names for this platform, checked by its hash: no pip, no ensurepip (which Debian's
python3 lacks), no shell script from elsewhere. Where that address can't be reached, pip is tried, with whatever index
it is configured for.

Usage: python3 bootstrap.py FOLDER; afterwards FOLDER/bin/uv is there.
"""

import hashlib
import io
import platform
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

OLDEST = (3, 11)


def main() -> int:
    """Put uv into the folder; return the exit status."""
    if sys.version_info < OLDEST:
        print("Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.12 install", file=sys.stderr)
        return 1
    import tomllib

    folder = Path(sys.argv[1])
    lock = tomllib.loads((Path(__file__).parent / "uv.lock").read_text())
    (uv,) = (package for package in lock["package"] if package["name"] == "uv")
    try:
        wheel = choose_wheel(uv["wheels"], name_platform())
        unpack(download(wheel["url"], wheel["hash"]), folder / "bin")
    except (OSError, LookupError, ValueError) as error:
        print(f"uv {uv['version']} can't be fetched directly ({error}); trying pip", file=sys.stderr)
        return install_with_pip(uv["version"], folder)
    return 0


def name_platform() -> tuple[str, str]:
    """Return what a wheel's name must hold to run here: a system's tag and a machine's."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return "macosx", machine
    if sys.platform == "win32":
        return "win", machine
    return "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux", machine


def choose_wheel(wheels: list[dict[str, str]], wanted: tuple[str, str]) -> dict[str, str]:
    """Return the wheel for a platform. Raises LookupError if there is none."""
    system, machine = wanted
    for wheel in wheels:
        tags = wheel["url"].rsplit("-", 1)[-1].removesuffix(".whl").split(".")
        if any(tag.startswith(system) and tag.endswith(machine) for tag in tags):
            return wheel
    raise LookupError(f"there is no wheel for {system} on {machine}")


def download(url: str, expected: str) -> bytes:
    """Return what is at an address. Raises ValueError if it isn't what the lock file says; OSError."""
    with urllib.request.urlopen(url, timeout=60) as response:
        data: bytes = response.read()
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != expected:
        raise ValueError("the download isn't what uv.lock names")
    return data


def unpack(wheel: bytes, folder: Path) -> None:
    """Put a wheel's scripts into a folder, executable."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if ".data/scripts/" in name:
                script = folder / Path(name).name
                script.write_bytes(archive.read(name))
                script.chmod(0o755)


def install_with_pip(version: str, folder: Path) -> int:
    """Have pip put uv into the folder, made a virtual environment for that; return the exit status."""
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={version}"],
    ):
        if subprocess.run(command, check=False).returncode:
            print("uv can't be installed: is a package index reachable? Debian needs python3-venv.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
