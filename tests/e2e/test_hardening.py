"""Every route, as browsers see it: the headers that keep pages apart, and no acting for pages of other sites."""

from http.cookies import SimpleCookie
from typing import Any

import pytest

from gateway.web.guard import Need, find_need
from tests.e2e.harness import Answer, Stage, run_gateway
from tests.e2e.test_access import HEADERS, files, fill, filled, list_routes
from tests.fakes.argocd import FakeArgoCD

__all__ = ["files", "filled"]

FOREIGN = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.org"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
)


def check_headers(answer: Answer, where: object) -> None:
    """Assert what every answer has to say to browsers."""
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), where
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert "base-uri 'none'" in policy, where
    assert "unsafe" not in policy, where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    shared = "svg" in headers.get("Content-Type", "") or str(where).endswith("/client.js")
    assert headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if shared else "same-origin"), where
    assert "Cache-Control" in headers, where
    assert "aiohttp" not in str(headers), where
    assert "Python" not in str(headers), where


async def ask(stage: Stage, method: str, path: str, headers: dict[str, str]) -> Answer:
    if "/stream/" in path:
        path += "?nonsense=1"
    return await stage.get(path, method=method, headers=headers)


@pytest.mark.parametrize("caller", ["nobody", "unknown", "other", "admin"])
async def test_every_answer_of_every_route_has_the_headers_that_browsers_rely_on(
    filled: FakeArgoCD, files: dict[str, Any], caller: str
) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for method, path in [*list_routes(), ("GET", "/nowhere"), ("DELETE", "/api/pipelines"), ("TRACE", "/")]:
            check_headers(await ask(stage, method, fill(path), dict(HEADERS[caller])), fill(path))


async def test_a_stream_has_these_headers_too(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await stage.watch()
        assert watcher.headers["x-content-type-options"] == "nosniff"
        assert watcher.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in watcher.headers["content-security-policy"]


async def test_the_metrics_have_these_headers_too(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        check_headers(await stage.get(stage.metrics_url), "/metrics")


STATE_CHANGING = [route for route in list_routes() if route[0] not in ("GET", "HEAD", "OPTIONS")]


def test_there_are_routes_that_change_something() -> None:
    assert ("POST", "/api/deliveries/{id}/redeliver") in STATE_CHANGING


@pytest.mark.parametrize(("method", "path"), STATE_CHANGING)
async def test_no_page_of_another_site_changes_anything(
    filled: FakeArgoCD, files: dict[str, Any], method: str, path: str
) -> None:
    """Whoever is logged in, and whatever their browser sends along; what is signed is believed by its signature."""
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for foreign in FOREIGN:
            answer = await stage.get(fill(path), method=method, headers={**HEADERS["admin"], **foreign})
            if find_need(method, path) is Need.SIGNATURE:
                assert answer.status in (401, 404), (path, foreign, answer.body)
                continue
            assert answer.status == 403, (path, foreign, answer.body)
            assert answer.json["type"].endswith(":foreign-origin"), (path, foreign)
        own = {**HEADERS["admin"], "Sec-Fetch-Site": "same-origin", "Origin": stage.url}
        assert not (await stage.get(fill(path), method=method, headers=own)).body.count(b"foreign-origin")


async def test_no_preflight_allows_anything_that_changes_something(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, cors_origins=("https://portal.example.org",)) as stage:
        await stage.live()
        for _, path in STATE_CHANGING:
            answer = await stage.get(
                fill(path),
                method="OPTIONS",
                headers={"Origin": "https://portal.example.org", "Access-Control-Request-Method": "POST"},
            )
            assert "POST" not in answer.headers.get("Access-Control-Allow-Methods", "")


async def test_a_site_that_may_read_may_not_act(filled: FakeArgoCD) -> None:
    origin = "https://portal.example.org"
    async with run_gateway(filled, cors_origins=(origin,)) as stage:
        await stage.live()
        read = await stage.get("/api/pipelines", headers={"Origin": origin})
        assert read.headers["Access-Control-Allow-Origin"] == origin
        for method, path in STATE_CHANGING:
            if find_need(method, path) is not Need.SIGNATURE:
                assert (await stage.get(fill(path), method=method, headers={"Origin": origin})).status == 403
        other = await stage.get("/api/pipelines", headers={"Origin": f"{origin}.evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers


async def test_no_answer_sets_a_cookie_where_nobody_logs_in(filled: FakeArgoCD, files: dict[str, Any]) -> None:
    async with run_gateway(filled, **files) as stage:
        await stage.live()
        for method, path in list_routes():
            answer = await ask(stage, method, fill(path), dict(HEADERS["admin"]))
            assert not SimpleCookie(answer.headers.get("Set-Cookie", ""))
