"""How PostgreSQL is connected to: what the URL says as libpq means it, and what each session is set to.

Never belongs here: SQL of the history, or pooling, which is ``database``'s.
"""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from gateway.errors import GatewayError

CONNECT_WITHIN, ANSWER_WITHIN = 5.0, 30.0
"""Seconds for a connection to be made, and for the answer to one statement."""

IDLE_WITHIN = 10
"""Seconds after which the server ends a transaction whose client is silent: of one that was stopped in its midst."""

_SESSION = f"""
SELECT set_config('jit', 'off', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('idle_in_transaction_session_timeout', '{IDLE_WITHIN}s', false),
       CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
"""A 202 says that a delivery is kept, whatever the server or the role defaults to."""

_FINAL = ("28", "3D", "3F", "42", "0A")
"""Classes of SQLSTATE that don't pass by themselves: a wrong password, no such database, no permission, too old."""

Dial: TypeAlias = Callable[[], Awaitable[Any]]


class DatabaseError(GatewayError):
    """The database can't be used; the message says why and what to do, without its URL."""


class UnreachableError(DatabaseError):
    """The database can't be reached at the moment, and may be again."""


def make_dial(url: str, *, answer_within: float | None = ANSWER_WITHIN) -> Dial:
    """Return what opens a connection of asyncpg's. Raises DatabaseError where the driver isn't installed."""
    try:
        import asyncpg
    except ImportError as error:
        raise DatabaseError(
            "the driver for PostgreSQL isn't installed; install argocd-sse-gateway[postgres]"
        ) from error
    address, encryption = _read_address(url)

    async def dial() -> Any:
        try:
            connection = await asyncpg.connect(
                address, timeout=CONNECT_WITHIN, command_timeout=answer_within, **encryption()
            )
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise explain(error) from error
        try:
            await connection.execute(_SESSION)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            connection.terminate()
            raise explain(error) from error
        return connection

    return dial


def _read_address(url: str) -> tuple[str, Callable[[], dict[str, Any]]]:
    """Return the address without what says how it is encrypted where that is ours to do, and that."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.setdefault("application_name", "argocd-sse-gateway")
    mode, root = query.get("sslmode"), query.get("sslrootcert", "system")
    ours = mode in ("verify-ca", "verify-full") and root == "system" and "sslcert" not in query
    if ours:
        # As of libpq 16: the certificates that the system trusts.
        query.pop("sslmode")
        query.pop("sslrootcert", None)

    def encryption() -> dict[str, Any]:
        if not ours:
            return {}
        context = ssl.create_default_context()
        context.check_hostname = mode == "verify-full"
        return {"ssl": context}

    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(query), "")), encryption


def explain(error: BaseException) -> DatabaseError:
    """Return why a connection couldn't be made or used, and what to do about it."""
    state = getattr(error, "sqlstate", None) or ""
    reason = " ".join(str(error).split()) or type(error).__name__
    if state.startswith("28"):
        return DatabaseError(
            f"PostgreSQL refuses the login ({reason}); check user and password in GATEWAY_DATABASE_URL"
        )
    if state.startswith("3D"):
        return DatabaseError(f"{reason}; create it, or name another in GATEWAY_DATABASE_URL")
    if state == "42501":
        return DatabaseError(f"{reason}; the role has to own the schema, or have CREATE on it, to make the tables")
    if isinstance(error, ssl.SSLCertVerificationError):
        return DatabaseError(
            f"PostgreSQL's certificate isn't trusted ({error.verify_message}); name its CA: ?sslmode=verify-full&"
            "sslrootcert=/path/to/ca.pem"
        )
    if "SSL upgrade" in reason:
        return DatabaseError("PostgreSQL doesn't speak TLS; switch it on there, or leave sslmode out")
    if isinstance(error, TimeoutError):
        return UnreachableError(f"PostgreSQL doesn't answer within {CONNECT_WITHIN:g} s")
    if isinstance(error, OSError):
        return UnreachableError(f"PostgreSQL can't be reached ({error.strerror or type(error).__name__})")
    if isinstance(error, ValueError):
        # Of the address itself; what the driver says of it may repeat a part of it.
        return DatabaseError("GATEWAY_DATABASE_URL can't be understood; see docs/settings.md")
    if state.startswith(_FINAL):
        return DatabaseError(f"PostgreSQL refuses ({reason})")
    return UnreachableError(f"PostgreSQL can't be used at the moment ({reason})")
