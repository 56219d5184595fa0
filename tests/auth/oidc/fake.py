"""A provider that says whatever a test wants it to: a real server with keys of its own, and faults as attributes."""

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

CLIENT_ID, CLIENT_SECRET, AUDIENCE = "gateway", "a+secret/of:the-client", "https://gateway.example.org"


@cache
def make_key(alg: str, kid: str = "one") -> Key:
    """Return a key pair, the same each time: making RSA keys is slow."""
    parameters: Any = {"kid": kid, "use": "sig", "alg": alg}
    if alg.startswith("RS"):
        return RSAKey.generate_key(2048, parameters)
    if alg.startswith("ES"):
        return ECKey.generate_key("P-256", parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def sign(claims: Mapping[str, Any], *, alg: str = "RS256", kid: str | None = "one", key: Key | None = None,
         **header: Any) -> str:  # fmt: skip
    """Return a token of these claims."""
    head = {"alg": alg, **({} if kid is None else {"kid": kid}), **header}
    registry: Any = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode(head, dict(claims), key or make_key(alg), registry=registry)


def forge(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """Return a token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class Clock:
    """The time of a test."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeProvider:
    """What it answers; ``asked`` counts requests by path. ``groups`` are everybody's; None leaves the claim out."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.issuer = ""
        self.asked: Counter[str] = Counter()
        self.keys: list[Key] = [make_key("RS256")]
        self.document: dict[str, Any] = {}
        """What its discovery document has otherwise."""
        self.id_claims: dict[str, Any] = {}
        """What its ID tokens claim otherwise; None leaves a claim out."""
        self.sign: Callable[[Mapping[str, Any]], str] = sign
        self.alice = {"sub": "alice", "name": "Alice"}
        self.groups: list[str] | None = ["developers"]
        self.userinfo: dict[str, Any] | None = None
        self.answers: dict[str, int] = {}
        """Statuses instead of answers, by path."""
        self.expires_in = 300.0
        self.gives_refresh_token = True
        self.refresh_token = "refresh-0"
        self.revoked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self.hold: asyncio.Event | None = None
        """What the token endpoint waits for, after it has set ``held``."""
        self.held = asyncio.Event()

    def claims(self, **more: Any) -> dict[str, Any]:
        """Return the claims of a good token for the client; None leaves one out."""
        now = int(self.clock())
        base = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, **self.alice}
        if self.groups is not None:
            base["groups"] = self.groups
        return {name: value for name, value in {**base, **more}.items() if value is not None}

    def authorize(self, url: str) -> dict[str, str]:
        """Do what the provider's login page does: return the query that the browser brings back."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware()])
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        app.router.add_get("/me", self._me)
        app.router.add_post("/revoke", self._revoke)
        return app

    def _middleware(self) -> Any:
        @web.middleware
        async def count(request: web.Request, handler: Any) -> web.StreamResponse:
            self.asked[request.path] += 1
            if request.path in self.answers:
                return web.Response(status=self.answers[request.path], text="no")
            response: web.StreamResponse = await handler(request)
            return response

        return count

    async def _discovery(self, _: web.Request) -> web.Response:
        content = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
            "end_session_endpoint": f"{self.issuer}/logout?hello=1",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **self.document,
        }
        return web.json_response({name: value for name, value in content.items() if value is not None})

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _token(self, request: web.Request) -> web.Response:
        form: dict[str, str] = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.authorizations.append(request.headers.get("Authorization"))
        if self.hold is not None:
            self.held.set()
            await self.hold.wait()
        more: dict[str, Any] = {}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            if asked is None or asked["code_challenge"] != _challenge(form["code_verifier"]):
                return web.json_response({"error": "invalid_grant"}, status=400)
            more = {"nonce": asked["nonce"]}
        elif form["refresh_token"] != self.refresh_token:
            return web.json_response({"error": "invalid_grant"}, status=400)
        content: dict[str, Any] = {"access_token": "access", "token_type": "Bearer", "expires_in": self.expires_in}
        content["id_token"] = self.sign(self.claims(**{**more, **self.id_claims}))
        if self.gives_refresh_token:
            number = int(self.refresh_token.rpartition("-")[2])
            content["refresh_token"] = self.refresh_token = f"refresh-{number + 1}"
        return web.json_response(content)

    async def _me(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer access"
        return web.json_response(self.userinfo or {"sub": "alice"})

    async def _revoke(self, request: web.Request) -> web.Response:
        self.revoked.append(str((await request.post())["token"]))
        return web.Response()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@asynccontextmanager
async def serve(provider: FakeProvider) -> AsyncIterator[FakeProvider]:
    """Serve a provider on this machine."""
    runner = web.AppRunner(provider.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield provider
    finally:
        await runner.cleanup()
