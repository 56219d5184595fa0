"""The variables of a login by OpenID Connect: the provider, what to ask of it, and how sessions are sealed.

A part of ``gateway.settings.variables``, which has all others.
"""

import base64
import binascii
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from gateway.settings import notation
from gateway.settings.notation import Notation, ReadFile, Seconds
from gateway.settings.secret import SecretFile, name_variable, split_secrets

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""What tokens may be signed by: what only a private key can do."""

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def parse_issuer(text: str) -> str:
    """Take an issuer as it is: it is compared to the letter, a slash at its end included. Raises ValueError."""
    url = notation.parse_url(text)
    if not text.lower().startswith(("https://", "http://")):
        raise ValueError("begin the issuer with https://, exactly as the provider names itself")
    _expect_tls(url)
    return text


def parse_public_url(text: str) -> str:
    """Normalise where browsers find the gateway. Raises ValueError."""
    url = notation.parse_url(text)
    _expect_tls(url)
    return url


def _expect_tls(url: str) -> None:
    host = urlsplit(url).hostname or ""
    if url.startswith("http://") and not _is_loopback(host):
        raise ValueError("use https://; plain http is for this machine alone (http://localhost…)")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def parse_scopes(text: object) -> object:
    """Split scopes at spaces and commas (RFC 6749, section 3.3, has spaces)."""
    if not isinstance(text, str):
        return text
    scopes = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not scopes or any(not _SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("write scopes separated by spaces, such as: openid profile email groups")
    return scopes


def parse_visible(text: str) -> str:
    """Take a text of visible ASCII characters, as the provider has it. Raises ValueError."""
    if not _VISIBLE.fullmatch(text) or len(text) > 500:
        raise ValueError("write it as the provider has it: without spaces and line breaks, in ASCII")
    return text


def parse_algorithm(name: str) -> str:
    """Take an algorithm that tokens may be signed by. Raises ValueError."""
    if name not in ALGORITHMS:
        raise ValueError(f"write some of {', '.join(ALGORITHMS)}; no others sign by a private key alone")
    return name


def parse_session_keys(text: str | SecretStr) -> SecretStr:
    """Take keys of 32 bytes, in hex or base64, separated by commas or lines. Raises ValueError, which repeats none."""
    text = text.get_secret_value() if isinstance(text, SecretStr) else text
    keys = split_secrets(",".join(text.split()))
    if not keys:
        raise ValueError("there is no key in it; make one by `openssl rand -hex 32`")
    for key in keys:
        decode_session_key(key)
    return SecretStr(",".join(keys))


def decode_session_key(text: str) -> bytes:
    """Return the bytes of one key. Raises ValueError, which doesn't repeat it."""
    try:
        if _HEX_KEY.fullmatch(text):
            return bytes.fromhex(text)
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if {"-", "_"} & set(text) else None,
                               validate=True)  # fmt: skip
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError("each key is 32 bytes, in hex or base64; make one by `openssl rand -hex 32`")
    return key


def read_session_keys(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read the keys from their file. Raises ValueError."""
    return parse_session_keys(_read_text(path, read))


def parse_client_secret(text: str | SecretStr) -> SecretStr:
    """Take the secret of our client. Raises ValueError, which doesn't repeat it."""
    text = (text.get_secret_value() if isinstance(text, SecretStr) else text).strip()
    if not _VISIBLE.fullmatch(text):
        raise ValueError("the secret is empty, or has a space, a line break or a non-ASCII character in it")
    return SecretStr(text)


def read_client_secret(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read the client's secret from its file. Raises ValueError."""
    return parse_client_secret(_read_text(path, read))


def _read_text(path: Path, read: ReadFile) -> str:
    try:
        return notation.read_file(path, read).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file isn't text in UTF-8; put the secret there, alone") from None


_Text = Annotated[str, AfterValidator(parse_visible)]
_Issuer = Annotated[Annotated[str, AfterValidator(parse_issuer)] | None, Notation(unit="URL")]
_PublicUrl = Annotated[Annotated[str, AfterValidator(parse_public_url)] | None, Notation(unit="URL")]
_Scopes = Annotated[tuple[str, ...], BeforeValidator(parse_scopes), Notation(unit="list", show=" ".join)]
_Audiences = Annotated[tuple[_Text, ...], BeforeValidator(notation.parse_list), Notation(unit="list", show=",".join)]
_Algorithms = Annotated[
    tuple[Annotated[str, AfterValidator(parse_algorithm)], ...],
    BeforeValidator(notation.parse_list),
    Notation(unit="list", show=",".join),
]
_Keys = Annotated[Annotated[SecretStr, AfterValidator(parse_session_keys)] | None, Notation(unit="secret")]
_ClientSecret = Annotated[Annotated[SecretStr, AfterValidator(parse_client_secret)] | None, Notation(unit="secret")]


class LoginVariables(BaseModel):
    """What a login by OpenID Connect is set up by."""

    public_url: _PublicUrl = Field(
        default=None, description="Where people's browsers find the gateway, without `GATEWAY_BASE_PATH`; for logins."
    )
    oidc_issuer: _Issuer = Field(
        default=None, description="The OpenID provider, exactly as it names itself (`issuer`)."
    )
    oidc_client_id: Annotated[_Text | None, Notation(unit="text")] = Field(
        default=None, description="The id of the gateway's client at the provider."
    )
    oidc_client_secret: _ClientSecret = Field(
        default=None, description="That client's secret; unset, it is a public client (PKCE alone)."
    )
    oidc_client_secret_file: Annotated[SecretFile | None, Notation(unit="path", check=read_client_secret)] = Field(
        default=None, description="A file with it, instead of the value; it is read again when it changes."
    )
    oidc_ca_file: Annotated[Path | None, Notation(unit="path", check=notation.check_certificates)] = Field(
        default=None, description="Certificates (PEM) to trust for the provider, instead of the system's."
    )
    oidc_scopes: _Scopes = Field(
        default=("openid", "profile", "email", "offline_access"),
        description="What to ask the provider for; `offline_access` only where it knows that.",
    )
    oidc_groups_claim: Annotated[_Text, Notation(unit="text")] = Field(
        default="groups", description="The claim that has somebody's groups; dots lead inwards (`realm_access.roles`)."
    )
    oidc_audience: _Audiences = Field(
        default=(), description="The audiences for which bearer JWTs of services are taken; unset, none are."
    )
    oidc_algorithms: _Algorithms = Field(
        default=("RS256", "ES256", "EdDSA"), description="What the provider's tokens may be signed by."
    )
    session_keys: _Keys = Field(
        default=None, description="Keys of 32 bytes that seal sessions, comma-separated: the first seals, all open."
    )
    session_keys_file: Annotated[SecretFile | None, Notation(unit="path", check=read_session_keys)] = Field(
        default=None, description="A file with them, instead of the value; it is read again when it changes."
    )
    session_lifetime: Seconds = Field(
        default=43_200, ge=60, description="How long a login lasts at most, however often it is renewed."
    )

    @field_validator("auth", check_fields=False)
    @classmethod
    def _need_a_provider(cls, auth: str | None, info: ValidationInfo) -> str | None:
        if auth != "oidc":
            return auth
        needed = [("access_file",), ("oidc_issuer",), ("oidc_client_id",), ("session_keys", "session_keys_file")]
        if not notation.is_loopback(info.data.get("host", "localhost")):
            needed.append(("public_url",))
        # What was set and is wrong isn't here: it has a problem of its own.
        missing = [name_variable(one[0]) for one in needed if all(info.data.get(name, "") is None for name in one)]
        if missing:
            raise ValueError(f"oidc needs {', '.join(missing)} as well; without, nobody could log in and see anything")
        return auth
