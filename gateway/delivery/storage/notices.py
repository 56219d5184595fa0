"""What gateways on one database tell each other: PostgreSQL's NOTIFY, sent with the transaction that it is about.

A notice says where to look, and is no more than a hint: whoever missed some looks at everything.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, text

from gateway.delivery.breaches import Breach

CHANNEL = "gateway_deliveries"

LONGEST = 7_900
"""Bytes of one notice; PostgreSQL takes less than 8,000."""

AT_ONCE = 40
"""Names in one notice."""


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """Deliveries were kept, and wait to be processed."""

    ids: tuple[int, ...]


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """The timelines of these applications, and the measures of these deployments, are others now."""

    keys: tuple[str, ...]
    measures: tuple[str, ...] = ()


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """More has changed than a notice can say, or notices were missed: everything may have changed."""


class Aborted(msgspec.Struct, frozen=True, tag="aborted"):
    """An application's rollout says that it was aborted."""

    key: str
    at: float


class Breached(msgspec.Struct, frozen=True, tag="breached"):
    """A target was missed."""

    breach: Breach


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Nothing happened; whoever sent this hears that it gets through."""

    mark: str


Notice: TypeAlias = Kept | Changed | Lost | Aborted | Breached | Ping


class _Letter(msgspec.Struct, frozen=True):
    """A notice, and which process it comes from."""

    by: str
    notice: Notice


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Letter).decode
_NOTIFY = text("SELECT pg_notify(:channel, :content)")


def announce(connection: Connection, notices: Sequence[Notice], *, by: str) -> None:
    """Tell all gateways, when the transaction is committed; nothing where the database is one gateway's alone."""
    if connection.dialect.name != "postgresql":
        return
    for notice in notices:
        connection.execute(_NOTIFY, {"channel": CHANNEL, "content": write(notice, by=by)})


def write(notice: Notice, *, by: str) -> str:
    """Return a notice as it is sent."""
    letter = _encode(_Letter(by, notice))
    return (letter if len(letter) <= LONGEST else _encode(_Letter(by, Lost()))).decode()


def read(content: str) -> tuple[str, Notice]:
    """Return whom a notice comes from, and what it says; what a newer version says and isn't known is ``Lost``."""
    try:
        letter = _decode(content)
    except msgspec.MsgspecError:
        return "", Lost()
    return letter.by, letter.notice


def tell_kept(ids: Sequence[int]) -> Iterator[Notice]:
    """Yield what says that deliveries were kept."""
    for place in range(0, len(ids), 10 * AT_ONCE):
        yield Kept(tuple(ids[place : place + 10 * AT_ONCE]))


def tell_changed(keys: Sequence[str], measures: Sequence[str]) -> Iterator[Notice]:
    """Yield what says that timelines and measures changed."""
    for place in range(0, max(len(keys), len(measures)), AT_ONCE):
        some = slice(place, place + AT_ONCE)
        yield Changed(tuple(keys[some]), tuple(measures[some]))
