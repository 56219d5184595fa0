"""A login from beginning to end, and a logout; what to answer is for the routes to say."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from gateway.auth.oidc.authenticator import OidcAuthenticator
from gateway.auth.oidc.cookie import CookieTooLargeError
from gateway.auth.oidc.errors import GrantRefusedError, LoginError, ProviderDownError, ProviderError, TokenError
from gateway.auth.oidc.flow import Attempt, UsedStates, add_query, ask, choose_scopes, read_answer
from gateway.auth.oidc.session import Sealer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where the browser goes next, and the cookies that it takes along: by name; empty to delete one."""

    url: str
    cookies: Mapping[str, str]


class Logins:
    """Logins by the code flow."""

    def __init__(
        self,
        authenticator: OidcAuthenticator,
        *,
        scopes: tuple[str, ...],
        sealer: Callable[[], Sealer],
        clock: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Logins by how they ended: ``good``, or why not."""
        self.authenticator = authenticator
        self._provider, self._sessions, self._jar = (
            authenticator.provider,
            authenticator.sessions,
            authenticator.jar,
        )
        self._scopes = scopes
        self._sealer = sealer
        self._clock = clock
        self._used = UsedStates()

    def tally(self) -> dict[str, int]:
        """Return all that was counted, by names such as ``login_good``, ``bearer_expired``, ``session_renewed``."""
        kinds = {"login": self.counts, "bearer": self.authenticator.counts, "session": self._sessions.counts}
        return {f"{kind}_{name}": number for kind, counts in kinds.items() for name, number in counts.items()}

    async def begin(self, *, return_to: str, redirect_uri: str) -> Onward:
        """Begin a login. Raises ProviderDownError and ProviderError."""
        metadata = await self._provider.confirm()
        if not set(self._provider.client.algorithms) & set(metadata.id_token_signing_alg_values_supported):
            raise ProviderError("the provider signs ID tokens by none of GATEWAY_OIDC_ALGORITHMS")
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            return_to=return_to,
            begun_at=self._clock(),
        )
        url = ask(
            metadata.authorization_endpoint,
            attempt,
            client_id=self._provider.client.client_id,
            scopes=choose_scopes(self._scopes, metadata.scopes_supported),
        )
        return Onward(url=url, cookies={self._jar.login: self._sealer().seal(attempt, "login")})

    async def finish(self, query: Iterable[tuple[str, str]], cookies: Mapping[str, str]) -> Onward:
        """Finish a login with the provider's answer. Raises LoginError, ProviderDownError and ProviderError."""
        try:
            onward = await self._finish(query, cookies)
        except LoginError as error:
            self._note(error.reason)
            raise
        except TokenError as error:
            self._note(error.reason)
            raise LoginError(error.reason, f"What the provider said can't be believed: {error}.") from error
        except GrantRefusedError as error:
            self._note("code")
            raise LoginError(
                "code", "The provider doesn't take its code back: it was used before, or too late."
            ) from error
        except (ProviderError, ProviderDownError):
            self._note("unavailable")
            raise
        self.counts["good"] += 1
        return onward

    async def _finish(self, query: Iterable[tuple[str, str]], cookies: Mapping[str, str]) -> Onward:
        sealed = cookies.get(self._jar.login)
        attempt = None if sealed is None else self._sealer().open(sealed, "login", Attempt)
        metadata = await self._provider.metadata()
        now = self._clock()
        code = read_answer(
            query,
            attempt,
            issuer=metadata.issuer,
            names_issuer=metadata.authorization_response_iss_parameter_supported,
            now=now,
        )
        assert attempt is not None, "an answer agrees with the attempt or isn't read"
        self._used.use(attempt.state, now)
        tokens = await self._provider.exchange(code, attempt)
        # A new id for each login: nobody can have planted it before.
        session = await self._sessions.begin(tokens, nonce=attempt.nonce, session_id=secrets.token_urlsafe(16))
        try:
            written = self._sessions.write(session, self._jar)
        except CookieTooLargeError:
            raise LoginError(
                "oversized",
                f"Your login doesn't fit into cookies: you are in {len(session.groups)} groups. Have the provider send "
                "fewer, only those that the gateway's access file names.",
            ) from None
        _log.info("audit.login", subject=session.subject, groups=len(session.groups))
        return Onward(url=attempt.return_to, cookies={**written, self._jar.login: ""})

    async def leave(self, cookies: Mapping[str, str], *, back: str) -> Onward:
        """Log out, here and at the provider, where that has a page for it; ``back`` is where that leads to."""
        session = self._sessions.read(cookies, self._jar)
        if session is not None:
            await self._sessions.end(session)
            _log.info("audit.logout", subject=session.subject)
        url = back
        try:
            endpoint = (await self._provider.metadata()).end_session_endpoint
        except (ProviderError, ProviderDownError):
            endpoint = None
        if endpoint is not None:
            # Without an id_token_hint, for no token is ever part of a URL; so the provider may ask once more.
            parameters = {"client_id": self._provider.client.client_id, "post_logout_redirect_uri": back}
            url = add_query(endpoint, parameters)
        return Onward(url=url, cookies={**self._jar.split(self._jar.session, ""), self._jar.login: ""})

    def _note(self, reason: str) -> None:
        self.counts[reason] += 1
        _log.info("audit.login_failed", reason=reason)
