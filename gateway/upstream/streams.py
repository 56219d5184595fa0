"""Which watches are open, and in which role: the live one, a content being gathered, and those about to be closed."""

from dataclasses import dataclass
from itertools import count

from gateway.upstream.content import Content
from gateway.upstream.watch import Watch

OVERLAP = 5.0
"""Seconds that the stream before stays open after a switch: a content subscribes only after its burst."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """A content and the watch that brings it."""

    watch: Watch
    content: Content


@dataclass(frozen=True, slots=True)
class Retiring:
    """A stream that isn't live any more, still read until ``close_at``, and the content that took its place."""

    close_at: float
    content: Content


class Streams:
    """The open watches by role. Every change of role is one method, so that no watch is forgotten open."""

    def __init__(self, *, keepalive: bool) -> None:
        self._keepalive = keepalive
        self._numbers = count(1)
        self.live: Watch | None = None
        self.established = False
        """Whether the live watch was a complete content; else it is a bridge."""
        self.gathering: Gathering | None = None
        self.retiring: dict[int, Retiring] = {}

    def __repr__(self) -> str:
        live = f"{'live' if self.established else 'bridge'} {self.live.stream}" if self.live else "none live"
        gathering = f", gathering {self.gathering.watch.stream}" if self.gathering else ""
        retiring = f", retiring {sorted(self.retiring)}" if self.retiring else ""
        return f"<Streams {live}{gathering}{retiring}>"

    @property
    def content(self) -> Content | None:
        """The content being gathered."""
        return self.gathering.content if self.gathering else None

    def bridge(self, now: float) -> int:
        """Begin with a bridge; return the number of the watch to open."""
        self.live = self._watch(now)
        self.established = False
        return self.live.stream

    def gather(self, now: float) -> int:
        """Begin a content; return the number of the watch to open."""
        watch = self._watch(now)
        content = Content(stream=watch.stream, opened_at=now, reconciling=self.established)
        self.gathering = Gathering(watch, content)
        return watch.stream

    def switch(self, now: float) -> None:
        """Make the content's watch the live one; the one before retires."""
        assert self.gathering is not None
        if self.live is not None:
            self.retiring[self.live.stream] = Retiring(now + OVERLAP, self.gathering.content)
        self.live = self.gathering.watch
        self.established = True
        self.gathering = None

    def abandon_content(self) -> list[int]:
        """Give up the content; return what to close."""
        closing = [self.gathering.watch.stream] if self.gathering else []
        self.gathering = None
        return closing

    def abandon(self) -> list[int]:
        """Give up everything; return what to close."""
        closing = [*self.abandon_content(), *self.retiring]
        if self.live is not None:
            closing.append(self.live.stream)
        self.live = None
        self.established = False
        self.retiring.clear()
        return closing

    def watched(self) -> list[Watch]:
        """Return the watches whose signs of life matter."""
        gathering = [self.gathering.watch] if self.gathering else []
        return [*gathering, self.live] if self.live else gathering

    def find(self, stream: int) -> Watch | None:
        """Return a watch whose signs of life matter, by its number."""
        return next((watch for watch in self.watched() if watch.stream == stream), None)

    def moments(self) -> list[float | None]:
        """Return when something is to be done about these watches, by their signs of life or the end of an overlap."""
        moments: list[float | None] = [retiring.close_at for retiring in self.retiring.values()]
        for watch in self.watched():
            moments += [watch.silent_at(), watch.probe_at()]
        return moments

    def _watch(self, now: float) -> Watch:
        return Watch(stream=next(self._numbers), keepalive=self._keepalive, proof_at=now)
