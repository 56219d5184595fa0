"""What tokens say, believed after every check: signature, issuer, audience, times, and what binds them to a login.

OpenID Connect Core 1.0, sections 3.1.3.7 and 3.1.3.8; RFC 8725 (best current practice for JWTs); RFC 9068 (``at+jwt``).
"""

import base64
import hashlib
import hmac
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError, SecurityWarning
from joserfc.jwk import Key

from gateway.auth.oidc.errors import TokenError
from gateway.settings.login import ALGORITHMS

SKEW = 60
"""Seconds that clocks may differ by."""

MAX_TOKEN = 16_384
"""Characters of the longest token that is looked at."""

_MAX_KID, _MAX_NAME, _MAX_GROUPS, _MAX_GROUP = 256, 200, 1_000, 256
_BEARER_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a token says of its signature, before anything is verified."""

    alg: str
    kid: str | None
    typ: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, as claims describe them; ``groups`` is None where they say nothing of groups."""

    subject: str
    name: str
    groups: tuple[str, ...] | None


def read_header(token: str, algorithms: Collection[str]) -> Header:
    """Read a token's header. Raises TokenError, also where the algorithm isn't one of those allowed."""
    if len(token) > MAX_TOKEN:
        raise TokenError("oversized", "the token is too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise TokenError("malformed", "this isn't a signed JWT") from None
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(alg, str) or alg not in algorithms or alg not in ALGORITHMS:
        raise TokenError("algorithm", "the token isn't signed by an algorithm that is allowed")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _MAX_KID):
        raise TokenError("malformed", "the token's kid isn't a short text")
    return Header(alg=alg, kid=kid, typ=typ.lower() if isinstance(typ, str) else None)


def verify(token: str, header: Header, key: Key | None) -> dict[str, Any]:
    """Return the claims of a token that this key signed. Raises TokenError."""
    if key is None:
        raise TokenError("unknown-key", "the token isn't signed by a key of the provider")
    # Members that nobody knows are fine unless they are critical (RFC 7515, section 4); those that carry or name a key
    # are never looked at.
    registry = jws.JWSRegistry(algorithms=[header.alg], strict_check_header=False)
    try:
        with warnings.catch_warnings():
            # EdDSA has a new name (RFC 9864), which providers have yet to learn.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenError("signature", "the token's signature doesn't hold") from None


def check_id_token(
    claims: Mapping[str, Any], header: Header, *, issuer: str, client_id: str, nonce: str | None, now: float
) -> None:
    """Check what an ID token claims; ``nonce`` is None for one that came with a refresh. Raises TokenError."""
    _check(claims, issuer=issuer, audiences=[client_id], now=now, essential=("sub", "iat"))
    if header.typ not in {None, "jwt"}:
        raise TokenError("type", "the token isn't an ID token")
    audience, party = claims["aud"], claims.get("azp")
    if (party is not None or (isinstance(audience, list) and len(audience) > 1)) and party != client_id:
        raise TokenError("audience", "the ID token was issued to another client (azp)")
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise TokenError("nonce", "the ID token belongs to another login (nonce)")


def check_hash(claims: Mapping[str, Any], header: Header, access_token: str) -> None:
    """Check that an access token is the one that came with an ID token, where that says (``at_hash``)."""
    said = claims.get("at_hash")
    if said is None:
        return
    digest = _DIGESTS.get(header.alg[-3:], hashlib.sha512)(access_token.encode()).digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(said, expected):
        raise TokenError("at-hash", "the access token isn't the one that came with the ID token (at_hash)")


def check_bearer(
    claims: Mapping[str, Any], header: Header, *, issuer: str, audiences: Collection[str], now: float
) -> None:
    """Check what a bearer token claims. Raises TokenError."""
    if header.typ is not None and header.typ not in _BEARER_TYPES:
        raise TokenError("type", "the token isn't meant for access (typ)")
    _check(claims, issuer=issuer, audiences=list(audiences), now=now, essential=("sub",))
    if "cnf" in claims:
        # Bound to a key or a certificate (RFC 7800): worth nothing without the proof, which nobody asks for here.
        raise TokenError("bound", "the token is bound to a key; send one that is a plain bearer token")
    if "nonce" in claims:
        # Only ID tokens have one; they say who logged in somewhere and are no credentials (RFC 9068, section 5).
        raise TokenError("type", "this is an ID token; send an access token")


def describe(claims: Mapping[str, Any], groups_claim: str) -> Person:
    """Return who claims are about. What can't be shown or compared safely in names and groups is left out."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or len(subject) > _MAX_GROUP or not subject.isprintable():
        raise TokenError("subject", "the token's subject is empty, too long, or has characters that can't be shown")
    names = (claims.get(name) for name in ("name", "preferred_username", "email", "client_id"))
    name = next((clean for each in names if (clean := _clean(each))), subject)
    return Person(subject=subject, name=name, groups=_read_groups(find_claim(claims, groups_claim)))


def find_claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by a path with dots, such as ``realm_access.roles``; None if there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _read_groups(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    listed: Iterable[Any] = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    groups = {group for group in listed if isinstance(group, str) and 0 < len(group) <= _MAX_GROUP}
    groups = {group for group in groups if group.isprintable() and group == group.strip()}
    if len(groups) > _MAX_GROUPS:
        raise TokenError("groups", f"there are more than {_MAX_GROUPS} groups; have the provider send fewer")
    return tuple(sorted(groups))


def _clean(name: Any) -> str:
    """Return a name that can be shown: whatever breaks lines or can't be seen is a space."""
    if not isinstance(name, str):
        return ""
    return " ".join("".join(each if each.isprintable() else " " for each in name[:_MAX_NAME]).split())


def _check(
    claims: Mapping[str, Any], *, issuer: str, audiences: list[str], now: float, essential: Iterable[str]
) -> None:
    options: dict[str, Any] = {name: {"essential": True} for name in ("exp", *essential)}
    registry = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=SKEW,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "values": list[str | int | bool](audiences)},
        **options,
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        claim = getattr(error, "claim", "a claim")
        reason = {"aud": "audience", "iss": "issuer"}.get(claim, "claims")
        reason = "expired" if isinstance(error, ExpiredTokenError) else reason
        raise TokenError(reason, f"the token isn't good here, by its {claim}") from None


def _same(said: Any, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())
