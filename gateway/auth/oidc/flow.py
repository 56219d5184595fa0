"""The authorization code flow with PKCE: what is sent, what comes back, and what has to agree.

RFC 6749, section 4.1; RFC 7636 (PKCE, S256 only); RFC 9207 (``iss`` in the answer); RFC 9700 (best current practice).
Random texts are arguments.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from gateway.auth.oidc.errors import LoginError

LIFETIME = 600.0
"""Seconds in which a login has to be finished."""

MAX_RETURN = 500
"""Characters of the longest path that a login leads back to."""

_MAX_USED = 10_000
_MAX_ANSWER = 4_096


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A login that has begun: what only the browser knows (in a sealed cookie) until the provider sends it back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    return_to: str
    begun_at: float


def challenge(verifier: str) -> str:
    """Return the challenge for a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def ask(endpoint: str, attempt: Attempt, *, client_id: str, scopes: Iterable[str]) -> str:
    """Return the address to send the browser to."""
    return add_query(
        endpoint,
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge(attempt.verifier),
            "code_challenge_method": "S256",
        },
    )


def choose_scopes(scopes: Iterable[str], supported: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scopes to ask for: always ``openid``; ``offline_access`` not where the provider doesn't know it."""
    chosen = dict.fromkeys(("openid", *scopes))
    if supported is not None and "offline_access" not in supported:
        chosen.pop("offline_access", None)
    return tuple(chosen)


def add_query(url: str, parameters: Mapping[str, str]) -> str:
    """Return a URL with more parameters in its query."""
    joint = "&" if urlsplit(url).query else "?"
    return f"{url}{joint}{urlencode(parameters, quote_via=quote)}"


def read_answer(
    query: Iterable[tuple[str, str]], attempt: Attempt | None, *, issuer: str, names_issuer: bool, now: float
) -> str:
    """Return the code that the provider sent back. Raises LoginError unless it answers this very attempt.

    ``names_issuer`` says that the provider promised to name itself in its answers. The state comes first: before it
    agrees, nothing else of an answer is believed, not even that it is an error.
    """
    pairs = [(name, value) for name, value in query if name in {"state", "code", "iss", "error"}]
    answer = dict(pairs)
    if len(answer) != len(pairs) or any(len(value) > _MAX_ANSWER for _, value in pairs):
        raise LoginError("answer", "The provider's answer can't be read.")
    if attempt is None or not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise LoginError("state", "This login was begun elsewhere: in another tab or browser, or by another site.")
    if not 0 <= now - attempt.begun_at < LIFETIME:
        raise LoginError("late", f"This login took longer than {LIFETIME / 60:.0f} minutes.")
    if answer.get("iss", issuer if not names_issuer else None) != issuer:
        raise LoginError("issuer", "Another provider has answered than the one that was asked.")
    if "error" in answer:
        denied = answer["error"] == "access_denied"
        raise LoginError("denied" if denied else "provider", explain(answer["error"]))
    if not answer.get("code"):
        raise LoginError("answer", "The provider's answer has no code in it.")
    return answer["code"]


def explain(error: str) -> str:
    """Say what a provider's error means (RFC 6749, section 4.1.2.1); nothing that it wrote is repeated."""
    known = {
        "access_denied": "The provider says that you may not log in here, or you turned back.",
        "invalid_scope": "The provider doesn't know one of the scopes in GATEWAY_OIDC_SCOPES.",
        "unauthorized_client": "The provider doesn't let this client log people in; see GATEWAY_OIDC_CLIENT_ID.",
        "temporarily_unavailable": "The provider is overloaded; wait a moment.",
        "server_error": "The provider failed; wait a moment.",
    }
    return known.get(error, "The provider refuses the login. Its own log says why.")


def choose_return(text: str, *, root: str) -> str:
    r"""Return where a login leads back to: a path of this very site, or ``root`` in place of anything else.

    Browsers take ``//host`` and ``/\host`` for another host, drop tabs and line breaks before they look, and a line
    break would end the header; so what isn't plainly a path isn't taken at all.
    """
    if not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > MAX_RETURN:
        return root
    if not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
        return root
    path = urlsplit(text).path
    prefix = root.rstrip("/")
    if not path.startswith(f"{prefix}/") or path.startswith(f"{prefix}/auth/") or "//" in path:
        return root
    return (
        root if any(part in {".", ".."} for part in path.replace("%2e", ".").replace("%2E", ".").split("/")) else text
    )


class UsedStates:
    """The states of logins that have come back: none comes back twice while its login could still be finished.

    Bounded: beyond the limit the oldest is forgotten; that the provider's codes work once is the guard that is left.
    """

    def __init__(self, limit: int = _MAX_USED) -> None:
        self._limit = limit
        self._used: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, state: str, now: float) -> None:
        """Use a state. Raises LoginError if it has been used."""
        while self._used and next(iter(self._used.values())) <= now:
            self._used.popitem(last=False)
        digest = hashlib.sha256(state.encode()).digest()
        if digest in self._used:
            raise LoginError("state", "This login has come back before; a login works once.")
        if len(self._used) >= self._limit:
            self._used.popitem(last=False)
        self._used[digest] = now + LIFETIME
