"""Release checklists: whether a commit is ready, for people and for CI."""

import math
import re

import orjson
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from gateway.auth.selection import narrow
from gateway.delivery.releases import AmbiguousError
from gateway.delivery.storage.database import DatabaseError
from gateway.model.selector import Selector, SelectorError, parse_selector
from gateway.web.context import CONTEXT
from gateway.web.guard import grant_of
from gateway.web.lookup import expect_state
from gateway.web.problem import Problem, ProblemError, bad_parameters
from gateway.web.webhooks import not_kept

IGNORED, NAME_LENGTH = 50, 200
"""Names of runs that may be passed over, and how long each may be."""

_SHA = re.compile(r"[0-9a-fA-F]{7,64}")


async def show_checklist(request: web.Request) -> web.Response:
    """Serve ``/api/releases/{sha}/checklist``: CI, scans and Argo CD, each with its evidence."""
    context, sha = request.app[CONTEXT], request.match_info["sha"]
    selector, ignore = _read_query(request, sha)
    expect_state(context)
    grant = grant_of(request)
    try:
        answer = await context.errands.releases.check(sha, sees=narrow(selector, grant).sees, ignore=ignore)
    except AmbiguousError as error:
        if not grant.everything:
            raise _unknown() from error
        more = {"candidates": error.candidates}
        raise ProblemError(Problem(status=409, type="ambiguous", detail=str(error), more=more)) from error
    except (SQLAlchemyError, DatabaseError) as error:
        raise not_kept(math.ceil(context.hub.retry_ms() / 1_000)) from error
    if not grant.everything and not answer["applications"]:
        # What CI told of it belongs to no application that may be seen.
        raise _unknown()
    return web.json_bytes_response(grant.show_checklist(answer), dumps=orjson.dumps)


def _unknown() -> ProblemError:
    detail = "No application that may be seen has to do with such a commit; write the whole SHA."
    return ProblemError(Problem(status=404, type="unknown-commit", detail=detail))


def _read_query(request: web.Request, sha: str) -> tuple[Selector, frozenset[str]]:
    """Return which applications count, and the names of runs that don't. Raises ProblemError."""
    problems: list[str] = []
    if not _SHA.fullmatch(sha):
        problems.append("sha: allowed are 7 to 64 hexadecimal digits of a commit")
    ignore = [name.strip() for name in request.query.getall("ignore", [])]
    if len(ignore) > IGNORED or not all(0 < len(name) <= NAME_LENGTH for name in ignore):
        problems.append(
            f"ignore: allowed are {IGNORED} names of runs, each once and of at most {NAME_LENGTH} characters"
        )
    selector = Selector()
    try:
        query = [(name, text) for name, text in request.query.items() if name != "ignore"]
        selector = parse_selector(query, besides=("ignore",))
    except SelectorError as error:
        problems += error.problems
    if problems:
        raise bad_parameters(tuple(problems))
    return selector, frozenset(ignore)
