"""Releases: one version everywhere, a changelog that tells of it, and workflows that call what there is."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

import release

TODAY = dt.date(2027, 1, 31)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A place with all the files that a release touches."""
    for path in (release.SOURCE[0], *(path for path, _ in release.COPIES), "CHANGELOG.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release.ROOT / path, tmp_path / path)
    told = f"# Changelog\n\n## Unreleased\n\n- News.\n\n## {release.read_version()}\n\n- Old.\n"
    (tmp_path / "CHANGELOG.md").write_text(told)
    return tmp_path


def test_every_file_has_the_same_version_and_the_changelog_tells_of_it() -> None:
    assert release.find_problems() == []


def test_a_version_is_written_everywhere_by_one_command(copy: Path) -> None:
    changed = release.set_version(copy, "7.8.9", today=TODAY)
    assert set(changed) == {release.SOURCE[0], *(path for path, _ in release.COPIES), "CHANGELOG.md"}
    assert release.read_version(copy) == "7.8.9"
    assert release.find_problems(copy, tag="v7.8.9") == []
    assert release.read_notes(copy, "7.8.9") == "- News."
    assert "## 7.8.9 (2027-01-31)" in (copy / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("path", [path for path, _ in release.COPIES])
def test_a_file_that_disagrees_is_named(copy: Path, path: str) -> None:
    version = release.read_version(copy)
    file = copy / path
    file.write_text(file.read_text().replace(version, "9.9.9"))
    assert release.find_problems(copy) == [f"{path} says 9.9.9, gateway/__init__.py {version}"]


def test_a_release_without_notes_or_under_another_tag_is_stopped(copy: Path) -> None:
    (copy / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- News.\n")
    version = release.read_version(copy)
    assert release.find_problems(copy, tag="v9.9.9") == [
        f"CHANGELOG.md has no section for {version}, or nothing in it",
        f"the tag is v9.9.9, it should be v{version}",
        "CHANGELOG.md still has a section for what is unreleased",
    ]


@pytest.mark.parametrize("word", ["1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", ""])
def test_what_is_no_version_is_written_nowhere(copy: Path, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["set", word], copy) == 2
    assert "is no version" in capsys.readouterr().out
    assert release.read_version(copy) == release.read_version()
