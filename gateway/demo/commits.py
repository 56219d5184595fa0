"""The manifest repository's history as a strand of the timetable: who wrote each commit, when, with which message.

A commit of the story has a name of its own in each telling but the first, for it is made again, at another time, and
what is known about a name never changes. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha1

from gateway.demo.happening import CommitHappening, Today
from gateway.demo.recording import Commit, Recording, write_time

_SHA = re.compile(rb"\b[0-9a-f]{40}\b")


class Commits:
    """The commits before the story, which stay, and those within it."""

    def __init__(self, recording: Recording) -> None:
        self._before = [commit for commit in recording.commits if commit.at <= recording.beginning]
        self._within = [commit for commit in recording.commits if commit.at > recording.beginning]
        self._repeated = {commit.sha.encode() for commit in self._within}

    @property
    def times(self) -> Sequence[float]:
        """The moments at which a commit is made, in Unix seconds of that day."""
        return [commit.at for commit in self._within]

    def happen(self, number: int, today: Today, at: float) -> Iterator[CommitHappening]:
        """Make a commit of the story."""
        yield self._make(self._within[number], today, at)

    def restore(self, today: Today, at: float) -> Iterator[CommitHappening]:
        """Say what was committed before the story: the same each time."""
        for commit in self._before:
            yield self._make(commit, today, at)

    def bring_back(self, key: str, today: Today, at: float) -> Iterator[CommitHappening]:  # noqa: ARG002
        """Say nothing: commits aren't an application's."""
        yield from ()

    def rename(self, text: bytes, today: Today) -> bytes:
        """Return a text with the commits of the story named as in this telling."""
        return _SHA.sub(lambda match: self._name(match[0], today), text)

    def _make(self, commit: Commit, today: Today, at: float) -> CommitHappening:
        date = write_time(today.date(commit.at, at=at))
        return CommitHappening(
            at=at,
            sha=self._name(commit.sha.encode(), today).decode(),
            metadata={"author": commit.author, "date": date, "message": commit.message},
        )

    def _name(self, sha: bytes, today: Today) -> bytes:
        if today.telling <= 1 or sha not in self._repeated:
            return sha
        seed = f"#{today.telling}@{today.opened_at}".encode()
        return sha1(sha + seed, usedforsecurity=False).hexdigest().encode()
