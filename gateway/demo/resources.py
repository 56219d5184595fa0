"""The recorded resource trees and manifests as a strand of the timetable.

Each tree version belongs to a moment of the recording; its times move as those of its application do, its resources
have the version of the tree that first showed them so. What was gone and comes back at the end of a telling is another
resource: it has another uid, and was created then. Pure.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import orjson

from gateway.demo.happening import ManifestHappening, Today, TreeHappening
from gateway.demo.recording import Manifest, Recording, ResourceName, Sight, Tree, move_times

Seen: TypeAlias = TreeHappening | ManifestHappening

_Subject: TypeAlias = tuple[str, ResourceName | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    """What a resource is today; ``gist`` is the node that it was recorded as, without its version."""

    uid: str
    created_at: str
    version: str
    gist: dict[str, Any]


class Resources:
    """What is seen of the resources of those applications whose trees were recorded."""

    def __init__(self, recording: Recording) -> None:
        self._within = [sight for sight in recording.sights if sight.at > recording.beginning]
        self._first = {_subject(sight): sight for sight in recording.sights if sight.at <= recording.beginning}
        self._last: dict[_Subject, Sight] = {}
        self._lives: dict[str, dict[str, _Life]] = {}
        self._births: Counter[str] = Counter()

    @property
    def times(self) -> Sequence[float]:
        """The moments at which something else is seen, in Unix seconds of that day."""
        return [sight.at for sight in self._within]

    def happen(self, number: int, today: Today, at: float) -> Iterator[Seen]:
        """See what was seen at a moment of the story."""
        yield self._see(self._within[number], today, at)

    def prepare(self, today: Today, at: float) -> Iterator[Seen]:  # noqa: ARG002
        """See nothing: resources come back with their applications."""
        yield from ()

    def restore(self, today: Today, at: float) -> Iterator[Seen]:
        """See everything as it was at first, if it isn't so."""
        for key in sorted({key for key, _ in self._first.keys() | self._last.keys()}):
            yield from self.bring_back(key, today, at)

    def bring_back(self, key: str, today: Today, at: float) -> Iterator[Seen]:
        """See one application's resources as they were at first, if they aren't so: the tree, then the manifests."""
        subjects = {subject for subject in self._first.keys() | self._last.keys() if subject[0] == key}
        for subject in sorted(subjects, key=lambda subject: subject[1] or ()):
            first, last = self._first.get(subject), self._last.get(subject)
            if first is None:
                assert last is not None
                first = replace(last, document=None)
            if first != last:
                yield self._see(first, today, at)

    def _see(self, sight: Sight, today: Today, at: float) -> Seen:
        self._last[_subject(sight)] = sight
        document: dict[str, Any] | None = None
        if sight.document is not None:
            text = move_times(sight.document, lambda time: today.date(time, at=at, key=sight.key))
            document = orjson.loads(today.rename(text))
        if sight.resource is not None:
            if document is not None:
                document = self._identify(document, sight.key)
            return ManifestHappening(at=at, key=sight.key, resource=sight.resource, manifest=document)
        assert document is not None
        assert sight.document is not None
        return TreeHappening(at=at, key=sight.key, tree=self._grow(sight.key, document, sight.document, today))

    def _grow(self, key: str, tree: Tree, recorded: bytes, today: Today) -> Tree:
        """Give the resources of a tree the marks of their lives. ``recorded`` is the tree with its times not moved."""
        before, version = self._lives.get(key, {}), today.next_version()
        lives = {}
        for node, was in zip(tree["nodes"], orjson.loads(recorded)["nodes"], strict=True):
            uid = node["uid"]
            gist = {name: value for name, value in was.items() if name != "resourceVersion"}
            lives[uid] = life = _live(before.get(uid) or self._bear(node, today, version), gist, version)
            node |= {"uid": life.uid, "createdAt": life.created_at, "resourceVersion": life.version}
        self._lives[key] = lives
        for parent in (parent for node in tree["nodes"] for parent in node.get("parentRefs", [])):
            if parent.get("uid") in lives:
                parent["uid"] = lives[parent["uid"]].uid
        return tree

    def _bear(self, node: dict[str, Any], today: Today, version: str) -> _Life:
        uid = node["uid"]
        self._births[uid] += 1
        name = f"{uid}#{self._births[uid]}@{today.opened_at}"
        return _Life(
            uid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)), created_at=node["createdAt"], version=version, gist={}
        )

    def _identify(self, manifest: Manifest, key: str) -> Manifest:
        """Give a manifest the marks of the resource's life, and its owners theirs. The tree knows it already."""
        lives, metadata = self._lives.get(key, {}), manifest["metadata"]
        if (life := lives.get(metadata["uid"])) is not None:
            metadata |= {"uid": life.uid, "creationTimestamp": life.created_at, "resourceVersion": life.version}
        for owner in metadata.get("ownerReferences", []):
            if owner["uid"] in lives:
                owner["uid"] = lives[owner["uid"]].uid
        return manifest


def _live(life: _Life, gist: dict[str, Any], version: str) -> _Life:
    return life if life.gist == gist else replace(life, gist=gist, version=version)


def _subject(sight: Sight) -> _Subject:
    return sight.key, sight.resource
