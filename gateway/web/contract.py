"""The contract, served: OpenAPI for the requests, a JSON Schema for each event of the stream.

The documents are written by hand and lie in the folder ``contract``; the tests compare them with what is really
answered. Whatever they say of each other, they say by relative addresses, so they hold under any base path.
"""

import functools
import hashlib
from importlib.resources import files

from aiohttp import web

from gateway.web.problem import Problem, ProblemError
from gateway.web.query import refuse_parameters

_FOLDER = files("gateway.web") / "contract"


@functools.cache
def list_schemas() -> tuple[str, ...]:
    """Return the names of all schemas."""
    names = (file.name for file in (_FOLDER / "schemas").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


async def show_openapi(request: web.Request) -> web.Response:
    """Serve ``/api/openapi.json``."""
    refuse_parameters(request)
    return _answer(request, "openapi.json", "application/json")


async def show_schema(request: web.Request) -> web.Response:
    """Serve ``/api/schemas/{event}.json``: an event's schema, or that of another document."""
    refuse_parameters(request)
    name = request.match_info["event"]
    if name not in list_schemas():
        known = list(list_schemas())
        detail = f"There is no such schema. There are {', '.join(known)}: /api/schemas/{known[0]}.json is one."
        raise ProblemError(Problem(status=404, type="unknown-schema", detail=detail, more={"schemas": known}))
    return _answer(request, f"schemas/{name}.json", "application/schema+json")


def _answer(request: web.Request, document: str, content_type: str) -> web.Response:
    body, tag = _read(document)
    headers = {"ETag": f'"{tag}"'}
    if any(known.value in ("*", tag) for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type=content_type)


@functools.cache
def _read(document: str) -> tuple[bytes, str]:
    """Return a document of the contract, and the tag of its content."""
    body = _FOLDER.joinpath(document).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:16]
