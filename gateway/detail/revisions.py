"""Who wrote which revision: remembered for all applications alike, asked for a few at a time.

A commit never changes, so what is known stays known; what can't be told is asked again after a while.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.detail.links import find_repository, is_sha
from gateway.model.application import Observed
from gateway.upstream.inspector import Revision, Target
from gateway.upstream.parts import Commit, to_wire

AT_ONCE = 4
"""Requests under way at the same time: each may have Argo CD's repo-server fetch a repository."""

CAPACITY = 5_000
"""Revisions that are remembered; those that nobody looked at longest are forgotten."""

_WISHES = 40
"""Revisions of one application at most: its history has ten deployments, of one revision for each source."""

FAILURE_MEMORY = 60.0
"""Seconds for which a revision that can't be told isn't asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A revision that somebody looks at: of which repository, and how to ask Argo CD for it."""

    repository: str
    target: Target
    revision: Revision

    @property
    def identity(self) -> tuple[str, str]:
        """What two wishes for the same commit have in common."""
        return self.repository, self.revision.sha


class Revisions:
    """The cache, and the queue before it."""

    def __init__(self, *, at_once: int = AT_ONCE, capacity: int = CAPACITY) -> None:
        self._at_once = at_once
        self._capacity = capacity
        self._known: OrderedDict[tuple[str, str], Commit] = OrderedDict()
        self._failed: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._asked: dict[int, Wish] = {}

    def __repr__(self) -> str:
        return f"<Revisions: {len(self._known)} known, {len(self._failed)} failed, {len(self._asked)} under way>"

    def get(self, wish: Wish) -> Commit | None:
        """Return what is known of a revision."""
        if (commit := self._known.get(wish.identity)) is not None:
            self._known.move_to_end(wish.identity)
        return commit

    def failure(self, wish: Wish) -> str | None:
        """Return why a revision couldn't be told; None if that wasn't asked, or is asked again."""
        reason, _ = self._failed.get(wish.identity, (None, 0.0))
        return reason

    def choose(self, wishes: Iterable[Wish], now: float) -> list[Wish]:
        """Return the wishes to ask for now, as many as may be under way; ``begin`` each."""
        under_way = {wish.identity for wish in self._asked.values()}
        chosen: list[Wish] = []
        for wish in wishes:
            if len(under_way) >= self._at_once:
                break
            identity = wish.identity
            _, until = self._failed.get(identity, ("", 0.0))
            if identity not in under_way and identity not in self._known and until <= now:
                under_way.add(identity)
                chosen.append(wish)
        return chosen

    def begin(self, request: int, wish: Wish) -> None:
        """A request is under way."""
        self._asked[request] = wish

    def deadline(self, wishes: Iterable[Wish], now: float) -> float | None:
        """Return when one of these that failed may be asked for again; None if none waits for that."""
        waiting = [self._failed[wish.identity][1] for wish in wishes if wish.identity in self._failed]
        return min((until for until in waiting if until > now), default=None)

    def succeed(self, request: int, commit: Commit) -> Wish | None:
        """Remember an answer; return what was asked, None if nothing was."""
        if (wish := self._asked.pop(request, None)) is not None:
            self._failed.pop(wish.identity, None)
            self._known[wish.identity] = commit
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return wish

    def fail(self, request: int, reason: str, now: float) -> Wish | None:
        """Remember that a request failed; return what was asked, None if nothing was."""
        if (wish := self._asked.pop(request, None)) is not None:
            self._failed[wish.identity] = (reason, now + FAILURE_MEMORY)
            self._failed.move_to_end(wish.identity)
            while len(self._failed) > self._capacity:
                self._failed.popitem(last=False)
        return wish


def list_wishes(observed: Observed | None, target: Target | None) -> list[Wish]:
    """Return the revisions that the detail of an application shows, the most important first."""
    if observed is None or target is None:
        return []
    document = observed.document
    shown: list[tuple[tuple[str, ...], int | None]] = []
    if document.sync is not None:
        shown.append((document.sync.revisions, None))
    shown += [(entry.revisions, entry.id) for entry in reversed(observed.detail.history)]
    if document.operation is not None:
        shown.append((document.operation.revisions, None))
    wishes: dict[tuple[str, str], Wish] = {}
    for revisions, version in shown:
        for index, sha in enumerate(revisions):
            if is_sha(sha):
                repository = document.sources[index].repo_url if index < len(document.sources) else target.key
                revision = Revision(sha=sha, source=index, version=version)
                wish = Wish(repository=repository, target=target, revision=revision)
                wishes.setdefault(wish.identity, wish)
    return list(wishes.values())[:_WISHES]


def tell_revisions(wishes: list[Wish], revisions: Revisions) -> Mapping[str, Any]:
    """Return what is known of some revisions, by SHA, in wire form."""
    told: dict[str, Any] = {}
    for wish in wishes:
        if (commit := revisions.get(wish)) is not None:
            told[wish.revision.sha] = to_wire(commit)
            if (repository := find_repository(wish.repository)) is not None:
                told[wish.revision.sha]["url"] = repository.commit(wish.revision.sha)
    return told


def show_revisions(wishes: list[Wish], revisions: Revisions) -> dict[str, str]:
    """Return how complete that is, in wire form."""
    unknown = [wish for wish in wishes if revisions.get(wish) is None]
    failures = [reason for wish in unknown if (reason := revisions.failure(wish)) is not None]
    if failures and len(failures) == len(unknown):
        return {"state": "failed", "reason": failures[0]}
    return {"state": "loading" if unknown else "ready"}
