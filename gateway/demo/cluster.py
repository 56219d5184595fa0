"""What the demo's Argo CD holds, and who watches it. Told what happens; nothing here waits or speaks HTTP."""

import asyncio
from collections.abc import Iterable
from typing import Any

from gateway.demo.happening import (
    ApplicationHappening,
    CommitHappening,
    Happening,
    ManifestHappening,
    TreeHappening,
)
from gateway.demo.recording import Application, EventType, Manifest, ResourceName, Tree
from gateway.demo.trees import derive_manifest, derive_tree, find_node

WATCH_BUFFER = 1_000
"""Events that a watch may be behind; more are lost without a word (argo-cd server/application/application.go)."""

LONGEST_HISTORY = 1_000
"""Commits that are kept, the newest: those of many a telling."""

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


class TreeWatch:
    """A subscription to an application's tree: each version from now on; None when it is gone."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.trees: asyncio.Queue[Tree | None] = asyncio.Queue(WATCH_BUFFER)

    def offer(self, tree: Tree | None) -> None:
        """Take a tree, if there is room."""
        if not self.trees.full():
            self.trees.put_nowait(tree)


class Cluster:
    """The applications by key, the commits by SHA; ``version`` is that of the newest event of the watch."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}
        self.commits: dict[str, dict[str, Any]] = {}
        self.version = 0
        self._trees: dict[str, Tree] = {}
        self._manifests: dict[str, dict[ResourceName, Manifest]] = {}
        self._watches: set[Watch] = set()
        self._tree_watches: set[TreeWatch] = set()

    def take(self, happening: Happening) -> None:
        """Let something happen, and tell those who watch. What isn't Argo CD's is no concern of ours."""
        match happening:
            case ApplicationHappening():
                self._take_event(happening)
            case TreeHappening(key=key, tree=tree):
                self._trees[key] = tree
                self._tell_tree(key, tree)
            case ManifestHappening():
                self._take_manifest(happening)
            case CommitHappening(sha=sha, metadata=metadata):
                # What was committed before the story is told of again and again, so that it stays among the newest.
                self.commits.pop(sha, None)
                self.commits[sha] = metadata
                if len(self.commits) > LONGEST_HISTORY:
                    del self.commits[next(iter(self.commits))]

    def list_applications(self, projects: frozenset[str]) -> list[Application]:
        """Return the applications of some projects (of all, if none is named), in the order of their keys."""
        return [item for _, item in sorted(self.applications.items()) if _is_among(item, projects)]

    def show_tree(self, key: str) -> Tree:
        """Return the tree of an application that is there: as recorded, or what the application says of it."""
        return self._trees.get(key) or derive_tree(self.applications[key])

    def show_manifest(self, key: str, resource: ResourceName) -> Manifest | None:
        """Return the manifest of a resource of an application that is there; None, if it isn't in its tree."""
        node = find_node(self.show_tree(key), resource)
        if node is None:
            return None
        return self._manifests.get(key, {}).get(resource) or derive_manifest(node)

    def subscribe(self, projects: Iterable[str]) -> Watch:
        """Begin a watch; end it by ``unsubscribe``."""
        watch = Watch(frozenset(projects))
        self._watches.add(watch)
        return watch

    def unsubscribe(self, watch: Watch) -> None:
        """End a watch."""
        self._watches.discard(watch)

    def subscribe_tree(self, key: str) -> TreeWatch:
        """Begin to watch a tree; end it by ``unsubscribe_tree``."""
        watch = TreeWatch(key)
        self._tree_watches.add(watch)
        return watch

    def unsubscribe_tree(self, watch: TreeWatch) -> None:
        """End watching a tree."""
        self._tree_watches.discard(watch)

    def _take_event(self, happening: ApplicationHappening) -> None:
        key, before = happening.key, self.applications.get(happening.key)
        if happening.type == "DELETED":
            del self.applications[key]
            self._trees.pop(key, None)
            self._manifests.pop(key, None)
            self._tell_tree(key, None)
        else:
            self.applications[key] = happening.application
        self.version = int(happening.application["metadata"]["resourceVersion"])
        for watch in self._watches:
            watch.offer((happening.type, happening.application))
        if happening.type == "MODIFIED" and key not in self._trees:
            tree = derive_tree(happening.application)
            if before is None or derive_tree(before) != tree:
                self._tell_tree(key, tree)

    def _take_manifest(self, happening: ManifestHappening) -> None:
        known = self._manifests.setdefault(happening.key, {})
        if happening.manifest is None:
            known.pop(happening.resource, None)
        else:
            known[happening.resource] = happening.manifest

    def _tell_tree(self, key: str, tree: Tree | None) -> None:
        for watch in self._tree_watches:
            if watch.key == key:
                watch.offer(tree)


def _is_among(application: Application, projects: frozenset[str]) -> bool:
    return not projects or application["spec"]["project"] in projects
