"""The turnstile: what every request has to keep to, whoever sends it, before anything is done for it.

How many requests and streams a party may have, how large a request may be, and that pages of other sites may not act.
Never belongs here: who somebody is and what they may see (``guard``), or counting (``limits``).
"""

import math
from collections.abc import Callable
from functools import partial

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.auth.identity import Identity
from gateway.hub.frame import event, retry
from gateway.web.address import find_address
from gateway.web.guard import IDENTITY, Need, find_need
from gateway.web.handover import STREAM
from gateway.web.limits import Excess, Limits, summarise
from gateway.web.origin import is_foreign
from gateway.web.problem import Problem, ProblemError
from gateway.web.query import accepts_events

MAX_QUERY = 6_144
"""Characters of a query: a hundred names of applications, and room."""

PROBES = frozenset({"/healthz", "/readyz", "/startupz"})
"""What is never counted: whoever keeps the gateway alive asks it, often through a proxy that many share."""

_WHAT = {
    "requests": "requests came",
    "refreshes": "refreshes were asked for",
    "streams": "streams are open",
    "views": "different selections are open",
}
_WHOSE = {"address": "from your address", "identity": "as you", "anonymous": "by those who haven't logged in"}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ADDRESS = web.RequestKey("address", str)
_log = structlog.get_logger(__name__)


class TooManyError(ProblemError):
    """Somebody asks too much; ``wait`` is in milliseconds, another for each."""

    def __init__(self, excess: Excess, wait: int) -> None:
        kind, _, party = excess.limit.partition("_")
        super().__init__(
            Problem(
                status=429,
                type="too-many",
                detail=f"Too many {_WHAT[kind]} {_WHOSE[party]}. Come back after the time in Retry-After.",
                headers={"Retry-After": str(math.ceil(wait / 1_000))},
            )
        )
        self.wait = wait


class Turnstile:
    """Lets requests through. ``clock`` returns Unix time, ``jitter`` a wait in milliseconds, another each time.

    ``trusts`` says whether a proxy is believed about where a request comes from; ``site`` is where browsers find the
    gateway, as in ``Origin``, if that is known.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        trusts: Callable[[str], bool],
        site: str | None,
        base_path: str,
        clock: Callable[[], float],
        jitter: Callable[[], int],
    ) -> None:
        self.limits = limits
        self._trusts = trusts
        self._site = site
        self._base_path = base_path
        self._clock = clock
        self._jitter = jitter

    def make_middlewares(self) -> tuple[Middleware, Middleware]:
        """Return what stands before the guard, which finds out who asks, and what stands behind it."""

        @web.middleware
        async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
            path = self._find_path(request)
            try:
                address = self._note_address(request)
                if path not in PROBES:
                    self._count(address, None)
                self._check(request, path)
                return await handler(request)
            except TooManyError as error:
                if "/stream/" in path and accepts_events(request):
                    return _say_goodbye(error.wait)
                raise

        @web.middleware
        async def behind(request: web.Request, handler: Handler) -> web.StreamResponse:
            path = self._find_path(request)
            self._count(None, _name(request.get(IDENTITY)))
            if find_need(request.method, path) is Need.REFRESH:
                self._count_refresh(request)
            if "/stream/" not in path:
                return await handler(request)
            leave = self._take_seat(request)
            try:
                return await handler(request)
            finally:
                # A stream outlives its request, and keeps the seat.
                if (stream := request.get(STREAM)) is None:
                    leave()
                else:
                    stream.at_end(leave)

        return before, behind

    def count_view(self, request: web.Request, view: str) -> Callable[[], None]:
        """Count a stream of what ``view`` names; return what counts it no more. Raises TooManyError."""
        identity = _name(request.get(IDENTITY))
        if (excess := self.limits.admit_view(identity, view)) is not None:
            raise self._refuse(excess)
        return partial(self.limits.leave_view, identity, view)

    def _take_seat(self, request: web.Request) -> Callable[[], None]:
        """Count a stream; return what counts it no more. Raises TooManyError."""
        parties = request.get(_ADDRESS), _name(request.get(IDENTITY))
        if (excess := self.limits.admit_stream(*parties)) is not None:
            raise self._refuse(excess)
        return partial(self.limits.leave_stream, *parties)

    def _note_address(self, request: web.Request) -> str | None:
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = find_address(peer[0] if isinstance(peer, tuple) else None, forwarded, trusts=self._trusts)
        if address is None:
            return None
        request[_ADDRESS] = summarise(address)
        return request[_ADDRESS]

    def _count(self, address: str | None, identity: str | None) -> None:
        if (excess := self.limits.admit_request(address, identity, self._clock())) is not None:
            raise self._refuse(excess)

    def _count_refresh(self, request: web.Request) -> None:
        parties = request.get(_ADDRESS), _name(request.get(IDENTITY))
        if (excess := self.limits.admit_refresh(*parties, self._clock())) is not None:
            raise self._refuse(excess)

    def _refuse(self, excess: Excess) -> TooManyError:
        return TooManyError(excess, math.ceil(excess.wait * 1_000) + self._jitter())

    def _check(self, request: web.Request, path: str) -> None:
        """Raise ProblemError for what is too large, or comes from a page of another site."""
        if len(request.rel_url.raw_query_string) > MAX_QUERY:
            self.limits.counts["query"] += 1
            detail = f"The query is longer than {MAX_QUERY:,} characters; select by fewer names, or by labels."
            raise ProblemError(Problem(status=414, type="query-too-long", detail=detail))
        signed = find_need(request.method, path) is Need.SIGNATURE
        if not signed and request.can_read_body:
            self.limits.counts["body"] += 1
            detail = "This path takes no body; send none."
            raise ProblemError(
                Problem(status=413, type="content-too-large", detail=detail, headers={"Connection": "close"})
            )
        if request.method in _SAFE or signed:
            return
        if is_foreign(request.headers, host=request.headers.get("Host"), site=self._site):
            self.limits.counts["foreign"] += 1
            _log.info("audit.foreign_page", remote=request.remote, route=path)
            raise ProblemError(
                Problem(status=403, type="foreign-origin", detail="Pages of other sites may not do this.")
            )

    def _find_path(self, request: web.Request) -> str:
        resource = request.match_info.route.resource
        return "" if resource is None else resource.canonical.removeprefix(self._base_path)


def _name(identity: Identity | None) -> str | None:
    """Name somebody for counting; nobody in particular has no limit but the address's."""
    return None if identity is None or identity.anonymous else f"{identity.method}:{identity.subject}"


def _say_goodbye(wait: int) -> web.Response:
    """Turn an EventSource away so that it comes back: it gives up for good on any status but 200."""
    body = retry(wait) + event("goodbye", {"reason": "overloaded", "retryMs": wait})
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform"}
    response = web.Response(body=body, headers=headers)
    response.force_close()
    return response
