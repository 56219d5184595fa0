"""The token that a reader shows: from a file, or from the environment, never from the command line.

What a command line says, everybody on the machine can read. A file is read again for each request, so a token can be
replaced while a stream is followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import GatewayError

TOKEN, TOKEN_FILE = "GATEWAY_TOKEN", "GATEWAY_TOKEN_FILE"

_MAX_BYTES = 64 * 1024


class CredentialError(GatewayError):
    """There is no token where one should be; the message repeats nothing of what there is instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Where a token comes from; without a file and a text, nothing is shown."""

    file: Path | None = None
    text: str | None = field(default=None, repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return the headers that show it (RFC 6750, section 2.1). Raises CredentialError."""
        if self.file is not None:
            return _show(_read(self.file), f"the file {self.file}")
        return {} if self.text is None else _show(self.text, TOKEN)


NOTHING = Credential()
"""Nothing is shown."""


def choose_credential(file: Path | None, environ: Mapping[str, str]) -> Credential:
    """Return what is to be shown: of the file if one is given, else of the environment. Raises CredentialError."""
    chosen = Credential(file=file) if file is not None else Credential(text=environ.get(TOKEN) or None)
    # What is wrong with it is said before anything is asked.
    chosen.headers()
    return chosen


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        raise CredentialError(f"the token's file {file} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise CredentialError(f"the file {file} holds no token, but something that isn't text") from None


def _show(text: str, where: str) -> Mapping[str, str]:
    token = text.strip().removeprefix("Bearer ").strip()
    if not token:
        raise CredentialError(f"{where} holds no token: it is empty")
    if len(token) > _MAX_BYTES or not token.isascii() or not token.isprintable() or " " in token:
        raise CredentialError(
            f"{where} holds no token: one is a single word of ASCII, as `gateway token new` prints it"
        )
    return {"Authorization": f"Bearer {token}"}
