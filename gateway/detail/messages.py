"""What the desk and its shell say to each other: requests out, what came of them in."""

from dataclasses import dataclass

from gateway.upstream.family import Member
from gateway.upstream.inspector import Revision, Target
from gateway.upstream.manifest import Manifest
from gateway.upstream.parts import Commit, Inventory, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTree:
    """Hold the stream of an application's tree."""

    stream: int
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTree:
    """Close a tree's stream; nothing is said of it any more."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTree:
    """Ask for the tree."""

    request: int
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchInventory:
    """Ask for the application's resources and its last sync's result."""

    request: int
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchCommit:
    """Ask who wrote a revision."""

    request: int
    target: Target
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchManifest:
    """Ask for the manifest of a resource in the tree."""

    request: int
    target: Target
    resource: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFailed:
    """For the log: a part of an application's detail couldn't be got, for a reason that is news."""

    key: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEnded:
    """For whoever wants to know: a rollout was ``promoted`` or ``aborted``; ``at`` is the time of an abort."""

    key: str
    namespace: str
    name: str
    outcome: str
    at: float | None
    reason: str | None


Fetch = FetchTree | FetchInventory | FetchCommit | FetchManifest

Command = OpenTree | CloseTree | Fetch | PartFailed | RolloutEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRead:
    """A line of a tree's stream, not decoded yet: most are overtaken by the next one."""

    stream: int
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEnded:
    """A tree's stream ended, or couldn't be opened."""

    stream: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was asked for."""

    request: int
    answer: Tree | Inventory | Commit | Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """A request failed, for a reason in one word."""

    request: int
    reason: str


Report = TreeRead | TreeEnded | Fetched | FetchFailed
