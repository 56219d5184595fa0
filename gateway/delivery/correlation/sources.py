"""From an image to the commit that it was built from: by what CI says, else by the SHA in its tag."""

from collections.abc import Collection

import msgspec

from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.links import Grade, Link, SourceLink
from gateway.delivery.correlation.tags import ImageName, TagPatterns
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.events import Commit, ImagePushed, Run

SHORT = 7
"""Digits from which the beginning of a SHA is taken for one commit's, as Git abbreviates them."""

MARGIN = 300.0
"""Seconds by which a commit may seem younger than its deployment: authors' clocks."""


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """What the beginning of a SHA stands for; ``doubt`` says why it stands for nothing."""

    sha: str | None = None
    repository: str | None = None
    commit: Commit | None = None
    doubt: str | None = None


def link_image(
    image: ImageName, deployment: Deployment, index: Index, patterns: TagPatterns
) -> tuple[SourceLink | None, str | None]:
    """Return the source commit of an image; or None, with a remark where there is one to make."""
    named = _named_by_push(image, deployment, index) or _named_by_run(image, index)
    sha = patterns.find(image.tag)
    if named is not None:
        if sha and named.sha.startswith(sha):
            named = msgspec.structs.replace(named, link=named.link.also(_tag_names(image, sha)))
        return named, None
    if sha is None:
        return None, f"the tag {image.tag} of {image.short} names no commit" if image.tag else None
    builders = index.builders(image.name)
    resolved = resolve(sha, builders, deployment, index)
    if resolved.doubt:
        return None, f"{_tag_names(image, sha)}: {resolved.doubt}"
    if resolved.sha is None:
        link = Link(Grade.LIKELY, (_tag_names(image, sha), "nobody told of that commit"))
        return SourceLink(sha=sha, repository=None, commit=None, link=link, images=(image.short,)), None
    built_here = resolved.repository in builders
    grade = Grade.STRONG if len(sha) >= SHORT or built_here else Grade.LIKELY
    evidence = [_tag_names(image, sha)]
    if built_here:
        evidence.append(f"{image.short} is built from {resolved.repository}")
    source = SourceLink(
        sha=resolved.sha,
        repository=resolved.repository,
        commit=resolved.commit,
        link=Link(grade, tuple(evidence)),
        images=(image.short,),
    )
    return source, None


def resolve(sha: str, builders: Collection[str], deployment: Deployment, index: Index) -> Resolved:
    """Return what the beginning of a SHA stands for, if that is one commit.

    ``builders`` are the repositories that it may be of, empty where that isn't known. A commit of after the deployment
    can't be meant.
    """
    homes = {
        (candidate, repository)
        for candidate in index.shas(sha)
        for repository in _repositories(candidate, index)
        if not _is_later(candidate, repository, deployment, index)
    }
    if builders:
        # A run that doesn't say of which repository it is may be of these.
        homes = {home for home in homes if home[1] is None or home[1] in builders}
    shas = {candidate for candidate, _ in homes}
    if len(shas) > 1:
        manifests = {origin.repository for origin in deployment.origins}
        homes = {home for home in homes if home[1] not in manifests} or homes
        shas = {candidate for candidate, _ in homes}
    if len(shas) > 1:
        where = ", ".join(sorted(f"{candidate[:8]} of {repository}" for candidate, repository in homes))
        return Resolved(doubt=f"that may be any of {where}")
    if not shas:
        return Resolved()
    repositories = sorted(repository for _, repository in homes if repository is not None)
    # One commit in several repositories is a fork's; whose it is isn't told.
    repository = repositories[0] if len(repositories) == 1 else None
    known = sorted(index.commits(next(iter(shas))), key=lambda commit: commit.repository)
    commit = next((one for one in known if repository in (None, one.repository)), None)
    return Resolved(next(iter(shas)), repository, commit)


def commit_of(sha: str, repository: str | None, index: Index) -> Commit | None:
    """Return what is known of a whole SHA, in the repository where that is named."""
    known = sorted(index.commits(sha), key=lambda commit: commit.repository)
    return next((one for one in known if repository in (None, one.repository)), None)


def _named_by_push(image: ImageName, deployment: Deployment, index: Index) -> SourceLink | None:
    push = latest_push(index.pushes(image), deployment)
    if push is None or not push.sha:
        return None
    what = f"digest {image.digest[:19]}" if image.digest and push.digest == image.digest else f"tag {image.tag}"
    evidence = f"{image.short} came with {what} of commit {push.sha[:8]}"
    return _certain(push.sha, push.repository, evidence, image, index)


def latest_push(pushes: Collection[ImagePushed], deployment: Deployment) -> ImagePushed | None:
    """Return the push that a deployment used: of a tag that was pushed again and again, the last before it."""
    if len(pushes) < 2:
        return next(iter(pushes), None)
    until = (deployment.finished_at or deployment.started_at or float("inf")) + 1.0
    before = [push for push in pushes if push.pushed_at is None or push.pushed_at <= until]
    return max(before, key=lambda push: (push.pushed_at or 0.0, push.sha or "", push.digest or ""), default=None)


def _named_by_run(image: ImageName, index: Index) -> SourceLink | None:
    made = [run for run in index.makers(image) if run.sha]
    if not made or len({run.sha for run in made}) > 1:
        return None
    run: Run = made[0]
    assert run.sha is not None
    evidence = f"{run.name} says that it made {image.short}:{image.tag or image.digest} of commit {run.sha[:8]}"
    return _certain(run.sha, run.repository, evidence, image, index)


def _certain(sha: str, repository: str | None, evidence: str, image: ImageName, index: Index) -> SourceLink:
    commit = commit_of(sha, repository, index)
    return SourceLink(
        sha=sha.lower(),
        repository=repository or (commit.repository if commit else None),
        commit=commit,
        link=Link(Grade.CERTAIN, (evidence,)),
        images=(image.short,),
    )


def _repositories(sha: str, index: Index) -> set[str | None]:
    found = {*(commit.repository for commit in index.commits(sha)), *(run.repository for run in index.runs(sha))}
    return found - {None} or {None}


def _is_later(sha: str, repository: str | None, deployment: Deployment, index: Index) -> bool:
    if deployment.started_at is None:
        return False
    commit = commit_of(sha, repository, index)
    committed_at = commit.committed_at if commit else None
    return committed_at is not None and committed_at > deployment.started_at + MARGIN


def _tag_names(image: ImageName, sha: str) -> str:
    return f"tag {image.tag} of {image.short} names commit {sha}"
