"""A cursor goes out and comes back unchanged; what is none of ours is told apart without an error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.position import Cursor, Position, parse_cursor

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

HEXADECIMAL = "0123456789abcdef"
positions = st.builds(Position, epoch=st.text(HEXADECIMAL, min_size=1, max_size=32), offset=st.integers(0, 10**18 - 1))
cursors = st.builds(Cursor, position=positions, view=st.text(HEXADECIMAL, min_size=1, max_size=64))


@at_any_speed
@given(cursors)
def test_a_cursor_is_read_back_as_it_was_sent(cursor: Cursor) -> None:
    assert parse_cursor(str(cursor)) == cursor


def test_a_cursor_is_epoch_offset_and_view() -> None:
    assert str(Position("5f2c81d0", 1041)) == "5f2c81d0-1041"
    assert str(Cursor(Position("5f2c81d0", 1041), "9a3e")) == "5f2c81d0-1041-9a3e"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "--",
        "5f2c81d0-1041",
        "5f2c81d0-1041-",
        "-1041-9a3e",
        "5f2c81d0--9a3e",
        "5f2c81d0-1041-9a3e-1",
        "5f2c81d0-1041-9a3e\n",
        " 5f2c81d0-1041-9a3e",
        "5F2C81D0-1041-9A3E",
        "5f2c81d0--1-9a3e",
        "5f2c81d0-+1-9a3e",
        "5f2c81d0-01-9a3e",
        "5f2c81d0-1_0-9a3e",
        "5f2c81d0-١-9a3e",
        "5f2c81d0-1041-view",
        "epoch-1041-9a3e",
        "f" * 33 + "-1-a",
        "f-1-" + "a" * 65,
        "f-1" + "0" * 18 + "-a",
        "f-" + "9" * 10_000 + "-a",
    ],
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert parse_cursor(text) is None


@at_any_speed
@given(st.text(alphabet=st.characters()) | st.text(f"{HEXADECIMAL}-", max_size=20))
def test_any_text_is_a_cursor_that_writes_itself_or_none(text: str) -> None:
    cursor = parse_cursor(text)
    assert cursor is None or str(cursor) == text


def test_positions_and_cursors_are_equal_by_value() -> None:
    assert Position("a", 1) == Position("a", 1) != Position("b", 1)
    assert len({Cursor(Position("a", 1), "c"), Cursor(Position("a", 1), "c"), Cursor(Position("a", 1), "d")}) == 2
