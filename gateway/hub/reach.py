"""Which views a change can reach, without asking each of them.

What a selection asks of a document is mostly what seldom changes of it: its name, project, namespace, labels. Which
views cover a document by these is found out once, and known until they change. So a tick costs what the views cost that
its changes reach, however many others there are.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.hub.view import View

MOST_KNOWN = 2_000_000
"""Pairs of a document and a view that are remembered: 16 MB. Beyond that all are found out anew."""


class Reach:
    """The views of one feed. ``traits`` returns what seldom changes of a document, beside its key."""

    def __init__(self, traits: Callable[[Any], object]) -> None:
        self._traits = traits
        self._everywhere: dict[View, None] = {}
        """Views whose selections say nothing of where a document belongs."""
        self._views: dict[View, None] = {}
        """The others, in the order in which they came."""
        self._asked: list[View] = []
        """The same, but with those that have gone since the list was made."""
        self._known: dict[str, _Known] = {}
        self._pairs = 0

    def __repr__(self) -> str:
        return f"<Reach of {len(self._views)} views, {len(self._everywhere)} everywhere; {len(self._known)} known>"

    def add(self, view: View) -> None:
        """A view came."""
        if view.covers is None:
            self._everywhere[view] = None
        else:
            self._views[view] = None
            self._asked.append(view)

    def discard(self, view: View) -> None:
        """A view went."""
        self._everywhere.pop(view, None)
        if self._views.pop(view, self) is None and len(self._asked) > 2 * len(self._views):
            self._forget()

    def touched(self, changes: Sequence[Any]) -> Iterable[tuple[View, Sequence[Any]]]:
        """Return the views that net changes may mean something to, each with those that may."""
        found: dict[View, list[Any]] = {}
        if self._views:
            for change in changes:
                for view in self._of(change):
                    found.setdefault(view, []).append(change)
        return [*((view, changes) for view in self._everywhere), *found.items()]

    def covering(self, key: str, document: Any) -> Iterable[View]:
        """Return the views that may show a document."""
        return [*self._everywhere, *self._look_up(key, document)]

    def _of(self, change: Any) -> Iterable[View]:
        before, after = change.before, change.after
        if after is None:
            reached = () if before is None else self._look_up(change.key, before)
            self._drop(change.key)
            return reached
        if before is None or self._traits(before) == self._traits(after):
            return self._look_up(change.key, after)
        # It moved: from some views into others.
        return dict.fromkeys((*self._look_up(change.key, before), *self._look_up(change.key, after)))

    def _look_up(self, key: str, document: Any) -> Sequence[View]:
        """Return the views that cover a document, asking only those that came since it was looked up last."""
        traits, upto = self._traits(document), len(self._asked)
        known = self._known.get(key)
        if known is None or known.traits != traits:
            self._drop(key)
            known = self._known[key] = _Known(traits)
        if known.upto < upto:
            newcomers = [view for view in self._asked[known.upto :] if view.covers is None or view.covers(document)]
            known.views += newcomers
            known.upto = upto
            self._pairs += len(newcomers)
            if self._pairs > MOST_KNOWN:
                self._forget()
        return known.views

    def _drop(self, key: str) -> None:
        if (known := self._known.pop(key, None)) is not None:
            self._pairs -= len(known.views)

    def _forget(self) -> None:
        """Begin anew, with the views that there are."""
        self._asked = list(self._views)
        self._known.clear()
        self._pairs = 0


class _Known:
    """What is known of a document: the views that cover it, among the first ``upto`` that were asked."""

    __slots__ = ("traits", "upto", "views")

    def __init__(self, traits: object) -> None:
        self.traits = traits
        self.views: list[View] = []
        self.upto = 0
