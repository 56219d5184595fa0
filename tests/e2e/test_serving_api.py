"""What is answered over HTTP, to whom, and in which words."""

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import __version__
from gateway.hub.frame import Form
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Answer, by_key, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.client import fill

PROBLEM = "urn:argocd-sse-gateway:problem:"


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with four applications, two of one name."""
    argocd.put(application("core", project="blue", health="Degraded", labels={"team": "one"}))
    argocd.put(application("web", project="blue", sync="OutOfSync"))
    argocd.put(application("web", project="green", namespace="apps", labels={"team": "two"}))
    argocd.put(application("batch", project="green", message="m" * 5_000))
    return argocd


def assert_problem(answer: Answer, status: int, slug: str) -> Mapping[str, Any]:
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json
    assert (problem["status"], problem["type"]) == (status, PROBLEM + slug)
    assert problem["title"]
    assert problem["detail"]
    return problem


async def test_the_list_takes_the_filters_of_the_stream(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        expected = {
            "": ["apps/web", "argocd/batch", "argocd/core", "argocd/web"],
            "?projects=blue": ["argocd/core", "argocd/web"],
            "?projects=blue,green&namespaces=apps": ["apps/web"],
            "?names=co*,b*": ["argocd/batch", "argocd/core"],
            "?selector=team": ["apps/web", "argocd/core"],
            "?selector=team%3Done": ["argocd/core"],
            "?health=Degraded": ["argocd/core"],
            "?sync=OutOfSync": ["argocd/web"],
            "?projects=nobody": [],
        }
        for query, keys in expected.items():
            assert sorted(await stage.listed(query)) == keys, query
            watcher = await stage.watch(query)
            assert sorted(watcher.documents) == keys, query


async def test_the_list_is_what_a_snapshot_is_with_upstreams_state(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        watcher = await stage.watch()
        await stage.live()
        listed = (await stage.get("/api/pipelines")).json
        assert set(listed) == {"position", "applications", "upstream"}
        assert by_key(listed["applications"]) == watcher.documents
        assert listed["upstream"]["state"] == "live"
        assert listed["upstream"]["verifiedAt"].endswith("Z")


async def test_an_etag_spares_the_body_until_something_changed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        first = await stage.get("/api/pipelines")
        tag = first.headers["ETag"]
        again = await stage.get("/api/pipelines", headers={"If-None-Match": tag})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Gateway-Cursor"] == first.headers["Gateway-Cursor"]
        other = await stage.get("/api/pipelines?projects=blue", headers={"If-None-Match": tag})
        assert other.status == 200
        filled.put(application("core", project="blue"))
        await until(lambda: stage.gateway.log.ring.top == 5)
        await let_pass(0.2)
        changed = await stage.get("/api/pipelines", headers={"If-None-Match": f'"other", {tag}'})
        assert changed.status == 200
        tag = changed.headers["ETag"]
        await filled.stop()
        await stage.becomes("stale")
        stale = await stage.get("/api/pipelines", headers={"If-None-Match": tag})
        assert (stale.status, stale.json["upstream"]["state"]) == (200, "stale")
        assert (await stage.get("/api/pipelines", headers={"If-None-Match": "*"})).status == 304


@pytest.mark.parametrize("query", ["", "?projects=blue"])
async def test_the_stream_goes_on_from_the_lists_cursor_without_a_gap(filled: FakeArgoCD, query: str) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        answer = await stage.get(f"/api/pipelines{query}")
        filled.put(application("core", project="blue", health="Missing"))
        filled.delete("argocd/web")
        await until(lambda: stage.gateway.log.ring.top == 6)
        watcher = await stage.subscribe(query, cursor=answer.headers["Gateway-Cursor"])
        watcher.client.documents = by_key(answer.json["applications"])
        await watcher.wait(lambda: watcher.has_state)
        assert watcher.first == ("delta", "resumed")
        await stage.assert_same()


async def test_a_large_answer_is_compressed_for_those_who_take_it(filled: FakeArgoCD) -> None:
    fill(filled, *(f"more{number}" for number in range(50)))
    async with run_gateway(filled) as stage:
        await stage.live()
        squeezed = await stage.get("/api/pipelines", headers={"Accept-Encoding": "gzip"})
        plain = await stage.get("/api/pipelines", headers={"Accept-Encoding": "identity"})
        refused = await stage.get("/api/pipelines", headers={"Accept-Encoding": "gzip;q=0"})
        assert squeezed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert "Content-Encoding" not in refused.headers
        assert int(squeezed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 4
        assert squeezed.body == plain.body == refused.body
        assert all("Accept-Encoding" in answer.headers["Vary"] for answer in (squeezed, plain))


async def test_one_application_is_found_by_name_or_by_namespace_and_name(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        batch = (await stage.get("/api/pipelines/batch")).json
        assert set(batch) == {"position", "application", "upstream"}
        assert batch["application"]["health"]["message"] == "m" * 5_000
        assert len(batch["application"]["history"]) == 1
        web = (await stage.get("/api/pipelines/apps/web")).json["application"]
        assert (web["key"], web["project"]) == ("apps/web", "green")
        problem = assert_problem(await stage.get("/api/pipelines/web"), 409, "ambiguous")
        assert problem["candidates"] == ["apps/web", "argocd/web"]
        assert_problem(await stage.get("/api/pipelines/nothing"), 404, "unknown-application")
        assert_problem(await stage.get("/api/pipelines/apps/core"), 404, "unknown-application")


async def test_what_is_wrong_is_a_problem_that_says_what_to_do(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for path in ("/api/pipelines", "/api/stream/pipelines"):
            problem = assert_problem(await stage.get(f"{path}?project=blue&selector=,,"), 400, "bad-parameters")
            assert len(problem["problems"]) >= 2
            assert any("project" in each for each in problem["problems"])
        assert_problem(await stage.get("/api/status?verbose"), 400, "bad-parameters")
        assert_problem(await stage.get("/api/pipelines/core?x=1"), 400, "bad-parameters")
        assert_problem(await stage.get("/api/nothing"), 404, "not-found")
        refused = await stage.get("/api/pipelines", method="POST")
        assert_problem(refused, 405, "method-not-allowed")
        assert "GET" in refused.headers["Allow"]


async def test_before_there_is_a_state_lists_are_503_with_a_time_to_come_back(filled: FakeArgoCD) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled) as stage:
        for path in ("/api/pipelines", "/api/pipelines/core"):
            answer = await stage.get(path)
            assert_problem(answer, 503, "not-synced")
            assert 1 <= int(answer.headers["Retry-After"]) <= 4


async def test_the_status_says_how_the_gateway_and_its_upstream_are(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await stage.watch()
        status = (await stage.get("/api/status")).json
        assert (status["version"], status["applications"], status["access"]) == (__version__, 4, "loopback")
        assert status["position"] == f"{status['epoch']}-4"
        assert status["subscribers"] == {"open": 1, "behind": 0, "views": 1, "details": 0}
        upstream = status["upstream"]
        assert (upstream["state"], upstream["version"], upstream["reconciles"]) == ("live", "v3.6.0", 1)
        assert upstream["repairs"] == {"missedUpdate": 0, "missedDelete": 0}
        assert "lastError" not in upstream
        filled.cut_all()
        await stage.counted("failure_unreachable")
        failed = (await stage.get("/api/status")).json["upstream"]["lastError"]
        assert failed["kind"] == "unreachable"


async def test_probes_tell_each_phase_apart(filled: FakeArgoCD) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled, ready_after=60.0, drain_delay=5.0) as stage:

        async def probe() -> list[int]:
            return [(await stage.get(path)).status for path in ("/healthz", "/readyz", "/startupz")]

        assert await probe() == [200, 503, 200]
        await let_pass(61.0)
        assert await probe() == [200, 200, 200]
        filled.resume_burst()
        await stage.live()
        assert await probe() == [200, 200, 200]
        await filled.stop()
        await stage.becomes("down", within=120.0)
        assert await probe() == [200, 200, 200]
        stage.gateway.drain()
        assert await probe() == [200, 503, 200]
        assert (await stage.get("/readyz")).body == b"draining\n"


async def test_metrics_are_on_a_port_of_their_own_and_can_be_parsed(filled: FakeArgoCD) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        await stage.watch(form=Form.GZIP)
        filled.put(application("core", project="blue"))
        await until(lambda: stage.gateway.hub.counts["delivery"] == 1)
        text = (await stage.get(stage.metrics_url)).body.decode()
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert samples["gateway_build_info", (("version", __version__),)] == 1
        assert samples["gateway_upstream_state", (("state", "live"),)] == 1
        assert samples["gateway_subscribers", ()] == 1
        assert samples["gateway_log_offset", ()] == 5
        assert samples["gateway_deliveries_total", ()] == 1
        assert samples["gateway_applications", (("health", "Healthy"), ("sync", "OutOfSync"))] == 1
        assert samples["gateway_joins_total", (("outcome", "new"),)] == 1
        assert "secret" not in text
        assert "argocd/" not in text
        assert (await stage.get("/metrics")).status == 404
        assert (await stage.get(stage.metrics_url.replace("/metrics", "/api/pipelines"))).status == 404


async def test_only_named_origins_are_allowed_and_with_credentials(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, cors_origins=("https://portal.example.org",)) as stage:
        await stage.live()
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "last-event-id"}
        for method, more, status in (("GET", {}, 200), ("OPTIONS", asked, 204)):
            mine = {"Origin": "https://portal.example.org", **more}
            allowed = await stage.get("/api/pipelines", method=method, headers=mine)
            assert allowed.status == status
            assert allowed.headers["Access-Control-Allow-Origin"] == "https://portal.example.org"
            assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
            assert "Origin" in allowed.headers["Vary"]
            for origin in (
                "https://evil.example.org",
                "https://portal.example.org.evil.org",
                "null",
                "http://portal.example.org",
            ):
                refused = await stage.get("/api/pipelines", method=method, headers={"Origin": origin, **more})
                assert not [name for name in refused.headers if name.startswith("Access-Control-Allow-O")]
        exposed = (await stage.get("/api/pipelines", headers={"Origin": "https://portal.example.org"})).headers
        assert "Gateway-Cursor" in exposed["Access-Control-Expose-Headers"]
        watcher = await stage.subscribe(headers={"Origin": "https://portal.example.org"})
        assert watcher.headers["access-control-allow-origin"] == "https://portal.example.org"
        problem = await stage.get("/api/nothing", headers={"Origin": "https://portal.example.org"})
        assert problem.headers["Access-Control-Allow-Origin"] == "https://portal.example.org"


async def test_behind_a_base_path_everything_is_under_it_and_probes_are_in_both_places(filled: FakeArgoCD) -> None:
    async with run_gateway(filled, base_path="/gateway") as stage:
        await stage.live()
        for path in ("/gateway/api/pipelines", "/gateway/api/status", "/gateway/healthz", "/healthz", "/readyz"):
            assert (await stage.get(path)).status == 200, path
        assert (await stage.get("/api/pipelines")).status == 404
        watcher = await stage.watch(path="/gateway/api/stream/pipelines")
        assert len(watcher.documents) == 4


async def test_without_access_configured_only_this_machines_names_are_answered(filled: FakeArgoCD) -> None:
    names = {
        "localhost": 200,
        "127.0.0.1:8090": 200,
        "[::1]:8090": 200,
        "evil.example.org": 403,
        "localhost.evil.org": 403,
    }
    async with run_gateway(filled) as stage:
        await stage.live()
        for host, status in names.items():
            assert (await stage.get("/api/pipelines", headers={"Host": host})).status == status, host
        assert_problem(await stage.get("/api/pipelines", headers={"Host": "evil.example.org"}), 403, "foreign-host")
        watcher = await stage.subscribe(headers={"Host": "evil.example.org"})
        assert watcher.status == 403
    async with run_gateway(filled, auth="none") as stage:
        await stage.live()
        for host in names:
            assert (await stage.get("/api/pipelines", headers={"Host": host})).status == 200, host
        assert (await stage.get("/api/status")).json["access"] == "none"
