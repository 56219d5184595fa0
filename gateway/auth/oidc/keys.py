"""The provider's public keys (its JWKS), and when to ask for them again.

A token's ``kid`` is looked up here and nowhere else: it is never a path or an address, and keys that come with a token
(``jwk``, ``jku``, ``x5u``, ``x5c``) are no keys. RFC 7517; OpenID Connect Core 1.0, section 10.1.
"""

import warnings
from dataclasses import dataclass

import msgspec
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from gateway.auth.oidc.errors import ProviderError
from gateway.auth.oidc.freshness import Freshness

UNKNOWN_PAUSE = 30.0
"""Seconds between two requests for the sake of unknown keys: whoever invents key ids causes no more."""

MAX_KEYS = 100
"""So many keys of a document are looked at."""

_MAX_AGE, _KEEP = 3_600.0, 86_400.0
_SMALLEST_RSA = 2_048
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}


class _Document(msgspec.Struct):
    keys: list[dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    kid: str | None
    alg: str | None
    key: Key


class KeyRing:
    """The keys, by what tokens call them."""

    def __init__(self) -> None:
        self.freshness = Freshness(max_age=_MAX_AGE, keep=_KEEP)
        self._held: tuple[_Held, ...] = ()

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._held)}>"

    def wants(self, kid: str | None, alg: str, now: float) -> bool:
        """Whether to ask the provider before a token with this key is judged."""
        if self.freshness.due(now):
            return True
        return self.find(kid, alg, now) is None and self.freshness.rested(now, UNKNOWN_PAUSE)

    def learn(self, body: bytes, now: float) -> None:
        """Take the keys of a document instead of those held. Raises ProviderError; then those held stay."""
        try:
            document = msgspec.json.decode(body, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProviderError("the provider's keys can't be read") from None
        self._held = tuple(held for raw in document.keys[:MAX_KEYS] if (held := _import(raw)) is not None)
        self.freshness.got(now)

    def find(self, kid: str | None, alg: str, now: float) -> Key | None:
        """Return the key for a token, if there is exactly one: without a ``kid``, the only one that fits."""
        if not self.freshness.usable(now):
            return None
        fitting = [held.key for held in self._held if (kid is None or held.kid == kid) and _fits(held, alg)]
        return fitting[0] if len(fitting) == 1 else None


def _import(raw: dict[str, object]) -> _Held | None:
    """Return a public key for signatures; None for any other, and for one that is too weak or can't be read."""
    if raw.get("kty") not in {"RSA", "EC", "OKP"} or raw.get("use", "sig") != "sig":
        return None
    operations = raw.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    kid, alg = raw.get("kid"), raw.get("alg")
    # Only what makes a public key is taken over: a provider that publishes a private one hands out no power to sign.
    parts = {name: value for name, value in raw.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            key = import_key(parts)  # type: ignore[arg-type]
            if isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA:
                return None
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return _Held(kid=kid if isinstance(kid, str) else None, alg=alg if isinstance(alg, str) else None, key=key)


def _fits(held: _Held, alg: str) -> bool:
    """Whether a key is meant for an algorithm (RFC 8725, section 3.1: one key, one algorithm)."""
    if held.alg is not None and held.alg != alg and {held.alg, alg} != {"EdDSA", "Ed25519"}:
        return False
    if alg in _CURVES:
        return isinstance(held.key, ECKey | OKPKey) and held.key.curve_name == _CURVES[alg]
    return isinstance(held.key, RSAKey)
