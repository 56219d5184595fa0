"""The bootstrap: the right wheel from the lock file, and nothing that isn't what it names."""

import hashlib
import io
import tomllib
import zipfile
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(__file__).parent.parent


def locked_wheels() -> list[dict[str, str]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (uv,) = (package for package in lock["package"] if package["name"] == "uv")
    wheels: list[dict[str, str]] = uv["wheels"]
    return wheels


@pytest.mark.parametrize("system", ["manylinux", "musllinux"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_linux_finds_its_wheel_in_the_lock_file(system: str, machine: str) -> None:
    chosen = bootstrap.choose_wheel(locked_wheels(), (system, machine))
    assert system in chosen["url"]
    assert machine in chosen["url"]


@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_macos_finds_its_wheel_in_the_lock_file(machine: str) -> None:
    assert f"{machine}.whl" in bootstrap.choose_wheel(locked_wheels(), ("macosx", machine))["url"]


def test_a_platform_without_a_wheel_is_told_so() -> None:
    with pytest.raises(LookupError, match="no wheel for manylinux on sparc"):
        bootstrap.choose_wheel(locked_wheels(), ("manylinux", "sparc"))


def test_a_download_is_checked_by_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "wheel"
    file.write_bytes(b"content")
    expected = f"sha256:{hashlib.sha256(b'content').hexdigest()}"
    assert bootstrap.download(file.as_uri(), expected) == b"content"
    with pytest.raises(ValueError, match="isn't what"):
        bootstrap.download(file.as_uri(), "sha256:other")


def test_the_scripts_of_a_wheel_become_executable(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", "#!/bin/sh\n")
        archive.writestr("uv-1.dist-info/METADATA", "Name: uv\n")
    bootstrap.unpack(data.getvalue(), tmp_path / "bin")
    assert [script.name for script in (tmp_path / "bin").iterdir()] == ["uv"]
    assert (tmp_path / "bin" / "uv").stat().st_mode & 0o111
