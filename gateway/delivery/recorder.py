"""Keeps what is new in the observatory: deployments and their application's memory together, neither twice nor lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from gateway.delivery.deployments.memory import Memory
from gateway.delivery.observatory import Observatory
from gateway.delivery.sparing import spare_others
from gateway.delivery.storage.repository import Repository

KEYS = 100
"""Applications of which something is kept before others have their turn."""

_log = structlog.get_logger(__name__)


class Recorder:
    """Writes from ``observatory`` into a repository.

    ``counts`` counts ``deployment`` and ``failed``; ``changed`` is called with the ids of deployments that are kept as
    they weren't before. ``clock`` returns Unix time.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        clock: Callable[[], float],
        counts: Counter[str],
        changed: Callable[[Iterable[str]], None],
    ) -> None:
        self.observatory = Observatory()
        self._repository = repository
        self._clock = clock
        self._counts = counts
        self._changed = changed

    def begin(self, memories: Mapping[str, Memory]) -> None:
        """Begin anew with what is kept; what isn't is for somebody else to find."""
        self.observatory = Observatory()
        self.observatory.remember(memories)

    async def record(self, *, hurry: bool = False) -> None:
        """Keep what is new of some applications; with ``hurry`` also what could wait."""
        if keys := self.observatory.dirty(self._clock(), hurry=hurry)[:KEYS]:
            await spare_others(keys, self._keep, self._give_up)

    async def _keep(self, keys: Sequence[str]) -> None:
        now = self._clock()
        deployments, memories = self.observatory.state_of(keys)
        changed = await self._repository.record(deployments, memories, now=now)
        self.observatory.kept(deployments, memories, now)
        self._counts["deployment"] += len(changed)
        self._changed(deployment.id for deployment in changed)

    def _give_up(self, key: str) -> None:
        _log.exception("delivery.record_broke", application=key)
        self._counts["failed"] += 1
        self.observatory.kept(*self.observatory.state_of([key]), self._clock())
