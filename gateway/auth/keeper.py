"""Keeps what the access file and the tokens' file say, and reads them again when they change.

A file that can't be used any more leaves what it said before in force: an access that somebody just broke by a typing
mistake must neither open the gateway nor close it. It is logged with every fault, and counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from gateway.auth.access import Access, parse_access
from gateway.auth.lines import Fault, FileError
from gateway.auth.tokens import Tokens, parse_tokens

LOOK_INTERVAL = 2.0
"""Seconds between looks at the files."""

MAX_BYTES = 4 << 20

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class KeptFile(Generic[_T]):
    """A file and what it says. ``content`` is what it said when it last could be used. Raises FileError at first."""

    def __init__(self, path: Path, parse: Callable[[str], _T]) -> None:
        self.path = path
        self._parse = parse
        self._seen: tuple[int, ...] | None = None
        self._text: bytes | None = None
        self.content: _T
        self._seen = self._stat()
        self._text = self._read()
        self.content = self._decode(self._text)

    def look(self) -> bool:
        """Read the file again if it is another; return whether it says something else now. Raises FileError, once."""
        if (found := self._stat()) == self._seen:
            return False
        self._seen = found
        if (text := self._read()) == self._text:
            return False
        self._text = text
        self.content = self._decode(text)
        return True

    def _stat(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = f"the file can't be read ({reason}); check the path, the mount and who may read it"
            raise FileError([Fault(1, message)]) from None
        if len(data) > MAX_BYTES:
            raise FileError([Fault(1, f"the file has more than {MAX_BYTES} bytes; is it the right one?")])
        return data

    def _decode(self, data: bytes) -> _T:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise FileError([Fault(line, "the file isn't text in UTF-8")]) from None
        return self._parse(text)


class AccessKeeper:
    """Keeps the files of an access; without a file, what it would say is nothing."""

    def __init__(self, *, access_file: Path | None, tokens_file: Path | None = None) -> None:
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``reloaded``, ``unusable``."""
        self._access = None if access_file is None else KeptFile(access_file, parse_access)
        self._tokens = None if tokens_file is None else KeptFile(tokens_file, parse_tokens)
        self._no_access, self._no_tokens = Access(), Tokens()
        self._followers: list[Callable[[], None]] = []

    @property
    def access(self) -> Access:
        """Who gets which rules, as of now."""
        return self._no_access if self._access is None else self._access.content

    @property
    def tokens(self) -> Tokens:
        """The tokens, as of now."""
        return self._no_tokens if self._tokens is None else self._tokens.content

    def follow(self, follower: Callable[[], None]) -> None:
        """Have a function called whenever a file says something else."""
        self._followers.append(follower)

    async def run(self) -> None:
        """Look at the files every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            self.look()

    def look(self) -> bool:
        """Look at the files now; return whether anything is another."""
        files: Sequence[KeptFile[Any]] = [file for file in (self._access, self._tokens) if file is not None]
        changed = [self._look(file) for file in files]
        if any(changed):
            for follower in self._followers:
                follower()
        return any(changed)

    def _look(self, file: KeptFile[Any]) -> bool:
        try:
            changed = file.look()
        except FileError as error:
            self.counts["unusable"] += 1
            faults = [str(fault) for fault in error.faults]
            advice = "what the file said before stays in force"
            _log.error("access.unusable", path=str(file.path), faults=faults, advice=advice)
            return False
        if changed:
            self.counts["reloaded"] += 1
            _log.info("access.reloaded", path=str(file.path))
        return changed
