"""The files are read again when they change, and one that breaks leaves what it said before in force."""

from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.auth.identity import ANONYMOUS
from gateway.auth.keeper import AccessKeeper
from gateway.auth.lines import FileError
from gateway.auth.tokens import make_token, write_entry

OPEN = '[[anonymous.rules]]\nprojects = ["*"]\n'
TOKEN = make_token(bytes(32))


def replace(path: Path, text: str | bytes) -> None:
    """Replace a file as Kubernetes does: in one step."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(text.encode() if isinstance(text, str) else text)
    fresh.replace(path)


@pytest.fixture
def access_file(tmp_path: Path) -> Path:
    path = tmp_path / "access.toml"
    path.write_text("")
    return path


def test_a_changed_file_is_in_force_at_the_next_look_and_told_once(access_file: Path) -> None:
    keeper = AccessKeeper(access_file=access_file)
    told: list[None] = []
    keeper.follow(lambda: told.append(None))
    assert not keeper.look()
    replace(access_file, OPEN)
    assert keeper.look()
    assert not keeper.look()
    assert keeper.access.grant_of(ANONYMOUS).everything
    assert len(told) == 1
    assert keeper.counts == {"reloaded": 1}


def test_a_file_that_was_only_written_again_changes_nothing(access_file: Path) -> None:
    keeper = AccessKeeper(access_file=access_file)
    replace(access_file, "")
    assert not keeper.look()


@pytest.mark.parametrize("broken", ["[[x", b"\xff", b"#" * (5 << 20)])
def test_a_broken_file_leaves_the_old_one_in_force_and_is_counted_and_logged(access_file: Path, broken: Any) -> None:
    replace(access_file, OPEN)
    keeper = AccessKeeper(access_file=access_file)
    with structlog.testing.capture_logs() as logs:
        replace(access_file, broken)
        assert not keeper.look()
        assert not keeper.look()
    assert keeper.access.grant_of(ANONYMOUS).everything
    assert keeper.counts == {"unusable": 1}
    assert [entry["event"] for entry in logs] == ["access.unusable"]
    replace(access_file, "")
    assert keeper.look()
    assert keeper.access.grant_of(ANONYMOUS).nothing


def test_a_file_that_is_gone_for_a_moment_leaves_the_old_one_in_force(access_file: Path) -> None:
    replace(access_file, OPEN)
    keeper = AccessKeeper(access_file=access_file)
    with structlog.testing.capture_logs():
        access_file.unlink()
        assert not keeper.look()
        replace(access_file, OPEN)
        assert not keeper.look()
    assert keeper.access.grant_of(ANONYMOUS).everything


def test_at_the_start_a_file_has_to_be_right(access_file: Path, tmp_path: Path) -> None:
    replace(access_file, "[[x")
    with pytest.raises(FileError, match="line 1"):
        AccessKeeper(access_file=access_file)
    with pytest.raises(FileError, match="can't be read"):
        AccessKeeper(access_file=None, tokens_file=tmp_path / "nowhere")


def test_a_token_that_is_taken_out_is_no_longer_known(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(write_entry(name="ci", token=TOKEN, groups=[], expires_at=None))
    keeper = AccessKeeper(access_file=None, tokens_file=path)
    assert keeper.tokens.find(TOKEN)
    replace(path, "")
    assert keeper.look()
    assert not keeper.tokens.find(TOKEN)
