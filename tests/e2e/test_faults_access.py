"""Argo CD refuses the gateway for a while: few requests, an honest word to everyone, and recovery without a restart."""

from pathlib import Path

import pytest

from tests.e2e.fastloop import let_pass
from tests.e2e.harness import run_gateway, write_token
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import WATCH, fill


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with three applications."""
    fill(argocd, "a", "b", "c")
    return argocd


async def test_ten_minutes_of_401_are_a_handful_of_requests_and_then_all_is_well(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.unauthorized = True
        filled.cut_all()
        asked = len(filled.requests)
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=10.0)
        assert watcher.upstream["reason"] == "refused"
        await let_pass(600.0)
        assert len(filled.requests) - asked <= 20
        assert len(filled.requests_to(WATCH)) <= 12
        status = (await stage.get("/api/status")).json["upstream"]
        assert (status["state"], status["lastError"]["kind"]) == ("down", "refused")
        assert len(watcher.documents) == 3
        filled.put(application("a", health="Degraded"))
        filled.unauthorized = False
        await stage.live(within=310.0)
        await stage.assert_true(filled)
        assert (removed, watcher.documents["argocd/a"]["health"]["status"]) == ([], "Degraded")


async def test_a_gateway_that_starts_with_a_refused_token_says_so_and_recovers(filled: FakeArgoCD) -> None:
    filled.unauthorized = True
    async with run_gateway(filled) as stage:
        watcher = await stage.subscribe()
        await watcher.wait(lambda: watcher.upstream.get("state") == "down", within=5.0)
        assert watcher.upstream["reason"] == "refused"
        assert not watcher.has_state
        filled.unauthorized = False
        await watcher.wait(lambda: watcher.has_state, within=60.0)
        await stage.assert_true(filled)


async def test_a_token_file_that_is_replaced_is_used_within_seconds(filled: FakeArgoCD, tmp_path: Path) -> None:
    token = tmp_path / "token"
    write_token(token, "secret\n")
    async with run_gateway(filled, argocd_auth_token_file=token) as stage:
        watcher = await stage.watch()
        await stage.live()
        filled.revoke_token()
        filled.cut_all()
        await stage.becomes("down", within=10.0)
        # By now the next attempt is minutes away.
        await let_pass(300.0)
        filled.accept_token("another")
        filled.put(application("a", health="Degraded"))
        asked = len(filled.requests)
        await let_pass(10.0)
        assert len(filled.requests) == asked
        write_token(token, "Bearer another\n")
        await stage.live(within=5.0)
        await stage.assert_true(filled)
        assert watcher.documents["argocd/a"]["health"]["status"] == "Degraded"


async def test_an_open_stream_outlives_its_token_and_what_it_brings_is_still_shown(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        await stage.live()
        filled.revoke_token()
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=80.0)
        filled.put(application("b", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/b"]["health"]["status"] == "Degraded", within=5.0)
        filled.accept_token("secret")
        await stage.live(within=310.0)
        await stage.assert_true(filled)


async def test_somebody_taken_for_nobody_who_is_shown_nothing_is_refused_not_empty(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, reconcile_interval=60.0) as stage:
        watcher = await stage.watch()
        removed = watcher.watch_removals()
        await stage.live()
        filled.logged_in = False
        filled.forbid_all()
        filled.cut_all()
        await watcher.wait(lambda: watcher.upstream["state"] == "down", within=30.0)
        await let_pass(120.0)
        assert (removed, len(watcher.documents)) == ([], 3)
        filled.logged_in = True
        filled.allow()
        await stage.live(within=310.0)
        await stage.assert_true(filled)
        assert removed == []


async def test_a_gateway_that_starts_as_nobody_shows_no_empty_fleet(filled: FakeArgoCD) -> None:
    filled.logged_in = False
    filled.forbid_all()
    async with run_gateway(filled) as stage:
        watcher = await stage.subscribe()
        await watcher.wait(lambda: watcher.upstream.get("state") == "down", within=10.0)
        await let_pass(60.0)
        assert not watcher.has_state
        assert watcher.upstream["reason"] == "refused"
        filled.logged_in = True
        filled.allow()
        await watcher.wait(lambda: len(watcher.documents) == 3, within=310.0)


async def test_an_argo_cd_without_applications_is_live_and_empty(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        watcher = await stage.watch()
        await stage.live(within=10.0)
        assert watcher.documents == {}
        fill(argocd, "first")
        await watcher.wait(lambda: "argocd/first" in watcher.documents, within=5.0)
        await let_pass(120.0)
        assert stage.state == "live"
