"""What can happen in the demo's Argo CD, and what a kind of happenings promises the timetable. Pure.

A new kind of happenings is a subclass of ``Happening``, and a ``Strand`` that says which of them come when. The
timetable takes strands, the player takes who hears of what happens; neither knows what a strand's happenings are about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from gateway.demo.recording import Application, EventType, Manifest, ResourceName, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happens today. ``at`` is in Unix seconds; no time within it is later."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationHappening(Happening):
    """An event of the watch."""

    type: EventType
    key: str
    application: Application


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHappening(Happening):
    """An application's resource tree is another now."""

    key: str
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestHappening(Happening):
    """A resource of an application has another manifest now; none, if it isn't known any more."""

    key: str
    resource: ResourceName
    manifest: Manifest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitHappening(Happening):
    """The manifest repository has a commit. ``metadata`` is what Argo CD says about it, but for its signature."""

    sha: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryHappening(Happening):
    """Somebody sends a webhook. ``headers`` are without what proves who it is; ``id`` is another for each."""

    sender: str
    id: str
    headers: dict[str, str]
    body: bytes


class Today(Protocol):
    """The recording's clock, as it is put on today's, and its names, as they are in this telling."""

    @property
    def telling(self) -> int:
        """Which telling of the story this is, or is about to begin; 1 for the first."""

    @property
    def opened_at(self) -> float:
        """When the demo began, in Unix seconds: what sets its made-up identities apart from another run's."""

    def date(self, recorded: float, *, at: float, key: str | None = None) -> float:
        """Return what a recorded time is today, in something that happens ``at``, to an application if one is named."""

    def date_again(self, recorded: float, *, at: float) -> float:
        """Return the same for what is made again in each telling, also if it was made before the story."""

    def is_repeated(self, sha: str) -> bool:
        """Return whether a commit, as it was recorded, is made again in each telling."""

    def rename(self, text: bytes) -> bytes:
        """Return a text with its commits, and the tags made of them, named as they are in this telling."""

    def next_version(self) -> str:
        """Return a resourceVersion that is above all before it."""


class Strand(Protocol):
    """Happenings beside those of the watch, on the same clock.

    ``times`` are the moments of that day, in order, later than the recording's beginning, at which something happens;
    ``happen`` says what, by the moment's number. ``restore`` says what is so before the story: when the demo opens,
    and again after each telling, then of what differs only. ``bring_back`` does that for one application, at the
    moment at which it is brought back itself. ``prepare`` comes before all that: it says what applications build on.
    """

    @property
    def times(self) -> Sequence[float]:
        """The moments of the story, in Unix seconds of that day."""

    def happen(self, number: int, today: Today, at: float) -> Iterable[Happening]:
        """Say what happens at a moment of the story."""

    def prepare(self, today: Today, at: float) -> Iterable[Happening]:
        """Say what was before the applications became what they are before the story."""

    def restore(self, today: Today, at: float) -> Iterable[Happening]:
        """Say what is so before the story."""

    def bring_back(self, key: str, today: Today, at: float) -> Iterable[Happening]:
        """Say what comes back with an application."""


Strands: TypeAlias = Sequence[Strand]
