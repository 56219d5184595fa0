"""The delivery history: timelines of applications, commits and images, KPIs, and the log of deliveries."""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

import orjson
import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.deployments.deployment import Kind
from gateway.delivery.figures import FILTERS
from gateway.delivery.kpi import Bucket, By, Question
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.deliveries import Outcome
from gateway.delivery.storage.history import Wanted
from gateway.delivery.webhooks.sender import SENDERS
from gateway.model.upstream import rfc3339
from gateway.web.changes import read_since
from gateway.web.context import CONTEXT, Context
from gateway.web.guard import IDENTITY, grant_of
from gateway.web.lookup import expect_state, find_application
from gateway.web.problem import Problem, ProblemError, bad_parameters
from gateway.web.query import refuse_parameters
from gateway.web.records import make_scope, read_timeline
from gateway.web.stream import accepts_gzip
from gateway.web.webhooks import not_kept

DEFAULT_KINDS = tuple(kind for kind in Kind if kind.counts)
MAX_CHANGES, MAX_DELIVERIES = 200, 200

_BY = ("application", "service", "environment", "project", "team", "all")
_BUCKETS = ("day", "week")
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,500}")
_COMPRESS_FROM, _COMPRESS_ASIDE_FROM = 1_024, 32_768

T = TypeVar("T")
_log = structlog.get_logger(__name__)


async def show_timeline(request: web.Request) -> web.Response:
    """Serve ``/api/pipelines/{name}/timeline``: the changes of one application, the newest first."""
    context, query = request.app[CONTEXT], _Query(request, ("since", "before", "limit", "kinds"))
    wanted = query.read_wanted(context.clock(), span=None)
    query.done()
    expect_state(context)
    grant = grant_of(request)
    observed = find_application(context, grant, request.match_info.get("namespace"), request.match_info["name"])
    key = observed.document.key
    changes = await _ask(context, lambda: read_timeline(context, grant, _with(wanted, key=key)))
    return _answer(request, context, {"application": key, "changes": changes})


async def list_timeline(request: web.Request) -> web.Response:
    """Serve ``/api/timeline``: the changes that a commit or an image belongs to, or all of late."""
    context = request.app[CONTEXT]
    query = _Query(request, ("commit", "image", "since", "before", "limit", "kinds"))
    commit = query.take("commit", _read_matching(_COMMIT, "4 to 64 hexadecimal digits of a commit"))
    image = query.take("image", _read_matching(_IMAGE, "an image, with or without its registry, tag or digest"))
    wanted = query.read_wanted(context.clock(), span=None if commit or image else "24h")
    query.done()
    asked = _with(wanted, commit=commit, image=image)
    changes = await _ask(context, lambda: read_timeline(context, grant_of(request), asked))
    return _answer(request, context, {"changes": changes})


async def show_kpis(request: web.Request) -> web.Response:
    """Serve ``/api/kpis``: durations, success, DORA's four and error budgets."""
    context = request.app[CONTEXT]
    now = context.clock()
    query = _Query(request, ("since", "until", "by", "bucket", *FILTERS))
    since = query.take("since", lambda text: read_since(text, now), default="30d")
    until = query.take("until", lambda text: read_since(text, now), default="0s")
    by = query.take("by", _read_choice(_BY), default="all")
    bucket = query.take("bucket", _read_choice(_BUCKETS), default="day")
    only = {name: value for name in FILTERS if (value := query.take(name, str)) is not None}
    if since is not None and until is not None and since >= until:
        query.problems.append("since: it has to be before until")
    query.done()
    assert since is not None
    assert until is not None
    question = Question(since=since, until=until, by=cast("By", by), bucket=cast("Bucket", bucket))
    within = make_scope(context, grant_of(request))
    groups = await _ask(context, lambda: context.office.figures.ask(question, only, within=within))
    targets = context.office.figures.targets
    slos = [
        {"name": slo.name, "objective": slo.objective} | ({"target": slo.target, "unit": "s"} if slo.target else {})
        for slo in targets.slos
    ]
    content = {"since": rfc3339(since), "until": rfc3339(until), "by": by, "bucket": bucket}
    return _answer(request, context, {**content, "slos": slos, "groups": groups})


async def list_deliveries(request: web.Request) -> web.Response:
    """Serve ``/api/deliveries``: what senders posted and what became of it, the newest first."""
    context, query = request.app[CONTEXT], _Query(request, ("sender", "outcome", "before", "limit"))
    sender = query.take("sender", _read_choice(tuple(SENDERS)))
    outcome = query.take("outcome", _read_choice(tuple(map(str, Outcome))))
    before = query.take("before", _read_number(1, 1 << 53))
    limit = query.take("limit", _read_number(1, MAX_DELIVERIES), default="50")
    query.done()
    assert limit is not None
    rows = await _ask(
        context,
        lambda: context.office.repository.browse(sender=sender, outcome=outcome, before=before, limit=limit + 1),
    )
    content: dict[str, Any] = {"deliveries": [_show_delivery(row) for row in rows[:limit]]}
    if len(rows) > limit:
        content["next"] = rows[limit - 1]["id"]
    return _answer(request, context, content)


async def redeliver(request: web.Request) -> web.Response:
    """Serve ``POST /api/deliveries/{id}/redeliver``: process a delivery again."""
    refuse_parameters(request)
    context, text = request.app[CONTEXT], request.match_info["id"]
    number = int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0
    found = await _ask(context, lambda: context.office.runner.redeliver(number))
    outcome = "unknown" if found is None else "accepted" if found else "forgotten"
    who = request[IDENTITY]
    _log.info(
        "audit.redelivery", identity=who.name, method=who.method, remote=request.remote, id=number, outcome=outcome
    )
    if found is None:
        detail = "There is no such delivery, or it is forgotten. /api/deliveries lists them."
        raise ProblemError(Problem(status=404, type="unknown-delivery", detail=detail))
    if not found:
        detail = "What it said isn't kept any more. Let its sender send it again."
        raise ProblemError(Problem(status=410, type="forgotten-delivery", detail=detail))
    return web.json_bytes_response({"id": number, "outcome": "accepted"}, dumps=orjson.dumps, status=202)


def _show_delivery(row: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "id": row["id"],
        "sender": row["sender"],
        "deliveryId": row["delivery_id"],
        "event": row["event"],
        "receivedAt": rfc3339(row["received_at"]),
        "outcome": row["outcome"],
        "why": row["why"],
        "size": row["size"],
        "facts": row["facts"],
        "matched": row["matched"],
        "repeats": row["repeats"] or None,
        "redeliverable": bool(row["kept"]),
    }
    return {name: value for name, value in shown.items() if value is not None}


async def _ask(context: Context, asking: Callable[[], Any]) -> Any:
    try:
        return await asking()
    except (SQLAlchemyError, DatabaseError) as error:
        raise not_kept(math.ceil(context.hub.retry_ms() / 1_000)) from error


def _answer(request: web.Request, context: Context, content: dict[str, Any]) -> web.Response:
    body = orjson.dumps(content)
    response = web.Response(body=body, content_type="application/json", zlib_executor_size=_COMPRESS_ASIDE_FROM)
    if context.compression and len(body) >= _COMPRESS_FROM and accepts_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


# The query.


def _with(wanted: Wanted, **changes: Any) -> Wanted:
    values = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    return Wanted(**{**values, **changes})


class _Query:
    """Parameters, read one by one; everything wrong with them is said at once."""

    def __init__(self, request: web.Request, names: tuple[str, ...]) -> None:
        self._query = request.query
        unknown = sorted(set(request.query) - set(names))
        self.problems = [f"{name[:100]}: there is no such parameter; there are {', '.join(names)}" for name in unknown]
        self.problems += [f"{name}: give it once" for name in names if len(request.query.getall(name, [])) > 1]

    def take(self, name: str, read: Callable[[str], T], *, default: str | None = None) -> T | None:
        """Return a parameter's value; None if there is none, or if it is wrong."""
        text = self._query.get(name, default)
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return None

    def read_wanted(self, now: float, *, span: str | None) -> Wanted:
        """Return which deployments are asked for; without ``since``, those of the ``span`` before now."""
        since = self.take("since", lambda text: read_since(text, now), default=span)
        before = self.take("before", lambda text: read_since(text, now))
        limit = self.take("limit", _read_number(1, MAX_CHANGES), default="50")
        kinds = self.take("kinds", _read_kinds, default=",".join(DEFAULT_KINDS))
        return Wanted(since=since, before=before, limit=limit or 1, kinds=kinds or ())

    def done(self) -> None:
        """Raise ProblemError if anything was wrong."""
        if self.problems:
            raise bad_parameters(tuple(self.problems))


def _read_kinds(text: str) -> tuple[str, ...]:
    read = _read_choice(tuple(map(str, Kind)))
    return tuple(read(part.strip()) for part in text.split(","))


def _read_choice(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"allowed are {', '.join(choices)}")
        return text

    return read


def _read_number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,16}", text) and lowest <= int(text) <= highest:
            return int(text)
        raise ValueError(f"allowed are whole numbers from {lowest} to {highest:,}")

    return read


def _read_matching(pattern: re.Pattern[str], allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"allowed are {allowed}")
        return text

    return read
