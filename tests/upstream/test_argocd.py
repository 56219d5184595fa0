"""The client's short requests: real answers of Argo CD, and each way to fail made one of the reflector's kinds."""

import re
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aioresponses import aioresponses
from pydantic import SecretStr

from gateway.upstream.argocd import ArgoCD, Endpoint
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.messages import Kind
from gateway.upstream.token import Token
from tests.fakes import recordings

BASE = "https://argocd.example.org"
ANY_LIST = re.compile(rf"^{BASE}/api/v1/applications\?")


@pytest.fixture
def answers() -> Iterator[aioresponses]:
    with aioresponses() as mocked:
        yield mocked


@pytest.fixture
async def client(answers: aioresponses) -> AsyncIterator[ArgoCD]:
    async with ArgoCD(Endpoint(base_url=BASE), Token(SecretStr("hunter2"))) as argocd:
        yield argocd


def recorded(name: str) -> tuple[int, dict[str, str], bytes]:
    """Return a recorded answer's status, headers and body."""
    answer = recordings.answer(f"http/{name}.http")
    kept = {key: value for key, value in answer.headers.items() if key == "Content-Type"}
    return answer.status, kept, answer.body


async def test_a_list_gives_names_projects_and_its_version(client: ArgoCD, answers: aioresponses) -> None:
    answers.get(f"{BASE}/healthz", body="ok")
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.5.1+abc"})
    items = [
        {"metadata": {"name": "a", "namespace": "argocd"}, "spec": {"project": "p"}},
        {"metadata": {"name": "b", "namespace": "team"}, "spec": {"project": ""}},
        {"metadata": {"name": "c", "namespace": "team"}},
    ]
    answers.get(ANY_LIST, payload={"metadata": {"resourceVersion": "42"}, "items": items})
    names, version = await client.names()
    assert names == {"argocd/a": "p", "team/b": "default", "team/c": None}
    assert version == 42


async def test_a_list_for_nobody_is_an_empty_list(client: ArgoCD, answers: aioresponses) -> None:
    status, headers, body = recorded("list-nobody")
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.6.0"})
    answers.get(f"{BASE}/healthz", body="ok")
    answers.get(ANY_LIST, status=status, headers=headers, body=body)
    assert await client.names() == ({}, 4587)


async def test_projects_are_listed_one_by_one_and_the_oldest_version_counts(
    client: ArgoCD, answers: aioresponses
) -> None:
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.6.0"})
    answers.get(f"{BASE}/healthz", body="ok")
    for version, name in ((50, "a"), (40, "b")):
        item = {"metadata": {"name": name, "namespace": "argocd"}, "spec": {"project": name}}
        answers.get(ANY_LIST, payload={"metadata": {"resourceVersion": str(version)}, "items": [item]})
    names, version = await client.names(["a", "b"])
    assert set(names) == {"argocd/a", "argocd/b"}
    assert version == 40


async def test_nothing_is_listed_while_argocd_is_not_well(client: ArgoCD, answers: aioresponses) -> None:
    answers.get(f"{BASE}/healthz", status=503)
    with pytest.raises(ArgoCDError) as caught:
        await client.names()
    assert caught.value.failure.kind is Kind.UNHEALTHY


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("list-noauth", Kind.REFUSED, "no session information"),
        ("list-badtoken", Kind.REFUSED, "token is malformed"),
        ("get-forbidden", Kind.REFUSED, "permission denied"),
        ("stream-noauth", Kind.REFUSED, "no session information"),
        ("stream-noauth-ndjson", Kind.REFUSED, "no session information"),
        ("badselector", Kind.ANSWERED_BADLY, "error parsing the selector"),
        ("wrongpath", Kind.ANSWERED_BADLY, "404"),
    ],
)
async def test_a_recorded_refusal_is_understood_and_told(
    client: ArgoCD, answers: aioresponses, name: str, kind: Kind, said: str
) -> None:
    status, headers, body = recorded(name)
    answers.get(f"{BASE}/api/version", status=status, headers=headers, body=body)
    with pytest.raises(ArgoCDError) as caught:
        await client.ask_version()
    assert caught.value.failure.kind is kind
    assert said in caught.value.failure.message
    assert str(status) in caught.value.failure.message


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "said"),
    [
        (429, {}, b'{"error":"too large","message":"too large","code":8}', Kind.TOO_LARGE, "too large"),
        (307, {"Location": "https://else.example.org/login?token=x"}, b"", Kind.ANSWERED_BADLY, "https://else.example"),
        (200, {"Content-Type": "text/html"}, b"<html>", Kind.ANSWERED_BADLY, "web page"),
        (200, {"Content-Type": "application/json"}, b"[]", Kind.ANSWERED_BADLY, "something else"),
        (200, {"Content-Type": "application/json"}, b"\xff", Kind.ANSWERED_BADLY, "something else"),
        (502, {}, b"\xff\xfe", Kind.ANSWERED_BADLY, "502"),
    ],
)
async def test_an_answer_that_is_none_is_explained(
    client: ArgoCD, answers: aioresponses, status: int, headers: dict[str, str], body: bytes, kind: Kind, said: str
) -> None:
    answers.get(f"{BASE}/api/version", status=status, headers=headers, body=body)
    with pytest.raises(ArgoCDError) as caught:
        await client.ask_version()
    assert caught.value.failure.kind is kind
    assert said in caught.value.failure.message
    assert "token=x" not in caught.value.failure.message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerDisconnectedError(), "disconnected"),
        (ConnectionResetError("reset"), "reset"),
    ],
)
async def test_a_broken_connection_is_unreachable(
    client: ArgoCD, answers: aioresponses, error: Exception, said: str
) -> None:
    answers.get(f"{BASE}/healthz", exception=error)
    with pytest.raises(ArgoCDError) as caught:
        await client.health()
    assert caught.value.failure.kind is Kind.UNREACHABLE
    assert said in caught.value.failure.message.lower()


async def test_permissions_name_what_is_denied_and_whether_we_are_somebody(
    client: ArgoCD, answers: aioresponses
) -> None:
    status, headers, body = recorded("userinfo")
    answers.get(f"{BASE}/api/v1/session/userinfo", status=status, headers=headers, body=body)
    answers.get(f"{BASE}/api/v1/account/can-i/applications/get/a/*", payload={"value": "yes"})
    answers.get(f"{BASE}/api/v1/account/can-i/applications/get/b/*", payload={"value": "no"})
    assert await client.permissions(["a", "b"]) == (True, frozenset({"b"}))


@pytest.mark.parametrize(("answer", "denied"), [("yes", frozenset()), ("no", frozenset({"p"}))])
async def test_an_account_for_some_of_a_project_is_asked_about_one_that_it_could_see(
    client: ArgoCD, answers: aioresponses, answer: str, denied: frozenset[str]
) -> None:
    answers.get(f"{BASE}/api/v1/session/userinfo", payload={"loggedIn": True, "username": "gateway"})
    answers.get(f"{BASE}/api/v1/account/can-i/applications/get/p/*", payload={"value": "no"})
    answers.get(f"{BASE}/api/v1/account/can-i/applications/get/p/web", payload={"value": "no"})
    answers.get(f"{BASE}/api/v1/account/can-i/applications/get/p/team/web", payload={"value": answer})
    assert await client.permissions(["p"], {"p": "team/web"}) == (True, denied)


async def test_an_empty_userinfo_is_nobody(client: ArgoCD, answers: aioresponses) -> None:
    status, headers, body = recorded("userinfo-anon")
    answers.get(f"{BASE}/api/v1/session/userinfo", status=status, headers=headers, body=body)
    assert await client.permissions([]) == (False, frozenset())


async def test_the_token_goes_into_the_header_and_nowhere_else(client: ArgoCD, answers: aioresponses) -> None:
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.6.0"})
    await client.ask_version()
    ((_, url), (call,)) = next(iter(answers.requests.items()))
    assert call.kwargs["headers"]["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in str(url)
    assert call.kwargs["allow_redirects"] is False


async def test_the_version_stays_known_and_is_asked_for_again_only_when_told(
    client: ArgoCD, answers: aioresponses
) -> None:
    empty = {"metadata": {"resourceVersion": "1"}, "items": None}
    answers.get(f"{BASE}/healthz", body="ok", repeat=True)
    answers.get(ANY_LIST, payload=empty, repeat=True)
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.5.0"})
    await client.names()
    await client.names()
    client.ask_version_again = True
    assert client.version == "v3.5.0"
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.6.0"})
    await client.names()
    assert client.version == "v3.6.0"


async def test_an_empty_list_without_a_version_is_no_list(client: ArgoCD, answers: aioresponses) -> None:
    answers.get(f"{BASE}/healthz", body="ok")
    answers.get(f"{BASE}/api/version", payload={"Version": "v3.6.0"})
    answers.get(ANY_LIST, payload={"metadata": {}, "items": None})
    with pytest.raises(ArgoCDError) as caught:
        await client.names()
    assert caught.value.failure.kind is Kind.UNHEALTHY
