"""Traces, as a real receiver of OTLP over HTTP gets them: whole ways, short spans, and no secret in any."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import pytest
import structlog
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from gateway.errors import SettingsError
from gateway.observability.tracing import CLOSING_TIME, Tracing
from gateway.options import make_trace
from gateway.settings.environment import Settings
from tests.e2e.fastloop import let_pass
from tests.e2e.harness import Stage, run_gateway
from tests.e2e.test_delivery_webhooks import GITHUB, PUSH, processed, signed
from tests.fakes.applications import application
from tests.fakes.argocd import SECRET, FakeArgoCD

CALLER = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
HIDDEN = "hidden-in-a-query"


class Receiver:
    """Takes what is exported; ``raw`` is as it came."""

    def __init__(self) -> None:
        self.raw = b""
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        export = ExportTraceServiceRequest.FromString(body)
        for resource in export.resource_spans:
            self.resources.append({one.key: one.value.string_value for one in resource.resource.attributes})
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Span) -> list[str]:
        """Return the names of a span's children, in the order in which they began."""
        children = [span for span in self.spans if span.parent_span_id == parent.span_id]
        return [span.name for span in sorted(children, key=lambda span: span.start_time_unix_nano)]


@pytest.fixture
async def receiver(no_error_unseen: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    taken = Receiver()
    app = web.Application()
    app.router.add_post("/v1/traces", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host}:{port}")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=gateway-0")
    yield taken
    await runner.cleanup()


async def flush(stage: Stage) -> None:
    """Have all that has ended sent."""
    assert isinstance(stage.gateway.trace, Tracing)
    assert await asyncio.to_thread(stage.gateway.trace._provider.force_flush)


def attributes(span: Span) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


class Took(NamedTuple):
    """When a span began and ended, in seconds."""

    began: float
    ended: float


def took(span: Span) -> Took:
    return Took(span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9)


async def test_a_changes_way_is_one_trace_from_its_bytes_to_its_tick(argocd: FakeArgoCD, receiver: Receiver) -> None:
    argocd.put(application("web", project="shop"))
    async with run_gateway(argocd, tracing=True) as stage:
        watcher = await stage.watch()
        await stage.live()
        await flush(stage)
        receiver.spans.clear()
        argocd.put(application("web", project="shop", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/web"]["health"]["status"] == "Degraded")
        await let_pass(1.0)
        await flush(stage)
    ways = [way for way in receiver.named("upstream.event") if "tick" in receiver.below(way)]
    assert ways
    for way in ways:
        assert receiver.below(way) == ["decode", "store", "log", "tick"]
        assert not way.parent_span_id
        (tick,) = (span for span in receiver.named("tick") if span.parent_span_id == way.span_id)
        assert attributes(tick)["gateway.subscribers"] == 1
        assert took(way).began <= took(tick).began <= took(tick).ended <= took(way).ended < took(way).began + 60
    (applications,) = (one.value.array_value for one in ways[0].attributes if one.key == "gateway.applications")
    assert [value.string_value for value in applications.values] == ["argocd/web"]
    assert receiver.resources[0]["service.name"] == "argocd-sse-gateway"
    assert receiver.resources[0]["k8s.pod.name"] == "gateway-0"


async def test_an_event_that_changes_nothing_has_no_tick_and_one_that_is_put_aside_names_its_trace(
    argocd: FakeArgoCD, receiver: Receiver, logs: list[Any]
) -> None:
    argocd.put(application("web"))
    async with run_gateway(argocd, tracing=True) as stage:
        await stage.watch()
        await stage.live()
        await let_pass(10.0)
        await flush(stage)
        receiver.spans.clear()
        argocd.put(application("web", annotations={"a": "b"}))
        await argocd.drained()
        argocd.send_raw(b"data: {nonsense\n\n")
        await stage.counted("undecodable")
        await flush(stage)
    same = [way for way in receiver.named("upstream.event") if receiver.below(way) == ["decode", "store", "log"]]
    (line,) = (entry for entry in logs if entry["event"] == "upstream.event_put_aside")
    assert line["trace_id"] in {way.trace_id.hex() for way in same}
    assert len(same) >= 2


async def test_a_join_is_a_short_span_of_its_callers_trace_and_its_log_line_says_which(
    argocd: FakeArgoCD, receiver: Receiver
) -> None:
    argocd.put(application("web"))
    async with run_gateway(argocd, tracing=True) as stage:
        await stage.live()
        with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
            watcher = await stage.subscribe("?names=w*", headers=TRACEPARENT)
            await watcher.wait(lambda: watcher.has_state)
        await let_pass(300.0)
        # The stream is open, and its span is over.
        await flush(stage)
        assert not watcher.ended
        (join,) = receiver.named("GET /api/stream/pipelines")
        assert (join.trace_id.hex(), join.parent_span_id.hex()) == (CALLER, "b7ad6b7169203331")
        assert receiver.below(join) == ["stream.join"]
        assert attributes(join)["gateway.join"] == "new"
        assert attributes(join)["http.response.status_code"] == 200
        (opened,) = (line for line in lines if line["event"] == "stream.opened")
        assert (opened["trace_id"], opened["span_id"]) == (CALLER, join.span_id.hex())
        argocd.put(application("web", health="Degraded"))
        await watcher.wait(lambda: watcher.documents["argocd/web"]["health"]["status"] == "Degraded")
        await flush(stage)
    assert [span.name for span in receiver.spans if span.trace_id.hex() == CALLER] == [
        "stream.join",
        "GET /api/stream/pipelines",
    ]


async def test_a_webhook_is_followed_until_it_is_processed(argocd: FakeArgoCD, receiver: Receiver) -> None:
    argocd.put(application("web"))
    async with run_gateway(argocd, tracing=True, webhook_github_secret=GITHUB) as stage:
        await stage.live()
        taken = await stage.send("/api/webhooks/github", PUSH, signed(traceparent=TRACEPARENT["traceparent"]))
        assert taken.status == 202
        refused = await stage.send("/api/webhooks/github", PUSH, signed(secret="wrong"))
        assert refused.status == 401
        await processed(stage)
        await flush(stage)
    first, second = sorted(receiver.named("POST /api/webhooks/{sender}"), key=took)
    assert first.trace_id.hex() == CALLER
    assert attributes(first)["gateway.outcome"] == "accepted"
    (process,) = receiver.named("webhook.process")
    assert (process.trace_id, process.parent_span_id) == (first.trace_id, first.span_id)
    assert attributes(second)["http.response.status_code"] == 401


async def test_requests_to_argo_cd_carry_their_trace_and_watches_are_no_long_spans(
    argocd: FakeArgoCD, receiver: Receiver
) -> None:
    argocd.put(application("web"))
    async with run_gateway(argocd, tracing=True) as stage:
        await stage.live()
        await let_pass(1_200.0)
        await flush(stage)
    spans = receiver.named("argocd GET")
    paths = {attributes(span)["url.path"] for span in spans}
    assert {"/api/v1/stream/applications", "/api/v1/applications", "/healthz"} <= paths
    told = {request.headers.get("traceparent", "").rpartition("-")[0] for request in argocd.requests}
    for span in spans:
        assert f"00-{span.trace_id.hex()}-{span.span_id.hex()}" in told
        assert took(span).ended - took(span).began < 11.0
        assert not span.parent_span_id


async def test_no_secret_and_no_query_is_in_what_is_sent(argocd: FakeArgoCD, receiver: Receiver) -> None:
    argocd.put(application("web"))
    async with run_gateway(argocd, tracing=True, webhook_github_secret=GITHUB) as stage:
        await stage.live()
        headers = signed()
        await stage.send("/api/webhooks/github", PUSH, headers)
        await stage.get(f"/api/pipelines?names={HIDDEN}", headers={"Authorization": f"Bearer {HIDDEN}"})
        await stage.get("/healthz")
        await processed(stage)
        await flush(stage)
        argocd.unauthorized = True
        argocd.cut_all()
        await stage.becomes("down")
    assert len(receiver.spans) > 10
    for hidden in (SECRET, GITHUB, HIDDEN, headers["X-Hub-Signature-256"]):
        assert hidden.encode() not in receiver.raw
    assert not receiver.named("GET /healthz")


async def test_a_receiver_that_is_away_holds_up_nobody_who_wants_to_leave(argocd: FakeArgoCD) -> None:
    answering = threading.Event()

    class Stuck(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            assert spans
            answering.wait()
            return SpanExportResult.FAILURE

        def shutdown(self) -> None:
            answering.wait()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Stuck()))
    tracing = Tracing(provider)
    with tracing.span("something"):
        pass
    try:
        async with asyncio.timeout(CLOSING_TIME + 60.0):
            await tracing.close()
    finally:
        answering.set()


def test_without_the_setting_nothing_of_it_is_there() -> None:
    assert make_trace(Settings(argocd_base_url="https://argocd.example.org")) is None
    code = "import gateway.app, sys; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gateway.observability.tracing", None)
    with pytest.raises(SettingsError, match=r"argocd-sse-gateway\[tracing\]"):
        make_trace(Settings(argocd_base_url="https://argocd.example.org", tracing=True))
