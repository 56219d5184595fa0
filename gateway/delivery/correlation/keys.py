"""Which facts may belong to which deployments: what a fact names, and what a deployment asks for.

``needs`` follows ``correlate``: whatever that would look up is asked for here, so that an index of what was found
answers it as an index of everything would. What is asked for is also what a later fact must name to change the answer.
"""

import msgspec

from gateway.delivery.correlation.index import Index, commit_time, image_keys
from gateway.delivery.correlation.manifests import REACH, link_manifests, trailers_in
from gateway.delivery.correlation.tags import ImageName, TagPatterns, commits_in, name_image, parse_image
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.events import Commit, DeliveryEvent, Deployed, ImagePushed, Run, Scanned

WHOLE = 40
"""Digits of a whole SHA; fewer are the beginning of one."""

SHORTEST, LONGEST = 4, 8
"""Digits below which nothing is looked for, and beyond which a beginning is as good as the whole."""


class Needs(msgspec.Struct, gc=False):
    """What a deployment asks for: keys of facts, beginnings of SHAs, images' builders, and commits by time."""

    keys: set[str]
    prefixes: set[str]
    images: set[str]
    spans: set[tuple[str, float, float]]
    shown: set[str]
    """Keys that it is found by, although nothing is asked for: images that it kept as they were."""

    def listen(self) -> set[str]:
        """Return what a fact must name, among ``touched_by``, to change what belongs to the deployment."""
        return {
            *self.keys,
            *self.shown,
            *(name_beginning(prefix) for prefix in self.prefixes),
            *(f"builder:{image}" for image in self.images),
            *(f"repository:{repository}" for repository, _, _ in self.spans),
        }


def keys_of(fact: DeliveryEvent) -> set[str]:
    """Return the keys under which a fact is found."""
    match fact:
        case Commit():
            return {_sha(fact.sha)}
        case Run():
            own = {f"run:{fact.id}"} | ({_sha(fact.sha)} if fact.sha else set())
            return own.union(*(image_keys(parse_image(artifact)) for artifact in fact.artifacts))
        case ImagePushed():
            named = image_keys(ImageName(name_image(fact.image), fact.tag, fact.digest))
            return {*named, *(f"digest:{digest}" for digest in fact.platforms)}
        case Scanned() if fact.image or fact.digest:
            return set(image_keys(ImageName(name_image(fact.image or ""), fact.tag, fact.digest)))
        case Scanned() | Deployed():
            return {_sha(fact.sha)} if fact.sha else set()
    return set()


def builders_in(fact: DeliveryEvent) -> set[tuple[str, str]]:
    """Return the images, each with the repository that it is built from, that a fact tells of."""
    if isinstance(fact, Run) and fact.repository:
        return {(parse_image(artifact).name, fact.repository) for artifact in fact.artifacts}
    if isinstance(fact, ImagePushed) and fact.repository:
        return {(name_image(fact.image), fact.repository)}
    return set()


def touched_by(fact: DeliveryEvent) -> set[str]:
    """Return under which keys deployments that a fact may belong to listen."""
    touched = keys_of(fact)
    for key in [key for key in touched if key.startswith("sha:")]:
        touched |= {name_beginning(key[4 : 4 + length]) for length in range(SHORTEST, LONGEST + 1)}
    if isinstance(fact, Commit):
        touched.add(f"repository:{fact.repository}")
    return touched


def find_time(fact: DeliveryEvent, told_at: float) -> float:
    """Return a fact's place in time."""
    match fact:
        case Commit():
            at = commit_time(fact)
        case Run():
            at = next((at for at in (fact.finished_at, fact.started_at, fact.queued_at) if at is not None), None)
        case ImagePushed():
            at = fact.pushed_at
        case Scanned():
            at = fact.scanned_at
        case _:
            at = fact.at
    return told_at if at is None else at


def name_beginning(sha: str) -> str:
    """Return the key for the beginning of a SHA."""
    known = sha[:LONGEST].lower()
    return f"sha{len(known)}:{known}"


def needs(deployment: Deployment, index: Index, patterns: TagPatterns) -> Needs:
    """Return what a deployment asks for, as far as that is known by what the index holds already."""
    asked = Needs(keys=set(), prefixes=set(), images=set(), spans=set(), shown=set())
    for image in map(parse_image, deployment.images or ()):
        asked.shown.update((*image_keys(image), f"builder:{image.name}"))
    for image in map(parse_image, deployment.new_images):
        asked.keys.update(image_keys(image))
        asked.images.add(image.name)
        _ask_sha(asked, patterns.find(image.tag))
        for push in index.pushes(image):
            _ask_sha(asked, push.sha)
        for run in index.makers(image):
            _ask_sha(asked, run.sha)
            _ask_parent(asked, run)
    _ask_for_manifests(asked, deployment, index, patterns)
    for _, sha in commits_in(deployment.info):
        _ask_sha(asked, sha)
    for _, value in deployment.info:
        words = value.replace("/", " ").replace("#", " ").split()
        asked.keys.update(f"run:{word}" for word in words if len(word) > 3)
    for key in [key for key in asked.keys if key.startswith("sha:")]:
        for run in index.runs(key[4:]):
            _ask_parent(asked, run)
    return asked


def _ask_for_manifests(asked: Needs, deployment: Deployment, index: Index, patterns: TagPatterns) -> None:
    for place, revision in enumerate(deployment.revisions):
        _ask_sha(asked, revision)
        before = deployment.before_revisions[place] if place < len(deployment.before_revisions) else None
        origin = deployment.origins[place] if place < len(deployment.origins) else None
        if before is None or before == revision:
            continue
        _ask_sha(asked, before)
        if origin is not None:
            _ask_between(asked, origin.repository, before, revision, index)
    for manifest in link_manifests(deployment, index):
        message = (manifest.commit.message if manifest.commit else None) or ""
        for trailer in trailers_in(message):
            _ask_sha(asked, trailer.sha)
        for sha in patterns.find_all(message.partition("\n")[0]):
            _ask_sha(asked, sha)


def _ask_between(asked: Needs, repository: str, before: str, revision: str, index: Index) -> None:
    """Ask for the commits between two: by their parents, and by time where that chain has a gap."""
    sha: str | None = revision
    for _ in range(REACH):
        if sha is None or sha == before:
            break
        _ask_sha(asked, sha)
        commit = index.commit(repository, sha)
        sha = commit.parent if commit else None
    if sha != before:
        first, last = index.commit(repository, before), index.commit(repository, revision)
        begin, end = (commit_time(commit) if commit else None for commit in (first, last))
        if begin is not None and end is not None and begin < end:
            asked.spans.add((repository, begin, end))


def _ask_sha(asked: Needs, sha: str | None) -> None:
    if sha is None or len(sha) < SHORTEST:
        return
    if len(sha) >= WHOLE:
        asked.keys.add(_sha(sha))
    else:
        asked.prefixes.add(sha.lower())


def _ask_parent(asked: Needs, run: Run) -> None:
    if run.parent is not None:
        asked.keys.add(f"run:{run.parent}")


def _sha(sha: str) -> str:
    return f"sha:{sha.lower()}"
