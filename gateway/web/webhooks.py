"""What senders post: limited in size, believed, read, kept, and answered; all the rest happens afterwards."""

import asyncio
import math

import orjson
import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.intake import OverloadedError, UnknownSenderError
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, SignatureError
from gateway.web import problem
from gateway.web.context import CONTEXT, Context
from gateway.web.problem import Problem, ProblemError
from gateway.web.query import refuse_parameters

BODY_WITHIN = 30.0
"""Seconds in which a body has to come."""

_log = structlog.get_logger(__name__)


async def take_webhook(request: web.Request) -> web.Response:
    """Serve ``POST /api/webhooks/{sender}``: 202 when the delivery is kept, whatever becomes of it."""
    refuse_parameters(request)
    context = request.app[CONTEXT]
    intake, name = context.office.intake, request.match_info["sender"]
    try:
        intake.find(name)
        body = await _read_body(request, context, name)
        headers = {key.lower(): value for key, value in request.headers.items()}
        receipt = await intake.take(name, headers, body)
    except UnknownSenderError as error:
        more = {"senders": list(SENDERS)} if name not in SENDERS else {}
        raise ProblemError(Problem(status=404, type="unknown-sender", detail=str(error), more=more)) from error
    except SignatureError as error:
        raise ProblemError(Problem(status=401, type="unsigned", detail=str(error))) from error
    except PayloadError as error:
        raise ProblemError(Problem(status=400, type="malformed-delivery", detail=str(error))) from error
    except OverloadedError as error:
        raise problem.overloaded(math.ceil(context.hub.retry_ms() / 1_000)) from error
    except (SQLAlchemyError, DatabaseError, OSError) as error:
        raise not_kept(math.ceil(context.hub.retry_ms() / 1_000)) from error
    outcome = "duplicate" if receipt.duplicate else "ignored" if receipt.ignored is not None else "accepted"
    if context.trace is not None:
        context.trace.note(sender=name, outcome=outcome, delivery=receipt.id)
    _log.info("audit.webhook", sender=name, id=receipt.id, outcome=outcome, remote=request.remote)
    content = {"id": receipt.id, "outcome": outcome}
    if receipt.ignored is not None:
        content["why"] = receipt.ignored
    return web.json_bytes_response(content, dumps=orjson.dumps, status=202)


async def _read_body(request: web.Request, context: Context, name: str) -> bytes:
    """Return the body, if it isn't larger than it may be; a compressed one counts as large as it is unpacked."""
    limit, parts, size = context.office.max_body, [], 0
    try:
        if (request.content_length or 0) <= limit:
            async with asyncio.timeout(BODY_WITHIN):
                async for part in request.content.iter_any():
                    parts.append(part)
                    size += len(part)
                    if size > limit:
                        break
                else:
                    return b"".join(parts)
    except TimeoutError as error:
        detail = f"The body didn't come within {BODY_WITHIN:g} s; send it again."
        await context.office.intake.refuse(name, "malformed", detail, size=size)
        problem_of_time = Problem(status=408, type="request-timeout", detail=detail, headers={"Connection": "close"})
        raise ProblemError(problem_of_time) from error
    detail = f"The body is larger than {limit:,} bytes; GATEWAY_WEBHOOK_MAX_BODY says how large it may be."
    await context.office.intake.refuse(name, "too-large", detail, size=max(size, request.content_length or 0))
    raise ProblemError(Problem(status=413, type="content-too-large", detail=detail, headers={"Connection": "close"}))


def not_kept(retry_after: int) -> ProblemError:
    """Return the error for what couldn't be kept, or read, for want of the database."""
    return ProblemError(
        Problem(
            status=503,
            type="not-kept",
            detail="The gateway's database can't be used at the moment. Send it again; its log says why.",
            headers={"Retry-After": str(retry_after)},
        )
    )
