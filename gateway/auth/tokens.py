"""Bearer tokens for programs: 32 random bytes each, of which the gateway keeps only a hash.

A token is looked up by its SHA-256, so how long that takes tells nothing of any token. Nothing here draws random
numbers or reads files: the caller does.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.auth.identity import Identity
from gateway.auth.lines import Fault, FileError, Lines, Path, read_toml

PREFIX = "gwt_"
"""What every token begins with, so that scanners for lost secrets find it."""

TOKEN_BYTES = 32

_KEYS = ("name", "sha256", "groups", "expires")
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of one token; ``expires_at`` is Unix time, None where it never ends."""

    name: str
    sha256: str = field(repr=False)
    groups: frozenset[str]
    expires_at: float | None = None

    def identify(self) -> Identity:
        """Return who shows this token."""
        return Identity(
            subject=self.name,
            name=self.name,
            groups=self.groups,
            method="token",
            expires_at=self.expires_at,
            credential=self.sha256,
        )


class Tokens:
    """All tokens of the file."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._by_hash: Mapping[str, Token] = {token.sha256: token for token in tokens}

    def __len__(self) -> int:
        return len(self._by_hash)

    def find(self, text: str) -> Token | None:
        """Return what is known of a token that somebody showed; it may have ended."""
        return self.find_hash(hash_token(text))

    def find_hash(self, sha256: str) -> Token | None:
        """Return what is known of the token with this hash."""
        found = self._by_hash.get(sha256)
        return found if found is not None and hmac.compare_digest(found.sha256, sha256) else None

    def find_name(self, name: str) -> Token | None:
        """Return what is known of the token of this name."""
        return next((token for token in self._by_hash.values() if token.name == name), None)


def make_token(random: bytes) -> str:
    """Return a token of random bytes, at least 32 of them."""
    assert len(random) >= TOKEN_BYTES
    return PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def hash_token(text: str) -> str:
    """Return what the file keeps of a token: the SHA-256 of its text, in hex."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def write_entry(*, name: str, token: str, groups: Iterable[str], expires_at: float | None) -> str:
    """Return the entry of a token, to append to the file. Raises ValueError for what can't be written there."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a token: {_NAME_RULE}")
    for group in groups:
        if not group.isprintable() or any(mark in group for mark in '"\\'):
            raise ValueError(f"{group!r} is no name of a group: leave out quotes and what can't be printed")
    listed = ", ".join(f'"{group}"' for group in groups)
    lines = ["[[tokens]]", f'name = "{name}"', f'sha256 = "{hash_token(token)}"', f"groups = [{listed}]"]
    if expires_at is not None:
        lines.append(f"expires = {datetime.fromtimestamp(int(expires_at), UTC):%Y-%m-%dT%H:%M:%SZ}")
    return "\n".join(lines) + "\n"


def parse_tokens(text: str) -> Tokens:
    """Read the tokens' file. Raises FileError with every fault of it; none repeats what stands where a hash should."""
    content, lines = read_toml(text)
    return _Reader(lines).read(content)


_NAME_RULE = "letters, digits and . _ @ : / -, at most 100 characters, a letter or digit first"


class _Reader:
    """Reads the content of the file, and gathers what is wrong with it."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._faults: list[Fault] = []

    def read(self, content: Mapping[str, Any]) -> Tokens:
        for key in content:
            if key != "tokens":
                self._object((key,), "this file has [[tokens]] alone; move the key into one of them, or leave it out")
        entries = content.get("tokens", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._object(("tokens",), "write each token as a table [[tokens]]")
            entries = []
        tokens = [self._token(entry, ("tokens", index)) for index, entry in enumerate(entries)]
        self._expect_single(tokens)
        if self._faults:
            raise FileError(self._faults)
        return Tokens(token for token in tokens if token is not None)

    def _token(self, entry: Mapping[str, Any], path: Path) -> Token | None:
        before = len(self._faults)
        for key in entry:
            if key not in _KEYS:
                # Not the key itself: somebody may have put the token there.
                self._object((*path, key), f"there is a key here that no token has; known are {', '.join(_KEYS)}")
        name, sha256, groups = entry.get("name"), entry.get("sha256"), entry.get("groups", [])
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith(PREFIX):
            self._object((*path, "name"), f"name the token: {_NAME_RULE}")
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            self._object(
                (*path, "sha256"), "sha256 has to be the hash of a token, 64 hex digits; `gateway token new` makes both"
            )
        if not isinstance(groups, list) or not all(isinstance(group, str) and group for group in groups):
            self._object((*path, "groups"), 'write groups as a list of names, such as groups = ["ci"]')
        expires_at = self._expiry(entry, path)
        if len(self._faults) > before:
            return None
        assert isinstance(name, str)
        assert isinstance(sha256, str)
        return Token(name=name, sha256=sha256, groups=frozenset(groups), expires_at=expires_at)

    def _expiry(self, entry: Mapping[str, Any], path: Path) -> float | None:
        if (expires := entry.get("expires")) is None:
            return None
        if isinstance(expires, datetime) and expires.tzinfo is not None:
            return expires.timestamp()
        self._object(
            (*path, "expires"), "write expires as a time with its zone, such as expires = 2027-01-31T00:00:00Z"
        )
        return None

    def _expect_single(self, tokens: Iterable[Token | None]) -> None:
        names: set[str] = set()
        hashes: set[str] = set()
        for index, token in enumerate(tokens):
            if token is None:
                continue
            if token.name in names:
                self._object(("tokens", index, "name"), f"another token is called {token.name}; give each its own name")
            if token.sha256 in hashes:
                self._object(
                    ("tokens", index, "sha256"), "another token has the same hash; make one with `gateway token new`"
                )
            names.add(token.name)
            hashes.add(token.sha256)

    def _object(self, path: Path, message: str) -> None:
        self._faults.append(Fault(self._lines.find(path), message))
