"""Where things stand in a TOML text: the standard library reads the values, and forgets their lines."""

import re
import tomllib
from collections.abc import Iterable
from typing import NamedTuple

from gateway.errors import GatewayError

Path = tuple[str | int, ...]
"""The way to a value: keys of tables, indices of arrays of tables."""

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


class Fault(NamedTuple):
    """Something wrong with a file: its line, and what to do."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class FileError(GatewayError):
    """A file can't be used. ``faults`` are all of its faults, in the order of their lines; none repeats a secret."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("; ".join(map(str, self.faults)))


class Lines:
    """Finds the line of a value by the way to it, counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if (header := _HEADER.fullmatch(line)) is not None and (keys := _split(header[2])):
                table = self._enter(keys, repeated=header[1] == "[[")
                self._note(table, number)
            elif (key := _KEY.match(line)) is not None and (keys := _split(key[1])):
                self._note((*table, *keys), number)

    def find(self, path: Path) -> int:
        """Return the line of a value, or of the nearest table that it is in."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _enter(self, keys: tuple[str, ...], *, repeated: bool) -> Path:
        path: Path = ()
        for depth, key in enumerate(keys, start=1):
            path = (*path, key)
            if repeated and depth == len(keys):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _note(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)


def read_toml(text: str) -> tuple[dict[str, object], Lines]:
    """Read a TOML text, and where its values stand. Raises FileError."""
    try:
        return tomllib.loads(text), Lines(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found is not None and found[1] else max(1, len(text.splitlines()))
        # What tomllib says names a kind of mistake and at most one key, never a value.
        message = f"this is no TOML: {_AT.sub('', str(error)).rstrip('.')}; see https://toml.io"
        raise FileError([Fault(line, message)]) from None


def _split(keys: str) -> tuple[str, ...]:
    """Return the single keys of a dotted one; none where it isn't one."""
    try:
        read: object = tomllib.loads(f"{keys} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    path: tuple[str, ...] = ()
    while isinstance(read, dict) and len(read) == 1:
        (key, read), *_ = read.items()
        path = (*path, key)
    return path
