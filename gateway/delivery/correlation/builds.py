"""From a source commit to the runs of CI for it, and among them the one that built an image."""

import re
from collections.abc import Iterable, Sequence

from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.links import Link, RunLink, SourceLink
from gateway.delivery.correlation.tags import ImageName
from gateway.delivery.events import Run

_WORD = re.compile(r"[a-z0-9]+")


def link_runs(source: SourceLink, images: Sequence[ImageName], service: str | None, index: Index) -> list[RunLink]:
    """Return all runs for a commit, those that built the images marked.

    Marked is whatever says that it made the image; else the part that bears its name (a matrix build of several
    services); else the only build; else the only run. Between several that nothing tells apart none is chosen.
    """
    # No surer than the commit that it ran for.
    of_commit = Link(source.link.grade, (f"it ran for commit {source.sha[:8]}",))
    runs = [
        run
        for run in index.runs(source.sha)
        if source.repository is None or run.repository in (None, source.repository)
    ]
    makers = {id(run): image for image in images for run in index.makers(image)}
    made = [run for run in runs if id(run) in makers]
    if made:
        evidence = {id(run): f"it says that it made {makers[id(run)].short}" for run in made}
    else:
        names = [name for name in (*(image.short for image in images), service) if name]
        evidence = _by_name(runs, names) or _by_kind(runs)
    ordered = sorted(runs, key=lambda run: (run.started_at or run.queued_at or 0.0, run.parent is not None, run.id))
    return [
        RunLink(
            run=run,
            builds=id(run) in evidence,
            link=of_commit.also(evidence[id(run)]) if id(run) in evidence else of_commit,
        )
        for run in ordered
    ]


def whole_of(run: Run, runs: Iterable[RunLink]) -> Run | None:
    """Return the whole run that a part belongs to; itself if it is one."""
    if run.parent is None:
        return run
    whole = [link.run for link in runs if link.run.id == run.parent and link.run.sender == run.sender]
    return max(whole, key=lambda one: one.attempt, default=None)


def _by_name(runs: Sequence[Run], names: Sequence[str]) -> dict[int, str]:
    """Choose by name: the whole name is better than its last word, a build better than what else bears the name."""
    for name in names:
        words = _words(name)
        for wanted in (words, words[-1:]):
            bearing = [run for run in runs if _contains(_words(run.name), wanted)]
            building = [run for run in bearing if run.kind == "build"] or [
                run for run in bearing if run.kind not in ("test", "scan", "deploy")
            ]
            parts = [run for run in building if run.parent is not None] or building
            latest = _latest_attempts(parts)
            if latest:
                return {id(run): f"its name, {run.name}, names {name}" for run in latest}
    return {}


def _by_kind(runs: Sequence[Run]) -> dict[int, str]:
    wholes = [run for run in runs if run.parent is None]
    builds = _latest_attempts([run for run in runs if run.kind == "build"])
    if len(builds) == 1:
        return {id(builds[0]): "it is the only build of that commit"}
    only = _latest_attempts(wholes)
    if len(only) == 1 and not builds:
        return {id(only[0]): "it is the only run for that commit"}
    parents = {run.parent for run in builds}
    if len(parents) == 1 and None not in parents:
        return {id(run): "all builds of that commit are its parts" for run in only if run.id in parents}
    return {}


def _latest_attempts(runs: Sequence[Run]) -> list[Run]:
    latest: dict[tuple[str, str | None, str], int] = {}
    for run in runs:
        key = (run.sender, run.parent, run.name)
        latest[key] = max(run.attempt, latest.get(key, 0))
    return [run for run in runs if run.attempt == latest[run.sender, run.parent, run.name]]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    size = len(wanted)
    return size > 0 and any(list(words[at : at + size]) == list(wanted) for at in range(len(words) - size + 1))
