"""The CRC-32 of what a subscriber was sent, without computing it for each subscriber.

Everyone who is current was sent the same shared frames. So the checksum of those is kept once for a view, and what a
subscriber received is put together from parts when its stream ends: the trailer of gzip (RFC 1952) needs it.
"""

import functools
import operator
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

_POLYNOMIAL = 0xEDB88320
"""CRC-32's polynomial, the lowest power in the highest bit, as everywhere here; all is modulo this."""


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


def in_a_row(parts: Iterable[Checksum]) -> Checksum:
    """Return the checksum of parts, one behind another."""
    return functools.reduce(Checksum.then, parts, Checksum())


def _shift(crc: int, size: int) -> int:
    """Return what a checksum contributes once ``size`` bytes have followed: itself times x to the 8·size."""
    bit = 3
    while size:
        if size & 1:
            a, b, c, d, e, f, g, h = _products(bit)
            crc = (
                a[crc & 15]
                ^ b[crc >> 4 & 15]
                ^ c[crc >> 8 & 15]
                ^ d[crc >> 12 & 15]
                ^ e[crc >> 16 & 15]
                ^ f[crc >> 20 & 15]
                ^ g[crc >> 24 & 15]
                ^ h[crc >> 28]
            )
        size >>= 1
        bit += 1
    return crc


@cache
def _products(bit: int) -> tuple[tuple[int, ...], ...]:
    """Return x to the 2^bit times each polynomial of four bits, for each place of these, the lowest first."""
    times = list(_powers(_square(bit), 32))[::-1]
    tables = []
    for place in range(0, 32, 4):
        a, b, c, d = times[place : place + 4]
        low = (0, a, b, a ^ b)
        tables.append((*low, *(c ^ each for each in low), *(d ^ each for each in low), *(c ^ d ^ each for each in low)))
    return tuple(tables)


@cache
def _square(bit: int) -> int:
    """Return x to the 2^bit."""
    return 1 << 30 if bit == 0 else _multiply(_square(bit - 1), _square(bit - 1))


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials."""
    return functools.reduce(operator.xor, (each for place, each in enumerate(_powers(b, 32)) if a >> 31 - place & 1), 0)


def _powers(of: int, count: int) -> Iterator[int]:
    """Return a polynomial times 1, x, x² and so on."""
    for _ in range(count):
        yield of
        of = (of >> 1) ^ _POLYNOMIAL if of & 1 else of >> 1
