"""Query parameters into what they ask for; everything wrong with them said at once."""

from collections.abc import Iterable
from functools import lru_cache

from aiohttp import web

from gateway.model.selector import Selector, SelectorError, parse_selector
from gateway.web.problem import bad_parameters

CURSOR_PARAMETER = "lastEventId"
"""For clients that can't set ``Last-Event-ID``; the header wins, for a browser's own reconnect knows better."""


def read_selector(query: Iterable[tuple[str, str]]) -> Selector:
    """Return the selector that a query asks for; the same one for all who ask alike. Raises ProblemError."""
    try:
        return _parse(tuple(query))
    except SelectorError as error:
        raise bad_parameters(error.problems) from error


@lru_cache(maxsize=128)
def _parse(query: tuple[tuple[str, str], ...]) -> Selector:
    return parse_selector(query)


def split_cursor(request: web.Request) -> tuple[list[tuple[str, str]], str]:
    """Return the query without the cursor, and the cursor; empty if there is none."""
    query = [(name, value) for name, value in request.query.items() if name != CURSOR_PARAMETER]
    return query, find_cursor(request)


def find_cursor(request: web.Request) -> str:
    """Return the cursor that a request comes with; empty if there is none."""
    return request.headers.get("Last-Event-ID") or request.query.get(CURSOR_PARAMETER, "")


def accepts_events(request: web.Request) -> bool:
    """Whether the client is an EventSource or its like, which gives up for good on any status but 200."""
    return "text/event-stream" in request.headers.get("Accept", "")


def refuse_parameters(request: web.Request) -> None:
    """Raise ProblemError if there are any parameters, where none is understood."""
    if request.query:
        names = ", ".join(sorted(set(request.query)))
        raise bad_parameters((f"{request.path} takes no parameters; leave out: {names[:200]}.",))
