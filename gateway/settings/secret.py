"""What secrets among the settings have in common: each may come from a file; how those of webhooks and databases are.

Never belongs here: the default or the meaning of a setting, or using a secret.
"""

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

from gateway.settings import notation
from gateway.settings.notation import Notation, ReadFile

_WEBHOOK_SECRET = re.compile(r"[\x21-\x7e]+")
_SHORTEST = 8
"""Characters of a webhook's secret: a shorter one can be tried out."""

_DATABASES = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def name_variable(field: str) -> str:
    """Name the environment variable of a field."""
    return field.upper() if field.startswith(("argocd_", "pipelines_")) else f"GATEWAY_{field.upper()}"


def _exclude_value(path: Path, info: ValidationInfo) -> Path:
    secret = (info.field_name or "").removesuffix("_file")
    if info.data.get(secret) is not None:
        raise ValueError(f"{name_variable(secret)} is set too; unset one of the two")
    return path


def parse_webhook_secrets(text: str | SecretStr) -> SecretStr:
    """Take the secrets of one sender, separated by commas. Raises ValueError, which repeats none of them."""
    text = text.get_secret_value() if isinstance(text, SecretStr) else text
    secrets = split_secrets(text)
    if not secrets:
        raise ValueError("there is no secret in it; put one there, or several separated by commas")
    if any(not _WEBHOOK_SECRET.fullmatch(secret) for secret in secrets):
        raise ValueError(
            "a secret has a space, a line break or a non-ASCII character in it; separate several by commas"
        )
    if any(len(secret) < _SHORTEST for secret in secrets):
        raise ValueError(
            f"a secret is shorter than {_SHORTEST} characters and could be tried out; `openssl rand -hex 32`"
        )
    return SecretStr(",".join(secrets))


def split_secrets(text: str) -> tuple[str, ...]:
    """Return the single secrets of one sender: all of them are good, while one is being replaced."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def read_webhook_secrets(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read a sender's secrets from their file, at start and whenever it changes. Raises ValueError."""
    return parse_webhook_secrets(read_text(path, read))


def parse_database(text: str | SecretStr) -> SecretStr:
    """Take a database's URL and name the driver. Raises ValueError, which doesn't repeat it: it may hold a password."""
    text = (text.get_secret_value() if isinstance(text, SecretStr) else text).strip()
    scheme, mark, rest = text.partition("://")
    dialect = scheme.partition("+")[0].lower()
    if not mark or dialect not in _DATABASES:
        raise ValueError("write sqlite:////path/to/gateway.db (four slashes), or postgresql://user:password@host/name")
    if dialect == "sqlite":
        if not rest.startswith("/") or rest in ("/", "//"):
            raise ValueError("name the file of the database: sqlite:////path/to/gateway.db has four slashes")
        if "?" not in rest and ":memory:" not in rest:
            notation.check_folder(Path(rest[1:]), Path.read_bytes)
    else:
        _check_server(rest)
    return SecretStr(f"{_DATABASES[dialect]}://{rest}")


def _check_server(rest: str) -> None:
    try:
        parts = urlsplit(f"//{rest}")
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(
            "the URL can't be understood; write postgresql://user:password@host/name, and what has a meaning in a URL"
            " (/ ? # @ : %) as %2F and so on, in the password too"
        ) from None
    if not parts.netloc.rpartition("@")[2] and not query.get("host"):
        raise ValueError("name the host of the database: postgresql://user:password@host/name")
    if query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(_SSL_MODES)}")
    root = query.get("sslrootcert", "system")
    if root != "system" and not os.access(root, os.R_OK):
        raise ValueError("the file of sslrootcert can't be read; name one in PEM, or the system's: sslrootcert=system")


def read_database(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read a database's URL from a file. Raises ValueError."""
    return parse_database(read_text(path, read))


def read_text(path: Path, read: ReadFile) -> str:
    """Read a secret as text. Raises ValueError."""
    try:
        return notation.read_file(path, read).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file isn't text in UTF-8; put the secret there, alone") from None


SecretFile = Annotated[Path, AfterValidator(_exclude_value)]
WebhookSecret = Annotated[Annotated[SecretStr, AfterValidator(parse_webhook_secrets)] | None, Notation(unit="secret")]
WebhookSecretFile = Annotated[SecretFile | None, Notation(unit="path", check=read_webhook_secrets)]
