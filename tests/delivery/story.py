"""What CI would have told of each recording: commits, runs, images and scans for the recorded images and revisions.

    facts(recording)          every fact, in the order in which it happened
    source_of(reference)      the commit that an image was built from, as (repository, SHA): the truth to compare with

Of each way of working there is one: `store` is a matrix build of six services from one commit, whose registry names the
commit; `astrago` and `coelho` have one pipeline whose job names no image; `trombone` has short SHAs in its tags, and
its CI says what it made. The manifests' commits are the recorded ones.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import cache

import orjson

from gateway.delivery.correlation.tags import parse_image
from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.events import Commit, DeliveryEvent, ImagePushed, Run, RunState, Scanned
from tests.delivery.play import Player, shown_in
from tests.fakes import recordings

MANIFESTS = "git.example.org/deploy"
BUILD = 120.0
"""Seconds that a build takes; it ends 90 s before the image is first deployed."""

MATRIX = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"
CLAIMED = "77889900aabbccddeeff00112233445566778899"
CLAIMED_RUN = "123456"
RELEASE = hashlib.sha256(b"store 2026.11.1").hexdigest()[:40]
SERVICES = ("attendance", "auth", "gateway", "inventory", "notification", "sales")

_SHA = re.compile(r"(?:sha-?)?([0-9a-f]{4,8})$")


@cache
def deployments(recording: str) -> tuple[Deployment, ...]:
    """Return what a recording holds, played once, with ten minutes after its end."""
    shown = shown_in(recording)
    player = Player().play(shown)
    player.pass_time(shown[-1][0] + 600)
    return tuple(sorted(player.records.values(), key=lambda one: (one.started_at or 0.0, one.key)))


def source_of(reference: str) -> tuple[str, str]:
    image = parse_image(reference)
    project = image.short.partition("-")[0]
    if image.tag == "2026.11.1":
        return "git.example.org/example/store", RELEASE
    match = _SHA.search(image.tag or "")
    assert match is not None, reference
    sha = MATRIX if MATRIX.startswith(match[1]) else match[1] + hashlib.sha256(match[1].encode()).hexdigest()
    shared = project in ("store", "astrago")
    return f"git.example.org/example/{project if shared else image.short}", sha[:40]


@cache
def facts(recording: str) -> tuple[DeliveryEvent, ...]:
    told: list[DeliveryEvent] = [*manifest_commits()]
    first: dict[str, float] = {}
    for deployment in deployments(recording):
        for reference in deployment.images or ():
            first.setdefault(reference, deployment.started_at or 0.0)
    for source in sorted({source_of(reference) for reference in first}):
        images = sorted(reference for reference in first if source_of(reference) == source)
        told += _told_of(*source, images, min(first[reference] for reference in images) - 90.0)
    claimed = next((one for one in deployments(recording) if one.info), None)
    if claimed is not None:
        told += _told_of("git.example.org/example/trombone-web", CLAIMED, [], claimed.started_at or 0.0, CLAIMED_RUN)
    return tuple(told)


@cache
def manifest_commits() -> tuple[Commit, ...]:
    listed = orjson.loads((recordings.FOLDER / "manifest-commits.json").read_bytes())
    commits = []
    for before, one in zip([None, *listed], listed, strict=False):
        at = datetime.fromisoformat(one["date"]).timestamp()
        commits.append(
            Commit(
                repository=MANIFESTS,
                sha=one["sha"],
                ref="main",
                author=one["author"],
                message=one["message"],
                committed_at=at,
                pushed_at=at + 1.0,
                parent=before["sha"] if before else None,
                files=tuple(one["files"]),
            )
        )
    return tuple(commits)


def _told_of(
    repository: str, sha: str, images: list[str], ended_at: float, run_id: str | None = None
) -> list[DeliveryEvent]:
    run_id = run_id or str(int(sha[:6], 16))
    began_at = ended_at - BUILD
    commit = Commit(
        repository=repository,
        sha=sha,
        ref="main",
        author="Example Developer",
        message=f"Change {sha[:8]}",
        committed_at=began_at - 60.0,
        pushed_at=began_at - 10.0,
        url=f"https://{repository}/commit/{sha}",
    )
    run = Run(
        sender="ci",
        id=run_id,
        name="Build",
        state=RunState.RUNNING,
        repository=repository,
        sha=sha,
        queued_at=began_at - 5.0,
        started_at=began_at,
        updated_at=began_at,
        artifacts=tuple(images) if "trombone" in repository else (),
        url=f"https://{repository}/runs/{run_id}",
    )
    told: list[DeliveryEvent] = [commit, run]
    for number, reference in enumerate(images):
        told += _told_of_image(run, number, reference, began_at, ended_at)
    ended = {"state": RunState.SUCCEEDED, "finished_at": ended_at, "updated_at": ended_at}
    told.append(_replaced(run, **ended))
    return told


def _told_of_image(run: Run, number: int, reference: str, began_at: float, ended_at: float) -> list[DeliveryEvent]:
    image = parse_image(reference)
    matrix = image.short.startswith("store-")
    digest = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    job = Run(
        sender="ci",
        id=f"{run.id}.{number}",
        name=f"build ({image.short.removeprefix('store-')})" if matrix else "docker",
        kind="build",
        state=RunState.SUCCEEDED,
        parent=run.id,
        repository=run.repository,
        sha=run.sha,
        started_at=began_at + 5.0,
        finished_at=ended_at - 5.0,
        updated_at=ended_at - 5.0,
    )
    pushed = ImagePushed(
        image=image.name,
        tag=image.tag,
        digest=digest,
        sha=run.sha if matrix else None,
        repository=run.repository,
        pushed_at=ended_at - 10.0,
    )
    counts = {"CRITICAL": 0, "HIGH": number}
    scan = Scanned(tool="trivy", counts=counts, image=image.name, tag=image.tag, scanned_at=ended_at - 3.0)
    return [job, pushed, scan]


def _replaced(run: Run, **fields: object) -> Run:
    values = {name: getattr(run, name) for name in run.__struct_fields__}
    return Run(**{**values, **fields})
