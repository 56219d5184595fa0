"""The views that there are: made for the first who wants one, bounded in number, those that nobody uses make room."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.errors import GatewayError
from gateway.hub.feed import Feed, Selection
from gateway.hub.limits import Limits
from gateway.hub.reach import Reach
from gateway.hub.view import View

VIEW_LINGER = 60.0
"""Seconds for which an unused view is kept, with its snapshot."""


class OverloadedError(GatewayError):
    """There is no room for another subscriber, another view, or another application to look at."""


class Views(dict[str, View]):
    """Views, by the text of their selections, as far as ``limits`` allow."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limit = limits.max_views
        self._slice = limits.slice_bytes
        self.lagging: dict[View, None] = {}
        """Those in which anybody may be behind."""
        self._reaches: dict[Feed, Reach] = {}

    def has_room_for(self, selection: Selection) -> bool:
        """Whether there is a view of this selection, or may be one more."""
        return selection.canonical in self or len(self) < self._limit or any(view.idle for view in self.values())

    def find(self, selection: Selection, feed: Feed, now: float) -> View:
        """Return the view of a selection, a new one if need be. Raises OverloadedError."""
        if (view := self.get(selection.canonical)) is None:
            if not self.has_room_for(selection):
                raise OverloadedError("views")
            if len(self) >= self._limit:
                idle = min((view for view in self.values() if view.idle), key=lambda view: view.used_at)
                self._drop(idle)
            view = self[selection.canonical] = View(
                selection, feed, now=now, lagging=self.lagging, slice_bytes=self._slice
            )
            self._reach(feed).add(view)
        view.used_at = now
        return view

    def of(self, feed: Feed) -> list[View]:
        """Return the views of one feed."""
        return [view for view in self.values() if view.feed is feed]

    def seeing(self, feed: Feed, key: str) -> list[View]:
        """Return the views of a feed that see one of its documents, as of the last tick."""
        document = feed.documents.get(key)
        views = () if document is None else self._reach(feed).covering(key, document)
        return [view for view in views if view.sees(document)]

    def touched(self, feed: Feed, changes: Sequence[Any]) -> Iterable[tuple[View, Sequence[Any]]]:
        """Return the views that a feed's net changes may mean something to, each with those that may."""
        return self._reach(feed).touched(changes)

    def is_any_behind(self) -> bool:
        """Whether there is anybody who is behind."""
        while self.lagging:
            view = next(iter(self.lagging))
            if view.behind:
                return True
            del self.lagging[view]
        return False

    def expire(self, now: float) -> None:
        """Drop those that nobody has used for a while."""
        for view in list(self.values()):
            if view.idle and now - view.used_at >= VIEW_LINGER:
                self._drop(view)

    def _drop(self, view: View) -> None:
        del self[view.selection.canonical]
        self._reach(view.feed).discard(view)

    def _reach(self, feed: Feed) -> Reach:
        if (reach := self._reaches.get(feed)) is None:
            reach = self._reaches[feed] = Reach(feed.wording.traits)
        return reach
