"""What is remembered of every application while Argo CD shows it, and what of that isn't kept yet.

Pure: the ``runner`` brings what is shown and keeps what is new.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, takewhile

from gateway.delivery.agenda import Agenda
from gateway.delivery.deployments.deployment import Deployment, choose
from gateway.delivery.deployments.machine import abort, due, observe, rewind, tick
from gateway.delivery.deployments.memory import Memory
from gateway.store.state import Sighting

PATIENCE = 5.0
"""Seconds after which a memory is kept although no deployment has changed: what is lost with it is found again."""

TOGETHER = 1.0
"""Seconds by which a memory is kept before its time, with one whose time has come."""


class Observatory:
    """The memories of all applications, and the deployments that changed since they were kept."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        self._due = Agenda()
        self._changed: dict[str, dict[str, Deployment]] = {}
        """Deployments that aren't kept yet, by their application's key and their id."""
        self._unkept: dict[str, float] = {}
        """Since when an application's memory isn't kept, the longest first."""

    def __repr__(self) -> str:
        return f"<Observatory: {len(self._memories)} applications, {len(self._changed)} with news>"

    @property
    def memories(self) -> Mapping[str, Memory]:
        """What is remembered, by key."""
        return self._memories

    def remember(self, memories: Mapping[str, Memory]) -> None:
        """Begin with what was kept."""
        self._memories = dict(memories)
        for key, memory in memories.items():
            self._plan(key, memory)

    def see(self, sighting: Sighting) -> None:
        """Take an application as Argo CD showed it."""
        if sighting.observed is None:
            self._memories = {key: rewind(memory) for key, memory in self._memories.items()}
            return
        key = sighting.observed.document.key
        memory, changed = observe(
            self._memories.get(key, Memory()), sighting.observed, now=sighting.at, live=sighting.live
        )
        self._take(key, memory, changed, sighting.at)

    def abort(self, key: str, at: float, now: float) -> None:
        """Take word that an application's rollout was aborted; from before its last deployment, it isn't about that."""
        memory = self._memories.get(key, Memory())
        if memory.last is not None and at >= (memory.last.started_at or 0.0):
            self._take(key, *abort(memory, at=at), now)

    def pass_time(self, now: float) -> None:
        """Let time pass."""
        for key in self._due.take(now):
            memory, changed = tick(self._memories[key], now=now)
            self._take(key, memory, changed, now)
        # What is due again at once says nothing more.
        self._due.take(now)

    def deadline(self) -> float | None:
        """Return when to ``pass_time`` or to keep memories next."""
        moments = [since + PATIENCE for since in islice(self._unkept.values(), 1)]
        if (at := self._due.next()) is not None:
            moments.append(at)
        return min(moments, default=None)

    def dirty(self, now: float, *, hurry: bool = False) -> Sequence[str]:
        """Return the applications of which something is to be kept now, or with ``hurry`` of which anything isn't."""
        # Where one is due, those that would be soon are kept with it: a burst's are due one after another.
        first = next(iter(self._unkept.values()), now)
        upto = now if hurry else now - PATIENCE + TOGETHER if now - first >= PATIENCE else float("-inf")
        patient = takewhile(lambda since: since[1] <= upto, self._unkept.items())
        return [*self._changed, *(key for key, _ in patient if key not in self._changed)]

    def state_of(self, keys: Iterable[str]) -> tuple[list[Deployment], dict[str, Memory]]:
        """Return what is to be kept of applications."""
        chosen = list(keys)
        deployments = [one for key in chosen for one in self._changed.get(key, {}).values()]
        return deployments, {key: self._memories[key] for key in chosen}

    def kept(self, deployments: Iterable[Deployment], memories: Mapping[str, Memory], now: float) -> None:
        """This was kept; what came in the meantime wasn't."""
        for one in deployments:
            news = self._changed.get(one.key, {})
            if news.get(one.id) is one:
                del news[one.id]
            if not news:
                self._changed.pop(one.key, None)
        for key, memory in memories.items():
            self._unkept.pop(key, None)
            if self._memories[key] is not memory:
                self._unkept[key] = now

    def _take(self, key: str, memory: Memory, changed: Iterable[Deployment], now: float) -> None:
        if memory is not self._memories.get(key):
            self._memories[key] = memory
            self._unkept.setdefault(key, now)
        for one in changed:
            news = self._changed.setdefault(key, {})
            news[one.id] = choose(news.get(one.id), one)
        self._plan(key, memory)

    def _plan(self, key: str, memory: Memory) -> None:
        at = due(memory)
        if at is None:
            self._due.discard(key)
        else:
            self._due.put(key, at)
