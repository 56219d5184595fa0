"""Around every request: errors become problems, origins are checked, and headers that browsers rely on are set."""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.web.problem import CONTENT_TYPE, Problem, ProblemError

_EXPOSED = "ETag, Gateway-Cursor, Retry-After"
_VARY = "Accept-Encoding, Cookie, Authorization, Origin"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every answer says of itself where it doesn't know better, as a page does: opened alone, it is nothing but text.

See https://www.w3.org/TR/CSP3/ and https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies.
"""

_log = structlog.get_logger(__name__)

_UNTRACED = ("/healthz", "/readyz", "/startupz")

_ADVICE = {
    404: "There is nothing at this path. /api/pipelines and /api/stream/pipelines are what most are looking for.",
    405: "This path doesn't take that method; the Allow header lists those it takes.",
    413: "The request is too large.",
}


def make_middleware(*, loopback_only: bool) -> Middleware:
    """Return the one middleware; with ``loopback_only``, requests for other hosts' names are refused.

    A web page elsewhere can have its name resolve to 127.0.0.1 and read what no login protects; its requests still name
    its own host.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if loopback_only and not names_loopback(request.headers.get("Host", "")):
                raise ProblemError(
                    Problem(
                        status=403,
                        type="foreign-host",
                        detail="Only localhost is answered, for no access is configured: set GATEWAY_AUTH.",
                    )
                )
            if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                return _preflight()
            return await handler(request)
        except ProblemError as error:
            return _respond(error.problem)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            detail = _ADVICE.get(error.status, error.reason)
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            slug = HTTPStatus(error.status).phrase.lower().replace(" ", "-")
            return _respond(Problem(status=error.status, type=slug, detail=detail, headers=allowed))
        except ConnectionResetError:
            # The client has gone while it was being answered; there is nobody to tell.
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the cause
            _log.exception("request.failed", method=request.method, path=request.path)
            detail = "The gateway failed at this request. Its log says why; please report it."
            return _respond(Problem(status=500, type="internal", detail=detail))

    return answer


def make_header_signal(
    origins: frozenset[str], *, loopback_pages: bool = False
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the signal that sets headers when a response begins, streams included.

    Pages of these origins may read, and with ``loopback_pages`` those that this machine serves to itself.
    """

    async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        # Names and versions of what is inside are nobody's business.
        headers["Server"] = "argocd-sse-gateway"
        # Pages elsewhere show badges and load the client.
        shared = response.content_type == "image/svg+xml" or _asks_for_client(request)
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin")
        headers["Vary"] = _VARY
        headers.setdefault("Cache-Control", "no-cache")
        origin = request.headers.get("Origin")
        if origin is not None and (origin in origins or (loopback_pages and is_loopback_origin(origin))):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = _EXPOSED

    return set_headers


def name_route(request: web.Request) -> str | None:
    """Return the route of a request as it is written in the code; None for what isn't worth a trace: probes, files."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical.endswith(_UNTRACED) or "/static/" in resource.canonical:
        return None
    return resource.canonical


def _asks_for_client(request: web.Request) -> bool:
    # Not by its path: an application may have any name.
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical.endswith("/client.js")


def is_loopback_origin(origin: str) -> bool:
    """Whether an Origin header is that of a page which this machine serves to itself, on whatever port."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and names_loopback(parts.netloc)


@lru_cache(maxsize=64)
def names_loopback(host: str) -> bool:
    """Whether a Host header names this machine to itself; one that is absent (HTTP/1.0) names nobody else."""
    if not host:
        return True
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _preflight() -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": "Authorization, If-None-Match, Last-Event-ID",
            "Access-Control-Max-Age": "600",
        },
    )


def _respond(problem: Problem) -> web.Response:
    return web.Response(status=problem.status, body=problem.body(), headers=problem.headers, content_type=CONTENT_TYPE)
