"""Removing what is gone, and only that: lists of names, permissions and the store brought together.

A permission lost looks exactly like a deletion: the list lacks the names, the streams fall silent, and neither says
why. So before many go at once, Argo CD is asked whether we may still see them.
"""

from gateway.upstream.books import Books
from gateway.upstream.existence import NameList, project_of, projects_at_stake
from gateway.upstream.messages import FetchPermissions
from gateway.upstream.requests import About, Asked

PERMISSION_LOST = "permission-lost"
"""The reason given for ``down`` where Argo CD answers, but shows us less than it did."""


class Removal:
    """Decides from lists of names, and from permissions, what leaves the store."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._denied: set[str] = set()
        # Projects that we may no longer see: their applications stay, for nobody deleted them.

    def judge(self, names: NameList, *, now: float) -> None:
        """Take a list of names: remove what is proved gone, unless so much goes that permission must be asked for."""
        for key in self._books.existence.contradicted(names, self._books.store.tombstones):
            self._books.store.exhume(key)
            # It lives, and only a content shows how.
            self._books.due.suspect(now)
        doubted, gone = self._books.existence.judge(names, self._books.store.held)
        self._denied &= {
            project_of(self._books.store.held[key])
            for key in self._books.existence.in_doubt
            if key in self._books.store.held
        }
        at_stake = projects_at_stake({*doubted, *gone}, self._books.store.held)
        if ask := tuple(sorted({*at_stake, *self._denied})):
            self.ask(ask, held_back=tuple(gone), now=now)
        else:
            self._remove(gone)
            self._settle(proved=names.fresh, now=now)

    def ask(self, projects: tuple[str, ...], *, held_back: tuple[str, ...], now: float) -> None:
        """Ask whether we are logged in, and may see these projects, before ``held_back`` is removed."""
        asked = Asked(about=About.PERMISSIONS, at=now, projects=projects, held_back=held_back)
        held = self._books.store.held
        lost = {project_of(held[key]): key for key in sorted(self._books.existence.in_doubt & held.keys())}
        examples = {project: lost[project] for project in projects if project in lost}
        request = self._books.requests.begin(asked)
        self._books.outbox.put(FetchPermissions(request=request, projects=projects, examples=examples))

    def permitted(self, asked: Asked, denied: frozenset[str], *, now: float) -> None:
        """Take Argo CD's word on permissions: what we may see and don't is gone; what we may not see stays."""
        regained = self._denied.intersection(asked.projects) - denied
        for key in self._books.existence.in_doubt & self._books.store.held.keys():
            if project_of(self._books.store.held[key]) in regained:
                # The lists that lacked it may be of the time when we weren't allowed to see it.
                self._books.existence.seen(key)
        self._denied = (self._denied - set(asked.projects)) | denied
        still = self._books.existence.in_doubt & self._books.store.held.keys()
        self._remove(
            [
                key
                for key in asked.held_back
                if key in still and project_of(self._books.store.held[key]) not in self._denied
            ]
        )
        if self._denied and not self._books.liveness.has_fault(PERMISSION_LOST):
            self._books.liveness.fault(PERMISSION_LOST, now)
            self._books.outbox.note("upstream.permission_lost", warning=True, projects=sorted(self._denied))
        self._settle(proved=bool(asked.projects), now=now)

    def _remove(self, gone: list[str]) -> None:
        for key in gone:
            self._books.existence.seen(key)
            self._books.store.remove(key)
        if gone:
            self._books.counts["missed_delete"] += len(gone)
            self._books.outbox.repaired("missed_delete", gone)

    def _settle(self, *, proved: bool, now: float) -> None:
        """See whether anything is in doubt still, or was regained; ``proved``: what isn't in doubt is certain."""
        if not self._denied and self._books.liveness.has_fault(PERMISSION_LOST):
            self._books.liveness.mended(PERMISSION_LOST, now)
            self._books.outbox.note("upstream.permission_regained")
            # What changed while we weren't allowed to see it was announced to others alone.
            self._books.due.content_soon(now)
        in_doubt = bool(self._books.existence.in_doubt)
        self._books.due.confirm(now, in_doubt=in_doubt, denied=bool(self._denied))
        if proved and self._books.streams.established and not in_doubt and not self._denied:
            self._books.liveness.verified(now)
