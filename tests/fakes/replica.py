"""One argocd-server's view of the cluster: its cache of Applications, and the streams that are subscribed to it.

A replica that lags (`pending` events not yet taken in) is an argocd-server whose informer is behind. Nothing here
knows of HTTP; streams are told of events and decide themselves what they send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .applications import Application, key_of, version_of

if TYPE_CHECKING:
    from .stream import Stream

Select = Callable[["Stream"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of one Application. `raw` is a recorded line, sent as it is. A lost event has `announced=False`."""

    type: str
    application: Application
    raw: bytes | None = None
    announced: bool = True
    only_to: Select | None = None
    except_for: Select | None = None

    def reaches(self, stream: Stream) -> bool:
        return (
            self.announced
            and (self.only_to is None or self.only_to(stream))
            and not (self.except_for is not None and self.except_for(stream))
        )


class Replica:
    """A cache of Applications with the version of its last event, and its subscribers."""

    def __init__(self, applications: Mapping[str, Application] | None = None, version: int = 0) -> None:
        self.applications: dict[str, Application] = dict(applications or {})
        self.version = version
        self.subscribers: list[Stream] = []
        self.pending: deque[Event] = deque()
        """What the cluster has changed and this replica has not yet seen; always empty on the fresh one."""
        self.synced = True
        """False while the server starts: it answers as if it knew nothing."""

    def take(self, event: Event) -> None:
        """Take one event into the cache and tell the subscribers, at once."""
        key = key_of(event.application)
        if event.type == "DELETED":
            self.applications.pop(key, None)
        else:
            self.applications[key] = event.application
        self.version = max(self.version, version_of(event.application))
        if self.synced:
            self.announce(event)

    def announce(self, event: Event) -> None:
        for stream in self.subscribers:
            if event.reaches(stream):
                stream.offer(event)

    def catch_up(self, count: int | None = None) -> None:
        """Take in the next `count` events that this replica lags behind, or all of them; its streams see them late."""
        for _ in range(len(self.pending) if count is None else min(count, len(self.pending))):
            self.take(self.pending.popleft())

    def forget(self, applications: Mapping[str, Application], version: int) -> None:
        """Hold another state altogether, announcing nothing."""
        self.applications = dict(applications)
        self.version = version
        self.pending.clear()

    @property
    def visible(self) -> dict[str, Application]:
        return self.applications if self.synced else {}

    def in_order_of_keys(self) -> list[Application]:
        """Return the Applications as a burst sends them: sorted by `namespace/name`."""
        return [application for _, application in sorted(self.visible.items())]
