"""Writes what senders would have posted on the recorded day: nobody was there to record it.

Each way of working is one function. What it tells fits what was recorded: the images, with their tags, and the
manifests' commits, with their messages and files. When, is given in seconds of the story as it is told, which has no
quiet stretches; what began before it has negative ones.

`astrago` has GitHub Actions, `store` a matrix of them for six services; `coelho` has GitLab; `trombone` is of all
sorts: `pay` is built by Argo Workflows and put into the manifests by Image Updater, `api` by something that speaks
CDEvents, `web` by GitHub Actions that end by syncing themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson

from gateway.demo.recording import Recording
from tests.demo import payloads
from tests.demo.payloads import GITHUB, GITLAB, ZERO
from tests.demo.pipelines import Delivery, Pipelines
from tests.fakes import recordings

REGISTRY = "ghcr.io/example"
SERVICES = ("attendance", "auth", "gateway", "inventory", "notification", "sales")
ENVIRONMENTS = ("dev", "stage", "prod")

MATRIX = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"
"""As a recorded commit's trailer names it."""

CLAIMED, CLAIMED_RUN = "77889900aabbccddeeff00112233445566778899", 123456
"""As a recorded operation names them."""


def cut_deliveries(recording: Recording) -> bytes:
    """Return all requests, uncompressed: one a line, in order."""
    plot = Plot(recording)
    told = sorted(plot.tell(), key=lambda delivery: delivery[0])
    return b"".join(
        orjson.dumps({"at": round(plot.recorded(at), 3), "sender": sender, "event": event, "body": body}) + b"\n"
        for at, sender, event, body in told
    )


def sha_of(prefix: str) -> str:
    """Return a whole SHA for the beginning of one."""
    return (prefix + hashlib.sha1(prefix.encode(), usedforsecurity=False).hexdigest())[:40]


class Plot(Pipelines):
    """Who does what when."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self._recording = recording
        self._manifests = manifests_in_order(recording)

    def committed(self, prefix: str) -> float:
        """Return when in the story a commit of the manifests is made, by the beginning of its SHA."""
        at = next(one["at"] for one in self._manifests if one["sha"].startswith(prefix)) - self._beginning
        return self.told(at) if at > 0 else float(at)

    def asked(self) -> float:
        """Return when in the story CI asks for a sync itself."""
        operations = (
            (moment.at, orjson.loads(moment.application)["status"].get("operationState", {}))
            for moment in self._recording.story
        )
        at = next(at for at, state in operations if state.get("operation", {}).get("info"))
        return self.told(at - self._beginning)

    def tell(self) -> Iterator[Delivery]:
        yield from self.manifests()
        yield from self.astrago()
        yield from self.coelho()
        yield from self.pay()
        yield from self.api()
        yield from self.web()
        yield from self.store()

    # The manifest repository

    def manifests(self) -> Iterator[Delivery]:
        """Everybody commits to it: pipelines, Image Updater and people."""
        for before, one in zip([ZERO, *(each["sha"] for each in self._manifests)], self._manifests, strict=False):
            at = self.committed(one["sha"])
            # Nobody pushes a commit without its parents.
            later = self._manifests[self._manifests.index(one) :]
            sent = min(self.committed(each["sha"]) for each in later)
            message = one["message"]
            pay = message.startswith("trombone-pay")
            commit = {
                "id": one["sha"],
                "message": message,
                "timestamp": self.t(at),
                "author": {"name": one["author"], "email": "ci@example.org"},
                "modified": one["files"],
            }
            pusher = "argocd-image-updater" if pay else "example-ci"
            body = payloads.github_push("deploy", commit, before=before, pushed_at=self.t(at), pusher=pusher)
            yield sent + 0.05, "github", "push", body

    # GitHub Actions

    def astrago(self) -> Iterator[Delivery]:
        path = "example/astrago"
        sha = sha_of("9f1c2d3e")
        images = [f"{REGISTRY}/astrago-core:core-stage-9f1c2d3e", f"{REGISTRY}/astrago-batch:batch-stage-9f1c2d3e"]
        yield from self.source(path, sha, "Retry failed exports once", "Ada Example", "ada-example", -236.0)
        jobs = [("test", 0.0, 48.0), ("build (astrago-core)", 50.0, 118.0), ("build (astrago-batch)", 50.0, 104.0)]
        jobs += [("scan", 120.0, 141.0), ("update manifests", 143.0, 156.0)]
        yield from self.actions(path, sha, "CI", "ada-example", -229.0, jobs)
        yield from self.packaged(path, sha, images, [-114.0, -128.0])
        yield from self.scanned(path, sha, images, -90.0, [{"CVE-2026-1001": "MEDIUM"}, {}])
        # What fails goes nowhere.
        sha = sha_of("deadbee5")
        yield from self.source(path, sha, "Export in parallel", "Ada Example", "ada-example", 12.0)
        yield from self.actions(path, sha, "CI", "ada-example", 17.0, [("test", 0.0, 26.0)], conclusion="failure")
        sha = sha_of("77aa88bb")
        image = f"{REGISTRY}/astrago-core:core-stage-77aa88bb"
        m = self.committed("c3b3765f")
        yield from self.source(path, sha, "Show the queue's length", "Grace Example", "grace-example", m - 84.0)
        jobs = [("test", 0.0, 27.0), ("build (astrago-core)", 28.0, 57.0), ("scan", 58.0, 66.0)]
        jobs += [("update manifests", 67.0, 78.0)]
        yield from self.actions(path, sha, "CI", "grace-example", m - 77.5, jobs)
        yield from self.packaged(path, sha, [image], [m - 22.0])
        yield from self.scanned(path, sha, [image], m - 13.0, [{"CVE-2026-1001": "MEDIUM", "CVE-2026-1107": "LOW"}])

    def store(self) -> Iterator[Delivery]:
        path = "example/store"
        release = sha_of("c0ffee26")
        images = [f"{REGISTRY}/store-{service}-{stage}:2026.11.1" for service in SERVICES for stage in ENVIRONMENTS]
        m = self.committed("b2ade247")
        yield from self.source(path, release, "Release 2026.11.1", "Linus Example", "linus-example", m - 118.0)
        yield from self.matrix(path, release, "Release", "linus-example", m - 112.0, 60.0, 112.5)
        yield from self.packaged(path, release, images, [m - 51.0 + 1.5 * number for number in range(len(images))])
        for prefix, commit, message, ended, who in (
            ("0f1e2d3c", "559cd75d", "Build one image for every environment", 75.5, "Linus Example"),
            (MATRIX, "541c93db", "Prices may have four decimals", 70.5, "Grace Example"),
        ):
            begun = self.committed(commit) - ended + 0.5
            sha, login = sha_of(prefix), who.lower().replace(" ", "-")
            tag = f"sha-{sha[:8]}"
            images = [f"{REGISTRY}/store-{service}:{tag}" for service in SERVICES]
            yield from self.source(path, sha, message, who, login, begun - 5.0)
            yield from self.matrix(path, sha, "CI", login, begun, ended - 24.0, ended)
            at = begun + ended - 26.0
            yield from self.packaged(path, sha, images, [at + 0.6 * number for number in range(len(images))])
            found = [{"CVE-2026-2044": "HIGH"} if "inventory" in image else {} for image in images]
            yield from self.scanned(path, sha, images, begun + ended - 13.0, found)

    def matrix(
        self, path: str, sha: str, name: str, actor: str, begun: float, built: float, ended: float
    ) -> Iterator[Delivery]:
        jobs = [("test", 0.0, 15.0)]
        jobs += [(f"build ({service})", 16.0, built + 0.7 * place) for place, service in enumerate(SERVICES)]
        jobs += [("scan", built + 5.0, ended - 8.0), ("update manifests", ended - 7.0, ended)]
        yield from self.actions(path, sha, name, actor, begun, jobs)

    def web(self) -> Iterator[Delivery]:
        path, actor = "example/trombone-web", "ada-example"
        sha = sha_of("5678")
        image = f"{REGISTRY}/trombone-web:v1.0.2-sha5678"
        m = self.committed("ce47c42d")
        yield from self.source(path, sha, "Keep the player's volume", "Ada Example", actor, m - 94.0)
        jobs = [("test", 0.0, 31.0), ("build", 32.0, 71.0), ("scan", 72.0, 79.0), ("update manifests", 80.0, 88.5)]
        yield from self.actions(path, sha, "CI", actor, m - 88.0, jobs)
        yield from self.packaged(path, sha, [image], [m - 18.0])
        yield from self.scanned(path, sha, [image], m - 10.0, [{"CVE-2026-3310": "LOW"}])
        yield from self.source(
            path, CLAIMED, "Deploy without waiting for a commit", "Ada Example", actor, self.asked() - 52.0
        )
        jobs = [("test", 0.0, 31.0), ("argocd sync", 44.0, 49.0)]
        yield from self.actions(path, CLAIMED, "Deploy", actor, self.asked() - 46.0, jobs, run_id=CLAIMED_RUN)

    # GitLab

    def coelho(self) -> Iterator[Delivery]:
        for prefix, manifest, message, length in (
            ("4f5e6d7c", "1582d5f9", "Reconnect without losing messages", 84.0),
            ("9a8b7c6d", "04ff9fa1", "Smaller frames for slow clients", 58.0),
        ):
            ended = self.committed(manifest) + 0.5
            yield from self.gitlab("example/coelho", sha_of(prefix), message, ended - length, ended)
            image = f"{REGISTRY}/coelho-realtime:{prefix}"
            pushed = ended - 15.0
            yield pushed + 0.4, "registry", "", payloads.image_pushed(image, at=self.t(pushed))
            scan = payloads.trivy_report(
                image, {}, sha=sha_of(prefix), source=f"{GITLAB}/example/coelho", at=self.t(ended - 8.0)
            )
            yield ended - 7.5, "trivy", "", scan

    # Argo Events and Argo Workflows

    def pay(self) -> Iterator[Delivery]:
        path = "example/trombone-pay"
        for short, version, manifest, message, length, found in (
            ("0002", "v2.1.0", "6667f033", "Round to the cent at the end only", 80.0, {}),
            ("0003", "v2.2.0", "7fb3cec4", "Ask the bank twice as often", 65.0, {"CVE-2026-4821": "HIGH"}),
        ):
            # Image Updater finds it some seconds after.
            ended = self.committed(manifest) - 4.0
            begun, at = ended - length, ended - length - 5.0
            sha, image = sha_of(short), f"{REGISTRY}/trombone-pay:{version}-sha{short}"
            yield from self.source(path, sha, message, "Katherine Example", "katherine-example", at)
            yield from self.workflow(path, sha, image, begun, ended)
            yield ended - 11.0, "registry", "", payloads.image_pushed(image, at=self.t(ended - 11.5))
            source = f"{GITHUB}/{path}"
            yield (
                ended - 1.0,
                "trivy",
                "",
                payloads.trivy_report(image, found, sha=sha, source=source, at=self.t(ended - 1.5)),
            )

    # CDEvents

    def api(self) -> Iterator[Delivery]:
        for prefix, version, manifest, length in (
            ("1234", "v1.0.1", "f88b513b", 107.0),
            ("abcd", "v1.1.1", "2327d0d5", 79.0),
        ):
            ended = self.committed(manifest) - 2.0
            begun, at = ended - length, ended - length - 6.0
            sha, image = sha_of(prefix), f"{REGISTRY}/trombone-api:{version}-sha{prefix}"
            message = "Answer 404 for what was deleted" if prefix == "1234" else "Close connections that nobody uses"
            yield from self.source("example/trombone-api", sha, message, "Alan Example", "alan-example", at)
            yield from self.tekton(sha, image, begun, ended)


def manifests_in_order(recording: Recording) -> list[dict[str, Any]]:
    """Return the manifests' commits as one line of parents, with their files, by the day's clock.

    What was deployed before the story comes first, whatever its time: the canaries' first commit was moved.
    """
    files = {one["sha"]: one for one in orjson.loads((recordings.FOLDER / "manifest-commits.json").read_bytes())}
    deployed = {
        entry["revision"]
        for moment in recording.fleet
        for entry in orjson.loads(moment.application)["status"].get("history", [])
    }
    commits = sorted(recording.commits, key=lambda commit: (commit.sha not in deployed, commit.at))
    assert all(one.at <= other.at for one, other in pairwise(commits) if one.sha not in deployed)
    return [
        {
            "sha": one.sha,
            "at": one.at,
            "message": one.message,
            "author": files[one.sha]["author"],
            "files": files[one.sha]["files"],
        }
        for one in commits
    ]
