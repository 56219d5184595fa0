"""A session: what the gateway knows of somebody who has logged in, sealed into the browser's cookie.

Sealed is JWE with a key of our own (``dir``, ``A256GCM``; RFC 7516): nobody can read or change it, the browser neither.
Nothing is kept at the gateway, so sessions outlive restarts and are good at every replica that has the keys.
"""

import hashlib
import math
from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OctKey

from gateway.auth.identity import Identity

KEY_BYTES = 32
"""Bytes of a key, as A256GCM has them."""

EARLY, EARLY_SHARE = 60.0, 0.2
"""A session is renewed so many seconds before what the provider said expires, or in the last fifth of a short time."""

Kind = Literal["session", "login"]
"""What is sealed: one can't be opened as the other."""

_T = TypeVar("_T")
_MAX_SEALED = 16_384


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody logged in. Times are Unix time.

    ``generation`` counts how often it was renewed. ``fresh_until`` is how long what the provider said holds;
    ``ends_at`` is the end, however often it is renewed.
    """

    id: str
    subject: str
    name: str
    groups: tuple[str, ...] = ()
    generation: int = 0
    checked_at: float
    fresh_until: float
    ends_at: float
    refresh_token: str | None = None

    @property
    def good_until(self) -> float:
        """Until when it holds if it isn't renewed."""
        return min(self.fresh_until, self.ends_at)

    @property
    def renew_at(self) -> float:
        """When to have it renewed; never, where that can't be or wouldn't help."""
        if self.refresh_token is None or self.fresh_until >= self.ends_at:
            return math.inf
        return self.fresh_until - min(EARLY, (self.fresh_until - self.checked_at) * EARLY_SHARE)

    def identify(self) -> Identity:
        """Return who that is."""
        return Identity(
            subject=self.subject,
            name=self.name,
            groups=frozenset(self.groups),
            method="oidc",
            expires_at=self.good_until,
            until=None if self.refresh_token is None else self.ends_at,
            credential=self.id,
        )

    def __repr__(self) -> str:
        return f"<Session of {self.subject!r}, generation {self.generation}>"


class Sealer:
    """Seals with the first of its keys and opens with any, so that keys can be replaced while sessions go on.

    ``scope`` names the provider and the client: what was sealed for others doesn't open, though they share a key.
    """

    def __init__(self, keys: Iterable[bytes], *, scope: str) -> None:
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: OctKey.import_key(key) for key in keys}
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:16]
        assert self._keys, "there is at least one key"

    def __repr__(self) -> str:
        return f"<Sealer with {len(self._keys)} keys>"

    def seal(self, content: msgspec.Struct, kind: Kind) -> str:
        """Return content as text that nobody else can read or make."""
        kid, key = next(iter(self._keys.items()))
        header = {"alg": "dir", "enc": "A256GCM", "kid": kid, "typ": self._name(kind)}
        return jwe.encrypt_compact(header, msgspec.json.encode(content), key, algorithms=["dir", "A256GCM"])

    def open(self, sealed: str, kind: Kind, content: type[_T]) -> _T | None:
        """Return what was sealed; None if it wasn't sealed here, as this kind, with a key that is still good."""
        if len(sealed) > _MAX_SEALED or not sealed.isascii():
            return None
        try:
            opened = jwe.decrypt_compact(sealed, self._find_key, algorithms=["dir", "A256GCM"])
            if opened.headers().get("typ") != self._name(kind) or opened.plaintext is None:
                return None
            return msgspec.json.decode(opened.plaintext, type=content)
        except (JoseError, msgspec.DecodeError, ValueError, TypeError, LookupError):
            return None

    def _name(self, kind: Kind) -> str:
        return f"gateway-{kind}-{self._scope}"

    def _find_key(self, sealed: GuestProtocol) -> OctKey:
        return self._keys[sealed.headers()["kid"]]
