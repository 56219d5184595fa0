"""How Argo CD words its answers, refusals and streams (grpc-gateway's manner). Pure but for what aiohttp sends."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

KEEPALIVE = 15.0
"""Seconds of silence on a stream of events until a line says that it lives (argoproj/pkg grpc/http/forwarders.go)."""


class Refusal(Exception):  # noqa: N818
    """What Argo CD says instead of an answer: the words, the code of gRPC, and the status of HTTP."""

    def __init__(self, message: str, *, code: int, status: HTTPStatus) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


def invalid_session() -> Refusal:
    """Refuse who has another token, or none."""
    return Refusal("invalid session: token signature is invalid", code=16, status=HTTPStatus.UNAUTHORIZED)


def permission_denied() -> Refusal:
    """Refuse to say whether there is such a thing."""
    return Refusal("permission denied", code=7, status=HTTPStatus.FORBIDDEN)


def not_found(name: str) -> Refusal:
    """Say that an application isn't in the project that was named."""
    return Refusal(f'applications.argoproj.io "{name}" not found', code=5, status=HTTPStatus.NOT_FOUND)


def invalid(message: str) -> Refusal:
    """Say that something was asked that can't be."""
    return Refusal(message, code=3, status=HTTPStatus.BAD_REQUEST)


def failed(message: str) -> Refusal:
    """Say that Argo CD failed itself."""
    return Refusal(message, code=2, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def answer(document: Any, *, status: int = 200) -> web.Response:
    """Return a document as an answer."""
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


def refuse(refusal: Refusal) -> web.Response:
    """Return a refusal as an answer."""
    said = {"error": refusal.message, "code": refusal.code, "message": refusal.message}
    return answer(said, status=refusal.status)


def wants_sse(request: web.Request) -> bool:
    """Return whether a stream is to be one of server-sent events, and not of lines."""
    return request.headers.get("Accept") == "text/event-stream"


def refuse_stream(request: web.Request, refusal: Refusal) -> web.Response:
    """Return a refusal as a stream that is nothing else."""
    return web.Response(
        status=refusal.status, body=frame_error(refusal, sse=wants_sse(request)), headers=_name_type(request)
    )


def begin_stream(request: web.Request) -> web.StreamResponse:
    """Return a stream that isn't sent yet: its headers go with the first frame."""
    return web.StreamResponse(headers=_name_type(request))


async def send(request: web.Request, response: web.StreamResponse, result: Any) -> None:
    """Send a frame, and the headers if it is the first."""
    if not response.prepared:
        await response.prepare(request)
    await response.write(frame({"result": result}, sse=wants_sse(request)))


async def keep_alive_until(
    response: web.StreamResponse, request: web.Request, get: Callable[[], Awaitable[Any]]
) -> Any:
    """Return what comes next; until then say from time to time that the stream lives, if it has begun."""
    while True:
        try:
            # There is nothing to keep alive before the first event: the headers come with it.
            async with asyncio.timeout(KEEPALIVE if wants_sse(request) and response.prepared else None):
                return await get()
        except TimeoutError:
            await response.write(b":\n")


def frame(document: Any, *, sse: bool) -> bytes:
    """Return a document as a stream carries it."""
    payload = orjson.dumps(document)
    return b"data: " + payload + b" \n\n\n" if sse else payload + b"\n"


def frame_error(refusal: Refusal, *, sse: bool) -> bytes:
    """Return a refusal as a stream carries it: instead of all else, or at its end."""
    error = {
        "grpc_code": refusal.code,
        "http_code": refusal.status.value,
        "message": refusal.message,
        "http_status": refusal.status.phrase,
    }
    return frame({"error": error}, sse=sse)


def _name_type(request: web.Request) -> dict[str, str]:
    kind = "text/event-stream" if wants_sse(request) else "application/json"
    return {"Content-Type": kind, "X-Content-Type-Options": "nosniff"}
