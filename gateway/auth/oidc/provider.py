"""Asks the provider: its discovery document and keys (kept), codes and refresh tokens (exchanged), who somebody is.

Whatever many requests need at once is asked once. No redirect is followed and no answer is longer than it may be.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import structlog
from aiohttp import ClientSession, ClientTimeout, TCPConnector, encode_basic_auth

from gateway.auth.oidc.claims import Header, read_header, verify
from gateway.auth.oidc.discovery import Metadata, locate, read_metadata
from gateway.auth.oidc.errors import GrantRefusedError, ProviderDownError, ProviderError
from gateway.auth.oidc.flow import Attempt
from gateway.auth.oidc.freshness import RETRY, Freshness
from gateway.auth.oidc.keys import KeyRing

PATIENCE = 10.0
"""Seconds that the provider may take for an answer."""

ALIVE = 10.0
"""Seconds for which a provider that has answered counts as there."""

MAX_BODY = 1 << 20

_MAX_AGE, _KEEP = 3_600.0, 86_400.0
_ENDED = frozenset({"invalid_grant"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are at the provider. ``secret`` returns the secret as it is now; None for a public client."""

    issuer: str
    client_id: str
    secret: Callable[[], str | None]
    algorithms: tuple[str, ...]
    ca_file: Path | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint gives (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: float | None = None
    refresh_token: str | None = None
    id_token: str | None = None

    def __repr__(self) -> str:
        return "<Tokens>"


class _Refusal(msgspec.Struct):
    error: str = ""


class Provider:
    """The provider, for one client of it. ``clock`` returns Unix time."""

    def __init__(self, client: Client, *, clock: Callable[[], float]) -> None:
        self.client = client
        self._clock = clock
        self._session: ClientSession | None = None
        self._ring = KeyRing()
        self._metadata: Metadata | None = None
        self._freshness = Freshness(max_age=_MAX_AGE, keep=_KEEP)
        self._failure: ProviderError | ProviderDownError = ProviderDownError("the provider wasn't asked yet")
        self._asking: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"<Provider {self.client.issuer}>"

    async def close(self) -> None:
        """Let the connections go."""
        for task in list(self._asking.values()):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def metadata(self) -> Metadata:
        """Return what the provider says of itself. Raises ProviderDownError or ProviderError."""
        if self._freshness.due(self._clock()):
            self._ask("metadata", self._fetch_metadata)
        # What is held goes on being good while it is renewed.
        if not self._freshness.usable(self._clock()):
            await self._wait("metadata")
        if self._metadata is None or not self._freshness.usable(self._clock()):
            raise self._failure
        return self._metadata

    async def confirm(self) -> Metadata:
        """Return the same from a provider that was there a moment ago. Raises ProviderDownError or ProviderError.

        Before people are sent there: an address that nobody answers at is no clear page.
        """
        age = self._freshness.age(self._clock())
        if age >= ALIVE:
            if self._freshness.rested(self._clock(), RETRY):
                self._ask("metadata", self._fetch_metadata)
            await self._wait("metadata")
            if self._freshness.age(self._clock()) >= ALIVE:
                raise self._failure
        return await self.metadata()

    async def verify(self, token: str) -> tuple[dict[str, Any], Header]:
        """Return the claims and the header of a token that the provider signed.

        Raises TokenError, ProviderDownError, ProviderError.
        """
        header = read_header(token, self.client.algorithms)
        if self._ring.wants(header.kid, header.alg, self._clock()):
            self._ask("keys", self._fetch_keys)
        if self._ring.find(header.kid, header.alg, self._clock()) is None:
            await self._wait("keys")
        now = self._clock()
        if not self._ring.freshness.usable(now):
            raise self._failure
        return verify(token, header, self._ring.find(header.kid, header.alg, now)), header

    async def exchange(self, code: str, attempt: Attempt) -> Tokens:
        """Exchange a login's code. Raises GrantRefusedError, ProviderDownError, ProviderError."""
        return await self._ask_tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
            }
        )

    async def renew(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token. Raises GrantRefusedError, ProviderDownError, ProviderError."""
        return await self._ask_tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def describe(self, access_token: str) -> dict[str, Any]:
        """Return the claims of the userinfo endpoint; none where there isn't one. Raises as ``renew`` does."""
        endpoint = (await self.metadata()).userinfo_endpoint
        if endpoint is None:
            return {}
        status, body = await self._request("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if status in {401, 403}:
            raise GrantRefusedError("the provider's userinfo endpoint refuses the access token")
        if status != 200:
            raise ProviderError(f"the provider's userinfo endpoint answers {status}")
        claims: dict[str, Any] = _decode(body, dict[str, Any], "userinfo endpoint")
        return claims

    async def revoke(self, refresh_token: str) -> None:
        """Have a refresh token end (RFC 7009), where the provider offers that. Raises as ``renew`` does."""
        metadata = await self.metadata()
        if metadata.revocation_endpoint is not None:
            await self._post(metadata, metadata.revocation_endpoint, {"token": refresh_token})

    async def _ask_tokens(self, form: Mapping[str, str]) -> Tokens:
        metadata = await self.metadata()
        status, body = await self._post(metadata, metadata.token_endpoint, form)
        if status == 200:
            tokens: Tokens = _decode(body, Tokens, "token endpoint")
            if tokens.token_type.lower() != "bearer":
                raise ProviderError("the provider's token endpoint gives tokens of a kind that isn't Bearer")
            return tokens
        try:
            error = msgspec.json.decode(body, type=_Refusal).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = ""
        if error in _ENDED:
            raise GrantRefusedError("the provider says that this has ended; log in again")
        known = error if error.isidentifier() and len(error) < 40 else "no reason"
        raise ProviderError(f"the provider's token endpoint answers {status} ({known}); check the client's settings")

    async def _post(self, metadata: Metadata, endpoint: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a form as our client (RFC 6749, section 2.3.1)."""
        secret, client_id = self.client.secret(), self.client.client_id
        if secret is None:
            return await self._request("POST", endpoint, data={**form, "client_id": client_id})
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            credentials = encode_basic_auth(quote(client_id, safe=""), quote(secret, safe=""))
            return await self._request("POST", endpoint, data=dict(form), headers={"Authorization": credentials})
        return await self._request("POST", endpoint, data={**form, "client_id": client_id, "client_secret": secret})

    async def _fetch_metadata(self) -> None:
        self._freshness.tried(self._clock())
        body = await self._fetch(locate(self.client.issuer))
        self._metadata = read_metadata(body, issuer=self.client.issuer)
        self._freshness.got(self._clock())

    async def _fetch_keys(self) -> None:
        self._ring.freshness.tried(self._clock())
        self._ring.learn(await self._fetch((await self.metadata()).jwks_uri), self._clock())

    async def _fetch(self, url: str) -> bytes:
        status, body = await self._request("GET", url)
        if status != 200:
            raise ProviderError(f"the provider answers {status} where its documents should be")
        return body

    def _ask(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin something that is done once for all who want it now; a failure is noted, not raised."""
        if name not in self._asking:
            self._asking[name] = asyncio.create_task(self._note(name, work), name=f"oidc {name}")

    async def _wait(self, name: str) -> None:
        """Wait for what has begun. Whoever asked first may go away; the others still wait."""
        if name in self._asking:
            await asyncio.shield(self._asking[name])

    async def _note(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (ProviderError, ProviderDownError) as error:
            self._failure = error
            _log.warning("login.provider_failed", what=name, reason=str(error))
        finally:
            self._asking.pop(name, None)

    async def _request(self, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        """Return status and body of an answer. Raises ProviderDownError, also for a status of 500 or more."""
        if self._session is None:
            self._session = self._open_session()
        try:
            async with self._session.request(method, url, allow_redirects=False, **more) as response:
                body = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise ProviderError("the provider's answer is too long")
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderDownError(f"the provider can't be reached ({type(error).__name__})") from None
        if status >= 500 or status == 429:
            raise ProviderDownError(f"the provider answers {status}")
        return status, bytes(body)

    def _open_session(self) -> ClientSession:
        context = ssl.create_default_context(cafile=self.client.ca_file) if self.client.ca_file else True
        return ClientSession(
            connector=TCPConnector(ssl=context, limit=20),
            timeout=ClientTimeout(total=PATIENCE),
            headers={"Accept": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )


def _decode(body: bytes, content: type[Any], where: str) -> Any:
    try:
        return msgspec.json.decode(body, type=content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderError(f"the provider's {where} answers something that can't be read") from None
