"""The routes of a login by OpenID Connect: ``/auth/login``, ``/auth/callback`` and ``/auth/logout``.

They are for browsers, so they answer with redirects and small pages; whoever doesn't ask for HTML gets a problem. What
a login is and when it is believed is ``auth.oidc``'s to say.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from html import escape
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.auth.authenticator import COOKIES, AuthenticationError
from gateway.auth.grant import Grant
from gateway.auth.identity import ANONYMOUS, Identity
from gateway.auth.oidc.errors import LoginError, ProviderDownError, ProviderError
from gateway.auth.oidc.flow import LIFETIME, choose_return
from gateway.auth.oidc.logins import Logins, Onward
from gateway.web.middleware import names_loopback
from gateway.web.problem import Problem, ProblemError, bad_parameters

RETRY_AFTER = 10
"""Seconds after which to try again while the provider is away."""

RETURN_PARAMETER = "return_to"

_STYLE = (
    ":root{color-scheme:light dark;--ground:#f3f5f8;--surface:#fff;--edge:#dde3eb;--text:#16202e;--accent:#2757c9;"
    "--on-accent:#fff}@media(prefers-color-scheme:dark){:root{--ground:#0c1016;--surface:#141a22;--edge:#28323f;"
    "--text:#e4eaf2;--accent:#8aadff;--on-accent:#0c1016}}body{margin:0;min-height:100vh;display:grid;"
    "place-items:center;font:16px/1.5 system-ui,sans-serif;background:var(--ground);color:var(--text)}"
    "main{box-sizing:border-box;width:min(28rem,100vw - 2rem);padding:1.75rem;background:var(--surface);"
    "border:1px solid var(--edge);border-radius:8px}h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0 0 1.25rem;"
    "overflow-wrap:anywhere}form{margin:0}a,button{display:inline-block;font:inherit;font-weight:600;"
    "padding:.4rem 1rem;border:0;border-radius:8px;color:var(--on-accent);background:var(--accent);"
    "text-decoration:none;cursor:pointer}"
    "a:focus-visible,button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
)
"""The page's own colours: what it looks like is part of it, for its files may not be served here."""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def make_login_link(return_to: str, *, base_path: str = "") -> str:
    """Return the path of a login that leads back to a path of this site, if it is one."""
    root = f"{base_path}/"
    chosen = choose_return(return_to, root=root)
    return f"{base_path}/auth/login" + ("" if chosen == root else f"?{urlencode({RETURN_PARAMETER: chosen})}")


class LoginRoutes:
    """The routes. ``public_url`` is where browsers find the gateway; without one, they find it on this machine."""

    def __init__(self, logins: Logins, *, public_url: str | None, base_path: str) -> None:
        self._logins = logins
        self._public_url = public_url
        self._base_path = base_path

    def add(self, app: web.Application) -> None:
        """Add the routes, and the signal that sends the cookies which sessions need along with any answer."""
        app.router.add_get(f"{self._base_path}/auth/login", self.begin, allow_head=False)
        app.router.add_get(f"{self._base_path}/auth/callback", self.finish, allow_head=False)
        app.router.add_get(f"{self._base_path}/auth/logout", self.offer_logout, allow_head=False)
        app.router.add_post(f"{self._base_path}/auth/logout", self.leave)
        app.on_response_prepare.append(self.send_cookies)

    def make_middleware(self, grant_of: Callable[[Identity], Grant]) -> Middleware:
        """Return what leads whoever opens the page to the login, where the page would show them nothing.

        ``grant_of`` says what somebody may see.
        """

        @web.middleware
        async def lead_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            is_page = request.method == "GET" and request.path == f"{self._base_path}/" and _wants_page(request)
            if not is_page or await self._is_welcome(request, grant_of):
                return await handler(request)
            link = make_login_link(request.path_qs, base_path=self._base_path)
            return web.Response(status=303, headers={"Location": link, "Cache-Control": "no-store"})

        return lead_in

    async def begin(self, request: web.Request) -> web.Response:
        """Serve ``GET /auth/login``: to the provider, and back to ``return_to`` in the end."""
        unknown = sorted(set(request.query) - {RETURN_PARAMETER})
        if unknown:
            raise bad_parameters((f"a login takes {RETURN_PARAMETER} alone; leave out: {', '.join(unknown)[:200]}.",))
        root = f"{self._base_path}/"
        return_to = choose_return(request.query.get(RETURN_PARAMETER, root), root=root)
        try:
            onward = await self._logins.begin(
                return_to=return_to, redirect_uri=f"{self._find_site(request)}/auth/callback"
            )
        except (ProviderError, ProviderDownError) as error:
            return self._tell_down(request, error)
        return self._lead(request, onward)

    async def finish(self, request: web.Request) -> web.Response:
        """Serve ``GET /auth/callback``: what the provider says, in the browser that asked it."""
        try:
            onward = await self._logins.finish(request.query.items(), request.cookies)
        except LoginError as error:
            if error.reason == "state" and await self._is_logged_in(request):
                # Somebody went back in the browser's history, or logged in by two tabs at once: nothing is amiss.
                return self._lead(request, Onward(url=f"{self._base_path}/", cookies={}))
            status = 403 if error.reason in {"denied", "oversized"} else 400
            return self._tell(
                request, status=status, kind="login-failed", title="You aren't logged in", text=str(error)
            )
        except (ProviderError, ProviderDownError) as error:
            return self._tell_down(request, error)
        return self._lead(request, onward)

    async def offer_logout(self, request: web.Request) -> web.Response:
        """Serve ``GET /auth/logout``: a page, for a link that somebody else wrote must log nobody out."""
        session = self._logins.authenticator.sessions.read(request.cookies, self._logins.authenticator.jar)
        if session is None:
            return self._page(200, "You are logged out", "Whoever uses this browser next can't see what you saw.")
        form = f'<form method="post" action="{escape(request.path)}"><button>Log out</button></form>'
        return self._page(200, "Log out?", f"You are logged in as {session.name}.", form)

    async def leave(self, request: web.Request) -> web.Response:
        """Serve ``POST /auth/logout``: end the session. A page's script gets the address to go on to as JSON."""
        if not self._is_own(request):
            detail = "A logout is asked for by the gateway's own pages alone; open /auth/logout."
            raise ProblemError(Problem(status=403, type="foreign-origin", detail=detail))
        onward = await self._logins.leave(request.cookies, back=f"{self._find_site(request)}/auth/logout")
        if _wants_page(request):
            return self._lead(request, onward)
        request[COOKIES] = dict(onward.cookies)
        return web.json_response({"location": onward.url}, headers={"Cache-Control": "no-store"})

    async def send_cookies(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the cookies that a request has come to need; streams too send theirs with their headers."""
        if COOKIES not in request:
            return
        jar = self._logins.authenticator.jar
        for name, value in request[COOKIES].items():
            # The response's own set_cookie would come too late: its cookies are headers already.
            response.headers.add("Set-Cookie", _write_cookie(name, value, secure=jar.secure))
        # No cache on the way may give one browser's cookie to another.
        caching = response.headers.get("Cache-Control", "no-cache")
        if "no-store" not in caching and "private" not in caching:
            response.headers["Cache-Control"] = f"{caching}, private"

    async def _is_welcome(self, request: web.Request, grant_of: Callable[[Identity], Grant]) -> bool:
        """Whether the page has anything to show or to explain; a login would change nothing about that."""
        try:
            identity = await self._logins.authenticator.authenticate(request)
        except AuthenticationError as error:
            return error.reason != "expired" or grant_of(ANONYMOUS).allows("view")
        return not identity.anonymous or grant_of(identity).allows("view")

    async def _is_logged_in(self, request: web.Request) -> bool:
        session = self._logins.authenticator.sessions.read(request.cookies, self._logins.authenticator.jar)
        try:
            return session is not None and await self._logins.authenticator.sessions.keep(session) is not None
        except ProviderDownError:
            return False

    def _find_site(self, request: web.Request) -> str:
        """Return where this browser finds the gateway. Raises ProblemError."""
        if self._public_url is not None:
            return f"{self._public_url}{self._base_path}"
        if not names_loopback(request.headers.get("Host", "")):
            detail = "Logins need GATEWAY_PUBLIC_URL: without it they work on this machine alone."
            raise ProblemError(Problem(status=503, type="login-unavailable", detail=detail))
        return f"http://{request.host}{self._base_path}"

    def _is_own(self, request: web.Request) -> bool:
        """Whether a page of ours sent a request: browsers say so, and no other page can make them."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in {"same-origin", "none"}
        parts = urlsplit(self._find_site(request))
        return request.headers.get("Origin") == f"{parts.scheme}://{parts.netloc}"

    def _lead(self, request: web.Request, onward: Onward) -> web.Response:
        request[COOKIES] = dict(onward.cookies)
        return web.Response(
            status=303,
            headers={"Location": onward.url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )

    def _tell_down(self, request: web.Request, error: ProviderError | ProviderDownError) -> web.Response:
        text = f"The login isn't available now: {error}. Whoever is logged in already can go on."
        headers = {"Retry-After": str(RETRY_AFTER)}
        return self._tell(
            request, status=503, kind="login-unavailable", title="Nobody can log in now", text=text, headers=headers
        )  # fmt: skip

    def _tell(
        self,
        request: web.Request,
        *,
        status: int,
        kind: str,
        title: str,
        text: str,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """Answer with a page, or with a problem for whoever didn't ask for one. Raises ProblemError."""
        if not _wants_page(request):
            raise ProblemError(Problem(status=status, type=kind, detail=text, headers=headers or {}))
        response = self._page(status, title, text)
        response.headers.update(headers or {})
        return response

    def _page(self, status: int, title: str, text: str, action: str | None = None) -> web.Response:
        words = "Try again" if status >= 400 else "Log in"
        link = f'<a href="{escape(self._base_path)}/auth/login">{words}</a>'
        content = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{action or link}</main></body></html>"
        )
        # Without form-action: a logout is redirected to the provider, and browsers count that as the form's.
        policy = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
        return web.Response(status=status, text=content, content_type="text/html", headers=headers)


def _write_cookie(name: str, value: str, *, secure: bool) -> str:
    """Return the header for a cookie; an empty value deletes it. A session's lasts as long as the browser is open."""
    cookie = SimpleCookie({name: value})[name]
    cookie["path"], cookie["httponly"], cookie["samesite"] = "/", True, "Lax"
    cookie["secure"] = secure
    if not value:
        cookie["max-age"] = 0
    elif name.endswith("-login"):
        cookie["max-age"] = int(LIFETIME)
    return cookie.OutputString()


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")
