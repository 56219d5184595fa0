"""One application that somebody looks at: what of it is known, what to ask for next, and the document that it makes.

A state machine without a clock: time comes as an argument, requests go out as commands.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

from gateway.detail import messages as m
from gateway.detail.explanation import LONG, explain
from gateway.detail.links import link
from gateway.detail.log import Document
from gateway.detail.part import Part
from gateway.detail.revisions import Revisions, Wish, list_wishes, show_revisions, tell_revisions
from gateway.detail.rollouts import Rollouts
from gateway.model.application import Observed, in_full
from gateway.upstream.backoff import Backoff
from gateway.upstream.inspector import Target
from gateway.upstream.manifest import Manifest
from gateway.upstream.parts import Inventory, LineError, Tree, decode_tree_line, to_wire, tree_to_wire

TREE_DELAY = 1.0
"""Seconds from opening a tree's stream to asking for the tree: by then the stream is subscribed, and nothing is lost
between the two."""

TREE_INTERVAL = 0.5
"""Seconds between two trees at least: of many that come, only the last is decoded and shown."""

TREE_ROTATION = 300.0
"""Seconds after which a tree's stream is opened anew: it has no keep-alives before its first tree, and a token ages."""

INVENTORY_INTERVAL = 1.0
"""Seconds between two requests for the resources at least."""

_REOPEN = (1.0, 30.0)


class Inspection:
    """The state of one watched application. ``numbers`` numbers streams and requests; ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, key: str, *, numbers: "count[int]", jitter: Callable[[], float]) -> None:
        self.key = key
        self.observed: Observed | None = None
        """What the store holds; None while there is no such application."""
        self.tree: Tree | None = None
        self.inventory: Inventory | None = None
        self.contributed: dict[str, Any] = {}
        """Fields that other parts of the gateway add to the document, by name."""
        self.stream: int | None = None
        """The number of the tree's open stream."""
        self.dirty = False
        """Whether the document may be another than when it was last made."""
        self.due: float | None = None
        """When to ``step``, if nothing happens before; None while nothing is planned."""
        self.wishes: list[Wish] = []
        """The revisions that are shown, the most important first."""
        self._progressing_at: float | None = None
        """When what is progressing will have been so for long; None where it has, or isn't."""
        self._looked_at = True
        self._numbers = numbers
        self._jitter = jitter
        self._begin_anew()

    def __repr__(self) -> str:
        return f"<Inspection {self.key}: tree {self._tree_part.show()}, resources {self._inventory_part.show()}>"

    def _begin_anew(self) -> None:
        self.tree = self.inventory = None
        self._tree_wire: Any = None
        self._stream_reason = ""
        self._tree_part, self._inventory_part = Part(jitter=self._jitter), Part(jitter=self._jitter)
        self._reopen_at: float | None = None
        self._reopening = Backoff(first=_REOPEN[0], ceiling=_REOPEN[1])
        self._rotate_at = 0.0
        self._line: bytes | None = None
        self._line_since_asked = False
        self._tree_at = float("-inf")
        self._inventory_at = float("-inf")
        self.rollouts = Rollouts(numbers=self._numbers, jitter=self._jitter)

    # What it is about.

    @property
    def target(self) -> Target | None:
        """The application, as Argo CD is asked for it."""
        if self.observed is None:
            return None
        document = self.observed.document
        return Target(name=document.name, namespace=document.namespace, project=document.project)

    def see(self, observed: Observed | None, now: float) -> Iterator[m.Command]:
        """Take what the store holds now."""
        before, target = self.observed, self.target
        if observed is before:
            return
        self.observed, self.dirty = observed, True
        self.wishes = list_wishes(observed, self.target)
        if observed is None or before is None or before.uid != observed.uid or target != self.target:
            # Another life of the application: nothing that is known of the last one holds.
            yield from self.close()
            self._begin_anew()
            if observed is not None:
                self._reopen_at = now
                self._inventory_part.want(now)
        elif before.version != observed.version:
            self._inventory_part.want(max(now, self._inventory_at + INVENTORY_INTERVAL))

    def rest(self) -> None:
        """Nobody looks for the moment: only what comes by itself is taken."""
        self._looked_at = False
        self.plan()

    def resume(self, now: float) -> None:
        """Somebody looks."""
        if not self._looked_at:
            self._looked_at, self.due = True, now

    def close(self) -> Iterator[m.Command]:
        """Let go of the tree's stream."""
        if self.stream is not None:
            yield m.CloseTree(stream=self.stream)
            self.stream = None

    # What comes.

    def take_line(self, line: bytes) -> bool:
        """Keep a line of the tree's stream, a whole tree, until there is time for it; return whether none was kept."""
        first, self._line, self._line_since_asked = self._line is None, line, True
        return first

    def lose_stream(self, reason: str, now: float) -> Iterator[m.Command]:
        """The tree's stream ended: open it again later, and ask for what was missed.

        Whether the tree can be told is up to the request that follows.
        """
        self.stream = None
        self._reopen_at = now + self._reopening.draw() * (0.5 + 0.5 * self._jitter())
        if reason not in ("ended", self._stream_reason):
            yield self._note("stream", reason)
        self._stream_reason = reason

    def owns(self, request: int) -> bool:
        """Whether a request is one of this application's parts."""
        own = (self._tree_part.request, self._inventory_part.request)
        return request in own or self.rollouts.owns(request)

    def fetched(self, report: m.Fetched, now: float) -> None:
        """Take an answer."""
        self.dirty = True
        if isinstance(report.answer, Tree):
            self._tree_part.succeed()
            if not self._line_since_asked:
                # A tree of the stream is never older than one that was asked for before it came.
                self._set_tree(report.answer, now)
        elif isinstance(report.answer, Inventory):
            self._inventory_part.succeed()
            self.inventory = report.answer
        elif isinstance(report.answer, Manifest):
            self.rollouts.take(report.request, report.answer, now)

    def failed(self, report: m.FetchFailed, now: float) -> Iterator[m.Command]:
        """A request failed."""
        if report.request == self._tree_part.request:
            yield from self._fail(self._tree_part, "tree", report.reason, now)
        elif self.rollouts.owns(report.request):
            if self.rollouts.fail(report.request, report.reason, now):
                self.dirty = True
                yield self._note("rollouts", report.reason)
        else:
            yield from self._fail(self._inventory_part, "resources", report.reason, now)

    def _fail(self, part: Part, name: str, reason: str, now: float) -> Iterator[m.Command]:
        if part.fail(reason, now):
            self.dirty = True
            yield self._note(name, reason)

    def _note(self, part: str, reason: str) -> m.PartFailed:
        return m.PartFailed(key=self.key, part=part, reason=reason)

    def _set_tree(self, tree: Tree, now: float) -> None:
        self.tree, self._tree_at, self.dirty = tree, now, True
        # Made once: whoever compares documents then sees at a glance that the tree is the same.
        self._tree_wire = tree_to_wire(tree)
        self.rollouts.see(tree.rollouts, now)

    # What to do.

    def step(self, now: float) -> Iterator[m.Command]:
        """Do what is due."""
        if (target := self.target) is None:
            return
        if self._line is not None and now >= self._tree_at + TREE_INTERVAL:
            yield from self._take_tree(now)
        if self.stream is not None and now >= self._rotate_at:
            yield from self.close()
            self._reopen_at = now
        if self._reopen_at is not None and now >= self._reopen_at:
            self.stream = next(self._numbers)
            self._reopen_at, self._rotate_at = None, now + TREE_ROTATION * (0.8 + 0.4 * self._jitter())
            yield m.OpenTree(stream=self.stream, target=target)
            self._tree_part.want(now + TREE_DELAY)
        if self._tree_part.asks(now):
            request = next(self._numbers)
            self._tree_part.begin(request)
            self._line_since_asked = False
            yield m.FetchTree(request=request, target=target)
        if self._inventory_part.asks(now):
            request = next(self._numbers)
            self._inventory_part.begin(request)
            self._inventory_at = now
            yield m.FetchInventory(request=request, target=target)
        if self._looked_at:
            yield from self.rollouts.step(target, now)
        yield from self.rollouts.tell_ends(self.key)
        if self._progressing_at is not None and now >= self._progressing_at:
            self.dirty = True

    def plan(self) -> None:
        """Note when to ``step`` next."""
        self.due = self._deadline()

    def _take_tree(self, now: float) -> Iterator[m.Command]:
        assert self._line is not None
        line, self._line, self._tree_at = self._line, None, now
        try:
            self._set_tree(decode_tree_line(line), now)
        except LineError:
            # An error, behind which the stream ends; or nothing that can be read. A request tells more.
            yield self._note("stream", "answered-badly")
            self._tree_part.want(now + TREE_DELAY)
            return
        self._stream_reason = ""
        self._reopening.reset()
        self._tree_part.confirm()

    def _deadline(self) -> float | None:
        if self.observed is None:
            return None
        tree, inventory = self._tree_part, self._inventory_part
        times = [
            self._tree_at + TREE_INTERVAL if self._line is not None else None,
            self._rotate_at if self.stream is not None else None,
            self._reopen_at,
            tree.due if tree.request is None else None,
            inventory.due if inventory.request is None else None,
            self.rollouts.due if self._looked_at else None,
            self._progressing_at,
        ]
        return min((at for at in times if at is not None), default=None)

    # What it makes.

    def make_document(self, revisions: Revisions, *, public_url: str | None, now: float) -> Document | None:
        """Return the document as of now; None while there is no such application."""
        self.dirty = False
        if (observed := self.observed) is None:
            self._progressing_at = None
            return None
        document = in_full(observed.document, observed.detail)
        if known := tell_revisions(self.wishes, revisions):
            document["revisions"] = known
        if self.inventory is not None:
            document["resources"] = to_wire(self.inventory.resources)
            if self.inventory.applied is not None:
                document["operationResult"] = {"resources": to_wire(self.inventory.applied)}
        if self.tree is not None:
            document["tree"] = self._tree_wire
        document["explanations"] = explain(observed, self.inventory, progressing_long=self._progresses_long(now))
        document["links"] = link(observed.document, observed.detail.history, public_url=public_url)
        document["parts"] = {
            "tree": self._tree_part.show(),
            "resources": self._inventory_part.show(),
            "revisions": show_revisions(self.wishes, revisions),
        }
        if (part := self.rollouts.show_part()) is not None:
            document["parts"]["rollouts"] = part
        if (rollouts := self.rollouts.show()) is not None:
            document["rollouts"] = rollouts
        return document | self.contributed

    def _progresses_long(self, now: float) -> bool:
        """Whether it has been progressing for long; note when it will have been."""
        self._progressing_at = None
        health = self.observed.document.health if self.observed is not None else None
        if health is None or health.status != "Progressing" or health.since is None:
            return False
        try:
            long_at = datetime.fromisoformat(health.since).timestamp() + LONG
        except (ValueError, OverflowError):
            return False
        if now < long_at:
            self._progressing_at = long_at
        return now >= long_at
