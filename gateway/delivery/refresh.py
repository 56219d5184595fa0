"""Which applications Argo CD should compare again at once, because their manifests were pushed to.

Argo CD polls its repositories every three minutes (``timeout.reconciliation``); a refresh makes it look now. Pure: the
shell asks, and says how that went.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from gateway.delivery.events import Commit, name_repository
from gateway.model.application import ApplicationStatus, Source

APART = 10.0
"""Seconds between two refreshes of one application; what is pushed in between is refreshed at their end."""

FRESH = 300.0
"""Seconds after a push in which a refresh is worth anything: later Argo CD has looked by itself."""

REMEMBERED = 5_000
"""Applications of which the last refresh is remembered."""

MAIN = ("main", "master", "trunk")
"""What a repository's ``HEAD`` is usually called. Where it is another, name the branch in ``targetRevision``."""


class Refreshes:
    """When which application is to be refreshed, at most so often."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._asked: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def push(self, commits: Iterable[Commit], documents: Mapping[str, ApplicationStatus], *, now: float) -> list[str]:
        """Take commits that were pushed; return the keys of the applications that track them."""
        touched: dict[str, None] = {}
        for commit in commits:
            if commit.pushed_at is None or now - commit.pushed_at <= FRESH:
                touched.update(dict.fromkeys(find_tracking(commit, documents)))
        for key in touched:
            self._due.setdefault(key, max(now, self._asked.get(key, now - APART) + APART))
        return list(touched)

    def take(self, now: float, *, limit: int) -> list[str]:
        """Return applications to refresh now, ``limit`` at most; they count as asked for."""
        ready = [key for key, at in self._due.items() if at <= now][: max(0, limit)]
        for key in ready:
            del self._due[key]
            self._note(key, now)
        return ready

    def begin(self, key: str, now: float) -> bool:
        """Count an application as asked for now, because somebody wants it; return whether that isn't too soon."""
        if now - self._asked.get(key, now - APART) < APART:
            return False
        self._due.pop(key, None)
        self._note(key, now)
        return True

    def forget(self, key: str) -> None:
        """What was begun came to nothing: the application may be asked for again."""
        self._asked.pop(key, None)

    def deadline(self) -> float | None:
        """Return when there is something to refresh next."""
        return min(self._due.values(), default=None)

    def asked_at(self, key: str) -> float | None:
        """Return when an application was refreshed last."""
        return self._asked.get(key)

    def _note(self, key: str, now: float) -> None:
        self._asked[key] = now
        self._asked.move_to_end(key)
        while len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)


def find_tracking(commit: Commit, documents: Mapping[str, ApplicationStatus]) -> list[str]:
    """Return the keys of the applications of which a commit may change the manifests."""
    tracking: dict[str, list[Source]] = {}
    for key, document in documents.items():
        sources = [source for source in document.sources if _tracks(source, commit)]
        if sources:
            tracking[key] = sources
    paths = {_folder(source) for sources in tracking.values() for source in sources}
    return [key for key, sources in tracking.items() if _touches(commit.files, sources, paths)]


def _tracks(source: Source, commit: Commit) -> bool:
    if source.chart is not None or name_repository(source.repo_url) != commit.repository:
        return False
    wanted = (source.target_revision or "HEAD").removeprefix("refs/heads/")
    return commit.ref is None or commit.ref == wanted or (wanted == "HEAD" and commit.ref in MAIN)


def _touches(files: Sequence[str], sources: Iterable[Source], paths: Iterable[str]) -> bool:
    """Whether files may belong to an application: they are below its paths, or below nobody's, as a shared base is."""
    if not files:
        return True
    own = {_folder(source) for source in sources}
    return any(_is_below(file, own) or not _is_below(file, (path for path in paths if path)) for file in files)


def _folder(source: Source) -> str:
    return (source.path or "").strip("/").removeprefix("./").removeprefix(".")


def _is_below(file: str, folders: Iterable[str]) -> bool:
    return any(not folder or file == folder or file.startswith(f"{folder}/") for folder in folders)
