"""The stream of one application: the rules of the stream of all, on one document that is gathered while it is open."""

from contextlib import ExitStack

from aiohttp import web

from gateway.auth.grant import Grant
from gateway.auth.selection import narrow_detail
from gateway.detail.log import DetailSelection
from gateway.hub.hub import OverloadedError
from gateway.hub.subscriber import Ending, Subscriber
from gateway.web.context import CONTEXT, Context
from gateway.web.guard import grant_of
from gateway.web.lookup import expect_state, find_application
from gateway.web.problem import ProblemError, bad_parameters
from gateway.web.query import CURSOR_PARAMETER, accepts_events, split_cursor
from gateway.web.stream import serve_stream


async def stream_pipeline(request: web.Request) -> web.StreamResponse:
    """Serve ``GET /api/stream/pipelines/{name}`` and ``…/{namespace}/{name}``: one application in detail."""
    context = request.app[CONTEXT]
    query, _ = split_cursor(request)
    if query:
        names = ", ".join(sorted({name for name, _ in query}))
        raise bad_parameters((f"{request.path} takes no parameter but {CURSOR_PARAMETER}; leave out: {names[:200]}.",))
    namespace, name = request.match_info.get("namespace"), request.match_info["name"]
    if not context.hub.published and accepts_events(request):
        return await _wait_for_state(request, context, namespace, name)
    expect_state(context)
    key = _find(context, grant_of(request), namespace, name)
    selection = DetailSelection(key)
    looking = ExitStack()

    def prepare() -> None:
        looking.enter_context(context.details.looking(key))
        # What is known of it at once is part of the first state.
        context.hub.tick(context.clock())

    return await serve_stream(
        request,
        lambda grant: narrow_detail(selection, grant),
        feed=context.details.feed,
        prepare=prepare,
        at_end=(looking.close,),
    )


async def _wait_for_state(
    request: web.Request, context: Context, namespace: str | None, name: str
) -> web.StreamResponse:
    """Serve heartbeats until anything is known; then the application, if there is one."""
    looking = ExitStack()

    def joined(subscriber: Subscriber) -> None:
        def resolve(now: float) -> None:
            if not context.hub.has(subscriber):
                return
            try:
                key = _find(context, context.audience.grant_of(subscriber), namespace, name)
                selection = DetailSelection(key)
                looking.enter_context(context.details.looking(key))
                context.audience.turn(subscriber, lambda grant: narrow_detail(selection, grant), now)
            except ProblemError:
                context.hub.end(subscriber, Ending.UNKNOWN, now)
            except OverloadedError:
                context.hub.end(subscriber, Ending.OVERLOADED, now)

        context.hub.await_state(resolve)

    # A name alone may turn out to be that of any namespace: until then it is nobody's key.
    waiting = DetailSelection(f"{namespace or ''}/{name}")
    return await serve_stream(
        request,
        lambda grant: narrow_detail(waiting, grant),
        feed=context.details.feed,
        joined=joined,
        at_end=(looking.close,),
    )


def _find(context: Context, grant: Grant, namespace: str | None, name: str) -> str:
    """Return the key of an application that there is, or was when somebody began to look. Raises ProblemError."""
    key = f"{namespace}/{name}"
    if grant.everything and key in context.details.desk.watched:
        # Of one that is gone nobody knows any more whose it was: only who may see all comes back to it.
        return key
    return find_application(context, grant, namespace, name).document.key
