"""The CRC-32 of what a subscriber was sent, without computing it for each subscriber.

Everyone who is current was sent the same shared frames. So the checksum of those is kept once for a view, and what a
subscriber received is put together from parts when its stream ends: the trailer of gzip (RFC 1952) needs it.
"""

import zlib
from typing import NamedTuple

_POLYNOMIAL = 0xEDB88320
"""CRC-32's polynomial, the lowest power in the highest bit."""


class Checksum(NamedTuple):
    """The CRC-32 and the length of some bytes."""

    crc: int = 0
    size: int = 0

    @classmethod
    def of(cls, data: bytes) -> "Checksum":
        """Return the checksum of some bytes."""
        return cls(zlib.crc32(data), len(data))

    def extended(self, data: bytes) -> "Checksum":
        """Return the checksum of these bytes with more behind them."""
        return Checksum(zlib.crc32(data, self.crc), self.size + len(data))

    def then(self, following: "Checksum") -> "Checksum":
        """Return the checksum of these bytes with those behind them."""
        return Checksum(_shift(self.crc, following.size) ^ following.crc, self.size + following.size)

    def since(self, beginning: "Checksum") -> "Checksum":
        """Return the checksum of what follows ``beginning``, which these bytes begin with."""
        size = self.size - beginning.size
        return Checksum(self.crc ^ _shift(beginning.crc, size), size)

    def trailer(self) -> bytes:
        """Return gzip's trailer."""
        return self.crc.to_bytes(4, "little") + (self.size & 0xFFFFFFFF).to_bytes(4, "little")


def _shift(crc: int, size: int) -> int:
    """Return what a checksum contributes once ``size`` bytes have followed: itself times x to the 8·size."""
    power = 8 * size
    for squared in _SQUARES:
        if not power:
            break
        if power & 1:
            crc = _multiply(crc, squared)
        power >>= 1
    return crc


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials modulo CRC-32's."""
    product = 0
    bit = 1 << 31
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
        bit >>= 1
    return product


def _squares(count: int) -> tuple[int, ...]:
    """Return x, x², x⁴, … modulo CRC-32's polynomial."""
    powers = [1 << 30]
    for _ in range(count - 1):
        powers.append(_multiply(powers[-1], powers[-1]))
    return tuple(powers)


_SQUARES = _squares(64)
