"""The variables of several replicas: the Redis with their log, and how long a silent leader is waited for.

A part of ``gateway.settings.variables``, which has all others.
"""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from gateway.settings import notation
from gateway.settings.notation import Notation, ReadFile, Seconds
from gateway.settings.secret import SecretFile, read_text

_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?")


def parse_redis(text: str | SecretStr) -> SecretStr:
    """Take a Redis' URL. Raises ValueError, which doesn't repeat it: it may hold a password."""
    text = (text.get_secret_value() if isinstance(text, SecretStr) else text).strip()
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES:
        raise ValueError(
            "write redis://:password@host:6379/0, rediss://… for TLS, unix:///path, or redis+sentinel://host1,host2/name"
        )
    if parts.scheme == "unix":
        named = bool(parts.path)
    elif "+sentinel" in parts.scheme:
        hosts = parts.netloc.rpartition("@")[2].split(",")
        named = all(_PLACE.fullmatch(host.strip()) for host in hosts)
        if not re.fullmatch(r"/[^/]+(/[0-9]+)?", parts.path):
            raise ValueError(
                "name the master behind the Sentinels: redis+sentinel://host1:26379,host2:26379/mymaster/0"
            )
    else:
        named = bool(parts.hostname)
    if not named:
        raise ValueError("name the host of the Redis: redis://host:6379/0")
    try:
        _ = None if "+sentinel" in parts.scheme else parts.port
    except ValueError:
        raise ValueError("the port is none: redis://host:6379/0") from None
    return SecretStr(text)


def read_redis(path: Path, read: ReadFile = Path.read_bytes) -> SecretStr:
    """Read a Redis' URL from a file. Raises ValueError."""
    return parse_redis(read_text(path, read))


class ReplicaVariables(BaseModel):
    """What several replicas are set up by."""

    redis_url: Annotated[Annotated[SecretStr, AfterValidator(parse_redis)] | None, Notation(unit="secret")] = Field(
        default=None,
        description="The Redis that several replicas share their log in: `redis://`, `rediss://` or `redis+sentinel://`"
        "; unset, this process is alone.",
    )
    redis_url_file: Annotated[SecretFile | None, Notation(unit="path", check=read_redis)] = Field(
        default=None, description="A file with that URL, instead of the value; it is read at the start."
    )
    redis_prefix: Annotated[str, AfterValidator(notation.parse_word), Notation(unit="word")] = Field(
        default="gateway", description="What the names of all keys in Redis begin with."
    )
    lease: Seconds = Field(
        default=5,
        ge=1,
        le=60,
        description="How long a silent leader is waited for before another replica leads.",
    )
