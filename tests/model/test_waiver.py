"""A file of waivers is read whole or not at all, and says of everything wrong in it where it is."""

from __future__ import annotations

import pytest

from gateway.model.waiver import Waiver, parse_waivers

GOOD = """# What we live with.
[[exception]]
id = "CVE-2026-1234"
who = "anna"
until = 2027-01-31
reason = "the parser isn't reachable"
image = "ghcr.io/team/shop"

[[exception]]
id = "CVE-2026-99"
who = "ben"
until = 2026-12-01T12:00:00+01:00
reason = "fixed in the next release"
"""


def test_a_day_counts_whole_and_a_moment_to_the_second() -> None:
    first, second = parse_waivers(GOOD)
    assert first == Waiver(
        id="CVE-2026-1234",
        who="anna",
        until=1_801_440_000.0,
        reason="the parser isn't reachable",
        image="ghcr.io/team/shop",
    )
    assert second.until == 1_796_122_800.0
    assert second.holds(1_796_122_799.0)
    assert not second.holds(1_796_122_800.0)


def test_an_empty_file_waives_nothing() -> None:
    assert parse_waivers("# nothing yet\n") == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("until = 2027-01-31", "until = 2027-13-31"), "line 5: this isn't TOML"),
        (('who = "anna"', "who = anna"), "line 4: this isn't TOML"),
        (('who = "ben"', "who = 7"), "line 11: who is text"),
        (("until = 2026-12-01T12:00:00+01:00", "until = 2026-12-01T12:00:00"), "line 12: until is a date"),
        (("until = 2027-01-31", 'until = "soon"'), "line 5: until is a date"),
        (('reason = "the parser isn\'t reachable"', ""), "line 2: reason is missing"),
        (('reason = "fixed in the next release"', 'reason = " "'), "line 13: reason is text"),
        (('image = "ghcr.io/team/shop"', 'imgae = "x"'), "line 7: imgae isn't known"),
        (("# What we live with.", "gate = 1"), "line 1: gate isn't known"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(changed: tuple[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_waivers(GOOD.replace(*changed))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"line 4: who is text.*; line 11: who is text"):
        parse_waivers(GOOD.replace('"anna"', "1").replace('"ben"', "2"))


def test_one_bracket_too_few_is_said() -> None:
    with pytest.raises(ValueError, match=r"line 1: write .*two brackets"):
        parse_waivers('[exception]\nid = "CVE-1"\n')
