"""Recordings played through wire, normalise and store into deployments, by the recording's own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache

from gateway.delivery.deployments.deployment import Deployment, choose
from gateway.delivery.deployments.machine import due, observe, tick
from gateway.delivery.deployments.memory import Memory
from gateway.model.application import Observed
from gateway.store.state import Outcome, Store
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawEvent
from gateway.upstream.wire import decode
from tests.fakes import recordings

Shown = tuple[float, bool, Observed]
"""When, whether it was announced just then, and what was shown."""


class Player:
    """Feeds observations as the runner does, and keeps the records as the repository does."""

    def __init__(self) -> None:
        self.memories: dict[str, Memory] = {}
        self.records: dict[str, Deployment] = {}

    def play(self, shown: Iterable[Shown]) -> Player:
        for at, live, observed in shown:
            self.pass_time(at)
            self.show(observed, now=at, live=live)
        return self

    def show(self, observed: Observed, *, now: float, live: bool = True) -> tuple[Deployment, ...]:
        key = observed.document.key
        self.memories[key], changed = observe(self.memories.get(key, Memory()), observed, now=now, live=live)
        self._keep(changed)
        return changed

    def pass_time(self, now: float) -> None:
        for key, memory in self.memories.items():
            at = due(memory)
            if at is not None and at <= now:
                self.memories[key], changed = tick(memory, now=at)
                self._keep(changed)

    def of(self, name: str) -> list[Deployment]:
        """Return an application's records in their order."""
        mine = [record for record in self.records.values() if record.key == f"argocd/{name}"]
        return sorted(mine, key=lambda record: record.started_at or 0.0)

    def deployments(self, since: float = 0.0) -> list[Deployment]:
        """Return what counts and began at some time or later."""
        return [one for one in self.records.values() if one.counts and (one.started_at or 0.0) >= since]

    def _keep(self, changed: Iterable[Deployment]) -> None:
        for record in changed:
            self.records[record.id] = choose(self.records.get(record.id), record)


@cache
def shown_in(name: str) -> tuple[Shown, ...]:
    """Return what the store accepts of a recording, with times of the clock that it was recorded by."""
    lines, times = recordings.lines(name), recordings.times(name)
    began = began_at(name)
    store = Store()
    accepted = []
    for line, seconds in zip(lines, times, strict=True):
        event = decode(line.strip())
        if not isinstance(event, RawEvent):
            continue
        observed = normalise(event.application)
        if event.type == "DELETED":
            store.delete(observed.document.key, observed.version, now=began + seconds)
        elif store.upsert(observed, now=began + seconds, live=True) in (Outcome.CHANGED, Outcome.UNCHANGED):
            live = seconds > 1.0 or observed.document.operation is None
            # What the store holds has service, environment and team, too.
            accepted.append((began + seconds, live, store.held[observed.document.key]))
    return tuple(accepted)


@cache
def began_at(name: str) -> float:
    """Return when a recording began: nothing in it is shown before it happens, by times of whole seconds."""
    times = recordings.times(name)
    moments = []
    for line, seconds in zip(recordings.lines(name), times, strict=True):
        event = recordings.event_in(line)
        reconciled = event["application"].get("status", {}).get("reconciledAt") if event else None
        if reconciled:
            moments.append(datetime.fromisoformat(reconciled).timestamp() - seconds)
    return max(moments)


def without(shown: Iterable[Shown], dropped: Callable[[int], bool]) -> list[Shown]:
    return [one for place, one in enumerate(shown) if not dropped(place)]
