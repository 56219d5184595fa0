"""How each system tells of one pipeline's run, from the push to the end, on the story's clock.

Times are seconds of the story as it is told, which has no quiet stretches; what began before it has negative ones.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gateway.demo.recording import Recording
from gateway.demo.timetable import Scale
from tests.demo import payloads
from tests.demo.payloads import GITHUB, Body

FIRST_ID = 7_001_000_000
"""Ids of runs and jobs: ten digits that begin with 7001, so that each telling can have its own."""

Delivery = tuple[float, str, str, Body]
"""When in the story, the sender, what the header says it is, and the body."""


class Pipelines:
    """The story's clock, counters for what has to be unique, and what is told of a run."""

    def __init__(self, recording: Recording) -> None:
        self._beginning = recording.beginning
        self._scale = Scale(recording)
        self._span = recording.story[-1].at - recording.beginning
        self._id = FIRST_ID

    def recorded(self, at: float) -> float:
        """Return the recorded day's time for a moment of the story."""
        if at <= 0:
            return self._beginning + at
        # By halving: the first moment that is told then.
        place = bisect.bisect_left(range(round(self._span * 1000)), at, key=lambda ms: self.told(ms / 1000))
        return self._beginning + place / 1000

    def told(self, seconds: float) -> float:
        """Return the moment of the story for seconds since the recording's beginning."""
        return self._scale.find(self._beginning + seconds)

    def t(self, at: float) -> str:
        """Return a moment of the story as a body writes it."""
        moment = datetime.fromtimestamp(self.recorded(at), UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"

    def next_id(self) -> int:
        self._id += 1
        return self._id

    def source(self, path: str, sha: str, message: str, author: str, login: str, at: float) -> Iterator[Delivery]:
        """Somebody commits at a moment, and pushes two seconds later."""
        commit = {
            "id": sha,
            "message": message,
            "timestamp": self.t(at),
            "author": {"name": author, "email": f"{login}@example.org", "username": login},
            "modified": [f"src/{path.rpartition('/')[2]}.py"],
        }
        before = hashlib.sha1(f"before {sha}".encode(), usedforsecurity=False).hexdigest()
        body = payloads.github_push(path, commit, before=before, pushed_at=self.t(at + 2.0), pusher=login)
        yield at + 2.3, "github", "push", body

    def actions(
        self,
        path: str,
        sha: str,
        name: str,
        actor: str,
        begun: float,
        jobs: Sequence[tuple[str, float, float]],
        *,
        run_id: int | None = None,
        conclusion: str = "success",
    ) -> Iterator[Delivery]:
        """A workflow runs: its jobs with their beginnings and ends, in seconds after its own."""
        run_id = run_id or self.next_id()
        ended = begun + max(end for _, _, end in jobs) + 1.0
        run: Body = {"id": run_id, "name": name, "head_sha": sha, "created_at": self.t(begun - 2.0)}
        for status, at in (("queued", begun - 2.0), ("in_progress", begun), ("completed", ended)):
            state = {"status": status, "conclusion": conclusion} if status == "completed" else {"status": status}
            times = {"run_started_at": self.t(min(at, begun)), "updated_at": self.t(at)}
            body = payloads.github_run(path, {**run, **state, **times}, actor=actor)
            yield at + 0.2, "github", "workflow_run", body
        for title, start, end in jobs:
            job: Body = {"id": self.next_id(), "run_id": run_id, "name": title, "head_sha": sha}
            job |= {"created_at": self.t(begun + start - 0.5), "started_at": self.t(begun + start)}
            states: tuple[tuple[str, float, Body], ...] = (
                ("in_progress", begun + start, {}),
                ("completed", begun + end, {"conclusion": conclusion}),
            )
            for status, at, more in states:
                over = {"completed_at": self.t(at)} if status == "completed" else {}
                steps = [{"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1}]
                if more.get("conclusion") == "failure":
                    steps.append({"name": "Run tests", "status": "completed", "conclusion": "failure", "number": 2})
                whole = {**job, "status": status, **more, **over, "steps": steps}
                body = payloads.github_job(path, whole, actor=actor)
                yield at + 0.3, "github", "workflow_job", body

    def packaged(self, path: str, sha: str, images: Sequence[str], times: Sequence[float]) -> Iterator[Delivery]:
        for image, at in zip(images, times, strict=True):
            yield at + 0.4, "github", "package", payloads.github_package(path, image, sha, at=self.t(at))

    def scanned(
        self, path: str, sha: str, images: Sequence[str], at: float, found: Sequence[dict[str, str]]
    ) -> Iterator[Delivery]:
        for image, vulnerabilities in zip(images, found, strict=True):
            source = f"{GITHUB}/{path}"
            body = payloads.trivy_report(image, vulnerabilities, sha=sha, source=source, at=self.t(at))
            yield at + 0.5, "trivy", "", body

    def gitlab(self, path: str, sha: str, message: str, begun: float, ended: float) -> Iterator[Delivery]:
        at = begun - 6.0
        author = {"name": "Marie Example", "email": "marie@example.org"}
        commit = {"id": sha, "message": message, "timestamp": self.t(at), "author": author, "modified": ["src/main.go"]}
        before = hashlib.sha1(f"before {sha}".encode(), usedforsecurity=False).hexdigest()
        yield at + 2.3, "gitlab", "Push Hook", payloads.gitlab_push(path, commit, before=before, user="Marie Example")
        length = ended - begun
        planned = [
            ("test", "test", begun, begun + 0.35 * length),
            ("build", "docker", begun + 0.37 * length, ended - 14.0),
            ("test", "container_scanning", ended - 13.0, ended - 8.0),
            ("deploy", "update-manifests", ended - 7.0, ended),
        ]
        pipeline: Body = {"id": self.next_id(), "sha": sha, "name": "coelho", "created_at": self.t(begun - 3.0)}
        ids = [self.next_id() for _ in planned]
        moments = [
            (begun - 2.5, "pending"),
            *((start + 0.1, "running") for _, _, start, _ in planned),
            (ended, "success"),
        ]
        for now, status in moments:
            jobs = [
                self.gitlab_job(identity, job, begun - 3.0, now) for identity, job in zip(ids, planned, strict=True)
            ]
            over = {"finished_at": self.t(ended), "duration": round(length)} if status == "success" else {}
            body = payloads.gitlab_pipeline(path, {**pipeline, "status": status, **over}, jobs, user="Marie Example")
            yield now + 0.3, "gitlab", "Pipeline Hook", body

    def gitlab_job(self, identity: int, job: tuple[str, str, float, float], created_at: float, now: float) -> Body:
        stage, name, start, end = job
        told: Body = {"id": identity, "stage": stage, "name": name, "created_at": self.t(created_at)}
        if now < start:
            return {**told, "status": "created"}
        told |= {"started_at": self.t(start)}
        return {**told, "status": "running"} if now < end else {**told, "status": "success", "finished_at": self.t(end)}

    def workflow(self, path: str, sha: str, image: str, begun: float, ended: float) -> Iterator[Delivery]:
        """A Workflow that a push set off, as a sensor sees it begin, go on and end."""
        mark = hashlib.sha256(sha.encode()).hexdigest()
        name, uid = (
            f"trombone-pay-build-{mark[:5]}",
            f"{mark[:8]}-{mark[8:12]}-4{mark[12:15]}-8{mark[15:18]}-{mark[18:30]}",
        )
        parameters = {"repo": f"{GITHUB}/{path}.git", "sha": sha, "branch": "main", "image": image}
        steps = [
            ("test", begun, begun + 22.0),
            ("build-image", begun + 23.0, ended - 10.0),
            ("scan", ended - 9.0, ended - 0.5),
        ]
        for now, phase in (
            (begun, "Running"),
            (begun + 23.0, "Running"),
            (ended - 9.0, "Running"),
            (ended, "Succeeded"),
        ):
            nodes = dict(
                payloads.workflow_node(
                    name, step, started_at=self.t(start), finished_at=self.t(end) if end <= now else None
                )
                for step, start, end in steps
                if start <= now
            )
            over = {"finishedAt": self.t(ended)} if phase == "Succeeded" else {}
            status = {"phase": phase, "startedAt": self.t(begun), **over, "nodes": nodes}
            body = payloads.workflow_seen(
                name, uid, parameters=parameters, status=status, created_at=self.t(begun - 1.0), at=self.t(now)
            )
            body["context"]["id"] = f"{uid}-{round(now - begun)}"
            yield now + 0.4, "argo-workflows", "", body

    def tekton(self, sha: str, image: str, begun: float, ended: float) -> Iterator[Delivery]:
        source, run = "https://tekton.example.org", f"trombone-api-{self.next_id()}"
        name, _, tag = image.rpartition(":")
        custom = {"commit": sha, "repository": f"{GITHUB}/example/trombone-api", "ref": "main"}
        purl = f"pkg:oci/trombone-api@{payloads.digest_of(image)}?repository_url={name}&tag={tag}"
        pipeline = {"pipelineName": "trombone-api", "uri": f"{source}/runs/{run}"}
        build, done = {"taskName": "build", "pipelineRun": {"id": run}}, {"outcome": "success"}
        told: list[tuple[float, str, str, Body]] = [
            (begun - 2.0, "pipelinerun.queued.0.3.0", run, pipeline),
            (begun, "pipelinerun.started.0.3.0", run, pipeline),
            (begun, "taskrun.started.0.3.0", f"{run}-test", {**build, "taskName": "unit-test"}),
            (begun + 25.0, "taskrun.finished.0.3.0", f"{run}-test", {**build, **done, "taskName": "unit-test"}),
            (begun + 26.0, "taskrun.started.0.3.0", f"{run}-build", build),
            (ended - 9.0, "artifact.published.0.3.0", purl, {"user": "tekton"}),
            (ended - 8.0, "taskrun.finished.0.3.0", f"{run}-build", {**build, **done}),
            (ended, "pipelinerun.finished.0.3.0", run, {**pipeline, **done}),
        ]
        for at, kind, subject, content in told:
            identity = hashlib.sha256(f"{kind} {subject}".encode()).hexdigest()
            identity = f"{identity[:8]}-{identity[8:12]}-4{identity[12:15]}-8{identity[15:18]}-{identity[18:30]}"
            body = payloads.cdevent(
                kind, subject, identity=identity, source=source, at=self.t(at), content=content, custom=custom
            )
            yield at + 0.2, "cdevents", "", body
