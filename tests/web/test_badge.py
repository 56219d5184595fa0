"""A badge says in words and in colour what is known, never greener than the truth, and can't be made to do harm."""

from itertools import combinations_with_replacement
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.application import ApplicationStatus, Health, Sync
from gateway.model.selector import HEALTH, SYNC
from gateway.model.upstream import State, Upstream
from gateway.web import badge
from gateway.web.badge import AMBER, BLUE, GREEN, GREY, PURPLE, RED, Badge, describe, draw

SVG = "{http://www.w3.org/2000/svg}"
TAGS = {f"{SVG}{name}" for name in ("svg", "title", "rect", "path", "g", "text")}


def application(health: str | None = "Healthy", sync: str | None = "Synced") -> ApplicationStatus:
    return ApplicationStatus(
        key="argocd/web",
        name="web",
        namespace="argocd",
        health=Health(status=health) if health else None,
        sync=Sync(status=sync) if sync else None,
    )


def upstream(state: State) -> Upstream:
    return Upstream(state=state, since="2026-11-20T23:11:20Z")


def described(health: str | None, sync: str | None, *, state: State = "live", shown: str = "both") -> tuple[str, str]:
    said = describe(application(health, sync), upstream(state), label="web", shown=shown)
    return said.status, said.colour


@pytest.mark.parametrize(
    ("health", "sync", "status", "colour"),
    [
        ("Healthy", "Synced", "Healthy · Synced", GREEN),
        ("Healthy", "OutOfSync", "Healthy · OutOfSync", AMBER),
        ("Healthy", "Unknown", "Healthy · Unknown", GREY),
        ("Healthy", None, "Healthy · Unknown", GREY),
        ("Progressing", "Synced", "Progressing · Synced", BLUE),
        ("Suspended", "Synced", "Suspended · Synced", PURPLE),
        ("Missing", "OutOfSync", "Missing · OutOfSync", AMBER),
        ("Degraded", "Synced", "Degraded · Synced", RED),
        ("Degraded", "Unknown", "Degraded · Unknown", RED),
        (None, None, "Unknown · Unknown", GREY),
        ("Radiant", "Synced", "Radiant · Synced", GREY),
    ],
)
def test_a_badge_has_the_colour_of_the_worse_of_the_two(
    health: str | None, sync: str | None, status: str, colour: str
) -> None:
    assert described(health, sync) == (status, colour)


def test_a_badge_shows_what_is_asked_for() -> None:
    assert described("Healthy", "OutOfSync", shown="health") == ("Healthy", GREEN)
    assert described("Healthy", "OutOfSync", shown="sync") == ("OutOfSync", AMBER)


@pytest.mark.parametrize("state", ["stale", "down", "connecting"])
def test_what_is_not_live_is_grey_and_says_so(state: State) -> None:
    for health in HEALTH:
        for sync in SYNC:
            assert described(health, sync, state=state) == (f"{health} · {sync} · stale", GREY)
    said = describe(application(), upstream(state), label="web", shown="both")
    assert said.title == "web: Healthy, Synced when last seen; Argo CD hasn't been reached since 2026-11-20T23:11:20Z"
    assert describe(application(), None, label="web", shown="both").colour == GREY


def test_a_badge_is_an_image_with_a_title_for_those_who_hear_it() -> None:
    root = ET.fromstring(draw(Badge(label="web", status="Healthy", colour=GREEN, title="web: Healthy")))  # noqa: S314
    assert (root.get("role"), root.get("aria-label")) == ("img", "web: Healthy")
    assert root.findtext(f"{SVG}title") == "web: Healthy"
    assert [each.text for each in root.iter(f"{SVG}text")] == ["web", "Healthy"]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", [GREEN, BLUE, AMBER, RED, PURPLE, GREY, badge.LABEL])
def test_white_words_can_be_read_on_every_colour(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_names_and_words_hold_a_badge_is_wellformed_and_holds_nothing_but_text(label: str, word: str) -> None:
    text = draw(describe(application(word or "x", word), upstream("live"), label=label, shown="both"))
    root = ET.fromstring(text)  # noqa: S314
    assert {element.tag for element in root.iter()} <= TAGS
    assert not any(name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib)
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\n\x00")
    assert int(root.get("width", "")) < 2_000


def test_the_width_follows_the_text() -> None:
    def width(label: str) -> int:
        drawn = draw(Badge(label=label, status="", colour=GREY, title=""))
        return int(ET.fromstring(drawn).get("width", ""))  # noqa: S314

    ordered = ["", "i", "a", "m", "결제", "결제결제"]
    for narrow, wide in combinations_with_replacement(ordered, 2):
        assert width(narrow) <= width(wide)
    assert width("🚀") >= width("m")
    assert width("e\u0301") == width("e")
    assert width("x" * 50) == width("x" * 50)
    assert width("x" * 500) <= width("x" * 49 + "m")
