"""Around deliveries: release checklists, refreshes after a push, and breaches of SLOs, on a gateway as it runs."""

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.contract.documents import Contract
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import UNIX_OFFSET, Answer, Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

GITHUB, TRIVY = "first-secret-of-github", "first-secret-of-trivy"
SECRETS = {"webhook_github_secret": GITHUB, "webhook_trivy_secret": TRIVY}
SHA = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"
SHOP = "https://github.com/example/shop"
IMAGE = "ghcr.io/example/shop:stage-5a6b7c8d"


async def tell_github(stage: Stage, event: str, document: dict[str, Any]) -> None:
    body = orjson.dumps(document)
    digest = hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": hashlib.sha256(body).hexdigest()[:16],
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    answer = await stage.send("/api/webhooks/github", body, headers)
    assert answer.status == 202, answer
    await processed(stage)


async def tell_trivy(stage: Stage, **severities: str) -> None:
    vulnerabilities = [
        {"VulnerabilityID": identity.replace("_", "-"), "Severity": severity}
        for identity, severity in severities.items()
    ]
    report = {
        "SchemaVersion": 2,
        "ArtifactName": IMAGE,
        "ArtifactType": "container_image",
        "CreatedAt": "2027-01-15T08:00:00Z",
        "Metadata": {"RepoTags": [IMAGE]},
        "Results": [{"Vulnerabilities": vulnerabilities}],
    }
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TRIVY}"}
    answer = await stage.send("/api/webhooks/trivy", orjson.dumps(report), headers)
    assert answer.status == 202, answer
    await processed(stage)


async def processed(stage: Stage) -> None:
    await until(lambda: stage.gateway.office.runner.idle, what=repr(stage.gateway.office.runner))


def run_of(name: str = "CI", conclusion: str | None = "success", **more: Any) -> dict[str, Any]:
    return {
        "action": "completed" if conclusion else "in_progress",
        "repository": {"full_name": "example/shop", "html_url": SHOP},
        "workflow_run": {
            "id": 77,
            "name": name,
            "head_branch": "main",
            "head_sha": SHA,
            "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion,
            "run_attempt": 1,
            "event": "push",
            "created_at": "2027-01-15T07:50:00Z",
            "run_started_at": "2027-01-15T07:50:00Z",
            "updated_at": "2027-01-15T07:55:00Z",
            "html_url": f"{SHOP}/actions/runs/77",
            **more,
        },
    }


def push_of(repository: str = "example/deploy", ref: str = "main", files: tuple[str, ...] = ()) -> dict[str, Any]:
    commit = {
        "id": SHA,
        "message": "Update image tags to 5a6b7c8d",
        "timestamp": "2027-01-15T08:00:00Z",
        "url": f"https://github.com/{repository}/commit/{SHA}",
        "author": {"name": "ci", "username": "ci"},
        "added": [],
        "removed": [],
        "modified": list(files),
    }
    return {
        "ref": f"refs/heads/{ref}",
        "before": "0" * 39 + "1",
        "after": SHA,
        "repository": {"full_name": repository, "html_url": f"https://github.com/{repository}"},
        "head_commit": commit,
        "commits": [commit],
    }


async def checklist(stage: Stage, query: str = "", sha: str = SHA) -> Answer:
    return await stage.get(f"/api/releases/{sha}/checklist{query}")


def states(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer
    return {item["item"]: item["state"] for item in answer.json["items"]}


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    shop = {"repoURL": "git@github.com:example/deploy.git", "path": "apps/shop", "targetRevision": "HEAD"}
    mail = {"repoURL": "https://github.com/example/deploy", "path": "apps/mail", "targetRevision": "main"}
    argocd.put(application("shop", project="blue", sources=[shop], images=[IMAGE]))
    argocd.put(application("mail", project="green", sources=[mail], images=["ghcr.io/example/mail:v1"]))
    return argocd


# Release checklists.


async def test_a_commit_becomes_ready_as_it_is_told_of(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        nobody = await checklist(stage)
        assert (nobody.json["state"], states(nobody)) == ("unknown", {"ci": "unknown", "scan": "unknown", "sync": "ok"})
        await tell_github(stage, "workflow_run", run_of(conclusion=None))
        assert states(await checklist(stage))["ci"] == "pending"
        await tell_github(stage, "workflow_run", run_of())
        await tell_trivy(stage, CVE_2027_1="MEDIUM")
        ready = await checklist(stage, sha=SHA[:8].upper())
        assert ready.json["state"] == "ready", ready.json
        assert (ready.json["sha"], ready.json["applications"]) == (SHA, ["argocd/shop"])
        assert ready.json["repositories"] == ["github.com/example/shop"]


async def test_exceptions_are_read_again_when_their_file_changes(filled: FakeArgoCD, tmp_path: Path) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text("")
    async with run_gateway(filled, **SECRETS, scan_exceptions_file=file) as stage:
        await stage.live()
        await tell_github(stage, "workflow_run", run_of())
        await tell_trivy(stage, CVE_2027_1="CRITICAL")
        assert states(await checklist(stage))["scan"] == "failed"
        good = '[[exception]]\nid = "CVE-2027-1"\nwho = "anna"\nuntil = 2099-01-01\nreason = "not reachable"\n'
        file.write_text(good)
        assert states(await checklist(stage))["scan"] == "ok"
        file.write_text(good.replace('"anna"', "7"))
        unusable = await checklist(stage)
        assert states(unusable)["scan"] == "failed"
        assert "line 3: who is text" in unusable.json["items"][1]["why"]


async def test_windows_and_errors_of_argo_cd_hold_a_release_up(filled: FakeArgoCD) -> None:
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h"}
    filled.windows["argocd/shop"] = {"canSync": False, "activeWindows": [window], "assignedWindows": [window]}
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        closed = await checklist(stage)
        assert (closed.json["state"], states(closed)["sync"]) == ("not-ready", "pending")
        filled.details.part_status["windows"] = 500
        assert states(await checklist(stage))["sync"] == "unknown"
        others = await checklist(stage, "?projects=green")
        assert others.json["applications"] == []


async def test_a_checklist_that_cannot_be_understood_or_told_apart_is_refused(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        wrong = await checklist(stage, "?ignore=&project=x", sha="main")
        assert (wrong.status, len(wrong.json["problems"])) == (400, 3)
        for end in "12":
            document = run_of(id=int(end), head_sha=SHA[:-1] + end)
            await tell_github(stage, "workflow_run", document)
        several = await checklist(stage, sha=SHA[:10])
        assert (several.status, len(several.json["candidates"])) == (409, 2)
        contract = Contract()
        for answer in (wrong, several, await checklist(stage)):
            contract.check_answer("/api/releases/{sha}/checklist", answer)


# Refreshes.


def refreshed(argocd: FakeArgoCD) -> list[str]:
    asked = [request for request in argocd.requests if request.query.get("refresh")]
    assert all(request.query["refresh"] == "normal" and request.query["appNamespace"] for request in asked)
    return [request.path.rpartition("/")[2] for request in asked]


async def test_a_push_refreshes_the_applications_whose_manifests_it_changes(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS, refresh_on_push=True) as stage:
        await stage.live()
        await tell_github(stage, "push", push_of(files=("apps/shop/values.yaml",)))
        await until(lambda: stage.gateway.errands.counts["refresh_asked"] == 1, what="the refresh")
        assert refreshed(filled) == ["shop"]
        assert 'gateway_refreshes_total{outcome="asked"} 1' in (await stage.get(stage.metrics_url)).body.decode()


async def test_nothing_is_refreshed_where_that_is_off(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        await tell_github(stage, "push", push_of())
        assert refreshed(filled) == []


async def test_a_refresh_that_is_refused_is_counted_and_ends_nothing(filled: FakeArgoCD) -> None:
    filled.details.part_status["application"] = 403
    async with run_gateway(filled, **SECRETS, refresh_on_push=True) as stage:
        await stage.live()
        await tell_github(stage, "push", push_of())
        await until(lambda: stage.gateway.errands.counts["refresh_failed"] == 2, what="the refusals")
        assert sorted(refreshed(filled)) == ["mail", "shop"]


# Breaches.


async def test_a_breach_is_told_once_to_those_who_see_the_application(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        blue, green = await stage.watch("?projects=blue"), await stage.watch("?projects=green")
        state = {
            "phase": "Failed",
            "message": "one or more objects failed to apply",
            "operation": {"sync": {"revision": "f" * 40}, "initiatedBy": {"automated": True}},
            "startedAt": _time(1_000),
            "finishedAt": _time(1_005),
            "syncResult": {"revision": "f" * 40, "source": {"repoURL": "https://github.com/example/deploy"}},
        }
        filled.put(application("shop", project="blue", sync="OutOfSync", operation_state=state, version=2))
        await until(lambda: any(event.name == "breach" for event in blue.client.events), what="the breach")
        (breach,) = [event for event in blue.client.events if event.name == "breach"]
        assert breach.data["application"] == "argocd/shop"
        assert (breach.data["slo"], breach.id) == ("deployments", None)
        assert set(breach.data) == {"application", "slo", "deployment", "at"}
        Contract().check_event("breach", breach.data)
        await stage.assert_same()
        assert [event for event in green.client.events if event.name == "breach"] == []


async def test_what_never_becomes_healthy_breaches_success_when_its_time_is_over(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS, healthy_within=120.0) as stage:
        await stage.live()
        watching = await stage.watch("?projects=blue")
        state = {
            "phase": "Succeeded",
            "message": "successfully synced",
            "operation": {"sync": {"revision": "f" * 40}, "initiatedBy": {"automated": True}},
            "startedAt": _time(100),
            "finishedAt": _time(105),
            "syncResult": {"revision": "f" * 40, "source": {"repoURL": "https://github.com/example/deploy"}},
        }
        after = application("shop", project="blue", health="Progressing", operation_state=state, version=2)
        filled.put({**after, "status": {**after["status"], "sync": {"status": "Synced", "revision": "f" * 40}}})
        await processed(stage)
        told = watching.client.events
        await until(lambda: any(event.name == "breach" for event in told), within=600.0, what="the breach")
        (breach,) = [event for event in told if event.name == "breach"]
        assert breach.data["slo"] == "deployments"


def _time(after: float) -> str:
    return datetime.fromtimestamp(UNIX_OFFSET + 1_000_000.0 + after, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# What a refresh gains.

REVISION = "0" * 39 + "1"


def shop(now: float, *, revision: str = REVISION, sync: str = "Synced", version: int) -> dict[str, Any]:
    """Return the application as its last operation, at ``revision``, left it; another sync status compares with SHA."""
    source = {"repoURL": "https://github.com/example/deploy", "path": "apps/shop", "targetRevision": "HEAD"}
    state = {
        "phase": "Succeeded",
        "message": "successfully synced",
        "operation": {"sync": {"revision": revision}, "initiatedBy": {"automated": True}},
        "startedAt": _write(now),
        "finishedAt": _write(now + 1),
        "syncResult": {"revision": revision, "source": source},
    }
    compared = revision if sync == "Synced" else SHA
    return application(
        "shop", project="blue", sources=[source], sync=sync, revision=compared, operation_state=state, version=version
    )


async def measure_detection(argocd: FakeArgoCD, *, refresh: bool) -> float:
    """Return how long Argo CD took to notice a push; it polls every three minutes, or looks when it is asked."""
    async with run_gateway(argocd, **SECRETS, refresh_on_push=refresh) as stage:
        now = stage.gateway.clock
        argocd.put(shop(now() - 1_000, version=2))
        await stage.live()
        await processed(stage)
        pushed_at = now()
        if refresh:
            path = "/api/v1/applications/shop"
            argocd.on_request(path, lambda: argocd.put(shop(pushed_at - 1_000, sync="OutOfSync", version=3)))
        document = push_of(files=("apps/shop/values.yaml",))
        document["head_commit"]["timestamp"] = document["commits"][0]["timestamp"] = _write(pushed_at)
        await tell_github(stage, "push", document)
        if refresh:
            await until(lambda: stage.gateway.errands.counts["refresh_asked"] == 1, what="the refresh")
        else:
            await let_pass(180.0)
            argocd.put(shop(pushed_at - 1_000, sync="OutOfSync", version=3))
        await let_pass(3.0)
        argocd.put(shop(now() - 1, revision=SHA, version=4))
        await let_pass(5.0)
        await processed(stage)
        answer = await stage.get("/api/kpis?application=argocd/shop")
        metrics = (await stage.get(stage.metrics_url)).body.decode()
        word = "yes" if refresh else "no"
        assert f'gateway_detection_duration_seconds_count{{refreshed="{word}"}} 1.0' in metrics
        detect: float = answer.json["groups"][0]["durations"]["detect"]["p50"]
        return detect


async def test_without_a_refresh_argo_cd_notices_when_it_polls(argocd: FakeArgoCD) -> None:
    assert await measure_detection(argocd, refresh=False) >= 180.0


async def test_with_a_refresh_argo_cd_notices_at_once(argocd: FakeArgoCD) -> None:
    assert await measure_detection(argocd, refresh=True) <= 2.0


def _write(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
