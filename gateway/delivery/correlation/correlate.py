"""What belongs to a deployment: its images, their source commits, the runs that built them, the manifests' commits.

Every link is graded and says why. Nothing is guessed: where two commits may be meant, there is no link but a remark;
where only the beginning of a SHA is known, that is what the link shows.
"""

import msgspec

from gateway.delivery.correlation.builds import link_runs
from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.links import Correlation, Grade, ImageLink, Link, ManifestLink, RunLink, SourceLink
from gateway.delivery.correlation.manifests import link_manifests, trailers_in, updates_in
from gateway.delivery.correlation.sources import latest_push, link_image, resolve
from gateway.delivery.correlation.tags import ImageName, TagPatterns, commits_in, parse_image
from gateway.delivery.deployments.deployment import Deployment

_DEFAULT = TagPatterns()


def correlate(deployment: Deployment, index: Index, patterns: TagPatterns = _DEFAULT) -> Correlation:
    """Return what belongs to a deployment, the surest first."""
    manifests = link_manifests(deployment, index)
    images = tuple(parse_image(reference) for reference in deployment.new_images)
    sources, remarks = _sources(deployment, images, manifests, index, patterns)
    runs: dict[int, RunLink] = {}
    for source in sources:
        if not source.own:
            built = [image for image in images if image.short in source.images]
            for run in link_runs(source, built, deployment.service, index):
                runs.setdefault(id(run.run), run)
    for run in _claimed_runs(deployment, index):
        runs.setdefault(id(run.run), run)
    return Correlation(
        sources=sources,
        images=tuple(_link_push(image, deployment, manifests, index) for image in images),
        manifests=manifests,
        runs=tuple(runs.values()),
        scans=tuple(scan for source in sources for scan in index.scans_of(source.repository, source.sha)),
        remarks=remarks,
    )


def _sources(
    deployment: Deployment,
    images: tuple[ImageName, ...],
    manifests: tuple[ManifestLink, ...],
    index: Index,
    patterns: TagPatterns,
) -> tuple[tuple[SourceLink, ...], tuple[str, ...]]:
    found: dict[str, SourceLink] = {}
    remarks: list[str] = []
    untold = not images
    for image in images:
        source, remark = link_image(image, deployment, index, patterns)
        if source is not None:
            found[source.sha] = _both(found[source.sha], source) if source.sha in found else source
        else:
            untold = True
        if remark:
            remarks.append(remark)
    for source in _told_by_manifests(deployment, images, manifests, index, patterns):
        same = next((sha for sha in found if source.sha.startswith(sha) or sha.startswith(source.sha)), None)
        if same is not None:
            found[same] = _both(found[same], source)
        elif untold and not any(link.link.grade.rank < source.link.grade.rank for link in found.values()):
            found[source.sha] = source
        elif source.link.grade is Grade.STRONG:
            remarks.append(f"{source.link.evidence[0]}, but the image's is another")
    if not found:
        found = {source.sha: source for source in _claimed(deployment, index)}
    if not found:
        found = {source.sha: source for source in _own(manifests)}
    return tuple(sorted(found.values(), key=lambda source: (source.link.grade.rank, source.sha))), tuple(remarks)


def _told_by_manifests(
    deployment: Deployment,
    images: tuple[ImageName, ...],
    manifests: tuple[ManifestLink, ...],
    index: Index,
    patterns: TagPatterns,
) -> list[SourceLink]:
    """Return the source commits that the manifests' commits name in trailers, or else in their first line."""
    told: list[SourceLink] = []
    for manifest in manifests:
        message = manifest.commit.message if manifest.commit else None
        if not message or manifest.touches is False:
            continue
        trailers = trailers_in(message)
        for trailer in trailers:
            evidence = f"{trailer.name} of manifest commit {manifest.sha[:8]} names {trailer.sha[:8]}"
            # Of which applications a commit's files are unknown, it may speak of another one.
            link = Link(Grade.STRONG if manifest.touches else Grade.LIKELY, (evidence,))
            told += _resolved(trailer.sha, trailer.repository, link, deployment, index)
        first_line = message.partition("\n")[0]
        if trailers or not (manifest.touches or any(image.tag and image.tag in first_line for image in images)):
            continue
        for sha in patterns.find_all(first_line):
            evidence = f"the message of manifest commit {manifest.sha[:8]} names {sha}"
            link = Link(Grade.LIKELY, (evidence,))
            told += [source for source in _resolved(sha, None, link, deployment, index) if source.commit is not None]
    return told


def _resolved(sha: str, repository: str | None, link: Link, deployment: Deployment, index: Index) -> list[SourceLink]:
    builders = {repository} if repository else set[str]()
    resolved = resolve(sha, builders, deployment, index)
    if resolved.doubt:
        return []
    if resolved.sha is None:
        return [SourceLink(sha=sha, repository=repository, commit=None, link=link)]
    return [
        SourceLink(sha=resolved.sha, repository=resolved.repository or repository, commit=resolved.commit, link=link)
    ]


def _claimed(deployment: Deployment, index: Index) -> list[SourceLink]:
    """Return the commits that whoever asked for the operation named along with it."""
    claimed: list[SourceLink] = []
    for name, sha in commits_in(deployment.info):
        link = Link(Grade.WEAK, (f"the operation was asked for with {name} {sha[:8]}",))
        claimed += _resolved(sha, None, link, deployment, index)
    return claimed


def _claimed_runs(deployment: Deployment, index: Index) -> list[RunLink]:
    """Return the runs whose id whoever asked for the operation named along with it."""
    links = []
    for name, value in deployment.info:
        for word in value.replace("/", " ").replace("#", " ").split():
            for run in index.runs_by_id(word) if len(word) > 3 else ():
                link = Link(Grade.WEAK, (f"the operation was asked for with {name} {word}",))
                links.append(RunLink(run=run, builds=False, link=link))
    return links


def _own(manifests: tuple[ManifestLink, ...]) -> list[SourceLink]:
    """Return the manifests' own commit, where nothing tells of sources: what was changed is the manifests."""
    changing = [manifest for manifest in manifests if manifest.touches] or [
        manifest for manifest in manifests if manifest.touches is None
    ]
    link = Link(Grade.LIKELY, ("nothing tells of a source commit; this changed the manifests",))
    return [
        SourceLink(sha=one.sha, repository=one.repository, commit=one.commit, link=link, own=True)
        for one in changing[:1]
        if one.commit is not None
    ]


def _link_push(
    image: ImageName, deployment: Deployment, manifests: tuple[ManifestLink, ...], index: Index
) -> ImageLink:
    pushed = latest_push(index.pushes(image), deployment)
    evidence = [f"the registry has {image.short} with this {_match(image, pushed.digest)}"] if pushed else []
    for manifest in manifests:
        for name, tag in updates_in((manifest.commit.message if manifest.commit else None) or ""):
            if pushed and tag in (image.tag, image.digest) and f"/{image.name}".endswith(f"/{name}"):
                evidence.append(f"Image Updater's commit {manifest.sha[:8]} set it to {tag[:19]}")
    return ImageLink(
        image=image,
        pushed=pushed,
        link=Link(Grade.CERTAIN, tuple(evidence)) if evidence else None,
        scans=tuple(index.scans(image)),
    )


def _match(image: ImageName, digest: str | None) -> str:
    return "digest" if image.digest and image.digest == digest else "tag"


def _both(one: SourceLink, other: SourceLink) -> SourceLink:
    """Return two links to one commit as one, graded by the surer."""
    surer, other = sorted((one, other), key=lambda source: source.link.grade.rank)
    known = surer if surer.commit is not None or len(surer.sha) >= len(other.sha) else other
    return msgspec.structs.replace(
        surer,
        sha=known.sha,
        repository=surer.repository or other.repository,
        commit=surer.commit or other.commit,
        link=surer.link.also(*other.link.evidence),
        images=tuple(sorted({*one.images, *other.images})),
    )
