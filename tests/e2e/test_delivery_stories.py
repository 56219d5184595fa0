"""Each way of working from its commit to healthy: the demo's day, with signed webhooks over HTTP, in a real gateway."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from gateway.app import Gateway
from gateway.demo import recording
from gateway.demo.courier import Courier
from gateway.demo.player import Player
from gateway.demo.recording import Recording
from gateway.demo.timetable import Timetable
from gateway.settings.environment import Settings
from tests.e2e.fastloop import until
from tests.e2e.harness import UNIX_OFFSET

A_WHILE = 3_600.0
CHANGES = 200
"""More than there are."""

Change = dict[str, Any]
_TOLD: dict[str, list[Change]] = {}


def now() -> float:
    return UNIX_OFFSET + asyncio.get_running_loop().time()


async def play(recorded: Recording) -> list[Change]:
    """Tell the day once; return all lines of the timeline, the newest first."""
    courier = Courier(clock=now)
    secrets: dict[str, Any] = {
        f"webhook_{sender.replace('-', '_')}_secret": SecretStr(secret) for sender, secret in courier.secrets.items()
    }
    async with Player(Timetable(recorded), clock=now, hearers=[courier.hear]) as player, courier:
        settings = Settings(
            argocd_base_url=player.url, argocd_auth_token=SecretStr(player.token), port=0, metrics_port=0, **secrets
        )
        gateway = Gateway(settings, clock=now)
        running = asyncio.create_task(gateway.run())
        try:
            await until(lambda: gateway.ready.is_set() or running.done())
            url = "http://{}:{}".format(*gateway.address)
            courier.begin(url)
            await until(lambda: player.times_told >= 1, within=A_WHILE)
            await until(lambda: courier.idle and gateway.office.runner.idle, what=repr(gateway.office.runner))
            assert {status for _, status in courier.answers} == {202}, courier.answers
            assert not gateway.office.runner.counts["failed"]
            async with aiohttp.ClientSession(url) as session:
                query = {"since": "2h", "limit": str(CHANGES)}
                async with session.get("/api/timeline", params=query) as response:
                    assert response.status == 200, await response.text()
                    changes: list[Change] = (await response.json())["changes"]
        finally:
            await courier.end()
            gateway.stop()
            await running
    assert len(changes) < CHANGES
    return changes


@pytest.fixture
async def told() -> list[Change]:
    """The day as it was recorded, told once for all tests here."""
    if not _TOLD:
        _TOLD["day"] = await play(recording.load())
    return _TOLD["day"]


def of(changes: Iterable[Change], name: str, tag: str = "", *, kind: str = "deployment") -> Change:
    """Return the one change of an application to an image with a tag, or of a kind."""
    found = [
        change
        for change in changes
        if change["application"] == f"argocd/{name}"
        and change["kind"] == kind
        and any(image.endswith(f":{tag}") for image in change.get("images", [""]) if tag or image)
    ]
    assert len(found) == 1, [(each["kind"], each.get("images")) for each in found]
    return found[0]


def grades(change: Change) -> dict[str, str | None]:
    return {stage["stage"]: stage.get("link", {}).get("grade") for stage in change["stages"]}


def stage_of(change: Change, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [stage for stage in change["stages"] if stage["stage"] == name]
    assert len(found) == 1
    return found[0]


def states(change: Change) -> list[str]:
    return [stage["state"] for stage in change["stages"]]


def ends(change: Change) -> list[str]:
    """Return when each stage ended; a run that commits to the manifests itself ends after that."""
    return [stage["finishedAt"] for stage in change["stages"] if stage["stage"] != "build" and "finishedAt" in stage]


DONE = ["done"] * 7
CERTAIN = {"commit": "certain", "build": "certain", "image": "certain", "manifest": "certain"}


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("astrago-core", "core-stage-9f1c2d3e"),
        ("astrago-batch", "batch-stage-9f1c2d3e"),
        ("astrago-core", "core-stage-77aa88bb"),
    ],
)
async def test_github_actions_commit_to_the_manifests_and_argo_cd_syncs(
    told: list[Change], name: str, tag: str
) -> None:
    change = of(told, name, tag)
    assert (change["outcome"], states(change)) == ("succeeded", DONE)
    assert grades(change).items() >= CERTAIN.items()
    assert stage_of(change, "commit")["detail"].split(" · ")[1] == "git.example.org/example/astrago"
    assert stage_of(change, "manifest")["title"].endswith("[skip ci]")
    items = [(item["title"], item["state"]) for item in stage_of(change, "build")["items"]]
    assert {("CI", "done"), ("test", "done"), (f"build ({name})", "done"), ("scan", "done")} <= set(items)
    assert ends(change) == sorted(ends(change))
    assert {"build", "pipeline", "lead", "sync", "rollout"} <= change["durations"].keys()
    counts = [item.get("counts", {}) for item in stage_of(change, "image")["items"] if item["title"] == "Trivy"]
    assert counts == [{}] if "batch" in name else counts[0]["MEDIUM"] == 1


@pytest.mark.parametrize("tag", ["4f5e6d7c", "9a8b7c6d"])
async def test_gitlab_ci_pushes_and_the_tag_names_the_commit(told: list[Change], tag: str) -> None:
    change = of(told, "coelho-realtime", tag)
    assert (change["outcome"], states(change)) == ("succeeded", DONE)
    # Neither GitLab nor the registry says which commit the image is of.
    assert grades(change).items() >= {**CERTAIN, "commit": "strong", "build": "strong"}.items()
    assert stage_of(change, "commit")["detail"].split(" · ")[1] == "gitlab.example.org/example/coelho"
    titles = {item["title"] for item in stage_of(change, "build")["items"]}
    assert {"test", "docker", "container_scanning", "update-manifests"} <= titles


async def test_argo_workflows_build_image_updater_commits_and_a_canary_is_aborted(told: list[Change]) -> None:
    good, bad = of(told, "trombone-pay", "v2.1.0-sha0002"), of(told, "trombone-pay", "v2.2.0-sha0003")
    for change in (good, bad):
        assert grades(change).items() >= CERTAIN.items()
        assert states(change)[:5] == ["done"] * 5
        steps = {item["title"] for item in stage_of(change, "build")["items"]}
        assert {"trombone-pay-build", "test", "build-image", "scan"} <= steps
    assert (good["outcome"], good["supersededBy"]) == ("superseded", bad["id"])
    assert (bad["outcome"], bad["rollback"]["how"]) == ("rolled-back", "abort")
    assert stage_of(bad, "rollout")["state"] == "failed"
    (found,) = [item["counts"] for item in stage_of(bad, "image")["items"] if item.get("counts")]
    assert found == {"HIGH": 1}


async def test_one_matrix_build_goes_through_three_environments_and_one_of_them_back(told: list[Change]) -> None:
    services = ("attendance", "auth", "gateway", "inventory", "notification", "sales")
    everywhere = [f"store-{service}-{stage}" for service in services for stage in ("dev", "stage")]
    for name in [*everywhere, "store-auth-prod", "store-sales-prod"]:
        change = of(told, name, "sha-5a6b7c8d")
        assert grades(change).items() >= CERTAIN.items(), name
        assert stage_of(change, "commit")["title"] == "Prices may have four decimals"
        assert stage_of(change, "build")["detail"] == f"build ({name.split('-')[1]})"
    promoted = of(told, "store-auth-prod", "sha-5a6b7c8d")
    back = of(told, "store-auth-prod", "sha-0f1e2d3c", kind="rollback")
    assert (promoted["outcome"], promoted["rollback"]["by"]) == ("rolled-back", back["id"])
    assert stage_of(back, "manifest")["title"] == 'Revert "prod: promote store auth" (incident 42)'
    assert of(told, "store-sales-prod", "sha-5a6b7c8d")["outcome"] == "succeeded"
    assert not [
        change for change in told if "5a6b7c8d" in str(change) and change["application"].endswith("gateway-prod")
    ]


async def test_cdevents_of_any_other_ci_are_as_good(told: list[Change]) -> None:
    for tag in ("v1.0.1-sha1234", "v1.1.1-shaabcd"):
        change = of(told, "trombone-api", tag)
        assert grades(change).items() >= CERTAIN.items()
        assert stage_of(change, "build")["title"] == "trombone-api"


async def test_ci_that_syncs_by_itself_is_believed_a_little(told: list[Change]) -> None:
    changes = [change for change in told if change["application"] == "argocd/trombone-web"]
    (change,) = [each for each in changes if stage_of(each, "commit").get("detail", "").startswith("77889900aabb")]
    assert (change["kind"], change["outcome"]) == ("deployment", "succeeded")
    assert grades(change).items() >= {"commit": "weak", "build": "weak"}.items()
    assert stage_of(change, "commit")["title"] == "Deploy without waiting for a commit"
    assert stage_of(change, "build")["url"].endswith("/actions/runs/123456")
    assert stage_of(change, "manifest")["state"] == "skipped"


async def test_a_build_that_failed_belongs_to_no_deployment(told: list[Change]) -> None:
    assert not [change for change in told if "deadbee5" in str(change)]


async def test_break_one_sha_and_exactly_that_link_is_gone(told: list[Change]) -> None:
    recorded = recording.load()
    sha = next(each["detail"][:12] for each in [stage_of(of(told, "coelho-realtime", "4f5e6d7c"), "commit")])
    whole = next(
        part
        for delivery in recorded.deliveries
        for part in delivery.body.decode().split('"')
        if delivery.sender == "gitlab" and len(part) == 40 and part.startswith(sha)
    ).encode()
    broken = [
        replace(delivery, body=delivery.body.replace(whole, whole[::-1])) if delivery.sender == "gitlab" else delivery
        for delivery in recorded.deliveries
    ]
    changes = await play(replace(recorded, deliveries=tuple(broken)))
    assert len(changes) == len(told)
    different = [
        (before, after) for before, after in zip(shapes(told), shapes(changes), strict=True) if before != after
    ]
    ((before, after),) = different
    assert (before["application"], before["images"][0].rpartition(":")[2]) == ("argocd/coelho-realtime", "4f5e6d7c")
    kept = {name: part for name, part in after["stages"].items() if part == before["stages"][name]}
    assert before["stages"].keys() - kept.keys() == {"commit", "build"}
    assert after["stages"]["commit"] == ("done", "likely", "4f5e6d7c")
    assert after["stages"]["build"] == ("unknown", None, None)


def shapes(changes: list[Change]) -> list[dict[str, Any]]:
    """Return what is linked with what, whenever that was."""
    ordered = sorted(changes, key=lambda each: (each["application"], each.get("startedAt", ""), each["kind"]))
    return [
        {
            **{name: change.get(name) for name in ("application", "kind", "images")},
            "stages": {
                each["stage"]: (each["state"], each.get("link", {}).get("grade"), each.get("title"))
                for each in change["stages"]
            },
        }
        for change in ordered
    ]
