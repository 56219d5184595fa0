"""One content: the ADDED burst of a watch, until it is complete. Argo CD marks no end, so completeness is found."""

from collections.abc import Iterable

from gateway.store.state import Outcome
from gateway.upstream.existence import NameList

QUIET = 5.0
"""Seconds in which the burst brings nothing, after which a content that lacks listed names asks for them again."""

PATIENCE = 30.0
"""Seconds in which the burst brings nothing, after which a content that still lacks names is given up."""

FIRST_PATIENCE = 180.0
"""The same before the first event: checking permissions takes a large Argo CD minutes (argo-cd issue 17128)."""


class RestoreCheck:
    """Finds out that versions went back: etcd was restored from a backup.

    Once, a content that is mostly older than what we hold may come from a replica that lags. Twice, ``interval``
    seconds apart, it is a backup brought back.
    """

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._older_at: float | None = None

    def restored(self, content: "Content", now: float) -> bool:
        """Take a complete content; return whether versions are to be forgotten."""
        first, self._older_at = self._older_at, None
        if not content.mostly_older:
            return False
        if first is not None and now - first >= 0.75 * self._interval:
            return True
        self._older_at = now if first is None else first
        return False


class Content:
    """What a watch has shown since it was opened, and what other streams announced since then.

    ``reconciling`` says that another stream was live when this one was opened: what only this one brings was missed.
    """

    def __init__(self, *, stream: int, opened_at: float, reconciling: bool) -> None:
        self.stream = stream
        self.opened_at = opened_at
        self.quiet_since = opened_at
        """When the burst last brought something. Other events don't count: where many happen, they never pause."""
        self.names: NameList | None = None
        self.lacking: set[str] = set()
        """The listed names that nothing accounts for yet."""
        self.put_aside = 0
        """Lines that couldn't be read, nor told which application they were about."""
        self._reconciling = reconciling
        self._names_wanted_at = opened_at
        self._recheck = QUIET
        self._covered: set[str] = set()
        self._brought = 0
        self._older = 0
        self._found: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Content of stream {self.stream}: {len(self._covered)} accounted for, {len(self.lacking)} lacking>"

    @property
    def complete(self) -> bool:
        """Whether every listed name is accounted for."""
        return self.names is not None and not self.lacking

    @property
    def mostly_older(self) -> bool:
        """Whether most of what was brought is older than what we held."""
        return self._older * 2 > self._brought

    @property
    def missed(self) -> list[str]:
        """The applications whose change only the content brought."""
        return sorted(self._found)

    def brought(self, key: str, version: int, outcome: Outcome, *, now: float) -> None:
        """The content itself showed an application."""
        self.accounted(key)
        self.quiet_since = now
        self._brought += 1
        if outcome in (Outcome.OLD, Outcome.BURIED):
            self._older += 1
        elif outcome is Outcome.CHANGED and self._reconciling:
            self._found[key] = version

    def accounted(self, key: str) -> None:
        """Something accounts for an application: the burst, a deletion, another stream, or an event put aside."""
        self._covered.add(key)
        self.lacking.discard(key)

    def announced(self, key: str, version: int) -> None:
        """Another stream announced this after all: the content was only quicker."""
        if self._found.get(key, version + 1) <= version:
            del self._found[key]

    def listed(self, names: NameList, *, buried: Iterable[str]) -> None:
        """Take a list; ``buried`` are the keys whose deletion we saw. If names lack, the next is asked for later."""
        self.names = names
        self.lacking = names.names.keys() - self._covered - set(buried)
        self._names_wanted_at = names.answered_at + self._recheck
        self._recheck *= 2

    def not_listed(self, retry_at: float) -> None:
        """The list couldn't be had."""
        self._names_wanted_at = retry_at

    def names_due(self, *, patiently: bool) -> float:
        """Return when to ask for the names; ``patiently``: not before the burst seems over."""
        if self.names is None and not patiently:
            return self._names_wanted_at
        return max(self._names_wanted_at, self.quiet_since + QUIET)

    def given_up_at(self) -> float | None:
        """Return when to give this content up, should the burst bring no more of what it lacks."""
        patience = PATIENCE if self._brought else FIRST_PATIENCE
        return self.quiet_since + patience if self.lacking else None
