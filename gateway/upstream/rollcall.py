"""Lists of names: when they are asked for, of which projects, and what follows from them."""

from gateway.upstream import messages as m
from gateway.upstream.books import Books
from gateway.upstream.connection import Connection
from gateway.upstream.content import Content
from gateway.upstream.existence import NameList
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.removal import Removal
from gateway.upstream.requests import About, Asked


class RollCall:
    """Asks which applications exist: all at once, or by project where that is too long an answer."""

    def __init__(self, books: Books, *, connection: Connection, removal: Removal) -> None:
        self._books = books
        self._connection = connection
        self._removal = removal
        self._by_project = False

    def due(self, content: Content) -> float:
        """Return when to ask, for the sake of a content."""
        return content.names_due(patiently=self._by_project)

    def ask(self, now: float) -> None:
        """Ask for a list."""
        self._books.due.confirm_at = None
        store = self._books.store
        projects = store.projects if self._by_project else ()
        asked = Asked(about=About.NAMES, at=now, held_version=store.newest_version, projects=projects)
        self._books.outbox.put(m.FetchNames(request=self._books.requests.begin(asked), projects=projects))

    def answered(self, report: m.NamesFetched, asked: Asked, now: float) -> None:
        """Take a list: it says what a content lacks, or else what is gone and what nobody announced."""
        if report.names:
            # An empty list proves nothing: nobody is shown the same.
            self._connection.accept(now)
        store = self._books.store
        names = NameList.answered(report, asked, now)
        if (content := self._books.streams.content) is not None:
            content.listed(names, buried=store.tombstones)
        else:
            self._removal.judge(names, now=now)
            if names.names.keys() - store.held.keys() - store.tombstones.keys():
                self._books.due.suspect(now)

    def failed(self, asked: Asked, failure: Failure, now: float) -> None:
        """Ask again, later; at once, and by project from now on, where the answer was too long."""
        due, content = self._books.due, self._books.streams.content
        by_project = asked.about is About.NAMES and failure.kind is Kind.TOO_LARGE
        again_at = now if by_project and not self._by_project else due.retry_at(now)
        self._by_project |= by_project
        if content is not None:
            content.not_listed(again_at)
        else:
            due.confirm_at = again_at
