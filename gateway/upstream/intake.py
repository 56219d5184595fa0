"""Taking a stream's events into the store, and into the books of whoever must know: contents, evidence, counts."""

from gateway.store.state import Outcome
from gateway.upstream.books import Books
from gateway.upstream.messages import StreamRead
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawApplication, RawError, RawEvent
from gateway.upstream.wire import Undecodable

_REMEMBERED = 1_000
"""How many unreadable events are remembered, so that each is logged and looked after once."""


class Intake:
    """Takes events one by one; order and repetition don't matter, for versions decide."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._unreadable: dict[tuple[str | None, str | None], None] = {}

    def read(self, report: StreamRead, now: float) -> RawError | None:
        """Take what was read from a stream; return the error that ends it, should it say one."""
        if report.oversized:
            self._skip(report.oversized)
        for event in report.events:
            if isinstance(event, RawEvent):
                self._take(event, stream=report.stream, now=now)
            elif isinstance(event, Undecodable):
                self._put_aside(event, now=now)
            else:
                return event
        return None

    def _take(self, event: RawEvent, *, stream: int, now: float) -> None:
        content = self._books.streams.content
        own = content is not None and content.stream == stream
        found = own and event.type == "ADDED"
        metadata = event.application.metadata
        key, version = f"{metadata.namespace}/{metadata.name}", int(metadata.resource_version)
        if event.type == "DELETED":
            outcome = self._books.store.delete(key, version, now=now)
            self._books.existence.seen(key)
        else:
            outcome = self._books.store.upsert(normalise(event.application), now=now, live=not found)
            if outcome in (Outcome.CHANGED, Outcome.UNCHANGED):
                self._books.existence.seen(key)
        self._books.counts[f"event_{event.type}_{outcome.value}"] += 1
        if content is not None:
            if found:
                content.brought(key, version, outcome, now=now)
            else:
                content.accounted(key)
            if not own:
                content.announced(key, version)
        if not found:
            self._books.rereads.announced(key, version)
        for retiring in self._books.streams.retiring.values():
            if retiring.content.stream != stream:
                retiring.content.announced(key, version)

    def reread(self, application: RawApplication, *, now: float) -> None:
        """Take an application that was read on its own."""
        observed = normalise(application)
        key = observed.document.key
        outcome = self._books.store.upsert(observed, now=now, live=True)
        self._books.counts[f"event_READ_{outcome.value}"] += 1
        if outcome in (Outcome.CHANGED, Outcome.UNCHANGED):
            self._books.existence.seen(key)
        if outcome is Outcome.CHANGED:
            self._books.rereads.found(key, observed.version, now)
        if (content := self._books.streams.content) is not None:
            content.accounted(key)

    def _skip(self, lines: int) -> None:
        self._books.counts["oversized"] += lines
        self._books.outbox.note("upstream.line_too_long", warning=True, lines=lines)
        if (content := self._books.streams.content) is not None:
            content.put_aside += lines

    def _put_aside(self, event: Undecodable, *, now: float) -> None:
        """Count an event that can't be read; the first time it is met, log it, and see what was lost with it."""
        self._books.counts["undecodable"] += 1
        if (content := self._books.streams.content) is not None:
            if event.key is not None:
                content.accounted(event.key)
            else:
                content.put_aside += 1
        identity = (event.key, event.version)
        if event.key is not None and identity in self._unreadable:
            return
        self._unreadable[identity] = None
        if len(self._unreadable) > _REMEMBERED:
            del self._unreadable[next(iter(self._unreadable))]
        self._books.outbox.note(
            "upstream.event_put_aside", warning=True, key=event.key, version=event.version, reason=event.reason
        )
        if self._books.streams.established:
            self._books.due.suspect(now)
