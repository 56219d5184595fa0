"""What the shared log answers, and how it fails: its words, whatever it is kept in."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import GatewayError
from gateway.log.lease import Claim
from gateway.log.replica import Numbered, Stored
from gateway.model.application import Observed


class SharedLogError(GatewayError):
    """Redis couldn't be asked, or refused; ``kind`` says in a word why."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class FencedError(SharedLogError):
    """Another replica holds the lease."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        super().__init__("fenced", "another replica holds the lease")


class BrokenEpochError(SharedLogError):
    """What is stored doesn't go on where this replica ended: only another epoch can."""

    def __init__(self) -> None:
        super().__init__("epoch", "what Redis holds doesn't go on from here")


class Place(NamedTuple):
    """Up to where a reader has read: the log's last id, and the last signal's number."""

    offset: int
    step: int
    signal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something that was said beside the log."""

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that is stored; ``life`` is what was last said of upstream, ``late`` seconds ago."""

    stored: Stored | None
    claim: Claim
    place: Place
    life: bytes
    late: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a read brought. ``epoch`` and ``claim`` are as they were when it was asked."""

    epoch: str
    claim: Claim
    place: Place
    entries: tuple[Numbered | Observed, ...]
    """In order: changes, and between them what is newer without one."""
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The lease, and what it is the lease of; without an ``epoch``, what is stored goes on from nothing."""

    claim: Claim
    epoch: str
    top: int


def count_error(counts: Counter[str], error: Exception) -> str:
    """Count an error by its kind, and return that."""
    kind = error.kind if isinstance(error, SharedLogError) else "unreadable"
    if isinstance(error, TimeoutError):
        kind = "timeout"
    counts[f"error_{kind}"] += 1
    return kind
