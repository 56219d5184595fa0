"""The manifest repository's history as a strand of the timetable: who wrote each commit, when, with which message.

A commit of the story has a name of its own in each telling but the first, for it is made again, at another time, and
what is known about a name never changes. Pure.
"""

from collections.abc import Iterator, Sequence

from gateway.demo.happening import CommitHappening, Today
from gateway.demo.recording import Commit, Recording, write_time


class Commits:
    """The commits before the story, of which those stay that were deployed by then, and those within it."""

    def __init__(self, recording: Recording) -> None:
        self._before = [commit for commit in recording.commits if commit.at <= recording.beginning]
        self._within = [commit for commit in recording.commits if commit.at > recording.beginning]

    @property
    def times(self) -> Sequence[float]:
        """The moments at which a commit is made, in Unix seconds of that day."""
        return [commit.at for commit in self._within]

    def happen(self, number: int, today: Today, at: float) -> Iterator[CommitHappening]:
        """Make a commit of the story."""
        yield self._make(self._within[number], today, at)

    def prepare(self, today: Today, at: float) -> Iterator[CommitHappening]:
        """Say what was committed before the story."""
        for commit in self._before:
            yield self._make(commit, today, at)

    def restore(self, today: Today, at: float) -> Iterator[CommitHappening]:  # noqa: ARG002
        """Say nothing: all was said before."""
        yield from ()

    def bring_back(self, key: str, today: Today, at: float) -> Iterator[CommitHappening]:  # noqa: ARG002
        """Say nothing: commits aren't an application's."""
        yield from ()

    def _make(self, commit: Commit, today: Today, at: float) -> CommitHappening:
        date = today.date_again if today.is_repeated(commit.sha) else today.date
        return CommitHappening(
            at=at,
            sha=today.rename(commit.sha.encode()).decode(),
            metadata={
                "author": commit.author,
                "date": write_time(date(commit.at, at=at)),
                "message": today.rename(commit.message.encode()).decode(),
            },
        )
