"""Webhooks over HTTP: each answered clearly, kept before it is answered, and told of in the log of deliveries."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.delivery.webhooks.samples import DATA
from tests.e2e.fastloop import until
from tests.e2e.harness import Answer, Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

GITHUB = "first-secret-of-github"
GITLAB = "first-secret-of-gitlab"
NOTIFIED = "secret-of-notifications"
SECRETS = {
    "webhook_github_secret": GITHUB,
    "webhook_gitlab_secret": GITLAB,
    "webhook_argocd_secret": NOTIFIED,
    "webhook_cdevents_secret": "secret-of-cdevents",
}
PUSH = (DATA / "github" / "push.branch.json").read_bytes()


def signed(
    body: bytes = PUSH, event: str = "push", guid: str = "d-1", secret: str = GITHUB, **more: str
) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": f"sha256={digest}",
        **more,
    }


async def post(stage: Stage, sender: str, body: bytes, headers: dict[str, str]) -> Answer:
    return await stage.send(f"/api/webhooks/{sender}", body, headers)


async def processed(stage: Stage) -> None:
    await until(lambda: stage.gateway.office.runner.idle, what=repr(stage.gateway.office.runner))


async def delivered(stage: Stage, query: str = "") -> list[dict[str, Any]]:
    await processed(stage)
    answer = await stage.get(f"/api/deliveries{query}")
    assert answer.status == 200, answer
    deliveries: list[dict[str, Any]] = answer.json["deliveries"]
    return deliveries


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    argocd.put(application("web", project="shop"))
    return argocd


async def test_a_delivery_is_answered_kept_and_processed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        answer = await post(stage, "github", PUSH, signed())
        assert (answer.status, answer.json) == (202, {"id": 1, "outcome": "accepted"})
        (delivery,) = await delivered(stage)
        assert delivery["outcome"] == "processed"
        assert delivery["event"] == "push"
        assert delivery["deliveryId"] == "d-1"
        assert delivery["facts"] > 0
        assert delivery["why"].startswith("no deployment asked for commit ")
        assert delivery["redeliverable"] is True


async def test_the_same_delivery_again_is_a_duplicate_and_changes_nothing(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await post(stage, "github", PUSH, signed())
        again = await post(stage, "github", PUSH, signed())
        assert (again.status, again.json) == (202, {"id": 1, "outcome": "duplicate"})
        (delivery,) = await delivered(stage)
        assert delivery["repeats"] == 1
        assert stage.gateway.office.runner.counts["processed"] == 1


async def test_a_sender_without_a_secret_is_off_and_says_what_to_set_once(
    filled: FakeArgoCD, logs: list[dict[str, Any]]
) -> None:
    async with run_gateway(filled) as stage:
        for _ in range(2):
            answer = await post(stage, "github", PUSH, signed())
            assert answer.status == 404
            assert "GATEWAY_WEBHOOK_GITHUB_SECRET" in answer.json["detail"]
        assert [entry["sender"] for entry in logs if entry["event"] == "webhook.off"] == ["github"]
        unknown = await post(stage, "jenkins", PUSH, {})
        assert unknown.status == 404
        assert "github" in unknown.json["senders"]
        assert await delivered(stage) == []


@pytest.mark.parametrize(
    ("sender", "body", "headers", "status", "kind"),
    [
        ("github", PUSH, signed(secret="another-secret"), 401, "unsigned"),
        ("github", PUSH, signed(b"{}"), 401, "unsigned"),
        ("github", PUSH, {"X-GitHub-Event": "push"}, 401, "unsigned"),
        ("gitlab", b"{}", {"X-Gitlab-Token": "another-secret"}, 401, "unsigned"),
        ("github", PUSH[:-20], signed(PUSH[:-20]), 400, "malformed-delivery"),
        ("github", b"", signed(b""), 400, "malformed-delivery"),
        ("github", b"[" * 5_000, signed(b"[" * 5_000), 400, "malformed-delivery"),
        ("github", b"\xff\xfe", signed(b"\xff\xfe"), 400, "malformed-delivery"),
        ("github", b"x" * 9_000, signed(b"x" * 9_000), 413, "content-too-large"),
    ],
)
async def test_what_is_refused_is_told_why_counted_and_in_the_log_without_its_body(
    filled: FakeArgoCD, sender: str, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    async with run_gateway(
        filled, **SECRETS, webhook_max_body=max(8_192, len(PUSH) + 1) if status != 413 else 8_192
    ) as stage:
        answer = await post(stage, sender, body, headers)
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (status, kind)
        (delivery,) = await delivered(stage)
        assert (delivery["outcome"], delivery["why"]) == ("rejected", answer.json["detail"])
        assert delivery["redeliverable"] is False
        metrics = (await stage.get(stage.metrics_url)).body.decode()
        outcome = {"unsigned": "unsigned", "malformed-delivery": "malformed", "content-too-large": "too-large"}[kind]
        assert f'gateway_webhooks_total{{outcome="{outcome}",sender="{sender}"}} 1.0' in metrics
        refused = await stage.send(f"/api/deliveries/{delivery['id']}/redeliver", b"", {})
        assert refused.status == 410


async def test_a_flood_of_forgeries_fills_no_log_and_is_counted_whole(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        for _ in range(60):
            assert (await post(stage, "github", PUSH, {})).status == 401
        assert stage.gateway.office.intake.counts["github", "unsigned"] == 60
        assert len(await delivered(stage, "?limit=200")) < 60


async def test_what_is_of_no_use_says_why(filled: FakeArgoCD) -> None:
    body = (DATA / "github" / "ping.json").read_bytes()
    async with run_gateway(filled, **SECRETS) as stage:
        answer = await post(stage, "github", body, signed(body, "ping"))
        assert answer.status == 202
        assert answer.json["outcome"] == "ignored"
        (delivery,) = await delivered(stage)
        assert (delivery["outcome"], delivery["why"]) == ("ignored", answer.json["why"])


async def test_a_secret_can_be_replaced_in_its_file_while_the_gateway_runs(filled: FakeArgoCD, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(GITHUB)
    async with run_gateway(filled, webhook_github_secret_file=file) as stage:
        assert (await post(stage, "github", PUSH, signed(guid="1"))).status == 202
        file.write_text(f"{GITHUB},second-secret-of-github")
        assert (await post(stage, "github", PUSH, signed(guid="2", secret="second-secret-of-github"))).status == 202
        assert (await post(stage, "github", PUSH, signed(guid="3"))).status == 202
        fresh = tmp_path / "fresh"
        fresh.write_text("second-secret-of-github")
        fresh.replace(file)
        assert (await post(stage, "github", PUSH, signed(guid="4"))).status == 401


async def test_a_delivery_can_be_processed_again_but_not_by_pages_of_others(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await post(stage, "github", PUSH, signed())
        await processed(stage)
        path = "/api/deliveries/1/redeliver"
        assert (await stage.send(path, b"", {"Origin": "https://evil.example.org"})).status == 403
        assert (await stage.send(path, b"", {"Sec-Fetch-Site": "cross-site"})).status == 403
        answer = await stage.send(path, b"", {"Origin": stage.url, "Sec-Fetch-Site": "same-origin"})
        assert (answer.status, answer.json) == (202, {"id": 1, "outcome": "accepted"})
        (delivery,) = await delivered(stage)
        assert delivery["outcome"] == "processed"
        assert stage.gateway.office.runner.counts["processed"] == 2
        assert (await stage.send("/api/deliveries/7/redeliver", b"", {})).status == 404


async def test_the_log_is_read_in_pages_and_by_sender(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        for number in range(5):
            await post(stage, "github", PUSH, signed(guid=str(number)))
        await processed(stage)
        first = (await stage.get("/api/deliveries?limit=3")).json
        rest = (await stage.get(f"/api/deliveries?limit=3&before={first['next']}")).json
        assert [one["deliveryId"] for one in first["deliveries"] + rest["deliveries"]] == ["4", "3", "2", "1", "0"]
        assert "next" not in rest
        assert await delivered(stage, "?sender=gitlab") == []
        assert len(await delivered(stage, "?outcome=processed&sender=github")) == 5
        wrong = await stage.get("/api/deliveries?sender=jenkins&limit=0&page=2")
        assert wrong.status == 400
        assert len(wrong.json["problems"]) == 3


async def test_a_notification_repairs_what_the_stream_lost_within_a_second(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        watcher = await stage.watch()
        filled.put(application("web", project="shop", health="Degraded"), announce=False)
        body = orjson.dumps(
            {
                "trigger": "gateway-degraded",
                "application": {
                    "metadata": {"name": "web", "namespace": "argocd", "uid": "c633c905-0b1e-4fc8-919d-f25476efbd0d"}
                },
            }
        )
        headers = {"Authorization": f"Bearer {NOTIFIED}", "Content-Type": "application/json"}
        assert (await post(stage, "argocd", body, headers)).status == 202
        await watcher.wait(lambda: watcher.documents["argocd/web"]["health"]["status"] == "Degraded", within=1.0)
        await stage.counted("missed_update", within=10.0)
        await stage.assert_true(filled)


async def test_a_push_after_its_deployment_completes_the_timeline_and_the_figures(filled: FakeArgoCD) -> None:
    body = orjson.loads(PUSH)
    sha = body["after"]
    async with run_gateway(filled, **SECRETS) as stage:
        await stage.live()
        filled.put(deployed("web", f"ghcr.io/example/web:sha-{sha[:12]}"))
        watcher = await stage.watch(path="/api/stream/pipelines/argocd/web")
        await watcher.wait(
            lambda: len(watcher.detail.get("timeline", [])) == 2, what=str(watcher.detail.get("timeline"))
        )
        before = (await stage.get("/api/pipelines/web/timeline")).json
        assert before["application"] == "argocd/web"
        assert before["changes"][0]["stages"][0]["state"] == "done"
        assert "startedAt" not in before["changes"][0]["stages"][0]
        await post(stage, "github", PUSH, signed())
        (delivery,) = await delivered(stage)
        assert delivery["matched"] >= 1
        assert "why" not in delivery
        after = (await stage.get("/api/pipelines/argocd/web/timeline")).json
        stage_of_commit = after["changes"][0]["stages"][0]
        assert stage_of_commit["link"]["grade"] == "strong"
        assert "startedAt" in stage_of_commit
        await watcher.wait(lambda: watcher.detail["timeline"] == after["changes"])
        for query in (f"commit={sha[:10]}", f"commit={sha}", f"image=web:sha-{sha[:12]}", "image=ghcr.io/example/web"):
            found = (await stage.get(f"/api/timeline?{query}")).json["changes"]
            assert [one["id"] for one in found] == [after["changes"][0]["id"]], query
        assert (await stage.get("/api/timeline?commit=0123456789")).json == {"changes": []}
        kpis = (await stage.get("/api/kpis?since=30d&by=application")).json
        assert [group["name"] for group in kpis["groups"]] == ["argocd/web"]


def deployed(name: str, image: str) -> dict[str, Any]:
    """An application that Argo CD has just deployed an image to."""
    state = {
        "startedAt": "2027-01-15T07:50:10Z",
        "finishedAt": "2027-01-15T07:50:12Z",
        "syncResult": {"revision": "c" * 40, "resources": [{"kind": "Deployment", "name": name, "images": [image]}]},
    }
    return application(
        name, project="shop", images=[image], revision="c" * 40, operation_state=state, since="2027-01-15T07:50:20Z"
    )
