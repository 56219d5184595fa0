"""Identities from the headers of a proxy that has logged people in: believed from trusted addresses alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.auth.identity import ANONYMOUS, Identity

MAX_NAME = 253
MAX_GROUPS = 500

Network = IPv4Network | IPv6Network


class HeaderError(ValueError):
    """A trusted proxy's headers name nobody; the message says why and repeats nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeaders:
    """Which addresses are believed, and which headers name a user and their groups (separated by commas)."""

    trusted: tuple[Network, ...]
    user: str
    groups: str

    def trusts(self, address: str | None) -> bool:
        """Whether what comes from an address, the connection's own, is believed."""
        try:
            ip = ip_address((address or "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self.trusted)

    def identify(self, address: str | None, users: Sequence[str], groups: Iterable[str]) -> Identity:
        """Return who a request is from, by all values of both headers.

        From an address that isn't trusted, and without a user, that is nobody in particular. Raises HeaderError where
        a trusted proxy lets two users pass, or one that can't be: then what a client sent came through beside its own.
        """
        if not self.trusts(address) or not users:
            return ANONYMOUS
        if len(users) > 1:
            raise HeaderError(f"{self.user} came more than once; have the proxy overwrite it, not add to it")
        user = users[0].strip()
        if not user:
            return ANONYMOUS
        names = [name.strip() for value in groups for name in value.split(",")]
        named = [name for name in names if name]
        if not _is_name(user) or not all(map(_is_name, named)) or len(named) > MAX_GROUPS:
            raise HeaderError("the proxy named a user or groups with characters that no name has, or far too many")
        return Identity(subject=user, name=user, groups=frozenset(named), method="proxy")


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and text.isprintable()
