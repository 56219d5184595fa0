"""Clients for a Redis, found by its URL: a plain one, or the master that Sentinels name."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to come about."""


def connect(url: str, *, timeout: float) -> redis.asyncio.Redis:
    """Return a client that gives up a request after ``timeout`` seconds, and repeats none: its caller knows better."""
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": timeout,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "health_check_interval": 0,
    }
    parts = urlsplit(url)
    if "+sentinel" not in parts.scheme:
        return redis.asyncio.Redis.from_url(url, **options)
    user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
    names = [name for name in parts.path.split("/") if name]
    more = dict(parse_qsl(parts.query))
    options |= {"username": user, "password": password, "db": int(names[1]) if len(names) > 1 else 0}
    tls: dict[str, Any] = {"ssl": True} if parts.scheme.startswith("rediss") else {}
    if "ssl_ca_certs" in more:
        tls["ssl_ca_certs"] = more["ssl_ca_certs"]
    asking = {"socket_connect_timeout": CONNECT_TIMEOUT, "socket_timeout": CONNECT_TIMEOUT, "protocol": 2, **tls}
    if "sentinel_password" in more:
        asking |= {"password": more["sentinel_password"], "username": more.get("sentinel_username")}
    sentinel = Sentinel(list(list_sentinels(parts.netloc)), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    client: redis.asyncio.Redis = sentinel.master_for(names[0], **options, **tls)
    return client


def list_sentinels(netloc: str) -> list[tuple[str, int]]:
    """Return the host and port of each Sentinel in a URL's authority. Raises ValueError for a port that is none."""
    found = []
    for place in netloc.rpartition("@")[2].split(","):
        host, _, port = place.strip().rpartition(":") if not place.endswith("]") else (place, "", "")
        if not host:
            host, port = port, ""
        found.append((host.strip("[]"), int(port or 26379)))
    return found
