"""What the demo's Argo CD holds, and who watches it. Told what happens; nothing here waits or speaks HTTP."""

import asyncio
from collections.abc import Iterable

from gateway.demo.recording import Application, EventType
from gateway.demo.timetable import Happening

WATCH_BUFFER = 1_000
"""Events that a watch may be behind; more are lost without a word (argo-cd server/application/application.go)."""

Event = tuple[EventType, Application]


class Watch:
    """A subscription: the events of some projects' applications (of all, if none is named) from now on."""

    def __init__(self, projects: frozenset[str]) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(WATCH_BUFFER)
        self._projects = projects

    def offer(self, event: Event) -> None:
        """Take an event if it is one of ours, and if there is room."""
        if _is_among(event[1], self._projects) and not self.events.full():
            self.events.put_nowait(event)


class Cluster:
    """The applications by key; ``version`` is that of the newest event."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}
        self.version = 0
        self._watches: set[Watch] = set()

    def take(self, happening: Happening) -> None:
        """Let something happen, and tell those who watch."""
        if happening.type == "DELETED":
            del self.applications[happening.key]
        else:
            self.applications[happening.key] = happening.application
        self.version = int(happening.application["metadata"]["resourceVersion"])
        for watch in self._watches:
            watch.offer((happening.type, happening.application))

    def list_applications(self, projects: frozenset[str]) -> list[Application]:
        """Return the applications of some projects (of all, if none is named), in the order of their keys."""
        return [item for _, item in sorted(self.applications.items()) if _is_among(item, projects)]

    def subscribe(self, projects: Iterable[str]) -> Watch:
        """Begin a watch; end it by ``unsubscribe``."""
        watch = Watch(frozenset(projects))
        self._watches.add(watch)
        return watch

    def unsubscribe(self, watch: Watch) -> None:
        """End a watch."""
        self._watches.discard(watch)


def _is_among(application: Application, projects: frozenset[str]) -> bool:
    return not projects or application["spec"]["project"] in projects
