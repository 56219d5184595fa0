"""Who the fake Argo CD lets in, and what they may see: tokens, login, and permission project by project.

Facts from `argo-cd server/server.go` (authentication) and `server/application/application.go` (an application that
may not be seen is left out silently, never refused). Nothing here knows of streams or of the state.
"""

from __future__ import annotations

from aiohttp import web


class Access:
    """The tokens that are accepted, and what they may see. All tokens are one identity."""

    def __init__(self, token: str) -> None:
        self.tokens = {token}
        self.unauthorized = False
        """True: every request that needs a login is 401, whatever its token. Open streams go on, as in reality."""
        self.logged_in = True
        """False: `userinfo` answers `{}`, as to an anonymous user. What may be seen is up to `forbid_all`."""
        self._forbidden: set[str] = set()
        self._forbidden_all = False

    def accept_token(self, token: str) -> None:
        self.tokens.add(token)

    def revoke_token(self, token: str | None = None) -> None:
        """Refuse `token`, or every token, in requests that come from now on."""
        self.tokens = self.tokens - {token} if token else set()

    def forbid(self, project: str) -> None:
        """Take away the permission for one project: lists and streams leave it out, `can-i` says no."""
        self._forbidden.add(project)

    def forbid_all(self) -> None:
        self._forbidden_all = True

    def allow(self, project: str | None = None) -> None:
        """Give back the permission for one project, or for everything."""
        if project is None:
            self._forbidden.clear()
        self._forbidden.discard(project or "")
        self._forbidden_all = False

    def may_see(self, project: str) -> bool:
        return not self._forbidden_all and project not in self._forbidden

    def can_get(self, project: str) -> bool:
        """Answer `can-i`: `*` asks for every project at once."""
        return self.may_see(project) and not (project == "*" and self._forbidden)

    def refusal_of(self, request: web.Request) -> str | None:
        """Return why a request is 401, in Argo CD's words; None when it may come in."""
        token = _token_of(request)
        if not token:
            return "no session information"
        if self.unauthorized or token not in self.tokens:
            return "invalid session: token is revoked, please re-login"
        return None


def _token_of(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else request.cookies.get("argocd.token", "")
