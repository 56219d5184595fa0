"""Clients for a Redis, found by its URL: a plain one, or the master that Sentinels name."""

import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import hiredis
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to come about."""


Command = tuple[str | bytes | int, ...]


_pack: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment]  # its stub knows one argument


class Conversation:
    """A connection of one's own, for what is asked with every tick, one request after another.

    A client finds a connection for each request, measures it and looks whether to repeat it: five times the work of
    the request itself, in code that no processor's cache still holds after a tick to thousands of subscribers.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._connection: Any = None

    async def ask(self, *commands: Command) -> list[Any]:
        """Return the answers to commands. Raises what redis-py raises; then what was asked may have been done."""
        if (connection := self._connection) is None:
            connection = self._connection = await self._pool.get_connection()
        elif connection.is_connected and await connection.can_read():
            # Nothing was asked: what there is to read is the end.
            await connection.disconnect(nowait=True)
        if not connection.is_connected:
            # Whoever only sends would come back to where it was: this asks Sentinels again.
            await connection.connect()
        await connection.send_packed_command(b"".join(map(_pack, commands)), check_health=False)
        answers: list[Any] = []
        refusal: redis.exceptions.ResponseError | None = None
        for _ in commands:
            try:
                answers.append(await connection.read_response(disable_decoding=True))
            except redis.exceptions.ResponseError as error:
                # The answers behind it have to be read all the same.
                refusal = refusal or error
        if refusal is not None:
            raise refusal
        return answers


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


async def close(client: redis.asyncio.Redis) -> None:
    """Close a client's connections, those to its Sentinels too; errors of what ends anyway are nobody's."""
    with contextlib.suppress(redis.exceptions.RedisError, OSError):
        await client.aclose()
    if isinstance(pool := client.connection_pool, SentinelConnectionPool):
        with contextlib.suppress(redis.exceptions.RedisError, OSError):
            await pool.sentinel_manager.aclose()


def list_sentinels(netloc: str) -> list[tuple[str, int]]:
    """Return the host and port of each Sentinel in a URL's authority. Raises ValueError for a port that is none."""
    found = []
    for place in netloc.rpartition("@")[2].split(","):
        host, _, port = place.strip().rpartition(":") if not place.endswith("]") else (place, "", "")
        if not host:
            host, port = port, ""
        found.append((host.strip("[]"), int(port or 26379)))
    return found
