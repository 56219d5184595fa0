"""Services, teams and environments as labels: bounded, so that no fleet is too large for a Prometheus."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from gateway.model.application import ApplicationStatus

SERVICES = 200
"""Services by environment that have series of their own, those with most in them first; all others are ``other``."""

T = TypeVar("T", bound=Hashable)


class Place(NamedTuple):
    """Where something belongs."""

    service: str
    team: str
    environment: str


OTHER = Place("other", "other", "other")


def place(service: str | None, team: str | None, environment: str | None) -> Place:
    """Return a place; what no rule names is ``unknown``."""
    return Place(service or "unknown", team or "unknown", environment or "unknown")


def gather(items: Iterable[T], find: Callable[[T], Place], *, limit: int = SERVICES) -> dict[Place, list[T]]:
    """Return what there is at each place; all beyond ``limit`` places together."""
    found: dict[Place, list[T]] = defaultdict(list)
    for item in items:
        found[find(item)].append(item)
    if len(found) <= limit:
        return found
    order: Sequence[Place] = sorted(found, key=lambda each: (-len(found[each]), each))
    bounded = {each: found[each] for each in order[:limit]}
    bounded[OTHER] = [item for each in order[limit:] for item in found[each]]
    return bounded


def count_health(documents: Iterable[ApplicationStatus]) -> Mapping[tuple[Place, str], int]:
    """Return how many applications of each place have each health."""
    verdicts = ((place(one.service, one.team, one.environment), health_of(one)) for one in documents)
    gathered = gather(verdicts, lambda verdict: verdict[0])
    return {(each, health): n for each, all_ in gathered.items() for health, n in Counter(h for _, h in all_).items()}


def health_of(document: ApplicationStatus) -> str:
    """Return an application's health; ``Unknown`` where it was never assessed."""
    return document.health.status if document.health else "Unknown"
