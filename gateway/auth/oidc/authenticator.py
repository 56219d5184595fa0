"""Who a request is from: a session's cookie or a bearer JWT."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from gateway.auth.authenticator import COOKIES, AuthenticationError, Reason, read_bearer
from gateway.auth.identity import ANONYMOUS, Identity
from gateway.auth.oidc.claims import SKEW, check_bearer, describe
from gateway.auth.oidc.cookie import CookieTooLargeError, Jar
from gateway.auth.oidc.errors import ProviderDownError, ProviderError, TokenError
from gateway.auth.oidc.provider import Provider
from gateway.auth.oidc.session import Session
from gateway.auth.oidc.sessions import Sessions

_FAR = 1e11
"""A time (Unix) that nobody will see, for tokens that claim to be good for longer than numbers go."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerRules:
    """For which audiences JWTs are taken (none: not at all), and which claim has the groups."""

    audiences: tuple[str, ...]
    groups_claim: str


class OidcAuthenticator:
    """People by their session, services by JWTs of the same provider. ``clock`` returns Unix time."""

    login_path: str | None = "/auth/login"

    def __init__(
        self,
        provider: Provider,
        sessions: Sessions,
        *,
        bearer: BearerRules,
        jar: Jar,
        clock: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Bearer tokens by what became of them: ``good``, or why not."""
        self.provider = provider
        self.sessions = sessions
        self.jar = jar
        self._bearer = bearer
        self._clock = clock

    def __repr__(self) -> str:
        return f"<OidcAuthenticator of {self.provider!r}>"

    def is_prompt(self, headers: Mapping[str, str], /) -> bool:
        """Whether there is hardly anything to wait for: the keys that a JWT is checked by may have to be fetched."""
        return "Authorization" not in headers

    async def authenticate(self, request: web.Request, /) -> Identity:
        """Return who a request is from. Raises AuthenticationError; a bearer token that is bad is never passed over."""
        token = read_bearer(request)
        if token is not None:
            return await self._believe(token)
        session = self.sessions.read(request.cookies, self.jar)
        if session is None:
            return ANONYMOUS
        try:
            newest = await self.sessions.keep(session)
        except ProviderDownError as error:
            raise AuthenticationError("unavailable", f"You can't be recognised now: {error}.") from error
        if newest is None:
            request[COOKIES] = self.jar.split(self.jar.session, "")
            raise AuthenticationError("expired", "Your login has ended; log in again.")
        if newest.generation > session.generation:
            self._hand_out(request, newest)
        return newest.identify()

    def recheck(self, identity: Identity, now: float, /) -> Identity | None:
        """Return who somebody is now; None where the session has ended or the token has expired."""
        if identity.method == "oidc":
            return self.sessions.recheck(identity, now)
        return None if identity.expired(now) else identity

    async def close(self) -> None:
        """Let the provider go."""
        await self.sessions.close()
        await self.provider.close()

    def _hand_out(self, request: web.Request, session: Session) -> None:
        try:
            request[COOKIES] = self.sessions.write(session, self.jar)
        except CookieTooLargeError:
            # It goes on from memory; after a restart its owner logs in again and is told.
            _log.warning("login.session_too_large", subject=session.subject, groups=len(session.groups))

    async def _believe(self, token: str) -> Identity:
        try:
            identity = await self._verify(token)
        except TokenError as error:
            self.counts[error.reason] += 1
            _log.info("audit.token_refused", reason=error.reason)
            kind: Reason = "expired" if error.reason == "expired" else "refused"
            raise AuthenticationError(kind, f"The bearer token isn't accepted: {error}.") from error
        except (ProviderError, ProviderDownError) as error:
            self.counts["unavailable"] += 1
            raise AuthenticationError("unavailable", f"The bearer token can't be checked now: {error}.") from error
        self.counts["good"] += 1
        return identity

    async def _verify(self, token: str) -> Identity:
        if not self._bearer.audiences:
            raise TokenError("audience", "no audience is set up for bearer tokens (GATEWAY_OIDC_AUDIENCE)")
        claims, header = await self.provider.verify(token)
        check_bearer(
            claims,
            header,
            issuer=self.provider.client.issuer,
            audiences=self._bearer.audiences,
            now=self._clock(),
        )
        person = describe(claims, self._bearer.groups_claim)
        return Identity(
            subject=person.subject,
            name=person.name,
            groups=frozenset(person.groups or ()),
            method="bearer",
            expires_at=float(min(claims["exp"], _FAR)) + SKEW,
            credential=f"{header.kid}:{claims.get('jti') or claims['exp']}",
        )
