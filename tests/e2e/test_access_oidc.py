"""Every route, and everybody who shows a token of an OpenID provider, good, foreign or forged: who is answered what."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from gateway.auth.oidc.session import Session
from gateway.web.conversation import Conversation
from gateway.web.guard import Need, find_need
from tests.auth.oidc.fake import AUDIENCE, CLIENT_ID, CLIENT_SECRET, FakeProvider, forge, serve, sign
from tests.contract.documents import Contract
from tests.e2e.harness import UNIX_OFFSET, Stage, run_gateway
from tests.e2e.test_access import ACCESS, SECRETS, fill, filled, list_routes
from tests.fakes.argocd import FakeArgoCD

__all__ = ["filled"]

LOGIN = [("GET", "/auth/login"), ("GET", "/auth/callback"), ("GET", "/auth/logout"), ("POST", "/auth/logout")]
REFUSED = ("expired", "audience", "issuer", "key", "unsigned", "public", "tampered", "garbage")
CALLERS = ("nobody", "cookie", *REFUSED, "other", "right", "admin")


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    loop = asyncio.get_running_loop()
    async with serve(FakeProvider(lambda: UNIX_OFFSET + loop.time())) as provider:  # type: ignore[arg-type]
        yield provider


@pytest.fixture
async def stage(filled: FakeArgoCD, provider: FakeProvider, tmp_path: Path) -> AsyncIterator[Stage]:
    access = tmp_path / "access.toml"
    access.write_text(ACCESS)
    login: dict[str, Any] = {
        "auth": "oidc",
        "access_file": access,
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
        "oidc_audience": AUDIENCE,
        "session_keys": SecretStr("11" * 32),
    }
    async with run_gateway(filled, **login) as stage:
        await stage.live()
        yield stage


def make_headers(provider: FakeProvider) -> Mapping[str, Mapping[str, str]]:
    """Return what each caller shows."""

    def claims(group: str, **more: Any) -> dict[str, Any]:
        return provider.claims(**{"aud": AUDIENCE, "sub": "reporter", "name": None, "groups": [group], **more})

    now, good = provider.clock(), sign(claims("ops"))
    head, body, signature = good.split(".")
    tokens = {
        "expired": sign(claims("ops", exp=now - 3_600)),
        "audience": sign(claims("ops", aud="https://other.example.org")),
        "issuer": sign(claims("ops", iss="https://other.example.org")),
        "key": sign(claims("ops"), key=RSAKey.generate_key(2048, {"kid": "one"})),
        "unsigned": forge({"alg": "none", "kid": "one"}, claims("ops")),
        # The public key as a secret of HMAC.
        "public": forge({"alg": "HS256", "kid": "one"}, claims("ops"), b"x" * 32),
        "tampered": f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{signature}",
        "garbage": "gwt_not-even-a-jwt",
        "other": sign(claims("pay")),
        "right": sign(claims("shop")),
        "admin": good,
    }
    shown: dict[str, Mapping[str, str]] = {
        caller: {"Authorization": f"Bearer {token}"} for caller, token in tokens.items()
    }
    return {"nobody": {}, "cookie": {"Cookie": "gateway=eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"}, **shown}


def expected(need: Need, caller: str) -> set[int]:
    """Return the statuses that refuse; empty where a caller is let through."""
    if need in (Need.NOTHING, Need.SIGNATURE) or caller == "admin":
        return set()
    if caller in REFUSED:
        return {401}
    if need is Need.ANYBODY:
        return set()
    if caller in ("nobody", "cookie"):
        return {401}
    return set() if need is Need.VIEW else {403}


async def test_every_route_lets_in_whom_it_should_and_nobody_else(stage: Stage, provider: FakeProvider) -> None:
    contract, callers = Contract(), make_headers(provider)
    assert set(callers) == set(CALLERS)
    for caller in CALLERS:
        for method, path in [*list_routes(), *LOGIN]:
            need = find_need(method, path)
            assert need is not None, path
            target = fill(path) + ("?nonsense=1" if "/stream/" in path else "")
            answer = await stage.get(target, method=method, headers=callers[caller])
            if path in contract.openapi["paths"]:
                contract.check_answer(path, answer, method=method.lower())
            where = (method, path, caller, answer.status)
            if refusals := expected(need, caller):
                assert answer.status in refusals, where
                kind = answer.json["type"].rpartition(":")[2]
                assert kind == {401: "unauthenticated", 403: "forbidden"}[answer.status], where
                assert (answer.status == 401) == ("WWW-Authenticate" in answer.headers), where
                if answer.status == 401:
                    assert answer.json["login"] == "/auth/login"
            elif need not in (Need.SIGNATURE, Need.NOTHING):
                assert answer.status not in (401, 403), where
            assert answer.status < 500, where
            if caller not in ("right", "admin"):
                assert not any(secret in answer.body.decode(errors="replace") for secret in SECRETS), where
            shown = callers[caller].get("Authorization", "").removeprefix("Bearer ")
            assert not shown or shown not in str(answer), where


async def test_whoever_shows_no_session_or_a_broken_one_is_nobody_and_told_where_to_log_in(
    stage: Stage, provider: FakeProvider
) -> None:
    for caller in ("nobody", "cookie"):
        answer = await stage.get("/api/me", headers=make_headers(provider)[caller])
        assert (answer.status, answer.json) == (200, {"anonymous": True, "verbs": [], "login": "/auth/login"})
    page = await stage.get("/", headers={"Accept": "text/html"})
    assert (page.status, page.headers["Location"]) == (303, "/auth/login")


async def test_whoever_is_logged_in_gets_a_stream_in_one_step_and_waits_only_where_the_provider_has_to_be_asked(
    stage: Stage, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = 0
    init = Conversation.__init__

    def count(self: Conversation, *arguments: Any, **more: Any) -> None:
        nonlocal conversations
        conversations += 1
        init(self, *arguments, **more)

    monkeypatch.setattr(Conversation, "__init__", count)
    provider.groups = ["ops"]
    logins, now = stage.gateway.entrance.logins, provider.clock()
    assert logins is not None
    sessions, jar = logins.authenticator.sessions, logins.authenticator.jar
    # For how long what the provider said still holds, whether it has to be asked, and what aiohttp has to do with it.
    for left, renewals in ((600.0, 0), (1.0, 1), (-1.0, 1)):
        session = Session(
            id=f"session-{left}",
            subject="alice",
            name="Alice",
            groups=("ops",),
            checked_at=now - 600.0,
            fresh_until=now + left,
            ends_at=now + 3_600.0,
            refresh_token=provider.refresh_token,
        )
        cookie = "; ".join(f"{name}={value}" for name, value in sessions.write(session, jar).items())
        conversations, asked = 0, provider.asked["/token"]
        watcher = await stage.watch(headers={"Cookie": cookie})
        assert watcher.status == 200
        assert watcher.client.names[0] == "snapshot"
        assert (conversations, provider.asked["/token"] - asked) == (renewals, renewals)
        assert ("set-cookie" in watcher.headers) == bool(renewals)
    # Nobody else's cookie goes with a head that was made before.
    again = await stage.watch(headers={"Authorization": make_headers(provider)["admin"]["Authorization"]})
    assert "set-cookie" not in again.headers
    # The keys that a token is checked by may have to be fetched.
    assert conversations == renewals + 1
