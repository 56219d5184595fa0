"""Which requests are under way, and the circumstances in which they were made, for their answers to be judged by."""

from dataclasses import dataclass
from enum import Enum
from itertools import count


class About(Enum):
    """What a request asks for."""

    NAMES = "names"
    HEALTH = "health"
    PERMISSIONS = "permissions"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request. ``held_version`` is the newest version that we held; ``held_back`` may be removed by the answer."""

    about: About
    at: float
    held_version: int = 0
    projects: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()


class Requests:
    """The requests under way, by number; an answer to one that was forgotten is no answer."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._asked: dict[int, Asked] = {}

    def begin(self, asked: Asked) -> int:
        """Note a request; return its number."""
        number = next(self._numbers)
        self._asked[number] = asked
        return number

    def end(self, number: int) -> Asked | None:
        """Return the request that this answers; None if it was forgotten."""
        return self._asked.pop(number, None)

    def waiting(self, about: About) -> bool:
        """Whether a request of this kind is under way."""
        return any(asked.about is about for asked in self._asked.values())

    def count(self, about: About) -> int:
        """Return how many requests of this kind are under way."""
        return sum(asked.about is about for asked in self._asked.values())

    def forget(self, about: About | None = None) -> None:
        """Forget the requests of this kind, or all: their answers come too late to mean anything."""
        self._asked = {n: asked for n, asked in self._asked.items() if about is not None and asked.about is not about}
