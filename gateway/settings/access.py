"""The variables of ``auth``: where it is written who may what, and which proxy is believed.

A part of ``variables``, which has all others; ``GATEWAY_AUTH`` itself is there, for the address hangs on it.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, InstanceOf, PlainSerializer

from gateway.settings import notation
from gateway.settings.notation import Notation, ReadFile

# RFC 9110, section 5.6.2: the characters of a field name, without those that few proxies let pass.
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")

# Headers that a request has anyway, and that say something else.
_TAKEN = frozenset({"authorization", "cookie", "host", "connection", "origin", "referer", "x-forwarded-for"})


def parse_network(text: object) -> object:
    """Take an address or a network, such as ``10.0.0.0/8``. Raises ValueError."""
    if not isinstance(text, str):
        return text
    try:
        return ip_network(text.strip())
    except ValueError:
        raise ValueError(
            "write addresses or networks in CIDR notation, without bits behind the prefix, such as 10.0.0.0/8,fd00::/8"
        ) from None


def parse_header(text: str) -> str:
    """Take the name of a header. Raises ValueError."""
    if not _HEADER.fullmatch(text) or text.lower() in _TAKEN:
        raise ValueError("write the name of a header that the proxy sets itself, such as X-Forwarded-User")
    return text


def check_readable(path: Path, read: ReadFile) -> None:
    """Check that a file can be read, whatever it says."""
    notation.read_file(path, read)


Networks = Annotated[
    tuple[
        Annotated[
            InstanceOf[IPv4Network] | InstanceOf[IPv6Network],
            BeforeValidator(parse_network),
            PlainSerializer(str, when_used="json"),
        ],
        ...,
    ],
    BeforeValidator(notation.parse_list),
    Notation(unit="list", show=lambda networks: ",".join(map(str, networks))),
]
Header = Annotated[str, AfterValidator(parse_header), Notation(unit="header")]
File = Annotated[Path | None, Notation(unit="path", check=check_readable)]


Share = Annotated[int, Field(ge=1), Notation(unit="number")]
Limit = Annotated[Annotated[int, Field(ge=1)] | None, Notation(unit="number")]


class AccessVariables(BaseModel):
    """What ``auth`` is set up by."""

    access_file: File = Field(
        default=None,
        description="The file (TOML) that says who may see and do what; it is read again when it changes.",
    )
    tokens_file: File = Field(
        default=None,
        description="For `tokens`: the file (TOML) of their hashes; `gateway token new` writes an entry.",
    )
    proxy_trusted: Networks = Field(
        default=(),
        description="The proxies' addresses that are believed: for `proxy` about who asks, always about from where.",
    )
    proxy_user_header: Header = Field(
        default="X-Forwarded-User", description="For `proxy`: the header that names the user."
    )
    proxy_groups_header: Header = Field(
        default="X-Forwarded-Groups",
        description="For `proxy`: the header that names their groups, separated by commas.",
    )
    max_streams_per_identity: Limit = Field(
        default=None, description="How many streams one user or token may have open; unset, any number."
    )
    max_streams_per_address: Limit = Field(
        default=None, description="How many streams one address may have open; unset, any number."
    )
    max_requests_per_second: Limit = Field(
        default=None, description="How many requests a second one address, user or token may send; unset, any number."
    )
    max_views_per_identity: Share = Field(
        default=100, description="How many different selections one user or token may have open at once."
    )
    max_refreshes_per_minute: Share = Field(
        default=30, description="How many refreshes a minute one user, token or else address may ask for."
    )
