"""Bearer JWTs of services: what is believed, and every way to forge one that is known."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from tests.auth.oidc.conftest import Site, make_settings, open_site
from tests.auth.oidc.fake import AUDIENCE, CLIENT_ID, Clock, FakeProvider, forge, make_key, sign


async def show(site: Site, token: str) -> Any:
    return await site.whoami(headers={"Authorization": f"Bearer {token}"})


def service(provider: FakeProvider, **more: Any) -> dict[str, Any]:
    """Return the claims of a good bearer token."""
    return provider.claims(aud=AUDIENCE, sub="reporter", name=None, groups=["services"], **more)


async def test_a_service_is_known_by_its_token(site: Site, provider: FakeProvider) -> None:
    token = sign(service(provider), typ="at+jwt")
    assert await show(site, token) == {"subject": "reporter", "name": "reporter", "groups": ["services"]}
    assert site.logins.authenticator.counts == {"good": 1}


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_each_algorithm_that_is_allowed_works_with_its_own_kind_of_key(
    provider: FakeProvider, clock: Clock, alg: str
) -> None:
    provider.keys = [make_key("RS256", "r"), make_key("ES256", "e"), make_key("EdDSA", "d")]
    kid = {"R": "r", "E": "e"}[alg[0]] if alg[:2] != "Ed" else "d"
    key = make_key({"r": "RS256", "e": "ES256", "d": "EdDSA"}[kid], kid)
    async for site in open_site(make_settings(provider.issuer, oidc_algorithms=(alg,)), provider, clock):
        token = forge_with(key, alg, kid, service(provider))
        assert (await show(site, token))["subject"] == "reporter"
        if alg != "RS256":
            assert (await show(site, sign(service(provider))))["error"] == "refused"


def forge_with(key: Any, alg: str, kid: str, claims: dict[str, Any]) -> str:
    """Sign without asking whether the key is meant for that."""
    if alg in {"EdDSA", "Ed25519"}:
        head = {"alg": alg, "kid": kid}
        text = forge(head, claims).rpartition(".")[0]
        return f"{text}.{encode(key.raw_value.sign(text.encode()))}"
    return sign(claims, alg=alg, kid=kid, key=key)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"iss": "https://evil.example"}, "refused"),
        ({"iss": None}, "refused"),
        ({"aud": "https://other.example.org"}, "refused"),
        ({"aud": CLIENT_ID}, "refused"),
        ({"aud": None}, "refused"),
        ({"aud": {"x": AUDIENCE}}, "refused"),
        ({"exp": None}, "refused"),
        ({"exp": "later"}, "refused"),
        ({"exp": True}, "refused"),
        ({"sub": None}, "refused"),
        ({"cnf": {"jkt": "x"}}, "refused"),
        ({"nonce": "x"}, "refused"),
    ],
)
async def test_a_token_that_claims_something_else_is_refused(
    site: Site, provider: FakeProvider, wrong: dict[str, Any], error: str
) -> None:
    claims = {**service(provider), **wrong}
    token = sign({name: value for name, value in claims.items() if value is not None})
    assert (await show(site, token))["error"] == error


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [("exp", -59, True), ("exp", -60, False), ("nbf", 60, True), ("nbf", 61, False), ("iat", 61, False)],
)
async def test_clocks_may_differ_by_a_minute(
    site: Site, provider: FakeProvider, clock: Clock, claim: str, seconds: int, *, good: bool
) -> None:
    answer = await show(site, sign(service(provider, **{claim: int(clock.now) + seconds})))
    assert ("subject" in answer) is good


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "id+jwt", "secevent+jwt"])
async def test_a_token_meant_for_something_else_is_refused(site: Site, provider: FakeProvider, typ: str) -> None:
    assert (await show(site, sign(service(provider), typ=typ)))["error"] == "refused"


# Forgeries.


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
async def test_a_token_without_a_signature_is_refused_without_asking_anybody(
    site: Site, provider: FakeProvider, alg: str
) -> None:
    for signature in (b"", b"x"):
        assert (await show(site, forge({"alg": alg, "typ": "JWT"}, service(provider), signature)))["error"] == "refused"
    assert provider.asked["/jwks"] == 0


def forgeries() -> dict[str, Callable[[dict[str, Any]], str]]:
    public: Any = make_key("RS256").as_dict(private=False)
    pem: bytes = make_key("RS256").as_pem(private=False)  # type: ignore[union-attr]
    der: bytes = make_key("RS256").as_der(private=False)  # type: ignore[union-attr]

    def by_secret(secret: bytes) -> Callable[[dict[str, Any]], str]:
        def make(claims: dict[str, Any]) -> str:
            text = forge({"alg": "HS256", "kid": "one", "typ": "JWT"}, claims).rpartition(".")[0]
            return f"{text}.{encode(hmac.digest(secret, text.encode(), hashlib.sha256))}"

        return make

    mine: Any = RSAKey.generate_key(2048, {"kid": "mine"})

    def by_mine(**header: Any) -> Callable[[dict[str, Any]], str]:
        return lambda claims: sign(claims, key=mine, **{"kid": "one", **header})

    return {
        "the public key as PEM is the HMAC's secret": by_secret(pem),
        "the same without its last line break": by_secret(pem.strip()),
        "the public key as DER is the HMAC's secret": by_secret(der),
        "the public key as JWK is the HMAC's secret": by_secret(json.dumps(public).encode()),
        "the client's id is the HMAC's secret": by_secret(CLIENT_ID.encode()),
        "an empty secret": by_secret(b""),
        "another key under the same kid": by_mine(),
        "another key, brought along": by_mine(jwk=mine.as_dict(private=False)),
        "another key, at an address": by_mine(jku="https://evil.example/jwks"),
        "another key, at an address of a certificate": by_mine(x5u="https://evil.example/cert"),
        "another key, under a path": by_mine(kid="../../../../dev/null"),
        "another key, under an address": by_mine(kid="https://evil.example/key"),
        "another key, under SQL": by_mine(kid="x' UNION SELECT 'key"),
        "another key, under its own name": by_mine(kid="mine"),
        "another key without a name": by_mine(kid=None),
        "an extension that must be understood": lambda claims: forge(
            {"alg": "RS256", "kid": "one", "crit": ["exp"], "exp": 1}, claims, b"x"
        ),
        "no base64": lambda claims: forge({"alg": "RS256", "kid": "one", "b64": False, "crit": ["b64"]}, claims, b"x"),
        "a kid that is no text": lambda claims: forge({"alg": "RS256", "kid": {"$ne": ""}}, claims, b"x"),
        "an alg that is no text": lambda claims: forge({"alg": ["RS256"], "kid": "one"}, claims, b"x"),
        "a token with much in it, signed by another key": lambda claims: by_mine()({**claims, "padding": "x" * 5_000}),
        "an encrypted token": lambda _: "a.b.c.d.e",
        "no token at all": lambda _: "...",
    }


@pytest.mark.parametrize("way", list(forgeries()))
async def test_a_forged_token_is_refused(site: Site, provider: FakeProvider, way: str) -> None:
    make = forgeries()[way]
    assert (await show(site, make(service(provider))))["error"] == "refused"
    assert set(provider.asked) <= {"/.well-known/openid-configuration", "/jwks"}


async def test_a_bit_changed_anywhere_is_noticed(site: Site, provider: FakeProvider) -> None:
    token = sign(service(provider))
    for place in range(0, len(token), 61):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert (await show(site, changed)).get("error") == "refused", place


async def test_a_key_of_one_kind_never_verifies_another_kind_of_signature(site: Site, provider: FakeProvider) -> None:
    provider.keys = [make_key("ES256"), make_key("EdDSA")]
    assert (await show(site, sign(service(provider), alg="RS256")))["error"] == "refused"


async def test_keys_that_are_too_weak_or_not_for_signatures_or_no_public_keys_are_no_keys(
    site: Site, provider: FakeProvider
) -> None:
    weak: Any = {**make_key("RS256").as_dict(private=False), "use": "enc"}
    secret = OctKey.import_key(b"x" * 32, {"kid": "one"})

    class Raw:
        def __init__(self, content: dict[str, Any]) -> None:
            self.content = content

        def as_dict(self, **_: Any) -> dict[str, Any]:
            return self.content

    broken = {"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}
    provider.keys = [Raw(weak), Raw(dict(secret.as_dict(private=True))), Raw(broken), Raw({"kty": 7}), Raw({})]  # type: ignore[list-item]
    assert (await show(site, sign(service(provider))))["error"] == "refused"
    assert (await show(site, sign(service(provider), alg="HS256", key=secret)))["error"] == "refused"


# The provider's keys.


async def test_invented_key_ids_cause_no_more_than_one_request_each_half_minute(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    for number in range(100):
        assert (await show(site, sign(service(provider), kid=f"random-{number}")))["error"] == "refused"
        clock.now += 0.3
    assert provider.asked["/jwks"] <= 2
    assert (await show(site, sign(service(provider))))["subject"] == "reporter", "the good one is known all the while"


async def test_many_tokens_at_once_cause_one_request(site: Site, provider: FakeProvider) -> None:
    token = sign(service(provider))
    answers = await asyncio.gather(*(show(site, token) for _ in range(30)))
    assert {answer["subject"] for answer in answers} == {"reporter"}
    assert (provider.asked["/jwks"], provider.asked["/.well-known/openid-configuration"]) == (1, 1)


async def test_a_new_key_is_learnt_and_an_old_one_forgotten(site: Site, provider: FakeProvider, clock: Clock) -> None:
    old = service(provider, exp=int(clock.now) + 9_000)
    assert (await show(site, sign(old)))["subject"] == "reporter"
    provider.keys = [make_key("RS256", "two")]
    clock.now += 31
    assert (await show(site, sign(old, kid="two", key=make_key("RS256", "two"))))["subject"] == "reporter"
    assert (await show(site, sign(old)))["error"] == "refused"


async def test_while_the_provider_is_away_known_keys_are_good_for_a_day(
    site: Site, provider: FakeProvider, clock: Clock
) -> None:
    token = sign(service(provider, exp=int(clock.now) + 200_000))
    assert (await show(site, token))["subject"] == "reporter"
    provider.answers = {"/jwks": 500, "/.well-known/openid-configuration": 500}
    clock.now += 50_000
    assert (await show(site, token))["subject"] == "reporter"
    clock.now += 50_000
    assert (await show(site, token))["error"] == "unavailable"


async def test_a_bad_token_is_never_passed_over_for_a_cookie(site: Site, provider: FakeProvider) -> None:
    await site.log_in()
    assert (await site.whoami())["subject"] == "alice"
    assert (await show(site, sign(service(provider), kid="nobody")))["error"] == "refused"
    assert (await site.whoami(headers={"Authorization": "Basic YTpi"}))["error"] == "malformed"


async def test_without_an_audience_no_token_is_taken(provider: FakeProvider, clock: Clock) -> None:
    async for site in open_site(make_settings(provider.issuer, oidc_audience=()), provider, clock):
        answer = await show(site, sign(service(provider)))
        assert answer["error"] == "refused"
        assert "GATEWAY_OIDC_AUDIENCE" in answer["detail"]
