"""The token for Argo CD: a fixed one, or one from a file that somebody else renews."""

import base64
from pathlib import Path

import msgspec
from pydantic import SecretStr

from gateway.settings.notation import read_token


class _Claims(msgspec.Struct):
    exp: float | None = None


class Token:
    """Gives the current token. A file that can't be read for a moment (it is being replaced) leaves the last one."""

    def __init__(self, value: SecretStr | None = None, *, file: Path | None = None) -> None:
        self._value = value
        self._file = file
        self._used: str | None = None

    def __repr__(self) -> str:
        return f"<Token {'of a file' if self._file else 'given' if self._value else 'absent'}>"

    @property
    def given(self) -> bool:
        """Whether there is one at all; Argo CD may let everybody in without."""
        return self._value is not None

    def use(self) -> str | None:
        """Return the token to send, read anew."""
        self._read()
        self._used = self._value.get_secret_value() if self._value else None
        return self._used

    def changed(self) -> bool:
        """Whether the token is another than the one that was used last."""
        self._read()
        return (self._value.get_secret_value() if self._value else None) != self._used

    def expires_at(self) -> float | None:
        """Return when the token expires, Unix time; None if it says nothing of that. Nothing is verified here."""
        try:
            payload = (self._used or "").split(".")[1]
            claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
        except (IndexError, ValueError, msgspec.DecodeError):
            return None
        return claims.exp

    def _read(self) -> None:
        if self._file is not None:
            try:
                self._value = read_token(self._file)
            except (OSError, ValueError):
                return
