"""Reading single applications again that others say have changed: when, and what comes of it."""

from collections.abc import Sequence

from gateway.upstream import messages as m
from gateway.upstream.books import Books
from gateway.upstream.requests import About, Asked


class Rereading:
    """Asks for applications one by one. Of one that isn't held, or that can't be read, a reconcile must tell."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def told(self, key: str, now: float) -> None:
        """Somebody says that an application changed. Until a first content is complete, all are read anyway."""
        if not self._books.streams.established:
            return
        if key not in self._books.store.held or not self._books.rereads.told(key, now):
            self._books.due.suspect(now)

    def step(self, now: float) -> None:
        """Do what is due."""
        rereads, requests = self._books.rereads, self._books.requests
        for key in rereads.take_due(now, under_way=requests.count(About.APPLICATION)):
            held = self._books.store.held.get(key)
            request = requests.begin(Asked(about=About.APPLICATION, at=now))
            project = held.document.project if held else None
            self._books.outbox.put(m.FetchApplication(request=request, key=key, project=project))
        self.missed(rereads.take_missed(now))

    def failed(self, now: float) -> None:
        """It may be gone, or not ours to see any more: that is for lists to say."""
        self._books.due.suspect(now)

    def missed(self, keys: Sequence[str]) -> None:
        """No stream announced what changed here: repaired by now, and counted."""
        if keys:
            self._books.counts["missed_update"] += len(keys)
            self._books.outbox.repaired("missed_update", keys)

    def moments(self) -> list[float]:
        """Return when there is something to do."""
        return self._books.rereads.moments(under_way=self._books.requests.count(About.APPLICATION))
