"""What is written into the shared log, and read from it: the format, whose number is part of every key's name.

Replicas of two versions of the gateway that differ in the format don't see each other: each version has a log and a
leader of its own, so that a rolling update needs no care. What is only added leaves the number as it is: older replicas
pass it over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.model.application import ApplicationStatus, Detail, Observed, Tombstone
from gateway.model.delta import Change

FORMAT = 1
"""Raised whenever the meaning of what is written changes."""


class UnreadableError(GatewayError):
    """What is stored can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The names of what is stored; the braces keep them together on a cluster."""

    meta: str
    state: str
    graves: str
    log: str
    signals: str

    def __iter__(self) -> Any:
        return iter((self.meta, self.state, self.graves, self.log, self.signals))


def name_keys(prefix: str, source: str, *, number: int = FORMAT) -> Keys:
    """Return the keys of one Argo CD's log in a format."""
    world = f"{{{prefix}:{source}:{number}}}"
    return Keys(
        meta=f"{world}:meta",
        state=f"{world}:state",
        graves=f"{world}:tombstones",
        log=f"{world}:log",
        signals=f"{world}:signals",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change as it is written: ``observed`` is what Argo CD showed, None where the application went."""

    key: str
    before: ApplicationStatus | None
    observed: Observed | None
    grave: Tombstone | None
    at: float

    @property
    def after(self) -> ApplicationStatus | None:
        """The document that is shown from here on."""
        return None if self.observed is None else self.observed.document


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What is newer of an application without any change of its document; ``shown`` where replicas show it."""

    observed: Observed
    shown: bool


_encode = msgspec.json.Encoder().encode
_documents = msgspec.json.Decoder(ApplicationStatus)
_observations = msgspec.json.Decoder(Observed)
_graves = msgspec.json.Decoder(Tombstone)


def make_entries(
    changes: Iterable[Change], held: Mapping[str, Observed], graves: Mapping[str, Tombstone], *, at: float
) -> list[Entry]:
    """Return entries for changes that just came of a store, which holds this by now."""
    entries = []
    for change in changes:
        observed = None
        if change.after is not None:
            now = held.get(change.key)
            observed = (
                msgspec.structs.replace(now, document=change.after)
                if now is not None
                else Observed(version=0, uid="", document=change.after, detail=Detail())
            )
        grave = graves.get(change.key) if change.after is None else None
        entries.append(Entry(key=change.key, before=change.before, observed=observed, grave=grave, at=at))
    return entries


def encode_entry(entry: Entry) -> list[bytes]:
    """Return the parts of an entry: key, before, after, tombstone, moment. What is absent is empty."""
    return [
        entry.key.encode(),
        b"" if entry.before is None else _encode(entry.before),
        b"" if entry.observed is None else _encode(entry.observed),
        b"" if entry.grave is None else _encode(entry.grave),
        repr(entry.at).encode(),
    ]


def decode_entry(fields: Mapping[bytes, bytes]) -> Entry:
    """Read an entry. Raises UnreadableError."""
    try:
        before, after, grave = fields[b"b"], fields[b"a"], fields[b"g"]
        return Entry(
            key=fields[b"k"].decode(),
            before=_documents.decode(before) if before else None,
            observed=_observations.decode(after) if after else None,
            grave=_graves.decode(grave) if grave else None,
            at=float(fields[b"t"]),
        )
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise UnreadableError(f"an entry of the log: {error}") from error


def encode_observed(observed: Observed) -> bytes:
    """Return an application as it is stored."""
    return _encode(observed)


def decode_observed(data: bytes) -> Observed:
    """Read an application. Raises UnreadableError."""
    try:
        return _observations.decode(data)
    except (ValueError, msgspec.DecodeError) as error:
        raise UnreadableError(f"an application of the state: {error}") from error


def encode_grave(grave: Tombstone) -> bytes:
    """Return a tombstone as it is stored."""
    return _encode(grave)


def decode_grave(data: bytes) -> Tombstone:
    """Read a tombstone. Raises UnreadableError."""
    try:
        return _graves.decode(data)
    except (ValueError, msgspec.DecodeError) as error:
        raise UnreadableError(f"a tombstone of the state: {error}") from error
