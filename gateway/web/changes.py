"""What changed of late: the log, read backwards through the eyes of a selector. What the log no longer has is said."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from gateway.auth.selection import narrow
from gateway.hub.feed import Selection
from gateway.log.ring import Dated, Ring
from gateway.model.application import FIELDS, ApplicationStatus, to_wire
from gateway.model.selector import Selector, SelectorError, parse_selector
from gateway.model.upstream import rfc3339
from gateway.settings.notation import parse_duration
from gateway.web.context import CONTEXT
from gateway.web.guard import grant_of
from gateway.web.lookup import expect_state
from gateway.web.problem import bad_parameters
from gateway.web.stream import accepts_gzip

PARAMETERS = ("since", "limit")
"""Beside those of a selector."""

DEFAULT_SINCE = "1h"
DEFAULT_LIMIT = 500
MAX_LIMIT = 2_000

_COMPRESS_FROM = 1_024
"""Bytes from which on compressing pays."""

_COMPRESS_ASIDE_FROM = 32_768
"""Bytes from which on it would keep the event loop waiting: a thread does it."""

_AT_ONCE = 200
"""Changes that are encoded in one turn of the event loop: some milliseconds."""

_LIMIT = re.compile(r"[0-9]{1,6}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+(?:[Zz]|[-+ ][0-9]{2}:[0-9]{2})")


async def list_changes(request: web.Request) -> web.Response:
    """Serve ``/api/changes``: each change since a moment, newest first."""
    context = request.app[CONTEXT]
    selector, since, limit = _read_query(request.query.items(), context.clock())
    expect_state(context)
    log, position = context.log, str(context.log.position)
    selection = narrow(selector, grant_of(request))
    found = list(islice(_visible(log.ring.news(since), selection), limit + 1))
    shown = found[:limit]
    starts_at = _find_start(log.ring, since, cut_at=shown[-1][0].at if len(found) > limit else None)
    # `since` moves with the clock, what is listed doesn't.
    tag = f"{position}-{selection.view_id}-{len(shown)}-{shown[-1][0].offset if shown else 0}-{starts_at is None:d}"
    headers = {"ETag": f'W/"{tag}"'}
    if any(known.value in ("*", tag) for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    content: dict[str, Any] = {"position": position, "since": rfc3339(since), "complete": starts_at is None}
    if starts_at is not None:
        content["from"] = rfc3339(starts_at)
    content["changes"] = await _encode(shown)
    body = orjson.dumps(content)
    response = web.Response(
        body=body, headers=headers, content_type="application/json", zlib_executor_size=_COMPRESS_ASIDE_FROM
    )
    if context.compression and len(body) >= _COMPRESS_FROM and accepts_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


_Sides = tuple[ApplicationStatus | None, ApplicationStatus | None]


def _visible(news: Iterable[Dated], selection: Selection) -> Iterable[tuple[Dated, _Sides]]:
    """Return the changes that a view has seen, with what it has seen of the sides of each."""
    for dated in news:
        before, after = _look(selection, dated.change.before), _look(selection, dated.change.after)
        if before is None and after is None:
            continue
        # Where all that changed is hidden, nothing has.
        if selection.show is None or before != after:
            yield dated, (before, after)


def _look(selection: Selection, document: ApplicationStatus | None) -> ApplicationStatus | None:
    if document is None or not selection.sees(document):
        return None
    shown: ApplicationStatus = document if selection.show is None else selection.show(document)
    return shown


async def _encode(shown: Sequence[tuple[Dated, _Sides]]) -> list[orjson.Fragment]:
    """Return changes encoded, letting others have their turn now and then."""
    encoded: list[orjson.Fragment] = []
    for dated, sides in shown:
        encoded.append(orjson.Fragment(orjson.dumps(_to_wire(dated, sides))))
        if len(encoded) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return encoded


def _to_wire(dated: Dated, sides: _Sides) -> dict[str, Any]:
    before, after = sides
    document = after or before
    assert document is not None
    content: dict[str, Any] = {"at": rfc3339(dated.at), "offset": dated.offset}
    content |= {"key": document.key, "name": document.name, "namespace": document.namespace}
    if document.project is not None:
        content["project"] = document.project
    if before is None:
        return {**content, "kind": "added", "after": to_wire(after)}
    if after is None:
        return {**content, "kind": "removed", "before": to_wire(before)}
    differing = [(name, on_wire) for name, on_wire in FIELDS if getattr(before, name) != getattr(after, name)]
    return {**content, "kind": "changed", "before": _pick(before, differing), "after": _pick(after, differing)}


def _pick(document: ApplicationStatus, fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    values = ((on_wire, getattr(document, name)) for name, on_wire in fields)
    return {on_wire: to_wire(value) for on_wire, value in values if value is not None and value != ()}


def _find_start(ring: Ring, since: float, *, cut_at: float | None) -> float | None:
    """Return since when what is listed is all that there was; None if that is since the moment asked for."""
    if cut_at is not None:
        return cut_at
    return ring.dated_from if ring.dated_from is not None and ring.dated_from > since else None


# The query.


def _read_query(query: Iterable[tuple[str, str]], now: float) -> tuple[Selector, float, int]:
    """Return whose changes are asked for, since when (Unix time), and how many at most. Raises ProblemError."""
    own: dict[str, str] = {"since": DEFAULT_SINCE, "limit": str(DEFAULT_LIMIT)}
    rest: list[tuple[str, str]] = []
    for name, text in query:
        if name in own:
            own[name] = text
        else:
            rest.append((name, text))
    problems: list[str] = []
    selector, since, limit = Selector(), now, DEFAULT_LIMIT
    try:
        selector = parse_selector(rest, besides=PARAMETERS)
    except SelectorError as error:
        problems += error.problems
    try:
        since = read_since(own["since"], now)
    except ValueError as error:
        problems.append(f"since: {error}")
    try:
        limit = _read_limit(own["limit"])
    except ValueError as error:
        problems.append(f"limit: {error}")
    if problems:
        raise bad_parameters(tuple(problems))
    return selector, since, limit


def read_since(text: str, now: float) -> float:
    """Return the Unix time that is meant by a duration back from now, or by a time. Raises ValueError."""
    if _TIME.fullmatch(text):
        # A plus that wasn't escaped arrives as a space.
        head, gap, zone = text.rpartition(" ")
        text = f"{head}+{zone}" if gap and len(head) > 10 else text
        try:
            return max(datetime.fromisoformat(text.upper()).timestamp(), 0.0)
        except (ValueError, OverflowError):
            pass
    else:
        try:
            seconds = parse_duration(text)
        except ValueError:
            seconds = None
        if isinstance(seconds, float) and seconds >= 0:
            return max(now - seconds, 0.0)
    raise ValueError(
        "allowed are a duration back from now, such as 90, 15m, 1h or 30d (a bare number is seconds), "
        "and a time with its zone, such as 2026-11-20T23:00:00Z"
    )


def _read_limit(text: str) -> int:
    if _LIMIT.fullmatch(text) and 1 <= (limit := int(text)) <= MAX_LIMIT:
        return limit
    raise ValueError(f"allowed are whole numbers from 1 to {MAX_LIMIT:,}")
