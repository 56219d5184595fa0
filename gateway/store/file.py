"""The last state in a small file, so that a restart while Argo CD is away shows it, honestly stale.

A file of another format, of another Argo CD, or one that can't be read is passed over: the gateway starts without it.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from gateway.errors import GatewayError
from gateway.model.application import Observed, Tombstone

FORMAT = 1
"""Raised whenever the meaning of what is stored changes."""


class StateFileError(GatewayError):
    """A stored state can't be used; the message says why."""


class StoredState(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored: of which Argo CD (``source``), and until when it could be trusted (``as_of``, Unix time)."""

    format: int = FORMAT
    source: str
    as_of: float
    verified_at: float | None
    applications: tuple[Observed, ...]
    tombstones: dict[str, Tombstone]


class _Envelope(msgspec.Struct):
    format: int
    source: str


def name_source(base_url: str, projects: Iterable[str]) -> str:
    """Return a name for an Argo CD and a choice of its projects."""
    return hashlib.sha256("\n".join((base_url, *sorted(projects))).encode()).hexdigest()[:16]


def encode(
    *,
    source: str,
    as_of: float,
    verified_at: float | None,
    applications: Mapping[str, Observed],
    tombstones: Mapping[str, Tombstone],
) -> bytes:
    """Return the bytes to store."""
    state = StoredState(
        source=source,
        as_of=as_of,
        verified_at=verified_at,
        applications=tuple(applications.values()),
        tombstones=dict(tombstones),
    )
    return msgspec.json.encode(state)


def load(path: Path, *, source: str) -> StoredState | None:
    """Return the stored state; None if there is none yet.

    Raises StateFileError if what is there can't be used.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateFileError(f"it can't be read: {error.strerror}") from error
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        if envelope.format != FORMAT:
            raise StateFileError(f"it has format {envelope.format}, and this version reads {FORMAT}")
        if envelope.source != source:
            raise StateFileError("it is of another Argo CD, or of other projects")
        return msgspec.json.decode(data, type=StoredState)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateFileError(f"it is damaged: {error}") from error


def save(path: Path, data: bytes) -> None:
    """Replace the file in one step: whenever the process dies, the old or the new one is there, whole.

    Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
