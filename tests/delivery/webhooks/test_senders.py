"""What is particular to a sender: its headers, its words for states, its ways of saying who and what."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from gateway.delivery.events import Commit, Deployed, ImagePushed, Run, RunState, Scanned
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Reading, Request
from tests.delivery.webhooks.samples import DATA, NOW, SAMPLES, make_request, read_sample

NOTIFICATIONS = Path(__file__).parents[3] / "k8s" / "argocd" / "notifications-cm.yaml"
DIGEST = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
SHA = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"


def load(sample: str) -> Any:
    return json.loads((DATA / sample).read_text())


def read(sender: str, document: Any, **headers: str) -> Reading:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return SENDERS[sender].read(Request(headers=named, body=body, received_at=NOW))


def read_run(sender: str, document: Any, **headers: str) -> Run:
    (run, *_) = read(sender, document, **headers).events
    assert isinstance(run, Run)
    return run


def test_senders_are_registered_by_the_names_of_their_routes() -> None:
    assert sorted(SENDERS) == ["argo-workflows", "argocd", "cdevents", "github", "gitlab", "registry", "trivy"]
    assert all(name == sender.name for name, sender in SENDERS.items())


def test_deliveries_have_ids_of_their_own() -> None:
    """But for CDEvents: its conformance documents share the id of one event."""
    ids = [(sample.split("/")[0], read_sample(sample).delivery_id) for sample in SAMPLES if "cdevents" not in sample]
    assert len(ids) == len(set(ids))


# GitHub.


def test_a_form_of_github_is_read_as_the_same_json() -> None:
    request = make_request("github/push.branch.json")
    form = urlencode({"payload": request.body.decode()}).encode()
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    assert SENDERS["github"].read(Request(headers=headers, body=form, received_at=NOW)) == read_sample(
        "github/push.branch.json"
    )


@pytest.mark.parametrize("form", [b"", b"other=1", b"payload", b"payload=%ff", b"\xff", b"&" * 100])
def test_a_form_without_json_says_what_it_lacks(form: bytes) -> None:
    with pytest.raises(PayloadError, match=r"payload|UTF-8"):
        read("github", form, x_github_event="push", content_type="application/x-www-form-urlencoded")


def test_github_without_an_event_or_of_an_unknown_one() -> None:
    with pytest.raises(PayloadError, match="X-GitHub-Event is missing"):
        read("github", {})
    reading = read("github", {"action": "a b\n"}, x_github_event="star")
    assert (reading.event, reading.ignored) == ("star.a-b", "not used")
    assert reading.delivery_id == read("github", {"action": "a b\n"}, x_github_event="star").delivery_id


def test_a_server_of_ones_own_names_its_repositories() -> None:
    push = load("github/push.branch.json")
    push["repository"] = {"full_name": "Team/Shop"}
    (commit,) = read("github", push, x_github_event="push", x_github_enterprise_host="git.example.org").events
    assert isinstance(commit, Commit)
    assert commit.repository == "git.example.org/team/shop"


def test_a_commit_without_a_repository_is_refused_by_the_fields_name() -> None:
    push = load("github/push.branch.json")
    del push["repository"]
    with pytest.raises(PayloadError, match=r"^repository\.html_url is missing"):
        read("github", push, x_github_event="push")


def test_every_commit_of_a_push_is_taken_the_newest_last() -> None:
    push = load("github/push.branch.json")
    push["commits"] = [{**push["commits"][0], "id": f"{number:040x}", "added": []} for number in (1, 2)] + push[
        "commits"
    ]
    commits = read("github", push, x_github_event="push").events
    assert [commit.sha[-1] for commit in commits if isinstance(commit, Commit)] == ["1", "2", "0"]


@pytest.mark.parametrize(
    ("status", "conclusion", "state", "reason"),
    [
        ("requested", None, RunState.QUEUED, None),
        ("pending", None, RunState.QUEUED, None),
        ("waiting", None, RunState.WAITING, None),
        ("completed", "failure", RunState.FAILED, None),
        ("completed", "timed_out", RunState.FAILED, "timed_out"),
        ("completed", "startup_failure", RunState.FAILED, "startup_failure"),
        ("completed", "cancelled", RunState.CANCELLED, None),
        ("completed", "skipped", RunState.SKIPPED, None),
        ("completed", "neutral", RunState.SUCCEEDED, None),
        ("completed", "action_required", RunState.WAITING, None),
    ],
)
def test_github_says_how_a_run_ended(status: str, conclusion: str | None, state: RunState, reason: str | None) -> None:
    event = load("github/workflow_run.completed.success.json")
    event["workflow_run"] |= {"status": status, "conclusion": conclusion}
    run = read_run("github", event, x_github_event="workflow_run")
    assert (run.state, run.reason) == (state, reason)
    assert (run.finished_at is not None) == state.over


def test_a_state_that_nobody_knows_is_ignored_not_guessed() -> None:
    event = load("github/workflow_run.completed.success.json")
    event["workflow_run"]["conclusion"] = "surprised"
    reading = read("github", event, x_github_event="workflow_run")
    assert (reading.events, reading.ignored) == ((), "its state is a word that isn't known")


def test_a_second_attempt_waits_from_when_it_was_asked_for() -> None:
    event = load("github/workflow_run.requested.json")
    event["workflow_run"] |= {"run_attempt": 2, "run_started_at": "2020-10-06T10:00:00Z"}
    first = read_run("github", load("github/workflow_run.requested.json"), x_github_event="workflow_run")
    second = read_run("github", event, x_github_event="workflow_run")
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.queued_at is not None
    assert first.queued_at is not None
    assert second.queued_at - first.queued_at == pytest.approx(62_796)


@pytest.mark.parametrize(
    ("package", "ignored"),
    [
        ({"package_type": "npm"}, "the package isn't a container image"),
        ({"package_type": "CONTAINER"}, "the package's version has no image address"),
        ({"ecosystem": "docker", "package_version": {"package_url": ""}}, "the package's version has no image address"),
    ],
)
def test_packages_that_are_no_images_are_ignored(package: Any, ignored: str) -> None:
    assert read("github", {"action": "published", "package": package}, x_github_event="package").ignored == ignored


def test_an_alert_that_is_fixed_finds_nothing() -> None:
    alert = load("github/code_scanning_alert.created.json") | {"action": "fixed"}
    assert read("github", alert, x_github_event="code_scanning_alert").ignored == "the alert isn't new"


# GitLab.


def test_gitlabs_delivery_is_known_again_by_its_signed_id_first() -> None:
    push = load("gitlab/push.json")
    headers = {"x_gitlab_webhook_uuid": "c", "idempotency_key": "b", "webhook_id": "a"}
    ids = []
    while headers:
        ids.append(read("gitlab", push, **headers).delivery_id)
        headers.popitem()
    assert ids == ["a", "b", "c"]
    assert read("gitlab", push).delivery_id == read("gitlab", push).delivery_id


def test_a_custom_template_of_gitlab_is_recognised() -> None:
    with pytest.raises(PayloadError, match="object_kind is missing"):
        read("gitlab", {"text": "hello"})


def test_a_failed_job_says_why_and_its_pipeline_repeats_it() -> None:
    event = load("gitlab/pipeline.failed.json")
    event["builds"][0]["failure_reason"] = "script_failure"
    pipeline, job = read("gitlab", event).events
    assert isinstance(pipeline, Run)
    assert isinstance(job, Run)
    assert (pipeline.reason, job.reason) == ("check-gitbz: script_failure", "script_failure")


def test_a_job_is_the_same_in_its_pipelines_event_and_in_its_own() -> None:
    (_, job, _) = read_sample("gitlab/pipeline.running.json").events
    own = read_run("gitlab", load("gitlab/job.running.json"))
    assert isinstance(job, Run)
    assert (job.id, job.parent, job.sha, job.state, job.started_at) == (
        own.id, own.parent, own.sha, own.state, own.started_at,
    )  # fmt: skip


# Argo Workflows and Argo Events.


def test_a_workflow_that_someone_ended_did_not_fail() -> None:
    workflow = load("argo-workflows/workflow.failed.json")
    workflow["spec"]["shutdown"] = "Terminate"
    assert read_run("argo-workflows", workflow).state is RunState.CANCELLED


def test_a_suspended_step_waits_for_people() -> None:
    workflow = load("argo-workflows/workflow.build.json")
    workflow["status"] |= {"phase": "Running", "finishedAt": None}
    workflow["status"]["nodes"]["shop-build-7xk2p-2"] |= {"phase": "Running", "finishedAt": None}
    steps = {run.name: run.state for run in read("argo-workflows", workflow).events if isinstance(run, Run)}
    assert steps["approve"] is RunState.WAITING
    assert read_run("argo-workflows", workflow).artifacts == ()


def test_a_wrapped_webhook_gives_what_it_gives_by_itself() -> None:
    wrapped = read_sample("argo-workflows/argo-events.github.push.json")
    assert wrapped.events == read_sample("github/push.branch.json").events
    assert wrapped.delivery_id == "github#39343832"


def test_a_sensor_may_send_json_as_text() -> None:
    message = load("argo-workflows/argo-events.resource.workflow.json")
    message["data"]["body"] = json.dumps(message["data"]["body"])
    expected = read_sample("argo-workflows/argo-events.resource.workflow.json")
    assert read("argo-workflows", message) == expected
    assert read("argo-workflows", message | {"data": json.dumps(message["data"])}) == expected


def test_a_message_holds_no_message() -> None:
    message = load("argo-workflows/argo-events.resource.workflow.json")
    message["data"]["body"] = load("argo-workflows/argo-events.resource.workflow.json")
    with pytest.raises(PayloadError, match="neither a Workflow"):
        read("argo-workflows", message)


@pytest.mark.parametrize("failures", ["null", '"null"', "", json.dumps(json.dumps([]))])
def test_no_failures_are_none_however_often_they_are_quoted(failures: str) -> None:
    summary = {"workflow": "w", "status": "Failed", "failures": failures}
    assert len(read("argo-workflows", summary).events) == 1


def test_failures_that_are_cut_off_are_refused_by_name() -> None:
    with pytest.raises(PayloadError, match=r"^failures has to be \{\{workflow\.failures\}\}"):
        read("argo-workflows", {"workflow": "w", "status": "Failed", "failures": '[{"displayName":'})


def test_a_duration_that_was_not_filled_in_is_unknown() -> None:
    summary = {"workflow": "w", "status": "Succeeded", "startedAt": 1_795_172_400, "duration": "{{workflow.duration}}"}
    assert read_run("argo-workflows", summary).finished_at is None


# Argo CD.


def test_a_whole_application_under_app_is_understood() -> None:
    parts = load("argocd/1.astrago-core.json")["application"]
    status = {name: parts[name] for name in ("health", "operationState")}
    reading = read("argocd", {"app": {"metadata": parts["metadata"], "status": status}})
    (deployed,) = reading.events
    (expected,) = read_sample("argocd/1.astrago-core.json").events
    assert isinstance(deployed, Deployed)
    assert isinstance(expected, Deployed)
    assert (deployed.id, deployed.state, deployed.images) == (expected.id, expected.state, expected.images)
    assert reading.event == "notification"


def test_a_template_that_names_no_application_is_told_what_to_write() -> None:
    with pytest.raises(PayloadError, match="application is missing: write"):
        read("argocd", {"state": "success"})
    with pytest.raises(PayloadError, match="namespace"):
        read("argocd", {"application": {"metadata": {"name": "shop"}}})


@pytest.mark.parametrize(
    ("phase", "health", "state"),
    [
        ("Running", "Healthy", RunState.RUNNING),
        ("Succeeded", "Progressing", RunState.RUNNING),
        ("Succeeded", None, RunState.RUNNING),
        ("Succeeded", "Healthy", RunState.SUCCEEDED),
        ("Succeeded", "Degraded", RunState.FAILED),
        ("Error", "Healthy", RunState.FAILED),
    ],
)
def test_a_sync_is_a_deployment_when_it_is_healthy(phase: str, health: str | None, state: RunState) -> None:
    body = load("argocd/1.astrago-core.json")
    body["application"]["operationState"]["phase"] = phase
    body["application"]["health"] = {"status": health}
    (deployed,) = read("argocd", body).events
    assert isinstance(deployed, Deployed)
    assert deployed.state is state


def test_the_notifications_of_the_manifests_name_their_trigger_and_hold_no_secret() -> None:
    data = yaml.safe_load(NOTIFICATIONS.read_text())["data"]
    triggers = {name.removeprefix("trigger.") for name in data if name.startswith("trigger.")}
    for trigger in triggers:
        (condition,) = yaml.safe_load(data[f"trigger.{trigger}"])
        assert condition["send"] == [trigger]
        webhook = yaml.safe_load(data[f"template.{trigger}"])["webhook"]["gateway"]
        assert (webhook["method"], webhook["path"]) == ("POST", "/api/webhooks/argocd")
        assert webhook["body"].startswith(f'{{"trigger": "{trigger}"')
        assert "{{toJson .app.metadata}}" not in webhook["body"]
    (subscription,) = yaml.safe_load(data["subscriptions"])
    assert set(subscription["triggers"]) == triggers
    headers = {header["name"]: header["value"] for header in yaml.safe_load(data["service.webhook.gateway"])["headers"]}
    assert headers["Authorization"] == "Bearer $gateway-webhook-token"


def test_a_rendered_template_gives_what_the_whole_application_gives() -> None:
    assert read_sample("argocd/template.degraded.json").events == read_sample("argocd/5.trombone-pay.json").events


# Registries.


def test_ecr_in_china_has_a_host_of_its_own() -> None:
    event = load("registry/ecr.image-push.cloudevent.json")
    event["source"] = "urn:aws:ecr:cn-north-1:123456789012:repository/my-app"
    event["data"]["imageDigest"] = DIGEST
    (image,) = read("registry", event).events
    assert isinstance(image, ImagePushed)
    assert image.image == "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/my-app"
    assert image.digest == DIGEST
    with pytest.raises(PayloadError, match=r"^source isn't urn:aws:ecr"):
        read("registry", event | {"source": "somewhere"})


def test_a_cloud_event_in_headers_is_the_same_as_in_a_body() -> None:
    event = load("registry/generic.image-push.cloudevent.json")
    headers = {"ce_type": event["type"], "ce_source": event["source"], "ce_time": event["time"]}
    assert read("registry", event["data"], **headers).events == read("registry", event).events


def test_a_scan_that_did_not_succeed_finds_nothing() -> None:
    event = load("registry/harbor.scanning_completed.json")
    for report in event["event_data"]["resources"][0]["scan_overview"].values():
        report["scan_status"] = "Error"
    assert read("registry", event).ignored == "nothing was pushed or scanned"
    assert read("registry", event | {"type": "DELETE_ARTIFACT"}).ignored == "nothing was pushed or scanned"


def test_a_registry_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(PayloadError, match="Docker Hub"):
        read("registry", {"image": "shop"})


# Trivy.


@pytest.mark.parametrize(
    ("properties", "level", "severity"),
    [
        ({"tags": ["vulnerability", "security", "CRITICAL"], "security-severity": "7.5"}, "error", "CRITICAL"),
        ({"tags": ["HIGH"]}, "error", "HIGH"),
        ({"tags": [], "security-severity": "9.8"}, "error", "CRITICAL"),
        ({"security-severity": 7.0}, "error", "HIGH"),
        ({"security-severity": "n/a"}, "note", "NOTE"),
        (None, None, "UNKNOWN"),
    ],
)
def test_critical_and_high_are_told_apart_by_the_rules_tags(properties: Any, level: str | None, severity: str) -> None:
    run = {
        "tool": {"driver": {"name": "Trivy", "rules": [{"id": "CVE-1", "properties": properties}]}},
        "results": [{"ruleIndex": 0, "level": level}, {"ruleId": "CVE-1", "level": level}],
        "properties": {"repoDigests": [f"ghcr.io/example/shop@{DIGEST}"], "repoTags": ["ghcr.io/example/shop:v1"]},
    }
    (scan,) = read("trivy", {"version": "2.1.0", "runs": [run]}).events
    assert isinstance(scan, Scanned)
    assert (scan.counts, scan.findings) == ({severity: 2}, ("CVE-1", "CVE-1"))
    assert (scan.image, scan.tag, scan.digest) == ("ghcr.io/example/shop", "v1", DIGEST)


def test_a_clean_image_was_scanned_too_and_its_labels_name_the_commit() -> None:
    labels = {
        "org.opencontainers.image.revision": SHA,
        "org.opencontainers.image.source": "https://git.example.org/shop",
    }
    report = {
        "SchemaVersion": 2,
        "ArtifactName": "ghcr.io/example/shop:v1",
        "ArtifactType": "container_image",
        "Metadata": {"ImageConfig": {"config": {"Labels": labels}}},
        "Results": [{"Target": "shop"}],
    }
    (scan,) = read("trivy", report).events
    assert isinstance(scan, Scanned)
    assert (scan.counts, scan.image, scan.tag) == ({}, "ghcr.io/example/shop", "v1")
    assert (scan.sha, scan.repository) == (SHA, "git.example.org/shop")


def test_a_scan_of_nothing_that_has_a_name_is_ignored() -> None:
    report = {"SchemaVersion": 2, "ArtifactName": "image.tar", "ArtifactType": "container_image"}
    assert read("trivy", report).ignored == "it names no image and no commit"


# CDEvents.


def test_batches_are_refused_and_said_to_be() -> None:
    with pytest.raises(PayloadError, match="batches aren't taken"):
        read("cdevents", [], content_type="application/cloudevents-batch+json")


def test_other_cloud_events_are_ignored() -> None:
    document = load("cdevents/v0.5.1.build_started.json")
    document["context"]["type"] = "com.example.build"
    reading = read("cdevents", document)
    assert (reading.event, reading.ignored) == ("com.example.build", "not a type of CDEvents")


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ({"outcome": "success"}, RunState.SUCCEEDED),
        ({"outcome": "error", "errors": "x"}, RunState.FAILED),
        ({"outcome": "cancel"}, RunState.CANCELLED),
        ({}, RunState.SUCCEEDED),
        ({"errors": "x"}, RunState.FAILED),
    ],
)
def test_a_finished_run_went_as_its_outcome_says(content: dict[str, str], state: RunState) -> None:
    document = load("cdevents/v0.5.1.pipelinerun_finished.json")
    document["subject"]["content"] = content
    assert read_run("cdevents", document).state is state


def test_an_event_without_its_identity_is_refused() -> None:
    document = load("cdevents/v0.5.1.build_started.json")
    document["context"]["id"] = ""
    with pytest.raises(PayloadError, match=r"context\.id"):
        read("cdevents", document)
    del document["context"]["id"]
    with pytest.raises(PayloadError, match="missing required field `id`"):
        read("cdevents", document)
