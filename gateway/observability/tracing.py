"""Traces, by OpenTelemetry and OTLP over HTTP. Imported only where they are wanted; needs the extra ``tracing``.

Spans are short. One of a stream ends when the stream begins, and of those who watch nobody has one: a tick has one
for each way of events that it ends, never for a delivery. No span has a header, a query or a body, so none has a
secret. Where they go, how many are kept and what they are called is said by the usual variables, ``OTEL_…``
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from gateway import __version__

APPLICATIONS = 10
"""Applications that a span names; of more it says how many."""

DELIVERIES = 2_000
"""Deliveries of which it is remembered who brought them, until they are processed."""

STREAM_HEADERS = 10.0
"""Seconds after which a stream that was asked for is one, whether its headers have come or not."""

CLOSING_TIME = 3.0
"""Seconds for the last spans, at the end."""

_SECOND = 1_000_000_000
_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass(slots=True)
class _Way:
    """Events on their way; ``context`` is that of their span."""

    span: Span
    context: Context
    changed: bool = False


class Tracing:
    """Makes spans and has them sent. See ``gateway.observability.trace.Trace`` for what its methods promise."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("gateway", __version__)
        self._way: _Way | None = None
        self._changed: list[_Way] = []
        self._kept: OrderedDict[int, Context] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Tracing: {len(self._changed)} ways, {len(self._kept)} deliveries>"

    # The way of events. All of it is one piece, so what is being followed is a plain variable: whatever is begun
    # meanwhile, a task or a timer, is nothing of this way.

    @contextmanager
    def way(self, events: Sequence[Any], *, began: int) -> Iterator[None]:
        """Follow events."""
        if not events:
            yield
            return
        keys = list(dict.fromkeys(key for event in events if (key := _find_key(event)) is not None))
        attributes: Attributes = {"gateway.events": len(events), "gateway.applications": keys[:APPLICATIONS]}
        span = self._tracer.start_span(
            "upstream.event", Context(), SpanKind.CONSUMER, attributes=attributes, start_time=began
        )
        if not span.is_recording():
            # The sampler passes over it: its steps needn't be measured.
            yield
            return
        way = self._way = _Way(span, trace.set_span_in_context(span, Context()))
        self._tracer.start_span("decode", way.context, start_time=began).end()
        try:
            yield
        finally:
            self._way = None
            if not way.changed:
                span.end()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Be one step."""
        if self._way is None:
            yield
            return
        span = self._tracer.start_span(name, self._way.context)
        try:
            yield
        finally:
            span.end()

    def changed(self) -> None:
        """The log grew."""
        if self._way is not None and not self._way.changed:
            self._way.changed = True
            self._changed.append(self._way)

    def ticked(self, *, seconds: float, subscribers: int) -> None:
        """A tick is over."""
        ways, self._changed = self._changed, []
        end = time.time_ns()
        for way in ways:
            attributes = {"gateway.subscribers": subscribers}
            began = end - int(seconds * _SECOND)
            self._tracer.start_span("tick", way.context, attributes=attributes, start_time=began).end(end)
            way.span.end(end)

    # Requests.

    def make_middleware(self, find_route: Callable[[web.Request], str | None]) -> Middleware:
        """Return a middleware."""

        @web.middleware
        async def follow(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (route := find_route(request)) is None:
                return await handler(request)
            attributes = {"http.request.method": request.method, "http.route": route}
            name, parent = f"{request.method} {route}", _PROPAGATOR.extract(request.headers, Context())
            with (
                self._tracer.start_as_current_span(
                    name, parent, SpanKind.SERVER, attributes=attributes, record_exception=False
                ) as span,
                structlog.contextvars.bound_contextvars(**_name(span)),
            ):
                response = await handler(request)
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 500:
                    span.set_status(StatusCode.ERROR)
                return response

        return follow

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Be a part of a request."""
        with self._tracer.start_as_current_span(name, record_exception=False):
            yield

    def note(self, **attributes: str | int) -> None:
        """Say something."""
        trace.get_current_span().set_attributes({f"gateway.{name}": value for name, value in attributes.items()})

    def watch_client(self, name: str) -> aiohttp.TraceConfig:
        """Return what watches a session."""
        config = aiohttp.TraceConfig()

        async def begin(_: aiohttp.ClientSession, own: SimpleNamespace, asked: aiohttp.TraceRequestStartParams) -> None:
            own.began, own.streams = time.time_ns(), "/stream/" in asked.url.path
            own.span = self._tracer.start_span(
                f"{name} {asked.method}",
                kind=SpanKind.CLIENT,
                attributes={
                    "http.request.method": asked.method,
                    "server.address": asked.url.host or "",
                    "server.port": asked.url.port or 0,
                    "url.path": asked.url.path,
                },
            )
            _PROPAGATOR.inject(asked.headers, trace.set_span_in_context(own.span))

        async def end(_: aiohttp.ClientSession, own: SimpleNamespace, done: aiohttp.TraceRequestEndParams) -> None:
            own.span.set_attribute("http.response.status_code", done.response.status)
            if done.response.status >= 400:
                own.span.set_status(StatusCode.ERROR)
            _end(own)

        async def fail(
            _: aiohttp.ClientSession, own: SimpleNamespace, why: aiohttp.TraceRequestExceptionParams
        ) -> None:
            if not isinstance(why.exception, asyncio.CancelledError):
                own.span.set_status(StatusCode.ERROR)
                own.span.set_attribute("error.type", type(why.exception).__name__)
            _end(own)

        config.on_request_start.append(begin)
        config.on_request_end.append(end)
        config.on_request_exception.append(fail)
        return config

    # Webhooks.

    def here(self) -> object:
        """Return what is being done."""
        return trace.set_span_in_context(trace.get_current_span(), Context())

    def kept(self, delivery: int, where: object) -> None:
        """A delivery is to be processed."""
        assert isinstance(where, Context)
        self._kept[delivery] = where
        while len(self._kept) > DELIVERIES:
            self._kept.popitem(last=False)

    def processed(self, deliveries: Iterable[int], *, began: int) -> None:
        """Deliveries were processed."""
        for delivery in deliveries:
            context = self._kept.pop(delivery, Context())
            attributes = {"gateway.delivery": delivery}
            self._tracer.start_span(
                "webhook.process", context, SpanKind.CONSUMER, attributes=attributes, start_time=began
            ).end()

    # Logs, and the end.

    def names(self) -> dict[str, str]:
        """Return what a line of the log says."""
        return {} if self._way is None else _name(self._way.span)

    async def close(self) -> None:
        """Send what there is, within ``CLOSING_TIME``: a receiver that is away holds up nobody who wants to leave."""
        self.ticked(seconds=0.0, subscribers=0)
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):
                # Nobody may be waiting any more.
                loop.call_soon_threadsafe(sent.set)

        # Not one of the loop's own threads: the process would wait for these at its end.
        threading.Thread(target=send, name="traces", daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), CLOSING_TIME)


def make_tracing() -> Tracing:
    """Return what sends traces to where the environment says."""
    own = Resource({"service.name": "argocd-sse-gateway", "service.version": __version__})
    resource = Resource.create().merge(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _name(span: Span) -> dict[str, str]:
    context = span.get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}


def _find_key(event: Any) -> str | None:
    """Return which application an event is about: one that was read, or one that couldn't be."""
    if (application := getattr(event, "application", None)) is not None:
        return f"{application.metadata.namespace}/{application.metadata.name}"
    key: str | None = getattr(event, "key", None)
    return key


def _end(own: SimpleNamespace) -> None:
    """End a request's span; a stream's not later than one may wait for its headers, which may rightly never come."""
    now = time.time_ns()
    own.span.end(min(now, own.began + int(STREAM_HEADERS * _SECOND)) if own.streams else now)
