"""A commit is ready when CI, scans and Argo CD say so; what nobody told is unknown, never well."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.delivery.checklist import Dossier, Rules, Standing, State, Window, Windows, check, check_runs, check_scans
from gateway.delivery.checklist import check_sync as look_at_sync
from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.events import Run, RunState, Scanned
from gateway.delivery.gate import latest, review, severities
from gateway.delivery.releases import concerns, images_of
from gateway.model.application import ApplicationStatus, AutoSync, Condition, Operation, Source
from gateway.model.waiver import Waiver

SHA = "5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7"
SHOP = "git.example.org/team/shop"
NOW = 1_800_000_000.0
GATE = {"CRITICAL": 0, "HIGH": 1}


def run(name: str = "CI", state: str = "succeeded", **known: Any) -> Run:
    return Run(**{"sender": "github", "id": name, "name": name, "state": RunState(state), "sha": SHA, **known})


def scan(*findings: str, counts: dict[str, int], **known: Any) -> Scanned:
    about = {"image": "ghcr.io/team/shop", "tag": "v1", "scanned_at": NOW, **known}
    return Scanned(tool="Trivy", counts=counts, findings=findings, **about)


def waiver(identity: str, **known: Any) -> Waiver:
    return Waiver(**{"id": identity, "who": "anna", "until": NOW + 60, "reason": "not reachable", **known})


def application(name: str = "shop", **known: Any) -> ApplicationStatus:
    return ApplicationStatus(key=f"argocd/{name}", name=name, namespace="argocd", **known)


def dossier(**known: Any) -> Dossier:
    return Dossier(sha=SHA, repositories=frozenset({SHOP}), **known)


def ci(*runs: Run, ignore: tuple[str, ...] = ()) -> tuple[State, str]:
    item = check_runs(dossier(runs=runs), Rules(gate=GATE, ignore=frozenset(ignore)))
    return item.state, item.why


# CI.


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        ([], State.UNKNOWN),
        ([run()], State.OK),
        ([run(), run("Lint", "skipped")], State.OK),
        ([run(state="skipped")], State.UNKNOWN),
        ([run(), run("Lint", "running")], State.PENDING),
        ([run(), run("Deploy", "waiting")], State.PENDING),
        ([run("Lint", "running"), run(state="failed")], State.FAILED),
        ([run(state="cancelled")], State.FAILED),
    ],
)
def test_ci_is_green_when_every_run_succeeded(runs: list[Run], state: State) -> None:
    assert ci(*runs)[0] is state


def test_the_newest_run_of_a_name_counts_whether_it_is_an_attempt_or_another_run() -> None:
    first = run(state="failed", queued_at=NOW)
    assert ci(first, run(attempt=2, queued_at=NOW))[0] is State.OK
    assert ci(run(id="9", queued_at=NOW + 5), first)[0] is State.OK
    assert ci(run(id="9", state="failed", queued_at=NOW + 5), run(queued_at=NOW))[0] is State.FAILED


def test_parts_count_only_where_nobody_told_of_the_whole() -> None:
    part = run("unit", "failed", parent="CI")
    assert ci(run(), part)[0] is State.OK
    assert ci(part)[0] is State.FAILED


def test_a_run_that_asks_needs_not_wait_for_itself_but_for_its_other_parts() -> None:
    whole, asking = run(state="running"), run("gate", "running", parent="CI")
    assert ci(whole, asking)[0] is State.PENDING
    assert ci(whole, asking, ignore=("ci", "gate"))[0] is State.UNKNOWN
    assert ci(whole, asking, run("unit", parent="CI"), ignore=("ci", "gate"))[0] is State.OK
    assert ci(whole, asking, run("unit", "failed", parent="CI"), ignore=("ci", "gate"))[0] is State.FAILED


def test_what_failed_is_named_first_with_its_reason_and_its_address() -> None:
    failed = run("Lint", "failed", reason="ruff", url="https://ci.example.org/7", repository=SHOP)
    item = check_runs(dossier(runs=(run("A"), failed)), Rules(gate=GATE))
    assert item.why == "Lint didn't succeed"
    assert item.evidence[0] == f"Lint of {SHOP}: failed (ruff) https://ci.example.org/7"


# Scans.


def scanned(*scans: Scanned, waivers: tuple[Waiver, ...] = (), trouble: str | None = None) -> Any:
    return check_scans(dossier(scans=scans), Rules(gate=GATE, waivers=waivers, trouble=trouble), NOW)


def test_nobody_having_scanned_is_not_a_clean_scan() -> None:
    assert scanned().state is State.UNKNOWN
    assert scanned(scan(counts={})).state is State.OK


def test_as_many_as_the_gate_lets_through_pass_and_one_more_does_not() -> None:
    assert scanned(scan(counts={"HIGH": 1, "LOW": 70})).state is State.OK
    item = scanned(scan(counts={"HIGH": 2}))
    assert (item.state, item.why) == (
        State.FAILED,
        "ghcr.io/team/shop:v1 has 2 high, more than the gate lets through",
    )


def test_a_waiver_lets_its_finding_through_wherever_it_was_found_until_it_ends() -> None:
    found = scan("CVE-1", "CVE-1", "CVE-2", counts={"HIGH": 1, "CRITICAL": 2})
    assert severities(found) == ["CRITICAL", "CRITICAL", "HIGH"]
    item = scanned(found, waivers=(waiver("CVE-1"),))
    assert item.state is State.OK
    assert any("CVE-1 is let through by anna until" in line and "not reachable" in line for line in item.evidence)
    late = scanned(found, waivers=(waiver("CVE-1", until=NOW),))
    assert late.state is State.FAILED
    assert any("CVE-1 is no longer let through" in line for line in late.evidence)


def test_a_waiver_of_one_image_or_repository_is_none_for_others() -> None:
    found = scan("CVE-1", counts={"CRITICAL": 1})
    assert scanned(found, waivers=(waiver("CVE-1", image="ghcr.io/team/other"),)).state is State.FAILED
    assert scanned(found, waivers=(waiver("CVE-1", repository=SHOP),)).state is State.FAILED
    assert scanned(found, waivers=(waiver("CVE-1", image="ghcr.io/team/shop"),)).state is State.OK


def test_what_a_report_counts_but_does_not_list_is_not_let_through() -> None:
    reviewed = review(scan("CVE-1", counts={"CRITICAL": 3}), GATE, [waiver("CVE-1")], now=NOW)
    assert reviewed.over == {"CRITICAL": 2}


def test_the_newest_report_of_a_tool_counts_and_alerts_each_for_itself() -> None:
    old, new = scan(counts={"CRITICAL": 1}, scanned_at=NOW - 9), scan(counts={})
    assert latest([new, old]) == [new]
    alerts = [scan("a", counts={"HIGH": 1}, url=f"https://example.org/{number}") for number in (1, 2)]
    assert len(latest(alerts)) == 2


def test_waivers_that_cannot_be_read_are_said_to_be_missing() -> None:
    item = scanned(scan(counts={"CRITICAL": 1}), trouble="line 3: until is a date")
    assert "line 3: until is a date" in item.why


# Argo CD.


OPEN = Windows(can_sync=True)


def synced(document: ApplicationStatus, windows: Windows | None = OPEN) -> tuple[State, str]:
    item = look_at_sync([Standing(document=document, windows=windows, why_not="no answer in time")], None)
    return item.state, item.why


def test_an_application_without_windows_and_errors_is_ready() -> None:
    assert synced(application()) == (State.OK, "argocd/shop is ready to sync")


@pytest.mark.parametrize(
    ("known", "windows", "state", "words"),
    [
        ({"conditions": (Condition(type="ComparisonError", message="no chart"),)}, OPEN, State.FAILED, "no chart"),
        ({"conditions": (Condition(type="OrphanedResourceWarning"),)}, OPEN, State.OK, "ready"),
        ({"deletion_timestamp": "2026-11-21T00:00:00Z"}, OPEN, State.FAILED, "deleted"),
        ({"operation": Operation(phase="Running")}, OPEN, State.PENDING, "going on"),
        ({}, None, State.UNKNOWN, "no answer in time"),
        ({}, Windows(can_sync=False), State.PENDING, "closed"),
    ],
)
def test_what_keeps_an_application_from_syncing_is_said(
    known: dict[str, Any], windows: Windows | None, state: State, words: str
) -> None:
    found, why = synced(application(**known), windows)
    assert found is state
    assert words in why


def test_a_window_that_only_people_may_ignore_is_closed_for_automated_sync() -> None:
    denying = Window(kind="deny", schedule="0 8 * * *", duration="2h", manual_sync=True)
    windows = Windows(can_sync=True, active_windows=(denying,), assigned_windows=(denying,))
    assert synced(application(), windows)[0] is State.OK
    state, why = synced(application(auto_sync=AutoSync(prune=True, self_heal=False)), windows)
    assert (state, why) == (State.PENDING, "argocd/shop: a sync window denies it: 0 8 * * * for 2h")


def test_an_allowing_window_that_is_not_open_now_is_closed() -> None:
    allowing = Window(kind="allow", schedule="0 22 * * *", duration="1h")
    windows = Windows(can_sync=False, assigned_windows=(allowing,))
    assert synced(application(), windows)[1].endswith("its sync window is closed: 0 22 * * * for 1h")


def test_no_application_and_an_old_state_are_unknown() -> None:
    assert look_at_sync([], None).state is State.UNKNOWN
    ready = [Standing(document=application(), windows=OPEN)]
    assert look_at_sync(ready, "Argo CD is down").state is State.UNKNOWN


# All together.


@pytest.mark.parametrize(
    ("runs", "scans", "state"),
    [
        ((run(),), (scan(counts={}),), "ready"),
        ((), (scan(counts={}),), "unknown"),
        ((run(state="running"),), (scan(counts={}),), "not-ready"),
        ((run(),), (scan(counts={"CRITICAL": 1}),), "not-ready"),
        ((), (scan(counts={"CRITICAL": 1}),), "not-ready"),
    ],
)
def test_a_commit_is_ready_when_every_item_is(runs: tuple[Run, ...], scans: tuple[Scanned, ...], state: str) -> None:
    standings = [Standing(document=application(), windows=OPEN)]
    told = check(dossier(runs=runs, scans=scans), standings, rules=Rules(gate=GATE), stale=None, now=NOW)
    assert told["state"] == state
    assert [item["item"] for item in told["items"]] == ["ci", "scan", "sync"]
    assert (told["applications"], told["repositories"]) == (["argocd/shop"], [SHOP])


def test_a_commit_concerns_what_is_made_from_its_repository_or_its_images() -> None:
    known = dossier(images=frozenset({"ghcr.io/team/shop"}))
    by_source = application(sources=(Source(repo_url="git@git.example.org:Team/Shop.git"),))
    by_image = application(images=("ghcr.io/team/shop:v0",))
    other = application(sources=(Source(repo_url="https://git.example.org/deploy"),), images=("ghcr.io/team/mail:v0",))
    assert [concerns(one, known) for one in (by_source, by_image, other)] == [True, True, False]


def test_an_image_whose_tag_names_the_commit_is_of_it_though_nobody_told() -> None:
    running = application(images=("ghcr.io/team/shop:stage-5a6b7c8d", "ghcr.io/team/mail:sha-5a6b"))
    assert images_of(SHA, [running], TagPatterns()) == ["ghcr.io/team/shop:stage-5a6b7c8d"]
    assert concerns(running, Dossier(sha=SHA), ["ghcr.io/team/shop:stage-5a6b7c8d"])
