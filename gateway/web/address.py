"""Which address a request comes from: the connection's own, or what a proxy that is believed says of it.

Never belongs here: what an address may (``limits``), or whom a proxy names (``auth.proxy``).
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

MOST_HOPS = 20
"""Proxies in a row that are followed."""


def find_address(peer: str | None, forwarded: Iterable[str], *, trusts: Callable[[str], bool]) -> str | None:
    """Return the address of a client, None where the connection has none.

    ``forwarded`` are the values of ``X-Forwarded-For``: each proxy adds at its end whom it was asked by, so it is read
    from there, and only as far as each that added one is believed. What a client wrote there itself is never reached.
    """
    if peer is None:
        return None
    address = peer
    hops = [hop for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops[-MOST_HOPS:]):
        named = _read(hop.strip())
        if not trusts(address) or named is None:
            break
        address = named
    return address


def _read(hop: str) -> str | None:
    """Read an address with or without a port; None for anything else."""
    text = hop
    if hop.startswith("["):
        text = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        text = hop.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
