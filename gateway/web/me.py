"""Who asks: what a page needs to show somebody who they are here, and what they may do."""

from typing import Any

import orjson
from aiohttp import web

from gateway.auth.grant import VERBS
from gateway.model.upstream import rfc3339
from gateway.web.context import CONTEXT
from gateway.web.guard import IDENTITY, grant_of
from gateway.web.problem import bad_parameters

APPLICATION_PARAMETER = "application"


async def show_me(request: web.Request) -> web.Response:
    """Serve ``/api/me``: who asks, until when, and what they may do; to one application, if one is named."""
    context, identity, grant = request.app[CONTEXT], request[IDENTITY], grant_of(request)
    key = _read_key(request)
    content: dict[str, Any] = {"anonymous": identity.anonymous}
    if not identity.anonymous:
        content |= {"name": identity.name, "subject": identity.subject, "method": identity.method}
        content["groups"] = sorted(identity.groups)
    if identity.ends_at is not None:
        content["until"] = rfc3339(identity.ends_at)
    if key is None:
        content["verbs"] = [verb for verb in VERBS if grant.allows(verb)]
    else:
        observed = context.held().get(key)
        # Nothing may be done to what doesn't exist, and the same to what may not be seen.
        allowed = [] if observed is None else [verb for verb in VERBS if grant.allows(verb, observed.document)]
        content |= {"application": key, "verbs": allowed}
    if (login := context.guard.login) is not None:
        content["login"] = login
        if identity.method == "oidc":
            content["logout"] = f"{login.removesuffix('login')}logout"
    return web.json_bytes_response(content, dumps=orjson.dumps, headers={"Cache-Control": "no-store"})


def _read_key(request: web.Request) -> str | None:
    """Return the key of the application that is asked about, if one is. Raises ProblemError."""
    unknown = sorted(set(request.query) - {APPLICATION_PARAMETER})
    given = request.query.getall(APPLICATION_PARAMETER, [])
    if unknown or len(given) > 1 or any("/" not in key for key in given):
        raise bad_parameters((f"{request.path} takes {APPLICATION_PARAMETER}=namespace/name, once, and nothing else.",))
    return given[0] if given else None
