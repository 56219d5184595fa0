"""What goes wrong with requests to Argo CD, in words that help and hold no secret: one of the reflector's kinds."""

import asyncio
from urllib.parse import urlsplit

import aiohttp
import msgspec

from gateway.upstream.messages import Failure, Kind

_MESSAGE_LIMIT = 300


class ArgoCDError(Exception):
    """A request failed; ``failure`` says how, ``status`` with which HTTP status, where there was one."""

    def __init__(self, kind: Kind, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)
        self.status = status


class _Error(msgspec.Struct):
    message: str = ""
    error: msgspec.Raw = msgspec.Raw()


async def check_answer(response: aiohttp.ClientResponse) -> None:
    """Raise ArgoCDError unless this is an answer of Argo CD's API."""
    status, path = response.status, response.url.path
    if status == 200 and response.content_type != "text/html":
        return
    if status == 200:
        raise ArgoCDError(Kind.ANSWERED_BADLY, f"{path} answers with a web page: is a login in front of Argo CD?")
    if 300 <= status < 400:
        target = urlsplit(response.headers.get("Location", ""))
        raise ArgoCDError(
            Kind.ANSWERED_BADLY, f"{path} redirects to {target.scheme}://{target.netloc}: use that as ARGOCD_BASE_URL"
        )
    message = f"{path} answers {status}"
    if said := _message(await response.content.read(4_096)):
        message += f": {said}"
    kind = {401: Kind.REFUSED, 403: Kind.REFUSED, 429: Kind.TOO_LARGE}.get(status, Kind.ANSWERED_BADLY)
    raise ArgoCDError(kind, message, status=status)


def _message(body: bytes) -> str:
    """Return what an error's body says, in any of Argo CD's forms."""
    body = body.strip().removeprefix(b"data:")
    try:
        error = msgspec.json.decode(body, type=_Error)
        said = error.message or msgspec.json.decode(error.error, type=_Error).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return said[:_MESSAGE_LIMIT]


def describe(error: BaseException) -> str:
    """Return what happened to a connection, in words that hold no secret."""
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate isn't trusted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} can't be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"can't connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
    return str(error)[:_MESSAGE_LIMIT] or type(error).__name__
