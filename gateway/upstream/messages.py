"""What the reflector and its shell say to each other: requests and notes out, what came of them in."""

from dataclasses import dataclass, field
from enum import Enum

from gateway.upstream.raw import RawApplication, RawError, RawEvent
from gateway.upstream.wire import Undecodable


class Kind(Enum):
    """How a request or stream failed, as far as the answer to it differs."""

    REFUSED = "refused"
    """401 or 403: waiting for a better token, not hammering."""
    TOO_LARGE = "too-large"
    """429 on a list: all applications together exceed Argo CD's message limit."""
    UNREACHABLE = "unreachable"
    """No connection, or one that broke."""
    ANSWERED_BADLY = "answered-badly"
    """A status or body that isn't what Argo CD sends when it works."""
    UNHEALTHY = "unhealthy"
    """``/healthz`` isn't 200: what it lists may be incomplete (argo-cd server/server.go)."""
    ENDED = "ended"
    """The stream came to its end."""
    SILENT = "silent"
    """No sign of life."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request or a stream didn't work. ``message`` is for logs and ``/api/status``; it holds no secret."""

    kind: Kind
    message: str


# Requests: what the shell must do.


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWatch:
    """Open a watch. With ``burst`` all applications come first; without, it subscribes at once and sends only news."""

    stream: int
    burst: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseWatch:
    """Close a watch; nothing is said of it any more."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchNames:
    """Ask ``/healthz``, then for the list of names; of these projects alone, where any are given."""

    request: int
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchHealth:
    """Ask ``/healthz``: the proof of life of a stream whose headers haven't come, or that has no keep-alive."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPermissions:
    """Ask whether we are logged in and may see the applications of these projects (``*`` for all).

    ``examples`` names an application of each: who may see only some of a project may still see that one.
    """

    request: int
    projects: tuple[str, ...]
    examples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchApplication:
    """Read one application, of a project where that is known."""

    request: int
    key: str
    project: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something for the log, with fields; ``warning`` where a human may have to act."""

    event: str
    warning: bool = False
    fields: dict[str, object] = field(default_factory=dict)


Command = OpenWatch | CloseWatch | FetchNames | FetchHealth | FetchPermissions | FetchApplication | Note


# What came of them: what the shell must report.


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """The headers of a watch came. From now on one in the SSE framing sends a keep-alive every 15 s."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRead:
    """Bytes of a watch: the events that they completed (none for a keep-alive), and lines too long to read."""

    stream: int
    events: tuple[RawEvent | RawError | Undecodable, ...] = ()
    oversized: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnded:
    """A watch ended, or couldn't be opened."""

    stream: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesFetched:
    """The list of names: key → project (None where Argo CD can't tell), and the list's own resourceVersion."""

    request: int
    names: dict[str, str | None]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFetched:
    """``/healthz`` was 200."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsFetched:
    """Whether we are logged in, and which of the projects asked for we may not see."""

    request: int
    logged_in: bool
    denied: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFetched:
    """One application, as Argo CD holds it."""

    request: int
    application: RawApplication


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed:
    """A request other than a watch failed."""

    request: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class TokenChanged:
    """The token file holds another token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTold:
    """Somebody else than a watch says that an application changed."""

    key: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The reflector's deadline has come."""


Answer = NamesFetched | HealthFetched | PermissionsFetched | ApplicationFetched | RequestFailed

Report = StreamOpened | StreamRead | StreamEnded | Answer | TokenChanged | ChangeTold | TimePassed
