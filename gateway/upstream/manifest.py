"""A resource's manifest as Argo CD hands it on: any JSON at all, read without ever failing.

Whoever wrote it may have left anything out, or have put something else in its place: both read as absent.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

LONGEST_MESSAGE = 2_000
"""Characters of a message or a query that are kept."""

_DIGITS = 15
"""Digits of a number that JavaScript still knows exactly."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


class Manifest:
    """A manifest, or a part of one."""

    __slots__ = ("_content",)

    def __init__(self, content: object) -> None:
        self._content: Mapping[str, Any] = content if isinstance(content, Mapping) else _NOTHING

    def __repr__(self) -> str:
        return f"<Manifest with {', '.join(map(str, self._content)) or 'nothing'}>"

    def __bool__(self) -> bool:
        return bool(self._content)

    def __contains__(self, name: str) -> bool:
        return self._content.get(name) is not None

    def part(self, *path: str) -> "Manifest":
        """Return what is at a path of names."""
        found: object = self._content
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return Manifest(found)

    def parts(self, name: str) -> list["Manifest"]:
        """Return the items of a list; one that is no object is an empty part, so that the others keep their places."""
        items = self._content.get(name)
        return [Manifest(item) for item in items] if isinstance(items, Sequence) and not isinstance(items, str) else []

    def names(self) -> list[str]:
        """Return the names of what there is."""
        return [name for name in self._content if name in self]

    def text(self, name: str, *, longest: int = LONGEST_MESSAGE) -> str | None:
        """Return a text that isn't empty, cut with `…`; a number or a boolean as JSON writes it."""
        value = self._content.get(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str) or not value:
            return None
        return value if len(value) <= longest else value[: longest - 1] + "…"

    def flag(self, name: str) -> bool | None:
        """Return whether something is so; None where that isn't said."""
        value = self._content.get(name)
        return value if isinstance(value, bool) else None

    def integer(self, name: str) -> int | None:
        """Return a whole number, also one that is written as text (Kubernetes' IntOrString)."""
        value = self._content.get(name)
        if isinstance(value, str) and len(value) < _DIGITS and value.removeprefix("-").isdecimal():
            value = int(value)
        counts = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_DIGITS
        return value if counts else None

    def time(self, name: str) -> str | None:
        """Return a time in UTC; None if it is none."""
        return later(self.text(name), 0.0)


def decode_manifest(text: str) -> Manifest:
    """Read a manifest. Raises ValueError if it isn't JSON."""
    try:
        return Manifest(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def parse_time(text: str | None) -> datetime | None:
    """Return a time with its zone; None if it is none."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def later(text: str | None, seconds: float | None) -> str | None:
    """Return the time so many seconds after another, as RFC 3339 in UTC; None where either isn't known."""
    time = parse_time(text)
    if time is None or seconds is None:
        return None
    try:
        return (time.astimezone(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return None


def parse_duration(text: str | None) -> float | None:
    """Return the seconds of a duration: a bare number of them, or Go's way to write it (``1h30m``, ``20s``)."""
    if not text:
        return None
    if text.isdecimal():
        return float(text) if len(text) <= _DIGITS else None
    found = list(_DURATION.finditer(text))
    if "".join(match.group() for match in found) != text:
        return None
    seconds = sum(float(match[1]) * _UNITS[match[2]] for match in found)
    return seconds if seconds < 10**_DIGITS else None
