"""The stream: a response that carries what the hub writes, straight to its transport."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import lru_cache, partial

import structlog
from aiohttp import HttpVersion11, web

from gateway.auth.selection import narrow
from gateway.hub.feed import Feed
from gateway.hub.frame import Form, Frame, event, gzip_body, retry
from gateway.hub.hub import OverloadedError
from gateway.hub.subscriber import Ending, Subscriber
from gateway.model.position import parse_cursor
from gateway.web import problem
from gateway.web.audience import Narrow
from gateway.web.context import CONTEXT, Context
from gateway.web.guard import GRANT, IDENTITY
from gateway.web.handover import STREAM
from gateway.web.heads import CarriedResponse, EventStream
from gateway.web.query import accepts_events, find_cursor, read_selector, split_cursor

_log = structlog.get_logger(__name__)


CARRIED = CarriedResponse()


async def stream_pipelines(request: web.Request) -> web.StreamResponse:
    """Serve ``GET /api/stream/pipelines``: a snapshot or what changed since, then every change."""
    query, _ = split_cursor(request)
    selector = read_selector(query)
    return await serve_stream(request, lambda grant: narrow(selector, grant))


async def serve_stream(
    request: web.Request,
    within: Narrow,
    *,
    feed: Feed | None = None,
    prepare: Callable[[], None] = lambda: None,
    joined: Callable[[Subscriber], None] = lambda _: None,
    at_end: Sequence[Callable[[], None]] = (),
) -> web.StreamResponse:
    """Begin a stream of what a selection shows of a feed; without one, of all applications.

    ``within`` makes the selection for a grant: it is asked again when that becomes another.
    ``prepare`` is called when there is room for a subscriber, and may raise OverloadedError; ``joined`` with the one
    that has joined. The stream goes on when this returns; ``at_end`` are called when it, or the attempt, is over.
    Raises ProblemError.
    """
    context = request.app[CONTEXT]
    leave = [context.turnstile.count_view(request, within(request[GRANT]).canonical), *at_end]
    try:
        return await _begin(request, context, within, feed=feed, prepare=prepare, joined=joined)
    finally:
        for call in leave:
            if (stream := request.get(STREAM)) is None:
                call()
            else:
                stream.at_end(call)


async def _begin(
    request: web.Request,
    context: Context,
    within: Narrow,
    *,
    feed: Feed | None,
    prepare: Callable[[], None],
    joined: Callable[[Subscriber], None],
) -> web.StreamResponse:
    identity, grant = request[IDENTITY], request[GRANT]
    selection = within(grant)
    asked = find_cursor(request)
    cursor = parse_cursor(asked) if asked else None
    form = _choose_form(request, compression=context.compression)
    # From here on nothing may wait: the join ends at the hub's last tick, and aiohttp is left without a connection.
    head = await context.heads.find(request, form)
    try:
        context.hub.expect_room(selection)
        prepare()
        stream = context.streams.take_over(request, form)
    except OverloadedError:
        return await _refuse(request, form, context)
    except ConnectionResetError:
        # It left before the stream began; the server notices that for itself.
        return CARRIED
    request[STREAM] = stream
    try:
        with nullcontext() if context.trace is None else context.trace.span("stream.join"):
            subscriber = context.hub.join(
                selection,
                feed=feed,
                link=stream,
                form=form,
                cursor=cursor,
                had_cursor=bool(asked),
                now=context.clock(),
                expires_at=identity.expires_at,
                preface=head,
            )
        stream.at_end(partial(_leave, context, subscriber, request.remote))
        context.audience.enter(subscriber, identity, grant, within)
        joined(subscriber)
    except BaseException:
        stream.abort()
        raise
    context.pulse.nudge()
    outcome = "resumed" if subscriber.resumed else subscriber.reason
    if context.trace is not None:
        context.trace.note(join=outcome, view=selection.view_id, form=form.name.lower())
    _log.info("stream.opened", remote=request.remote, form=form.name.lower(), view=selection.view_id, join=outcome)
    return CARRIED


def _leave(context: Context, subscriber: Subscriber, remote: str | None) -> None:
    """A stream's connection is over."""
    now = context.clock()
    if context.hub.has(subscriber):
        context.hub.counts["end_gone"] += 1
    context.audience.leave(subscriber)
    context.hub.leave(subscriber, now)
    why = subscriber.ending.value if subscriber.ending else "gone"
    seconds = round(now - subscriber.joined_at, 1)
    _log.info("stream.closed", remote=remote, reason=why, seconds=seconds, lagged=subscriber.lagged)


def _choose_form(request: web.Request, *, compression: bool) -> Form:
    if request.version < HttpVersion11:
        return Form.PLAIN
    return Form.GZIP if compression and accepts_gzip(request) else Form.CHUNKED


def accepts_gzip(request: web.Request) -> bool:
    """Whether the client takes gzip (RFC 9110, section 12.5.3)."""
    return _names_gzip(",".join(request.headers.getall("Accept-Encoding", ())))


@lru_cache(maxsize=64)
def _names_gzip(accepted: str) -> bool:
    for item in accepted.split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            quality = parameters.strip().removeprefix("q=").strip()
            return not parameters or quality.strip("0.") != ""
    return False


async def _refuse(request: web.Request, form: Form, context: Context) -> web.StreamResponse:
    """Turn a client away so that it comes back: an EventSource gives up for good on any status but 200."""
    wait = context.hub.retry_ms()
    context.hub.counts["end_overloaded"] += 1
    if not accepts_events(request):
        raise problem.overloaded(math.ceil(wait / 1_000))
    response = EventStream(form)
    await response.prepare(request)
    goodbye = retry(wait) + event("goodbye", {"reason": Ending.OVERLOADED.value, "retryMs": wait})
    await response.write(gzip_body(goodbye, Frame(b"")) if form is Form.GZIP else goodbye)
    response.stop_streaming()
    return response
