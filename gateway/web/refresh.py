"""Refreshes that somebody asks for: Argo CD compares one application with its sources now, instead of when it polls."""

import orjson
import structlog
from aiohttp import web

from gateway.delivery.refresher import BusyError
from gateway.upstream.failures import ArgoCDError
from gateway.web import problem
from gateway.web.context import CONTEXT, Context
from gateway.web.guard import IDENTITY, grant_of
from gateway.web.lookup import expect_state, find_application, retry_after
from gateway.web.problem import Problem, ProblemError
from gateway.web.query import refuse_parameters

_log = structlog.get_logger(__name__)


async def refresh(request: web.Request) -> web.Response:
    """Serve ``POST /api/pipelines/{name}/refresh``: 202 when Argo CD has been asked, or was a moment ago."""
    refuse_parameters(request)
    context, identity, grant = request.app[CONTEXT], request[IDENTITY], grant_of(request)
    expect_state(context)
    namespace, name = request.match_info.get("namespace"), request.match_info["name"]
    document = find_application(context, grant, namespace, name, verb="refresh").document
    who = {"identity": identity.name, "method": identity.method, "remote": request.remote}
    if not grant.allows("refresh", document):
        _log.info("audit.denied", **who, need="refresh", route=request.path)
        detail = "You may see this application, but nobody has given you the right to refresh it."
        raise ProblemError(Problem(status=403, type="forbidden", detail=detail))
    try:
        outcome = "asked" if await context.errands.refresher.refresh(document.key) else "recent"
    except BusyError as error:
        raise problem.overloaded(retry_after(context)) from error
    except ArgoCDError as error:
        _log.info("audit.refresh", **who, application=document.key, outcome=error.failure.kind.value)
        raise _explain(error, context) from error
    _log.info("audit.refresh", **who, application=document.key, outcome=outcome)
    content = {"application": document.key, "outcome": outcome}
    return web.json_bytes_response(content, dumps=orjson.dumps, status=202)


def _explain(error: ArgoCDError, context: Context) -> ProblemError:
    """Return the answer to what Argo CD did with it; its own words are for the log alone, they name other things."""
    if error.status in (401, 403, 404):
        why = {
            401: "the gateway's token isn't accepted any more",
            403: "the gateway's account may not do this",
            404: "it doesn't know the application any more",
        }[error.status]
        detail = f"Argo CD refuses: {why}. Those who run the gateway find more in its log."
        return ProblemError(Problem(status=502, type="argocd-refused", detail=detail))
    detail = "Argo CD can't be asked at the moment. Try again after the time in Retry-After."
    headers = {"Retry-After": str(retry_after(context))}
    return ProblemError(Problem(status=503, type="argocd-unavailable", detail=detail, headers=headers))
