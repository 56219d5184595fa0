"""What waits until somebody can look at it: in order, and never more than there is room for."""

import pytest

from gateway.delivery import sightings
from gateway.delivery.sightings import Sightings
from gateway.model.application import Observed
from gateway.store.state import Sighting
from tests.delivery import play


@pytest.fixture
def seen() -> list[Sighting]:
    return [Sighting(observed, at, live) for at, live, observed in play.shown_in("canary/app.sse")]


def take_all(waiting: Sightings) -> list[Sighting]:
    return [waiting.take() for _ in range(len(waiting))]


def test_what_comes_is_looked_at_in_its_order(seen: list[Sighting]) -> None:
    waiting = Sightings(tuple)
    waiting.add(seen[:2])
    waiting.begin(0.0)
    waiting.add(seen[2:])
    assert take_all(waiting) == seen


def test_what_is_too_much_before_anybody_looks_becomes_what_is_there_then(
    seen: list[Sighting], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "KEPT", 3)
    shown = [one.observed for one in seen[-2:] if one.observed is not None]
    waiting = Sightings(lambda: shown)
    rewound = Sighting(None, 1.0, True)
    for one in (rewound, *seen):
        waiting.add([one])
        assert len(waiting) <= 3
    waiting.begin(7.0)
    expected: list[tuple[Observed | None, float, bool]] = [(None, 1.0, True), *((one, 7.0, False) for one in shown)]
    assert [(one.observed, one.at, one.live) for one in take_all(waiting)] == expected
    # From here on each counts again.
    waiting.add(seen)
    assert take_all(waiting) == seen


def test_whoever_begins_anew_begins_without_what_another_has_seen(
    seen: list[Sighting], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "KEPT", 3)
    waiting = Sightings(tuple)
    waiting.add([Sighting(None, 1.0, True), *seen])
    waiting.forget()
    waiting.add(seen[:2])
    waiting.begin(0.0)
    assert take_all(waiting) == seen[:2]
