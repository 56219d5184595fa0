"""The guard: what each route needs, and whether whoever asks has it. A route without an entry here is closed.

Who somebody is and what they may is found out once, before any handler; handlers ask ``grant_of`` and show no more.
Never belongs here: deciding what a grant covers (``auth.grant``), or how somebody is recognised (``auth``).
"""

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.auth.access import Access
from gateway.auth.authenticator import AuthenticationError, Authenticator
from gateway.auth.grant import EVERYTHING, NOTHING, Grant, Verb
from gateway.auth.identity import ANONYMOUS, Identity
from gateway.web.problem import Problem, ProblemError

IDENTITY = web.RequestKey("identity", Identity)
GRANT = web.RequestKey("grant", Grant)

_log = structlog.get_logger(__name__)


class Need(Enum):
    """What a route needs."""

    NOTHING = "nothing"
    """Anybody may ask: there is nothing in the answer that anybody must not know."""
    ANYBODY = "anybody"
    """Anybody may ask, and the answer is about whoever asks."""
    SIGNATURE = "signature"
    """Who asks shows it by a signature over what is sent, which the handler checks."""
    VIEW = "view"
    WEBHOOKS = "webhooks"
    REFRESH = "refresh"
    ADMIN = "admin"


NEEDS: dict[tuple[str, str], Need] = {
    ("GET", "/healthz"): Need.NOTHING,
    ("GET", "/readyz"): Need.NOTHING,
    ("GET", "/startupz"): Need.NOTHING,
    ("GET", ""): Need.NOTHING,
    ("GET", "/"): Need.NOTHING,
    ("GET", "/client.js"): Need.NOTHING,
    ("GET", "/auth/login"): Need.NOTHING,
    ("GET", "/auth/callback"): Need.NOTHING,
    ("GET", "/auth/logout"): Need.NOTHING,
    ("POST", "/auth/logout"): Need.NOTHING,
    ("GET", "/api/pipelines"): Need.VIEW,
    ("GET", "/api/pipelines/{name}"): Need.VIEW,
    ("GET", "/api/pipelines/{namespace}/{name}"): Need.VIEW,
    ("GET", "/api/pipelines/{name}/timeline"): Need.VIEW,
    ("GET", "/api/pipelines/{namespace}/{name}/timeline"): Need.VIEW,
    ("POST", "/api/pipelines/{name}/refresh"): Need.REFRESH,
    ("POST", "/api/pipelines/{namespace}/{name}/refresh"): Need.REFRESH,
    ("GET", "/api/stream/pipelines"): Need.VIEW,
    ("GET", "/api/stream/pipelines/{name}"): Need.VIEW,
    ("GET", "/api/stream/pipelines/{namespace}/{name}"): Need.VIEW,
    ("GET", "/api/changes"): Need.VIEW,
    ("GET", "/api/timeline"): Need.VIEW,
    ("GET", "/api/kpis"): Need.VIEW,
    ("GET", "/api/releases/{sha}/checklist"): Need.VIEW,
    ("GET", "/api/deliveries"): Need.WEBHOOKS,
    ("POST", "/api/deliveries/{id}/redeliver"): Need.WEBHOOKS,
    ("POST", "/api/webhooks/{sender}"): Need.SIGNATURE,
    ("GET", "/badge/{name}.svg"): Need.VIEW,
    ("GET", "/badge/{namespace}/{name}.svg"): Need.VIEW,
    ("GET", "/api/status"): Need.VIEW,
    ("GET", "/api/me"): Need.ANYBODY,
    ("GET", "/api/openapi.json"): Need.VIEW,
    ("GET", "/api/schemas/{event}.json"): Need.VIEW,
}
"""What each route needs, by method and path without the base path. ``HEAD`` needs what ``GET`` does."""

STATIC = "/static/"
"""The page's files, which anybody may have: what is behind this has no data in it."""


def find_need(method: str, path: str) -> Need | None:
    """Return what the route of a path needs; None where nobody has said."""
    method = "GET" if method == "HEAD" else method
    if method == "GET" and path.startswith(STATIC):
        return Need.NOTHING
    return NEEDS.get((method, path))


def grant_of(request: web.Request) -> Grant:
    """Return what whoever asks may see and do."""
    grant: Grant = request.get(GRANT, NOTHING)
    return grant


class Guard:
    """Finds out who asks and what they may. ``access`` is None where everybody may everything."""

    def __init__(
        self, authenticator: Authenticator, access: Callable[[], Access] | None, *, base_path: str = ""
    ) -> None:
        self.authenticator = authenticator
        self.counts: Counter[str] = Counter()
        """Requests that were turned away, by why."""
        self._access = access
        self._base_path = base_path

    def grant(self, identity: Identity) -> Grant:
        """Return what somebody may now."""
        return EVERYTHING if self._access is None else self._access().grant_of(identity)

    def make_middleware(self) -> Middleware:
        """Return the middleware; it stands behind the one that answers with problems."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.match_info.http_exception is None:
                await self.admit(request)
            return await handler(request)

        return guard

    async def admit(self, request: web.Request) -> None:
        """Let a request pass with its identity and its grant. Raises ProblemError."""
        need = find_need(request.method, self._find_path(request))
        if need in (Need.NOTHING, Need.SIGNATURE):
            request[IDENTITY], request[GRANT] = ANONYMOUS, NOTHING
            return
        try:
            identity = await self.authenticator.authenticate(request)
        except AuthenticationError as error:
            raise self._refuse(request, error) from error
        grant = self.grant(identity)
        request[IDENTITY], request[GRANT] = identity, grant
        if need is Need.ANYBODY:
            return
        if need is None or not grant.allows(cast("Verb", need.value)):
            raise self._turn_away(request, identity, need)

    @property
    def login(self) -> str | None:
        """The path at which people log in; None where there is nothing like that."""
        path = self.authenticator.login_path
        return None if path is None else f"{self._base_path}{path}"

    def _find_path(self, request: web.Request) -> str:
        resource = request.match_info.route.resource
        return "" if resource is None else resource.canonical.removeprefix(self._base_path)

    def _refuse(self, request: web.Request, error: AuthenticationError) -> ProblemError:
        """Return the answer to credentials that aren't accepted."""
        self.counts[error.reason] += 1
        _log.info("audit.refused", reason=error.reason, remote=request.remote, route=self._find_path(request))
        if error.reason == "unavailable":
            headers = {"Retry-After": "10"}
            return ProblemError(Problem(status=503, type="login-unavailable", detail=error.detail, headers=headers))
        return self._ask_to_log_in(error.detail, error='error="invalid_token"')

    def _turn_away(self, request: web.Request, identity: Identity, need: Need | None) -> ProblemError:
        """Return the answer to somebody who lacks what a route needs."""
        if identity.anonymous:
            self.counts["anonymous"] += 1
            return self._ask_to_log_in("This isn't public: show who you are.")
        self.counts["forbidden"] += 1
        _log.info(
            "audit.denied",
            identity=identity.name,
            method=identity.method,
            need="nobody" if need is None else need.value,
            remote=request.remote,
            route=self._find_path(request),
        )
        right = "any right" if need is Need.VIEW else f"the right to this ({'' if need is None else need.value})"
        detail = f"You are known here, but nobody has given you {right}; ask those who run the gateway."
        return ProblemError(Problem(status=403, type="forbidden", detail=detail))

    def _ask_to_log_in(self, detail: str, *, error: str = "") -> ProblemError:
        challenge = 'Bearer realm="argocd-sse-gateway"' + (f", {error}" if error else "")
        more = {} if self.login is None else {"login": self.login}
        headers = {"WWW-Authenticate": challenge}
        return ProblemError(Problem(status=401, type="unauthenticated", detail=detail, more=more, headers=headers))
