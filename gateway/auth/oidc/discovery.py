"""The provider's discovery document: read, checked, and reduced to what a login needs.

OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414 has the same for OAuth.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from gateway.auth.oidc.errors import ProviderError

PATH = "/.well-known/openid-configuration"

_OURS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint", "revocation_endpoint")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself. Lists have the defaults of the specification."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    revocation_endpoint: str | None = None
    response_types_supported: tuple[str, ...] = ("code",)
    scopes_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


_DECODER = msgspec.json.Decoder(Metadata)


def locate(issuer: str) -> str:
    """Return the address of an issuer's document."""
    return issuer.rstrip("/") + PATH


def read_metadata(body: bytes, *, issuer: str) -> Metadata:
    """Read a discovery document. Raises ProviderError if it isn't this issuer's or can't be used.

    The issuer has to be the same to the letter (section 4.3), or one provider could speak for another.
    """
    try:
        metadata = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderError(f"the provider's discovery document can't be read: {error}") from None
    if metadata.issuer != issuer:
        raise ProviderError(
            "the provider's discovery document names another issuer; GATEWAY_OIDC_ISSUER has to be the same to the "
            "letter, with or without a slash at its end"
        )
    for name in (*_OURS, *_OPTIONAL):
        address = getattr(metadata, name)
        if address is not None and not _is_safe(address, issuer):
            raise ProviderError(f"the provider's {name} isn't an https address without a fragment")
    if "code" not in metadata.response_types_supported:
        raise ProviderError("the provider doesn't offer the code flow (response_types_supported)")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise ProviderError("the provider doesn't offer PKCE with S256 (code_challenge_methods_supported)")
    return metadata


def is_loopback(url: str) -> bool:
    """Whether only this machine can answer at a URL."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_safe(address: str, issuer: str) -> bool:
    """Whether tokens may be sent there: over TLS, or within this machine where the issuer itself is."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.fragment or not parts.hostname or not address.isascii() or not address.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(address) and is_loopback(issuer))
