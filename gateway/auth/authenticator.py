"""From a request to an identity: the seam between HTTP and everything that knows who somebody is.

What is asked of an ``Authenticator`` is all that the rest of the gateway knows of a way to log in.
"""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from aiohttp import web

from gateway.auth.identity import ANONYMOUS, Identity
from gateway.auth.proxy import HeaderError, ProxyHeaders
from gateway.auth.tokens import Tokens
from gateway.errors import GatewayError

COOKIES = web.RequestKey("cookies", dict[str, str])
"""Where a request carries the cookies that its answer has to set: by name; empty to delete one."""

Reason = Literal["malformed", "unknown", "expired", "refused", "unavailable"]
"""Why credentials weren't accepted; ``unavailable`` is that nobody could be asked, so they may be good."""


class AuthenticationError(GatewayError):
    """Credentials were shown that aren't accepted; the message is for whoever showed them, and repeats none of them."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Authenticator(Protocol):
    """One way to tell who somebody is."""

    @property
    def login_path(self) -> str | None:
        """Where people log in, below the base path and with a slash in front; None where there is nothing like that."""

    def is_prompt(self, headers: Mapping[str, str], /) -> bool:
        """Whether a request with these headers may be authenticated outside a task, as it will hardly have to wait.

        Where it does have to, it is given up and done again from the beginning.
        """

    async def authenticate(self, request: web.Request, /) -> Identity:
        """Return who a request is from, ``ANONYMOUS`` where it shows no credentials. Raises AuthenticationError."""

    def recheck(self, identity: Identity, now: float, /) -> Identity | None:
        """Return who somebody is now, from what ``authenticate`` once returned; None where that has ended.

        Asked of each open stream whenever anything may have changed, so it never waits and never raises.
        """


class OpenDoor:
    """Everybody is anonymous: there is nothing to log in to."""

    login_path: str | None = None

    def is_prompt(self, _: Mapping[str, str], /) -> bool:
        """Whether there is nothing to wait for: there never is."""
        return True

    async def authenticate(self, _: web.Request, /) -> Identity:
        """Return the anonymous."""
        return ANONYMOUS

    def recheck(self, identity: Identity, _: float, /) -> Identity | None:
        """Return the same."""
        return identity


class TokenAuthenticator:
    """Bearer tokens of the tokens' file. ``tokens`` returns them as they are now, ``clock`` Unix time."""

    login_path: str | None = None

    def __init__(self, tokens: Callable[[], Tokens], *, clock: Callable[[], float]) -> None:
        self._tokens = tokens
        self._clock = clock

    def is_prompt(self, _: Mapping[str, str], /) -> bool:
        """Whether there is nothing to wait for: there never is."""
        return True

    async def authenticate(self, request: web.Request, /) -> Identity:
        """Return whose token a request shows. Raises AuthenticationError."""
        text = read_bearer(request)
        if text is None:
            return ANONYMOUS
        if (token := self._tokens().find(text)) is None:
            raise AuthenticationError("unknown", "This token isn't known, or no longer; ask for a new one.")
        identity = token.identify()
        if identity.expired(self._clock()):
            raise AuthenticationError("expired", "This token has expired; ask for a new one.")
        return identity

    def recheck(self, identity: Identity, now: float, /) -> Identity | None:
        """Return whose the token is now; None where it was taken out of the file, or has expired."""
        if identity.anonymous:
            return identity
        token = self._tokens().find_hash(identity.credential)
        if token is None or token.name != identity.subject or token.identify().expired(now):
            return None
        return token.identify()


class ProxyAuthenticator:
    """Headers of a trusted proxy."""

    login_path: str | None = None

    def __init__(self, headers: ProxyHeaders) -> None:
        self._headers = headers

    def is_prompt(self, _: Mapping[str, str], /) -> bool:
        """Whether there is nothing to wait for: there never is."""
        return True

    async def authenticate(self, request: web.Request, /) -> Identity:
        """Return whom a trusted proxy names. Raises AuthenticationError."""
        headers = self._headers
        # The connection's own address: request.remote could be set by whoever overrides it from a header.
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        address = peer[0] if isinstance(peer, tuple) else None
        try:
            users, groups = request.headers.getall(headers.user, []), request.headers.getall(headers.groups, [])
            return headers.identify(address, users, groups)
        except HeaderError as error:
            raise AuthenticationError("malformed", f"The proxy in front isn't set up right: {error}.") from error

    def recheck(self, identity: Identity, _: float, /) -> Identity | None:
        """Return the same: only a new request tells more."""
        return identity


def read_bearer(request: web.Request) -> str | None:
    """Return the bearer token of a request (RFC 6750, section 2.1), None without one. Raises AuthenticationError."""
    values = request.headers.getall("Authorization", [])
    if not values:
        return None
    scheme, _, token = values[0].strip().partition(" ")
    token = token.strip()
    if len(values) > 1 or scheme.lower() != "bearer" or not token or " " in token or not token.isascii():
        raise AuthenticationError("malformed", "Send one Authorization header, as: Authorization: Bearer TOKEN")
    return token
