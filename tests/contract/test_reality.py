"""What is really sent: every answer and every frame is what the contract says, and nothing besides."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from gateway.hub.subscriber import Ending
from gateway.web.turnstile import MAX_QUERY
from tests.contract.documents import Contract
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.subscriber import Subscriber
from tests.fakes import recordings
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.hub.client import Event

LIST, ONE, ONE_OF = "/api/pipelines", "/api/pipelines/{name}", "/api/pipelines/{namespace}/{name}"
DETAIL, DETAIL_OF = "/api/stream/pipelines/{name}", "/api/stream/pipelines/{namespace}/{name}"
STREAM, STATUS, OPENAPI = "/api/stream/pipelines", "/api/status", "/api/openapi.json"
SCHEMA, ME = "/api/schemas/{event}.json", "/api/me"
TIMELINE, TIMELINE_OF = f"{ONE}/timeline", f"{ONE_OF}/timeline"
CHECKLIST = "/api/releases/{sha}/checklist"
TIMELINES, KPIS, DELIVERIES = "/api/timeline", "/api/kpis", "/api/deliveries"
CHANGES, BADGE, BADGE_OF = "/api/changes", "/badge/{name}.svg", "/badge/{namespace}/{name}.svg"


class Witness:
    """Holds each event of each stream against the contract, and notes which were seen."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.seen: set[tuple[str, str]] = set()
        self.count = 0

    async def watch(
        self, stage: Stage, query: str = "", *, cursor: str | None = None, held: Mapping[str, dict[str, Any]] = {}
    ) -> Subscriber:
        """Open a stream; ``held`` is what a client holds that comes with a cursor."""
        subscriber = Subscriber(stage.gateway.address, query)
        subscriber.client.documents = copy.deepcopy(dict(held))
        stage.subscribers.append(subscriber)
        subscriber.heard.append(self.hear)
        return await subscriber.connect(cursor=cursor)

    async def look(self, stage: Stage, path: str) -> Subscriber:
        """Open the stream of one application."""
        subscriber = Subscriber(stage.gateway.address, path=path)
        stage.subscribers.append(subscriber)
        subscriber.heard.append(self.hear_detail)
        return await subscriber.connect()

    def hear_detail(self, event: Event) -> None:
        self.contract.check_detail_event(event.name, event.data)
        self.count += 1

    def hear(self, event: Event) -> None:
        self.contract.check_event(event.name, event.data)
        self.seen.add((event.name, event.data.get("reason") or event.data.get("upstream", {}).get("state", "")))
        self.count += 1


@pytest.fixture
def witness(contract: Contract) -> Witness:
    return Witness(contract)


@pytest.fixture
def filled(argocd: FakeArgoCD) -> FakeArgoCD:
    """An Argo CD with four applications, two of one name."""
    argocd.put(application("core", project="blue", health="Degraded", labels={"team": "one"}))
    argocd.put(application("web", project="blue", sync="OutOfSync"))
    argocd.put(application("web", project="green", namespace="apps", labels={"team": "two"}))
    argocd.put(application("batch", project="green", message="m" * 5_000))
    return argocd


@pytest.mark.parametrize("name", ["deploy-day/stream.sse", "promotion/stream.sse"])
async def test_every_frame_and_every_answer_of_a_played_day_is_what_the_contract_says(
    argocd: FakeArgoCD, contract: Contract, witness: Witness, name: str
) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        for query in ("", "?projects=store", "?health=Progressing,Degraded"):
            await witness.watch(stage, query)
        played = 0

        async def look_now_and_then(event: Any) -> None:
            nonlocal played
            played += 1
            # Long enough for a tick: each change has its frame.
            await let_pass(0.2)
            if played % 40 == 0:
                metadata = event["application"]["metadata"]
                for template, path in (
                    (LIST, LIST),
                    (ONE, f"{LIST}/{metadata['name']}"),
                    (ONE_OF, f"{LIST}/{metadata['namespace']}/{metadata['name']}"),
                    (CHANGES, CHANGES),
                    (CHANGES, f"{CHANGES}?health=Healthy&limit=20"),
                    (BADGE, f"/badge/{metadata['name']}.svg"),
                    (STATUS, STATUS),
                    (TIMELINE, f"{LIST}/{metadata['name']}/timeline"),
                    (TIMELINE_OF, f"{LIST}/{metadata['namespace']}/{metadata['name']}/timeline?kinds=restart,rollback"),
                    (TIMELINES, f"{TIMELINES}?since=365d"),
                    (KPIS, f"{KPIS}?since=365d&by=application&bucket=week"),
                ):
                    contract.check_answer(template, await stage.get(path))

        await argocd.play(name, after_each=look_now_and_then)
        await stage.assert_true(argocd)
        for key in argocd.applications:
            answer = await stage.get(f"{LIST}/{key}")
            assert answer.status == 200
            contract.check_answer(ONE_OF, answer)
        assert witness.count > 300
        assert {event for event, _ in witness.seen} == {"snapshot", "delta", "heartbeat"}


async def test_every_reason_and_every_state_that_streams_speak_of_is_in_the_contract(
    filled: FakeArgoCD, witness: Witness
) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled, max_subscribers=6, log_capacity=20, stream_lifetime=240.0) as stage:
        first = await witness.watch(stage)
        await first.wait(lambda: first.upstream != {})
        filled.resume_burst()
        await stage.live()
        await first.wait(lambda: first.has_state)
        cursor = first.client.last_id
        for query, with_cursor in (("", cursor), ("?projects=blue", cursor), ("", "0-0-0")):
            watcher = await witness.watch(stage, query, cursor=with_cursor, held=first.documents)
            await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
        for step in range(30):
            filled.put(application("core", labels={"step": str(step)}))
            await let_pass(0.2)
        watcher = await witness.watch(stage, cursor=cursor)
        await watcher.wait(lambda: watcher.has_state)
        last = await witness.watch(stage)
        await last.wait(lambda: last.has_state)
        refused = await witness.watch(stage)
        await refused.wait(lambda: refused.ended)
        await filled.stop()
        await first.wait(lambda: first.upstream.get("state") == "down", within=200.0)
        await first.wait(lambda: first.ended, within=300.0)
        stage.gateway.stop()
        await until(lambda: all(subscriber.ended for subscriber in stage.subscribers))
    expected = {("snapshot", reason) for reason in ("new", "view", "epoch", "trimmed")} | {("delta", "resumed")}
    expected |= {("heartbeat", state) for state in ("connecting", "live", "stale", "down")}
    assert expected | {("goodbye", ending.value) for ending in (Ending.LIFETIME, Ending.OVERLOADED)} <= witness.seen


async def test_every_frame_of_a_detail_is_what_the_contract_says(
    filled: FakeArgoCD, contract: Contract, witness: Witness
) -> None:
    ill = {"type": "ComparisonError", "message": "rpc error", "lastTransitionTime": "2026-11-20T23:17:49Z"}
    states: list[dict[str, Any]] = [
        {"health": "Missing", "sync": "Unknown", "conditions": [ill]},
        {"health": "Progressing", "phase": "Failed"},
        {"health": "Suspended", "deletion_timestamp": "2026-11-20T23:17:49Z"},
        {"health": "Unknown", "phase": "Running"},
        {"sources": [{"repoURL": "https://github.com/example/deploy"}], "sync": "OutOfSync"},
    ]
    filled.details.part_status["tree"] = 403
    async with run_gateway(filled, argocd_public_url="https://argocd.example.org") as stage:
        await stage.live()
        for path in ("core", "apps/web", "batch"):
            await witness.look(stage, f"{STREAM}/{path}")
        await let_pass(5.0)
        filled.details.part_status.clear()
        for state in states:
            filled.put(application("core", project="blue", **state))
            await let_pass(5.0)
        filled.delete("argocd/core")
        await let_pass(5.0)
        filled.put(application("core", project="blue"))
        late = await witness.look(stage, f"{STREAM}/core")
        await let_pass(20.0)
        assert late.detail["parts"]["tree"] == {"state": "ready"}
    assert witness.count > 20


async def test_every_frame_of_a_rollout_is_what_the_contract_says(
    filled: FakeArgoCD, contract: Contract, witness: Witness
) -> None:
    readings = [orjson.loads(line) for line in recordings.lines("canary/resources.ndjson")]
    trees = [orjson.loads(line)["result"]["nodes"] for line in recordings.lines("canary/tree.ndjson")]
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await witness.look(stage, f"{STREAM}/core")
        phases = set()
        for number, reading in enumerate(readings):
            name = orjson.loads(reading["manifest"])["metadata"]["name"]
            filled.details.put_manifest(reading["manifest"], kind=reading["kind"], name=name)
            filled.details.put_tree("argocd/core", trees[number * len(trees) // len(readings)])
            await let_pass(2.0)
            phases |= {each["phase"] for each in watcher.detail.get("rollouts", ())}
    assert phases == {"Healthy", "Progressing", "Paused", "Degraded"}


async def test_someone_who_lagged_gets_what_the_contract_says(filled: FakeArgoCD, witness: Witness) -> None:
    async with run_gateway(filled, log_capacity=50) as stage:
        await stage.live()
        watcher = await witness.watch(stage)
        await watcher.wait(lambda: watcher.has_state)
        # More at once than the log holds.
        for step in range(200):
            filled.put(application("core", labels={"step": str(step)}))
        await stage.assert_same()
        stage.gateway.drain()
        await watcher.wait(lambda: watcher.ended)
        assert {("snapshot", "lagged"), ("goodbye", "drain")} <= witness.seen


ANSWERS: list[tuple[str, str, dict[str, str], int]] = [
    (LIST, "/api/pipelines", {}, 200),
    (LIST, "/api/pipelines", {"If-None-Match": "*"}, 304),
    (LIST, "/api/pipelines?projects=nobody", {}, 200),
    (LIST, "/api/pipelines?project=blue&health=Fine&selector=,,", {}, 400),
    (LIST, "/api/pipelines?names=", {}, 400),
    (LIST, "/api/pipelines?lastEventId=1-1-1", {}, 400),
    (LIST, "/api/pipelines", {"Host": "evil.example.org"}, 403),
    (ONE, "/api/pipelines/core", {}, 200),
    (ONE, "/api/pipelines/batch", {}, 200),
    (ONE, "/api/pipelines/nothing", {}, 404),
    (ONE, "/api/pipelines/web", {}, 409),
    (ONE, "/api/pipelines/core?x=1", {}, 400),
    (ONE_OF, "/api/pipelines/apps/web", {}, 200),
    (ONE_OF, "/api/pipelines/apps/core", {}, 404),
    (ONE_OF, "/api/pipelines/apps/web?x=1", {}, 400),
    (STREAM, "/api/stream/pipelines?project=blue", {}, 400),
    (STREAM, "/api/stream/pipelines?sync=Late", {}, 400),
    (STREAM, "/api/stream/pipelines", {"Host": "evil.example.org"}, 403),
    (CHANGES, "/api/changes", {}, 200),
    (CHANGES, "/api/changes?since=2026-11-20T23:00:00Z&limit=1&projects=blue", {}, 200),
    (CHANGES, "/api/changes", {"If-None-Match": "*"}, 304),
    (CHANGES, "/api/changes?since=yesterday&limit=0&project=blue", {}, 400),
    (BADGE, "/badge/core.svg", {}, 200),
    (BADGE, "/badge/core.svg?show=sync&label=x", {}, 200),
    (BADGE, "/badge/core.svg", {"If-None-Match": "*"}, 304),
    (BADGE, "/badge/core.svg?show=all", {}, 400),
    (BADGE, "/badge/nothing.svg", {}, 404),
    (BADGE, "/badge/web.svg", {}, 409),
    (BADGE_OF, "/badge/apps/web.svg", {}, 200),
    (BADGE_OF, "/badge/apps/web.svg", {"If-None-Match": "*"}, 304),
    (BADGE_OF, "/badge/apps/web.svg?x", {}, 400),
    (BADGE_OF, "/badge/apps/core.svg", {}, 404),
    (DETAIL, "/api/stream/pipelines/nothing", {}, 404),
    (DETAIL, "/api/stream/pipelines/web", {}, 409),
    (DETAIL, "/api/stream/pipelines/core?projects=blue", {}, 400),
    (DETAIL_OF, "/api/stream/pipelines/apps/core", {}, 404),
    (DETAIL_OF, "/api/stream/pipelines/apps/web?x=1", {}, 400),
    (TIMELINE, "/api/pipelines/core/timeline", {}, 200),
    (TIMELINE, "/api/pipelines/core/timeline?kinds=lunch&limit=0&x=1", {}, 400),
    (TIMELINE, "/api/pipelines/nothing/timeline", {}, 404),
    (TIMELINE, "/api/pipelines/web/timeline", {}, 409),
    (TIMELINE_OF, "/api/pipelines/apps/web/timeline?since=365d", {}, 200),
    (TIMELINE_OF, "/api/pipelines/apps/web/timeline?before=soon", {}, 400),
    (TIMELINE_OF, "/api/pipelines/apps/core/timeline", {}, 404),
    (TIMELINES, "/api/timeline", {}, 200),
    (TIMELINES, "/api/timeline?commit=master&image=%20&since=x", {}, 400),
    (KPIS, "/api/kpis?by=service", {}, 200),
    (KPIS, "/api/kpis?by=person&bucket=year&since=1h&until=2h&x=1", {}, 400),
    (DELIVERIES, "/api/deliveries", {}, 200),
    (DELIVERIES, "/api/deliveries?sender=jenkins", {}, 400),
    (CHECKLIST, "/api/releases/5a6b7c8d/checklist?ignore=CI&names=core", {}, 200),
    (CHECKLIST, "/api/releases/master/checklist?ignore=&name=core", {}, 400),
    (STATUS, "/api/status", {}, 200),
    (STATUS, "/api/status?verbose", {}, 400),
    (ME, "/api/me?application=argocd/core", {}, 200),
    (ME, "/api/me?who", {}, 400),
    (OPENAPI, "/api/openapi.json", {}, 200),
    (OPENAPI, "/api/openapi.json", {"If-None-Match": "*"}, 304),
    (OPENAPI, "/api/openapi.json?x=1", {}, 400),
    (SCHEMA, "/api/schemas/delta.json", {}, 200),
    (SCHEMA, "/api/schemas/delta.json", {"If-None-Match": "*"}, 304),
    (SCHEMA, "/api/schemas/delta.json?x=1", {}, 400),
    (SCHEMA, "/api/schemas/nothing.json", {}, 404),
    ("/healthz", "/healthz", {}, 200),
    ("/readyz", "/readyz", {}, 200),
    ("/startupz", "/startupz", {}, 200),
]


async def test_whoever_asks_too_much_of_any_route_is_answered_as_the_contract_says(
    filled: FakeArgoCD, contract: Contract
) -> None:
    limited = {
        template: next(iter(item))
        for template, item in contract.openapi["paths"].items()
        if "429" in next(iter(item.values()))["responses"]
    }
    assert len(limited) >= len(contract.openapi["paths"]) - 3
    async with run_gateway(filled, max_requests_per_second=1) as stage:
        await stage.live()
        for status, query in ((414, f"?names={'x' * MAX_QUERY}"), (429, "?x=1")):
            for template, method in limited.items():
                path = re.sub(r"\{\w+\}", "x", template) + query
                if status == 414:
                    await let_pass(1.0)
                while (answer := await stage.get(path, method=method.upper())).status != status:
                    assert status == 429, (path, answer)
                contract.check_answer(template, answer, method=method)


async def test_good_and_bad_requests_of_every_route_are_answered_as_the_contract_says(
    filled: FakeArgoCD, contract: Contract
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for template, path, headers, status in ANSWERS:
            answer = await stage.get(path, headers=headers)
            assert answer.status == status, (path, answer)
            contract.check_answer(template, answer)
        for template in contract.openapi["paths"]:
            path = template.replace("{name}", "core").replace("{namespace}", "argocd").replace("{event}", "delta")
            path = path.replace("{sender}", "github").replace("{id}", "1").replace("{sha}", "5a6b7c8d")
            refused = await stage.get(path, method="DELETE")
            assert refused.status == 405, path
            contract.check_answer(template, refused, method=next(iter(contract.openapi["paths"][template])))
    promised = {
        (path, int(status))
        for path, item in contract.openapi["paths"].items()
        for status in item.get("get", {}).get("responses", ())
        if status not in ("default", "401", "403", "414", "429", "503")
    }
    # The streams' 200s, two commits that begin alike, and what needs an access or is limited have tests of their own.
    others = {(template, 200) for template in (STREAM, DETAIL, DETAIL_OF)} | {(CHECKLIST, 409), (CHECKLIST, 404)}
    assert promised == {(template, status) for template, _, _, status in ANSWERS if status != 403} | others


async def test_without_a_state_and_without_room_answers_are_what_the_contract_says(
    filled: FakeArgoCD, contract: Contract
) -> None:
    filled.stall_burst_after(0)
    async with run_gateway(filled, max_subscribers=1) as stage:
        await stage.subscribe()
        for template, path in (
            (LIST, LIST),
            (ONE, f"{LIST}/core"),
            (ONE_OF, f"{LIST}/apps/web"),
            (CHANGES, CHANGES),
            (BADGE, "/badge/core.svg"),
            (BADGE_OF, "/badge/apps/web.svg"),
            ("/readyz", "/readyz"),
        ):
            answer = await stage.get(path)
            assert answer.status == 503
            contract.check_answer(template, answer)
        contract.check_answer(STATUS, await stage.get(STATUS))
        full = await stage.get(STREAM)
        assert full.status == 503
        contract.check_answer(STREAM, full)


async def test_the_status_is_what_the_contract_says_whatever_happens_upstream(
    filled: FakeArgoCD, contract: Contract
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        filled.cut_all()
        await stage.counted("failure_unreachable")
        contract.check_answer(STATUS, await stage.get(STATUS))
        await filled.stop()
        await stage.becomes("down", within=200.0)
        answer = await stage.get(STATUS)
        contract.check_answer(STATUS, answer)
        assert {"lastError", "reason", "verifiedAt"} <= set(answer.json["upstream"])


def parameters(contract: Contract, path: str) -> Iterator[tuple[str, Any]]:
    for reference in contract.openapi["paths"][path]["get"]["parameters"]:
        parameter = contract.resolve(reference["$ref"])
        if parameter["in"] == "query":
            yield parameter["name"], parameter


async def test_every_documented_parameter_takes_its_example_and_its_allowed_values(
    filled: FakeArgoCD, contract: Contract
) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        for name, parameter in parameters(contract, LIST):
            given = parameter["example"]
            allowed = parameter["schema"].get("items", {}).get("enum", [])
            for values in (
                given,
                [given] if isinstance(given, str) else given,
                allowed,
                [each.lower() for each in allowed],
            ):
                if values:
                    text = values if isinstance(values, str) else ",".join(values)
                    answer = await stage.get(f"{LIST}?{name}={text.replace('!', '%21').replace(' ', '%20')}")
                    assert answer.status == 200, (name, text, answer)
                    contract.check_answer(LIST, answer)


async def test_the_stream_has_the_documented_headers(filled: FakeArgoCD, contract: Contract, witness: Witness) -> None:
    async with run_gateway(filled) as stage:
        await stage.live()
        watcher = await witness.watch(stage)
        response = contract.openapi["paths"][STREAM]["get"]["responses"]["200"]
        assert watcher.headers["content-type"].partition(";")[0] in response["content"]
        for header, described in response["headers"].items():
            assert watcher.headers[header.lower()] in described["description"]


@pytest.mark.parametrize("base_path", ["", "/gateway"])
async def test_the_contract_is_served_as_it_lies_in_the_package_with_tags(
    filled: FakeArgoCD, contract: Contract, base_path: str
) -> None:
    async with run_gateway(filled, base_path=base_path) as stage:
        for path, document in contract.documents.items():
            answer = await stage.get(f"{base_path}/api/{path}")
            assert orjson.loads(answer.body) == document
            assert answer.headers["Cache-Control"] == "no-cache"
            again = await stage.get(f"{base_path}/api/{path}", headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
        unknown = await stage.get(f"{base_path}/api/schemas/..%2Fopenapi.json")
        assert (unknown.status, unknown.json["schemas"]) == (404, sorted(contract.schemas))
