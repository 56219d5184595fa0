"""Losing Argo CD and finding it again: what failures, refusals and their end mean for the books."""

from gateway.upstream.books import Books
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.requests import About


class Connection:
    """Follows the fortunes of the connection to Argo CD."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.last_failure: tuple[float, Failure] | None = None

    @property
    def connected(self) -> bool:
        """Whether a live watch is open that was a complete content."""
        return self._books.streams.established

    @property
    def refused(self) -> bool:
        """Whether Argo CD won't have our token."""
        return self._books.liveness.has_fault(Kind.REFUSED.value)

    def failed(self, failure: Failure, now: float) -> None:
        """Something failed: count it, and have it logged."""
        self.last_failure = (now, failure)
        self._books.counts[f"failure_{failure.kind.value}"] += 1
        self._books.outbox.note("upstream.failed", warning=True, kind=failure.kind.value, message=failure.message)
        if not self.connected:
            self._books.liveness.failing(now, failure.kind.value)

    def lose(self, at: float, kind: Kind) -> None:
        """The live watch, or the bridge, is over since this moment: everything begins anew, when it is due."""
        self._books.liveness.lost(at, kind.value)
        self._books.outbox.close(self._books.streams.abandon())
        self._books.requests.forget()

    def abandon_content(self) -> None:
        """Give up the content; the live watch goes on."""
        self._books.outbox.close(self._books.streams.abandon_content())
        self._books.requests.forget(About.NAMES)

    def refuse(self, now: float, *, live_goes_on: bool) -> None:
        """Argo CD won't have our token. A live watch, which outlives its token, is kept for what it still brings."""
        self._books.liveness.fault(Kind.REFUSED.value, now)
        if live_goes_on:
            self.abandon_content()
        else:
            self.lose(now, Kind.REFUSED)
        self._books.due.refused(now, connected=live_goes_on)

    def accept(self, now: float) -> None:
        """Argo CD answered as it answers those whom it knows."""
        self._books.liveness.mended(Kind.REFUSED.value, now)
        self._books.due.accepted()
