"""Names that are made anew in each telling of the story: what is committed again is another commit.

In the first telling all is named as it was recorded. Later a commit has another SHA, and whatever bears the beginning
of it, an image's tag or a message, follows. What was deployed before the story is never made again. Pure.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha1

import orjson

from gateway.demo.recording import Recording

_SHA = re.compile(rb"\b[0-9a-f]{40}\b")
_TAGGED = 8
"""Digits of a SHA in a tag; after the word ``sha`` it may be ``_MARKED``."""

_MARKED = 4

_RUN = rb"(?:(?<=actions run )|(?<=actions/runs/)|(?<=id\":))123456\b"
"""The run of CI that a recorded operation says it was asked for by."""


class Names:
    """The names of a recording that are made anew."""

    def __init__(self, recording: Recording) -> None:
        manifests = {commit.sha.encode() for commit in recording.commits}
        told = {sha for delivery in recording.deliveries for sha in _SHA.findall(delivery.body) if sha.strip(b"0")}
        self._repeated = (manifests | told) - _deployed_before(recording)
        whole = {sha: sha for sha in self._repeated}
        tagged = {sha[:_TAGGED]: sha for sha in told & self._repeated}
        self._marked = {sha[:_MARKED]: sha for sha in told & self._repeated}
        self._known = {**tagged, **whole}
        self._pattern = re.compile(
            rb"(?<![0-9a-f])(?P<known>%b)(?![0-9a-f])|(?<=sha)(?P<marked>%b)(?![0-9a-f])|%b"
            % (_any_of(self._known), _any_of(self._marked), _RUN)
        )

    def are_repeated(self, sha: str) -> bool:
        """Return whether a commit is made again in each telling."""
        return sha.encode() in self._repeated

    def rename(self, text: bytes, *, telling: int, seed: str) -> bytes:
        """Return a text with all names as they are in a telling; ``seed`` sets them apart from another demo's."""
        if telling <= 1:
            return text

        def replace(match: re.Match[bytes]) -> bytes:
            sha = self._known.get(match[0]) if match["known"] else self._marked.get(match[0])
            if sha is None:
                return b"%d" % (int(match[0]) + telling - 1)
            return _remake(sha, telling, seed)[: len(match[0])]

        return self._pattern.sub(replace, text)


def _any_of(words: Iterable[bytes]) -> bytes:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return b"|".join(longest_first) or b"(?!)"


@lru_cache(maxsize=1_000)
def _remake(sha: bytes, telling: int, seed: str) -> bytes:
    return sha1(sha + f"#{telling}@{seed}".encode(), usedforsecurity=False).hexdigest().encode()


def _deployed_before(recording: Recording) -> set[bytes]:
    histories = (orjson.loads(moment.application)["status"].get("history", []) for moment in recording.fleet)
    return {entry["revision"].encode() for history in histories for entry in history}
