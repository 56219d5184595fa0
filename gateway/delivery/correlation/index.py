"""Facts, ready to be looked up: whatever is asked of them costs no more for a year's than for a day's.

The same facts make the same index, in whatever order and however often they are given.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TypeVar

from gateway.delivery.correlation.facts import identify, merge
from gateway.delivery.correlation.tags import ImageName, name_image, parse_image
from gateway.delivery.events import Commit, DeliveryEvent, ImagePushed, Run, Scanned

_Fact = TypeVar("_Fact")


class Index:
    """Look-ups over facts."""

    def __init__(self, facts: Iterable[DeliveryEvent]) -> None:
        merged: dict[tuple[str, ...], DeliveryEvent] = {}
        for fact in facts:
            identity = identify(fact)
            merged[identity] = merge(merged[identity], fact) if identity in merged else fact
        ordered = [merged[identity] for identity in sorted(merged)]
        self._commits: dict[str, list[Commit]] = defaultdict(list)
        self._placed: dict[tuple[str, str], Commit] = {}
        self._timed: dict[str, list[tuple[float, str, Commit]]] = defaultdict(list)
        self._runs: dict[str, list[Run]] = defaultdict(list)
        self._runs_by_id: dict[str, list[Run]] = defaultdict(list)
        self._makers: dict[str, list[Run]] = defaultdict(list)
        self._pushes: dict[str, list[ImagePushed]] = defaultdict(list)
        self._builders: dict[str, set[str]] = defaultdict(set)
        self._scans: dict[str, list[Scanned]] = defaultdict(list)
        for fact in ordered:
            match fact:
                case Commit():
                    self._commits[fact.sha.lower()].append(fact)
                    self._placed[fact.repository, fact.sha.lower()] = fact
                    if (at := commit_time(fact)) is not None:
                        self._timed[fact.repository].append((at, fact.sha, fact))
                case Run():
                    self._add_run(fact)
                case ImagePushed():
                    self._add_push(fact)
                case Scanned():
                    for key in _scan_keys(fact):
                        self._scans[key].append(fact)
        self._shas = sorted({*self._commits, *self._runs})
        for timed in self._timed.values():
            timed.sort(key=lambda one: one[:2])

    def _add_run(self, run: Run) -> None:
        self._runs_by_id[run.id].append(run)
        if run.sha:
            self._runs[run.sha.lower()].append(run)
        for artifact in run.artifacts:
            image = parse_image(artifact)
            for key in image_keys(image):
                self._makers[key].append(run)
            if run.repository:
                self._builders[image.name].add(run.repository)

    def _add_push(self, push: ImagePushed) -> None:
        name = name_image(push.image)
        if push.repository:
            self._builders[name].add(push.repository)
        for key in image_keys(ImageName(name, push.tag, push.digest)):
            self._pushes[key].append(push)
        for digest in push.platforms:
            self._pushes[f"digest:{digest}"].append(push)

    def commits(self, sha: str) -> Sequence[Commit]:
        """Return the commits of a whole SHA: one for each repository that has it."""
        return self._commits.get(sha.lower(), ())

    def commit(self, repository: str, sha: str) -> Commit | None:
        """Return a commit of one repository."""
        return self._placed.get((repository, sha))

    def commits_between(self, repository: str, begin: float, end: float) -> list[Commit]:
        """Return a repository's commits after one time and up to another, oldest first."""
        timed = self._timed.get(repository, [])
        return [
            commit for _, _, commit in timed[bisect_right(timed, begin, key=_at) : bisect_right(timed, end, key=_at)]
        ]

    def shas(self, prefix: str) -> list[str]:
        """Return the known SHAs, of commits and of runs, that begin so."""
        prefix = prefix.lower()
        begin = bisect_left(self._shas, prefix)
        return list(takewhile(lambda sha: sha.startswith(prefix), self._from(begin)))

    def _from(self, begin: int) -> Iterator[str]:
        for place in range(begin, len(self._shas)):
            yield self._shas[place]

    def runs(self, sha: str) -> Sequence[Run]:
        """Return the runs, and parts of runs, for a commit."""
        return self._runs.get(sha.lower(), ())

    def runs_by_id(self, identity: str) -> Sequence[Run]:
        """Return the runs that a sender gave this id."""
        return self._runs_by_id.get(identity, ())

    def makers(self, image: ImageName) -> list[Run]:
        """Return the runs that say that they made an image."""
        return _each(self._makers, image_keys(image))

    def pushes(self, image: ImageName) -> list[ImagePushed]:
        """Return what was said of an image's arrival: of its digest if that is known, else of its tag."""
        if image.digest and f"digest:{image.digest}" in self._pushes:
            return self._pushes[f"digest:{image.digest}"]
        pushed = self._pushes.get(f"tag:{image.name}:{image.tag}", []) if image.tag else []
        # A tag that has moved since is another image.
        return [push for push in pushed if not (image.digest and push.digest and push.digest != image.digest)]

    def builders(self, name: str) -> set[str]:
        """Return the repositories that some version of an image was built from."""
        return self._builders.get(name, set())

    def scans(self, image: ImageName) -> list[Scanned]:
        """Return the scans of an image."""
        return _each(self._scans, image_keys(image))

    def scans_of(self, repository: str | None, sha: str) -> list[Scanned]:
        """Return the scans of a commit's sources."""
        found = self._scans.get(f"sha:{sha.lower()}", [])
        return [scan for scan in found if repository is None or scan.repository in (None, repository)]


def commit_time(commit: Commit) -> float | None:
    """Return a commit's place in time."""
    return commit.committed_at if commit.committed_at is not None else commit.pushed_at


def _at(timed: tuple[float, str, Commit]) -> float:
    return timed[0]


def image_keys(image: ImageName) -> tuple[str, ...]:
    """Return the keys under which an image is found, the surest first."""
    digest = (f"digest:{image.digest}",) if image.digest else ()
    return (*digest, f"tag:{image.name}:{image.tag}") if image.tag else digest


def _scan_keys(scan: Scanned) -> tuple[str, ...]:
    if scan.image or scan.digest:
        return image_keys(ImageName(name_image(scan.image or ""), scan.tag, scan.digest))
    return (f"sha:{scan.sha.lower()}",) if scan.sha else ()


def _each(found: dict[str, list[_Fact]], keys: Iterable[str]) -> list[_Fact]:
    """Return what the keys find, each once, in the order of the keys."""
    seen: dict[int, _Fact] = {}
    for key in keys:
        for fact in found.get(key, ()):
            seen.setdefault(id(fact), fact)
    return list(seen.values())
