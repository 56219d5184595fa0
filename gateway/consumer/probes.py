"""Single questions to a gateway, each for one promise: parameters, cursors, ETags. Streams are for ``visitor``."""

import asyncio
from collections.abc import Mapping

import aiohttp

from gateway.consumer.client import Answer, Gateway, Query, UnreachableError, explain
from gateway.consumer.fold import read_data
from gateway.consumer.promises import Ledger, Promise
from gateway.consumer.sse import Event, Parser
from gateway.consumer.witness import SNAPSHOT_REASONS

PIPELINES = "/api/pipelines"
STREAM = "/api/stream/pipelines"

FIRST_STATE_WITHIN = 15.0
"""Seconds that a stream may take to its first state."""

_ATTEMPTS = 10
"""How often a question is asked anew because the state changed between two answers."""

_FAR = 10**9


async def probe(gateway: Gateway, ledger: Ledger, *, other_view: Query) -> None:
    """Ask everything once. ``other_view`` is a selection that isn't everything."""
    for ask in (_refuse_unknown, _revalidate, _resume_by_parameter):
        try:
            await ask(gateway, ledger)
        except UnreachableError as error:
            ledger.break_(_PROMISE_OF[ask.__name__], str(error))
    try:
        await _send_wrong_cursors(gateway, ledger, other_view)
    except UnreachableError as error:
        ledger.break_(Promise.CURSORS, str(error))


_PROMISE_OF: Mapping[str, Promise] = {
    "_refuse_unknown": Promise.UNKNOWN,
    "_revalidate": Promise.ETAG,
    "_resume_by_parameter": Promise.PARAMETER,
}


async def _refuse_unknown(gateway: Gateway, ledger: Ledger) -> None:
    for path in (PIPELINES, STREAM):
        answer = await gateway.get(path, [("colour", "blue")], headers={"Accept": "application/json"})
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        is_problem = kind == "application/problem+json" and _has_members(answer, "type", "title", "status", "detail")
        well = answer.status == 400 and is_problem
        ledger.judge(Promise.UNKNOWN, well, f"{path}?colour=blue answers {answer.status} {kind}", seen=path)


def _has_members(answer: Answer, *members: str) -> bool:
    try:
        document = answer.json()
    except UnreachableError:
        return False
    return isinstance(document, dict) and all(member in document for member in members)


async def _revalidate(gateway: Gateway, ledger: Ledger) -> None:
    tag = (await gateway.get(PIPELINES)).headers.get("ETag")
    if not tag:
        ledger.break_(Promise.ETAG, "/api/pipelines has no ETag")
        return
    for _ in range(_ATTEMPTS):
        answer = await gateway.get(PIPELINES, headers={"If-None-Match": tag})
        again = answer.headers.get("ETag")
        if answer.status == 304 or again == tag:
            well = answer.status == 304 and not answer.body
            ledger.judge(Promise.ETAG, well, f"If-None-Match with the same ETag got {answer.status}", seen="304")
            break
        if not again:
            ledger.break_(Promise.ETAG, f"If-None-Match got {answer.status} without an ETag")
            return
        tag = again
    stranger = await gateway.get(PIPELINES, headers={"If-None-Match": 'W/"of-nothing"'})
    ledger.judge(
        Promise.ETAG, stranger.status == 200, f"a strange ETag got {stranger.status}", seen="200 to another tag"
    )


async def _resume_by_parameter(gateway: Gateway, ledger: Ledger) -> None:
    for name, parameter, header in (
        ("the parameter alone", True, ""),
        ("the header over a wrong parameter", False, "valid"),
    ):
        cursor = (await gateway.get(PIPELINES)).headers.get("Gateway-Cursor", "")
        given = cursor if parameter else "nonsense"
        state = await _first_state(gateway, [("lastEventId", given)], cursor=cursor if header else "")
        ledger.judge(Promise.PARAMETER, state.name == "delta", f"{name} got a {_describe(state)}", seen=name)


async def _send_wrong_cursors(gateway: Gateway, ledger: Ledger, other_view: Query) -> None:
    mine = (await gateway.get(PIPELINES)).headers.get("Gateway-Cursor", "")
    other = (await gateway.get(PIPELINES, other_view)).headers.get("Gateway-Cursor", "")
    if mine.count("-") != 2 or other.count("-") != 2:
        ledger.break_(Promise.CURSORS, f"the Gateway-Cursor of {PIPELINES} is {mine!r}, no cursor")
        return
    epoch, offset, view = mine.split("-")
    stranger = "".join("0" if digit != "0" else "1" for digit in epoch)
    any_reason = SNAPSHOT_REASONS - {"lagged"}
    for name, cursor, reasons in (
        ("garbage", "☃ no-cursor-at all", any_reason),
        ("almost a cursor", f"{epoch}-0{offset}-{view}", any_reason),
        ("another epoch", f"{stranger}-{offset}-{view}", {"epoch"}),
        ("another view", other, {"view"}),
        ("the future", f"{epoch}-{int(offset) + _FAR}-{view}", any_reason),
    ):
        state = await _first_state(gateway, [("lastEventId", cursor)])
        well = state.name == "snapshot" and read_data(state).get("reason") in reasons
        ledger.judge(Promise.CURSORS, well, f"a cursor of {name} got a {_describe(state)}", seen=name)


def _describe(event: Event) -> str:
    return f"{event.name} with the reason {read_data(event).get('reason')!r}"


async def _first_state(gateway: Gateway, query: Query, *, cursor: str = "") -> Event:
    """Return a stream's first state. Raises UnreachableError if none comes."""
    parser = Parser()
    try:
        async with asyncio.timeout(FIRST_STATE_WITHIN), gateway.stream(query, cursor=cursor) as response:
            while data := await response.content.readany():
                for event in parser.feed(data):
                    if event.name in ("snapshot", "delta"):
                        read_data(event)
                        return event
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UnreachableError(f"a stream brought no state: {explain(error)}") from error
    raise UnreachableError(f"a stream ended without a state ({response.status})")
