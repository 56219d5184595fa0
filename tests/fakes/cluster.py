"""The state behind the fake Argo CD: the Applications of a cluster, their changes, and the caches that show them.

Knows which change is announced to whom, and which replica answers. Nothing here knows of HTTP or of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from .applications import Application, key_of, uid_of
from .replica import Event, Replica, Select

Route = str | Replica | Callable[[web.Request], str | Replica]


class Cluster:
    """Applications under one version counter, a fresh replica of them, and any number that lag."""

    def __init__(self) -> None:
        self.fresh = Replica()
        self._lagging: list[Replica] = []
        self._routes: dict[str, Route] = {"list": "fresh", "watch": "fresh"}
        self._lives: dict[str, int] = {}

    @property
    def applications(self) -> Mapping[str, Application]:
        return self.fresh.applications

    @property
    def version_counter(self) -> int:
        return self.fresh.version

    def put(
        self,
        application: Application,
        *,
        keep_version: bool = False,
        announce: bool = True,
        only_to: Select | None = None,
        except_for: Select | None = None,
    ) -> Application:
        """Create or change an application, with the next resourceVersion and, when recreated, with a new uid."""
        put: Application = orjson.loads(orjson.dumps(application))
        key = key_of(put)
        if not keep_version:
            put["metadata"]["resourceVersion"] = str(self.fresh.version + 1)
            if self._lives.get(key) and put["metadata"].get("uid") == uid_of(key):
                put["metadata"]["uid"] = uid_of(key, self._lives[key] + 1)
        kind = "MODIFIED" if key in self.applications else "ADDED"
        self.happen(Event(type=kind, application=put, announced=announce, only_to=only_to, except_for=except_for))
        return put

    def delete(
        self, key: str, *, announce: bool = True, only_to: Select | None = None, except_for: Select | None = None
    ) -> Application:
        """Delete an application; the event carries its last object with a new resourceVersion."""
        last = self.applications[key]
        gone = {**last, "metadata": {**last["metadata"], "resourceVersion": str(self.fresh.version + 1)}}
        self._lives[key] = self._lives.get(key, 0) + 1
        self.happen(Event(type="DELETED", application=gone, announced=announce, only_to=only_to, except_for=except_for))
        return gone

    def replay(self, event: Mapping[str, Any]) -> None:
        """Let a recorded event happen, with its own resourceVersion: `{"type", "application"}`."""
        self.happen(Event(type=event["type"], application=event["application"]))

    def load(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Let recorded events happen, all at once."""
        for event in events:
            self.replay(event)

    def happen(self, event: Event) -> None:
        """Let a change happen to the cluster: at once for the fresh replica, later for those that lag."""
        for replica in self._lagging:
            replica.pending.append(event)
        self.fresh.take(event)

    def go_back(self, applications: Iterable[Application], version: int) -> None:
        """Hold another state and version from now on, announcing nothing, and forget the replicas that lag."""
        self._lagging.clear()
        self.fresh.forget({key_of(item): item for item in applications}, version)

    def snapshot(self) -> Replica:
        """Add a replica that stays behind from now on: see `route` and `Replica.catch_up`."""
        replica = Replica(self.fresh.applications, self.fresh.version)
        self._lagging.append(replica)
        return replica

    def route(self, *, list: Route = "fresh", watch: Route = "fresh") -> None:  # noqa: A002
        """Say which replica answers from now on: "fresh", "lagging" (the last snapshot), one of them, or a callable.

        A callable is given each request and returns one of these.
        """
        self._routes = {"list": list, "watch": watch}

    def replica_for(self, purpose: str, request: web.Request) -> Replica:
        chosen = self._routes[purpose]
        if callable(chosen):
            chosen = chosen(request)
        if isinstance(chosen, Replica):
            return chosen
        return self._lagging[-1] if chosen == "lagging" and self._lagging else self.fresh
