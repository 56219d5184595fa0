"""Every route, and everybody: who is answered what. A route that nobody has put into the guard's table fails here."""

import hashlib
import hmac
import itertools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from gateway.auth.tokens import make_token, write_entry
from gateway.web.guard import NEEDS, Need, find_need
from gateway.web.routes import add_routes
from tests.contract.documents import Contract
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import UNIX_OFFSET, Answer, Stage, run_gateway, write_token
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

TOKENS = {
    name: make_token(bytes([number]) * 32) for number, name in enumerate(("shop", "pay", "ops", "ended", "wrong"))
}
"""One for each kind of caller: `wrong` is in no file."""

ACCESS = """
[[groups.shop.rules]]
projects = ["shop"]

[[groups.pay.rules]]
projects = ["pay"]
hide = ["messages", "initiators"]

[[groups.ops.rules]]
projects = ["*"]
verbs = ["admin"]
"""
PUBLIC = '\n[[anonymous.rules]]\nprojects = ["public"]\nhide = ["messages", "initiators"]\n'

PLACES = {"namespace": "argocd", "name": "web", "event": "snapshot", "id": "1", "sender": "github", "sha": "a" * 40}
SECRETS = ("SECRET-WHY", "shop-secret")
CALLERS = ("nobody", "anonymous", "expired", "unknown", "smuggling", "other", "right", "admin")


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD whose applications belong to different people; one name is there twice."""
    argocd.put(
        application("web", project="shop", health="Degraded", message="SECRET-WHY", labels={"team": "shop-secret"})
    )
    argocd.put(application("web", project="shop", namespace="apps"))
    argocd.put(application("till", project="pay", health="Degraded", message="hush"))
    argocd.put(application("docs", project="public", health="Degraded", message="hush"))
    return argocd


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """The settings of an access by tokens."""
    ends = {"ended": UNIX_OFFSET - 10.0}
    tokens = "".join(
        write_entry(name=name, token=token, groups=[name], expires_at=ends.get(name))
        for name, token in TOKENS.items()
        if name != "wrong"
    )
    (tmp_path / "access.toml").write_text(ACCESS)
    (tmp_path / "tokens.toml").write_text(tokens)
    return {"auth": "tokens", "access_file": tmp_path / "access.toml", "tokens_file": tmp_path / "tokens.toml"}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}


HEADERS: Mapping[str, Mapping[str, str]] = {
    "nobody": {},
    "anonymous": {},
    "expired": bearer("ended"),
    "unknown": bearer("wrong"),
    "smuggling": {"X-Forwarded-User": "ops", "X-Forwarded-Groups": "ops"},
    "other": bearer("pay"),
    "right": bearer("shop"),
    "admin": bearer("ops"),
}


def list_routes(base_path: str = "") -> list[tuple[str, str]]:
    app = web.Application()
    add_routes(app, base_path=base_path, dashboard=True)
    routes = {(route.method, route.resource.canonical if route.resource else "") for route in app.router.routes()}
    return sorted((method, path) for method, path in routes if method != "HEAD")


def expected(need: Need, caller: str) -> set[int]:
    """Return the statuses that refuse; empty where a caller is let through."""
    if need in (Need.NOTHING, Need.SIGNATURE) or caller == "admin":
        return set()
    if need is Need.ANYBODY:
        return {401} if caller in ("expired", "unknown") else set()
    if caller in ("nobody", "smuggling", "expired", "unknown"):
        return {401}
    if need is Need.VIEW:
        return set()
    return {401} if caller == "anonymous" else {403}


def fill(path: str) -> str:
    for name, value in PLACES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def ask(stage: Stage, method: str, path: str, caller: str) -> Answer:
    if "/stream/" in path:
        # Whoever is let in gets a stream, which has no end; HEAD has none, so a parameter that isn't known ends it.
        path += "?nonsense=1"
    return await stage.get(path, method=method, headers=HEADERS[caller])


@pytest.mark.parametrize("base_path", ["", "/gateway"])
def test_every_route_says_what_it_needs(base_path: str) -> None:
    routes = [(method, path.removeprefix(base_path)) for method, path in list_routes(base_path)]
    assert [route for route in routes if find_need(*route) is None] == []


def test_the_table_names_no_route_that_there_is_not() -> None:
    routes = set(list_routes())
    later = {route for route in NEEDS if route[1].startswith("/auth/") or route[1] == ""}
    assert set(NEEDS) - routes - later == set()


async def test_a_route_that_nobody_has_put_into_the_table_is_closed(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    needs = NEEDS.pop(("GET", "/api/status"))
    try:
        async with run_gateway(filled, **files) as stage:
            for caller in ("nobody", "right", "admin"):
                answer = await stage.get("/api/status", headers=HEADERS[caller])
                assert answer.status in (401, 403), caller
    finally:
        NEEDS["GET", "/api/status"] = needs


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_lets_in_whom_it_should_and_nobody_else(
    filled: FakeArgoCD, files: dict[str, Any], caller: str
) -> None:
    contract = Contract()
    if caller == "anonymous":
        files["access_file"].write_text(ACCESS + PUBLIC)
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for method, path in list_routes():
            need = find_need(method, path)
            assert need is not None, path
            answer = await ask(stage, method, fill(path), caller)
            if path in contract.openapi["paths"]:
                contract.check_answer(path, answer, method=method.lower())
            refusals = expected(need, caller)
            if refusals:
                assert answer.status in refusals, (method, path, caller, answer.status)
                assert answer.headers["Content-Type"] == "application/problem+json"
                slug = answer.json["type"].rpartition(":")[2]
                assert slug == {401: "unauthenticated", 403: "forbidden"}[answer.status]
                assert (answer.status == 401) == ("WWW-Authenticate" in answer.headers)
            elif need is not Need.SIGNATURE:
                assert answer.status not in (401, 403), (method, path, caller, answer.body)
            assert answer.status < 500 or answer.status == 503, (method, path, answer.body)
            if caller not in ("right", "admin"):
                assert not any(secret in answer.body.decode(errors="replace") for secret in SECRETS), (path, caller)
            assert not any(token in str(answer) for token in TOKENS.values())


async def test_missing_and_forbidden_look_alike_on_every_route_of_an_application(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for method, path in list_routes():
            if "{name}" not in path or find_need(method, path) is not Need.VIEW:
                continue
            query = "?label=x" if path.startswith("/badge") else ""
            forbidden = await stage.get(fill(path) + query, method=method, headers=HEADERS["other"])
            missing = await stage.get(fill(path).replace("web", "nix") + query, method=method, headers=HEADERS["other"])
            assert forbidden.status == missing.status == 404, path
            assert forbidden.body.replace(b"web", b"nix") == missing.body, path
            ignored = {"Date", "ETag", "Retry-After"}
            assert {name for name in forbidden.headers if name not in ignored} == set(missing.headers) - ignored


async def test_a_name_is_ambiguous_only_among_what_may_be_seen(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    files["access_file"].write_text(
        ACCESS.replace('projects = ["shop"]', 'projects = ["shop"]\nnamespaces = ["argocd"]')
    )
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        assert (await stage.get("/api/pipelines/web", headers=HEADERS["right"])).json["application"][
            "project"
        ] == "shop"
        answer = await stage.get("/api/pipelines/web", headers=HEADERS["admin"])
        assert answer.json["candidates"] == ["apps/web", "argocd/web"]


async def test_counts_lists_and_changes_tell_of_nothing_that_may_not_be_seen(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        filled.put(application("web", project="shop", health="Healthy", labels={"team": "shop-secret"}))
        filled.put(application("till", project="pay", health="Degraded", message="hush, hush"))
        await until(lambda: stage.gateway.log.ring.top == 6)
        await let_pass(1.0)
        listed = (await stage.get("/api/pipelines", headers=HEADERS["other"])).json
        assert [each["key"] for each in listed["applications"]] == ["argocd/till"]
        assert "message" not in listed["applications"][0]["health"]
        status = (await stage.get("/api/status", headers=HEADERS["other"])).json
        assert status["applications"] == 1
        assert "lastError" not in status["upstream"]
        assert "deliveries" not in status
        assert (await stage.get("/api/status", headers=HEADERS["admin"])).json["applications"] == 4
        changes = (await stage.get("/api/changes", headers=HEADERS["other"])).json["changes"]
        assert changes == [], "what changed is hidden"
        seen = (await stage.get("/api/changes", headers=HEADERS["right"])).json["changes"]
        assert [each["key"] for each in seen] == ["argocd/web"]
        one = await stage.get("/api/pipelines", headers=HEADERS["right"])
        other = await stage.get("/api/pipelines", headers=HEADERS["other"])
        assert one.headers["ETag"] != other.headers["ETag"]


async def test_the_public_is_shown_without_words_and_names_on_every_way(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    files["access_file"].write_text(ACCESS + PUBLIC)
    contract = Contract()
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        watcher = await stage.subscribe()
        detail = await stage.subscribe(path="/api/stream/pipelines/docs")
        await watcher.wait(lambda: watcher.has_state)
        await detail.wait(lambda: detail.has_state)
        whole = await stage.get("/api/pipelines/docs", headers=HEADERS["admin"])
        assert b"hush" in whole.body
        assert b"initiatedBy" in whole.body
        held = detail.client.detail  # type: ignore[attr-defined]
        one = (await stage.get("/api/pipelines/docs")).json["application"]
        assert set(watcher.documents) == {"argocd/docs"}
        for shown in (watcher.documents["argocd/docs"], held, one):
            assert shown["health"]["status"] == "Degraded"
            assert "hush" not in str(shown)
            assert "initiatedBy" not in str(shown)
        contract.check("schemas/detail.json", held)
        filled.put(application("docs", project="public", health="Progressing", message="hush again"))
        await watcher.wait(lambda: watcher.documents["argocd/docs"]["health"]["status"] == "Progressing")
        await detail.wait(lambda: detail.client.detail["health"]["status"] == "Progressing")  # type: ignore[attr-defined]
        assert "hush" not in repr(watcher.client.events) + repr(detail.client.events)
        # The anonymous are asked to log in where only the known may go, and get nothing of what isn't public.
        assert (await stage.get("/api/deliveries")).status == 401
        assert (await stage.get("/api/pipelines/till")).status == 404


async def test_an_application_that_leaves_the_project_of_those_who_look_is_removed(
    filled: FakeArgoCD, files: dict[str, Any]
) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        watcher = await stage.subscribe(headers=HEADERS["other"])
        detail = await stage.subscribe(path="/api/stream/pipelines/till", headers=HEADERS["other"])
        await watcher.wait(lambda: watcher.has_state)
        await detail.wait(lambda: detail.has_state)
        filled.put(application("till", project="shop", health="Degraded", message="hush"))
        await watcher.wait(lambda: watcher.documents == {})
        await detail.wait(lambda: detail.client.detail is None)  # type: ignore[attr-defined]
        assert (await stage.get("/api/pipelines/till", headers=HEADERS["other"])).status == 404


async def test_a_cursor_of_another_grant_gets_a_snapshot(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        wide = await stage.subscribe(headers=HEADERS["admin"])
        await wide.wait(lambda: wide.has_state)
        narrow = await stage.subscribe(headers=HEADERS["other"], cursor=wide.client.last_id)
        await narrow.wait(lambda: narrow.has_state)
        assert narrow.client.events[0].data["reason"] == "view"
        assert set(narrow.documents) == {"argocd/till"}


async def test_a_stream_follows_its_grant_while_it_is_open(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        watcher = await stage.subscribe(headers=HEADERS["right"])
        detail = await stage.subscribe(path="/api/stream/pipelines/argocd/web", headers=HEADERS["right"])
        await watcher.wait(lambda: watcher.has_state)
        await detail.wait(lambda: detail.has_state)
        assert set(watcher.documents) == {"argocd/web", "apps/web"}
        write_token(files["access_file"], ACCESS.replace('projects = ["shop"]', 'projects = ["pay"]'))
        await watcher.wait(lambda: set(watcher.documents) == {"argocd/till"})
        await detail.wait(lambda: detail.client.detail is None)  # type: ignore[attr-defined]
        assert watcher.client.names.count("snapshot") == 1
        assert not watcher.ended
        # A file that breaks changes nothing.
        write_token(files["access_file"], "[[")
        await let_pass(10.0)
        assert set(watcher.documents) == {"argocd/till"}
        assert stage.gateway.entrance.keeper.counts["unusable"] == 1


async def test_a_stream_ends_when_its_token_is_taken_out_or_expires(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    entry = write_entry(name="shop", token=TOKENS["shop"], groups=["shop"], expires_at=UNIX_OFFSET + 10**6)
    files["tokens_file"].write_text(
        entry + write_entry(name="pay", token=TOKENS["pay"], groups=["pay"], expires_at=None)
    )
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        gone = await stage.subscribe(headers=HEADERS["other"])
        await gone.wait(lambda: gone.has_state)
        write_token(files["tokens_file"], entry)
        await gone.wait(lambda: gone.ended)
        assert gone.client.goodbye is not None
        assert gone.client.goodbye["reason"] == "expired"
        soon = stage.gateway.clock() + 30.0
        write_token(
            files["tokens_file"], write_entry(name="shop", token=TOKENS["shop"], groups=["shop"], expires_at=soon)
        )
        await let_pass(5.0)
        ended = await stage.subscribe(headers=HEADERS["right"])
        await ended.wait(lambda: ended.ended, within=60.0)
        assert ended.client.goodbye is not None
        assert ended.client.goodbye["reason"] == "expired"
        assert (await stage.get("/api/pipelines", headers=HEADERS["right"])).status == 401


async def test_a_proxy_is_believed_from_its_address_alone(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    proxied = {"auth": "proxy", "access_file": files["access_file"]}
    headers = {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "shop"}
    async with run_gateway(filled, **proxied, proxy_trusted=("127.0.0.0/8",)) as stage:
        await stage.live()
        listed = await stage.get("/api/pipelines", headers=headers)
        assert {each["key"] for each in listed.json["applications"]} == {"argocd/web", "apps/web"}
        assert (await stage.get("/api/pipelines")).status == 401
        assert (await stage.get("/api/pipelines", headers={**headers, "X-Forwarded-Groups": "none"})).status == 403
    async with run_gateway(filled, **proxied, proxy_trusted=("192.0.2.0/24",)) as stage:
        await stage.live()
        assert (await stage.get("/api/pipelines", headers=headers)).status == 401


async def test_no_token_appears_in_a_log_a_metric_an_error_or_an_address(
    filled: FakeArgoCD, files: dict[str, Any], logs: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for (method, path), caller in itertools.product(list_routes(), ("expired", "unknown", "other", "admin")):
            answer = await ask(stage, method, fill(path), caller)
            texts.append(str(answer.headers) + answer.body.decode(errors="replace"))
        watcher = await stage.subscribe(headers=HEADERS["right"])
        await watcher.wait(lambda: watcher.has_state)
        texts.append(repr(watcher.client.events))
        texts.append((await stage.get("/api/pipelines?access_token=" + TOKENS["shop"])).body.decode())
        texts.append((await stage.get("/api/pipelines", headers={"Authorization": TOKENS["shop"]})).body.decode())
        texts.append((await stage.get(stage.metrics_url)).body.decode())
        texts.append(repr(stage.gateway.entrance.keeper.tokens) + repr(vars(stage.gateway.entrance.audience)))
    texts += [repr(logs), *(record.getMessage() for record in caplog.records)]
    for token in TOKENS.values():
        assert not [text for text in texts if token in text]


async def test_the_log_has_whoever_was_refused_denied_or_did_something(
    filled: FakeArgoCD, files: dict[str, Any], logs: list[Any]
) -> None:
    secret = "first-secret-of-github"
    async with run_gateway(filled, **files, webhook_github_secret=SecretStr(secret)) as stage:
        await stage.live()
        await stage.get("/api/status", headers=HEADERS["unknown"])
        await stage.get("/api/deliveries", headers=HEADERS["right"])
        digest = hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
        signed = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1"}
        answer = await stage.send("/api/webhooks/github", b"{}", {"Content-Type": "application/json", **signed})
        assert answer.status == 202, answer
        await stage.get("/api/deliveries/1/redeliver", method="POST", headers=HEADERS["admin"])
        await stage.get("/api/pipelines/till/refresh", method="POST", headers=HEADERS["admin"])
        foreign = {**HEADERS["admin"], "Origin": "https://evil.example.org"}
        await stage.get("/api/pipelines/till/refresh", method="POST", headers=foreign)
    told = {each["event"]: each for each in logs if each["event"].startswith("audit.")}
    assert told["audit.refused"]["reason"] == "unknown"
    assert (told["audit.denied"]["identity"], told["audit.denied"]["need"]) == ("shop", "webhooks")
    assert (told["audit.webhook"]["sender"], told["audit.webhook"]["id"]) == ("github", 1)
    assert (told["audit.redelivery"]["identity"], told["audit.redelivery"]["id"]) == ("ops", 1)
    assert (told["audit.refresh"]["identity"], told["audit.refresh"]["application"]) == ("ops", "argocd/till")
    assert told["audit.foreign_page"]["route"] == "/api/pipelines/{name}/refresh"
    assert {each["remote"] for each in told.values()} == {"127.0.0.1"}
