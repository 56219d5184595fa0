"""Webhooks as their senders write them, cut down to what tells something: one function for each kind of request.

Times are RFC 3339, as text; whoever calls says what they are. What isn't told is left out, nothing is null.
"""

from __future__ import annotations

import hashlib
from typing import Any

Body = dict[str, Any]

GITHUB, GITLAB = "https://git.example.org", "https://gitlab.example.org"
ZERO = "0" * 40


def digest_of(image: str) -> str:
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def number_of(text: str, *, digits: int = 6) -> int:
    """Return a number that is always the same for a text, as an id of what never changes."""
    number: int = int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10**digits
    return number


# GitHub


def github_repository(path: str, **more: Any) -> Body:
    return {
        "id": number_of(path),
        "name": path.rpartition("/")[2],
        "full_name": path,
        "private": True,
        "html_url": f"{GITHUB}/{path}",
        "clone_url": f"{GITHUB}/{path}.git",
        "default_branch": "main",
        **more,
    }


def github_push(path: str, commit: Body, *, before: str, pushed_at: str, pusher: str) -> Body:
    url = f"{GITHUB}/{path}"
    written = {"distinct": True, "url": f"{url}/commit/{commit['id']}", "added": [], "removed": [], **commit}
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": commit["id"],
        "created": before == ZERO,
        "deleted": False,
        "forced": False,
        "compare": f"{url}/compare/{before[:12]}...{commit['id'][:12]}",
        "commits": [written],
        "head_commit": written,
        "repository": github_repository(path, pushed_at=pushed_at),
        "pusher": {"name": pusher},
        "sender": {"login": pusher, "type": "User"},
    }


def github_run(path: str, run: Body, *, actor: str) -> Body:
    """Return ``workflow_run``; ``run`` has id, name, status, conclusion, head_sha and the times."""
    url = f"{GITHUB}/{path}/actions/runs/{run['id']}"
    file = ".github/workflows/ci.yaml"
    whole = {"head_branch": "main", "path": file, "event": "push", "run_attempt": 1, "html_url": url, **run}
    return {
        "action": "requested" if run["status"] == "queued" else run["status"],
        "workflow_run": whole,
        "workflow": {"id": number_of(path + file), "name": run["name"], "path": file, "state": "active"},
        "repository": github_repository(path),
        "sender": {"login": actor, "type": "User"},
    }


def github_job(path: str, job: Body, *, actor: str) -> Body:
    """Return ``workflow_job``; ``job`` has id, run_id, name, status, conclusion, head_sha, steps and the times."""
    url = f"{GITHUB}/{path}/actions/runs/{job['run_id']}/job/{job['id']}"
    whole = {"head_branch": "main", "run_attempt": 1, "labels": ["ubuntu-24.04"], "html_url": url, **job}
    return {
        "action": job["status"],
        "workflow_job": whole,
        "repository": github_repository(path),
        "sender": {"login": actor, "type": "User"},
    }


def github_package(path: str, image: str, sha: str, *, at: str) -> Body:
    """Return ``package``: an image with its label for the commit."""
    name, _, tag = image.rpartition(":")
    digest, short = digest_of(image), name.rpartition("/")[2]
    labels = {"org.opencontainers.image.revision": sha, "org.opencontainers.image.source": f"{GITHUB}/{path}"}
    page = f"{GITHUB}/orgs/example/packages/container/{short}"
    return {
        "action": "published",
        "package": {
            "id": number_of(name),
            "name": short,
            "namespace": "example",
            "ecosystem": "CONTAINER",
            "package_type": "CONTAINER",
            "html_url": page,
            "updated_at": at,
            "package_version": {
                "version": digest,
                "name": digest,
                "html_url": f"{page}/{tag}",
                "target_commitish": "main",
                "target_oid": sha,
                "package_url": image,
                "container_metadata": {"tag": {"name": tag, "digest": digest}, "labels": {"all_labels": labels}},
            },
        },
        "repository": github_repository(path),
        "sender": {"login": "github-actions[bot]", "type": "Bot"},
    }


# GitLab


def gitlab_project(path: str) -> Body:
    return {
        "id": number_of(path),
        "name": path.rpartition("/")[2],
        "web_url": f"{GITLAB}/{path}",
        "git_http_url": f"{GITLAB}/{path}.git",
        "path_with_namespace": path,
        "default_branch": "main",
    }


def gitlab_push(path: str, commit: Body, *, before: str, user: str) -> Body:
    title = commit["message"].partition("\n")[0]
    url = f"{GITLAB}/{path}/-/commit/{commit['id']}"
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": before,
        "after": commit["id"],
        "ref": "refs/heads/main",
        "checkout_sha": commit["id"],
        "user_name": user,
        "project": gitlab_project(path),
        "commits": [{"title": title, "url": url, "added": [], "removed": [], **commit}],
        "total_commits_count": 1,
    }


def gitlab_pipeline(path: str, pipeline: Body, jobs: list[Body], *, user: str) -> Body:
    """Return ``pipeline``; ``pipeline`` has id, sha, status and the times, each job id, stage, name, status, times."""
    url = f"{GITLAB}/{path}/-/pipelines/{pipeline['id']}"
    stages = list(dict.fromkeys(job["stage"] for job in jobs))
    whole = {"ref": "main", "tag": False, "source": "push", "stages": stages, "url": url, **pipeline}
    return {
        "object_kind": "pipeline",
        "object_attributes": whole,
        "user": {"name": user},
        "project": gitlab_project(path),
        "builds": [{"when": "on_success", "manual": False, "allow_failure": False, **job} for job in jobs],
    }


# Registries and scanners


def image_pushed(image: str, *, at: str) -> Body:
    """Return a registry's word of an image, as a CloudEvent: tag and digest, no commit."""
    name, _, tag = image.rpartition(":")
    host, _, path = name.partition("/")
    return {
        "specversion": "1.0",
        "id": str(number_of(image, digits=9)),
        "type": "container.image.push",
        "source": f"https://{host}",
        "time": at,
        "data": {"registryUrl": host, "repository": path, "tag": tag, "digest": digest_of(image)},
    }


def trivy_report(image: str, found: dict[str, str], *, sha: str, source: str, at: str) -> Body:
    """Return a report; ``found`` are severities by the ids of vulnerabilities."""
    name, _, _ = image.rpartition(":")
    labels = {"org.opencontainers.image.revision": sha, "org.opencontainers.image.source": source}
    vulnerabilities = [
        {"VulnerabilityID": identity, "PkgName": "libexample", "InstalledVersion": "1.2.3", "Severity": severity}
        for identity, severity in found.items()
    ]
    result: Body = {"Target": f"{image} (debian 12.9)", "Class": "os-pkgs", "Type": "debian"}
    return {
        "SchemaVersion": 2,
        "CreatedAt": at,
        "ArtifactName": image,
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.9"},
            "RepoTags": [image],
            "RepoDigests": [f"{name}@{digest_of(image)}"],
            "ImageConfig": {"config": {"Labels": labels}},
        },
        "Results": [{**result, "Vulnerabilities": vulnerabilities} if vulnerabilities else result],
    }


# Argo Workflows, by a sensor of Argo Events


def workflow_seen(name: str, uid: str, *, parameters: Body, status: Body, created_at: str, at: str) -> Body:
    """Return what a sensor passes on of a Workflow that its event source saw."""
    template, _, _ = name.rpartition("-")
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": name,
            "namespace": "ci",
            "uid": uid,
            "creationTimestamp": created_at,
            "labels": {"workflows.argoproj.io/workflow-template": template},
        },
        "spec": {
            "workflowTemplateRef": {"name": template},
            "arguments": {"parameters": [{"name": key, "value": value} for key, value in parameters.items()]},
        },
        "status": status,
    }
    context = {"id": f"{uid}-{status['phase']}", "source": "workflows", "specversion": "1.0", "type": "resource"}
    return {"context": {**context, "subject": "ci", "time": at}, "data": {"type": "UPDATE", "body": workflow}}


def workflow_node(workflow: str, step: str, *, started_at: str, finished_at: str | None) -> tuple[str, Body]:
    identity = f"{workflow}-{number_of(workflow + step, digits=10)}"
    node = {
        "id": identity,
        "name": f"{workflow}.{step}",
        "displayName": step,
        "type": "Pod",
        "templateName": step,
        "phase": "Succeeded" if finished_at else "Running",
        "startedAt": started_at,
    }
    return identity, {**node, "finishedAt": finished_at} if finished_at else node


# CDEvents


def cdevent(kind: str, subject: str, *, identity: str, source: str, at: str, content: Body, custom: Body) -> Body:
    """Return a CDEvent as it is sent, a CloudEvent in structured mode; ``kind`` has the version as well."""
    context = {"specversion": "0.5.1", "id": identity, "source": source, "type": f"dev.cdevents.{kind}"}
    document = {
        "context": {**context, "timestamp": at},
        "subject": {"id": subject, "source": source, "content": content},
        "customData": custom,
        "customDataContentType": "application/json",
    }
    return {
        "specversion": "1.0",
        "id": identity,
        "source": source,
        "type": f"dev.cdevents.{kind}",
        "time": at,
        "datacontenttype": "application/json",
        "data": document,
    }
