"""A checksum put together of parts is the checksum of the whole."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.checksum import Checksum

texts = st.binary(max_size=300)


@given(texts)
def test_the_checksum_of_bytes_is_zlibs(data: bytes) -> None:
    assert Checksum.of(data) == Checksum(zlib.crc32(data), len(data))


def test_the_checksum_of_nothing_is_the_one_to_begin_with() -> None:
    assert Checksum() == Checksum.of(b"")


@given(st.lists(texts, max_size=6))
def test_parts_make_the_whole(parts: list[bytes]) -> None:
    checksum = Checksum()
    for part in parts:
        checksum = checksum.then(Checksum.of(part))
    assert checksum == Checksum.of(b"".join(parts))


@given(texts, texts)
def test_the_whole_without_its_beginning_is_the_rest(beginning: bytes, rest: bytes) -> None:
    assert Checksum.of(beginning + rest).since(Checksum.of(beginning)) == Checksum.of(rest)


@given(texts, texts)
def test_more_bytes_make_the_checksum_of_the_whole(beginning: bytes, rest: bytes) -> None:
    assert Checksum.of(beginning).extended(rest) == Checksum.of(beginning + rest)


@given(st.lists(texts, min_size=3, max_size=3))
def test_it_does_not_matter_which_parts_are_put_together_first(parts: list[bytes]) -> None:
    a, b, c = map(Checksum.of, parts)
    assert a.then(b).then(c) == a.then(b.then(c))


def test_long_parts_are_put_together_too() -> None:
    a, b = b"snapshot" * 100_000, b"\x00" * 1_000_003
    assert Checksum.of(a).then(Checksum.of(b)) == Checksum.of(a + b)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40), st.integers(0, 2**40))
def test_any_number_of_bytes_behind_is_put_together_as_in_steps(crc: int, some: int, more: int) -> None:
    beginning = Checksum(crc, 0)
    assert beginning.then(Checksum(0, some)).then(Checksum(0, more)) == beginning.then(Checksum(0, some + more))


@given(texts)
def test_the_trailer_is_gzips(data: bytes) -> None:
    assert gzip.compress(data)[-8:] == Checksum.of(data).trailer()


def test_the_trailers_size_is_modulo_two_to_the_32() -> None:
    assert Checksum(0x01020304, 2**32 + 5).trailer() == b"\x04\x03\x02\x01\x05\x00\x00\x00"
    assert Checksum(1, 2**40).then(Checksum(0, 0)) == Checksum(1, 2**40)
