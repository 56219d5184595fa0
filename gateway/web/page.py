"""The page at ``/``: files of the package, read once, compressed once, served with the policy that keeps them safe.

What the page does is in ``static``; it asks only what any client may ask. Never belongs here: data, or markup made by
Python. The page shows names and messages that others wrote, so its policy allows no script and no style but its own
files.
"""

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from gateway.web.context import CONTEXT
from gateway.web.stream import accepts_gzip

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""See https://www.w3.org/TR/CSP3/; it is sent with the page and its files only."""

INDEX = "index.html"
CLIENT = "client.js"

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


# Comments that fill their lines. What is behind code stays: telling it from the inside of a string takes a parser.
_COMMENTS = re.compile(rb"^[ \t]*(?:/\*(?:(?!\*/).)*\*/[ \t]*|//[^\n]*)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, plain and as gzip. Each form has a strong ``ETag`` of its own (RFC 9110, section 8.8.3.3)."""

    content_type: str
    plain: bytes
    gzipped: bytes
    digest: str

    @property
    def tag(self) -> str:
        """The tag of the plain form."""
        return self.digest

    @property
    def gzip_tag(self) -> str:
        """The tag of the compressed form."""
        return f"{self.digest}-gzip"


def read_assets() -> dict[str, Asset]:
    """Read the files of the page from the package, by their paths in ``static``, such as ``shell/main.js``."""
    return {
        path: _make_asset(path, leave_out_comments(path, file.read_bytes()))
        for path, file in _walk(resources.files("gateway.web") / "static")
    }


def add_page(router: web.UrlDispatcher, *, base_path: str) -> None:
    """Add the page, and one route for each of its files: no path that a client sends is ever looked up.

    The page names its files and the API relative to itself, so it also works behind a proxy that cuts a prefix off.
    """
    for name, asset in read_assets().items():
        path = f"{base_path}/" if name == INDEX else f"{base_path}/static/{name}"
        router.add_get(path, _serve(asset))
    if base_path:
        router.add_get(base_path, _add_slash)


def add_client(router: web.UrlDispatcher, *, base_path: str) -> None:
    """Add the client library at a path that stays, for pages elsewhere: also where there is no dashboard."""
    file = resources.files("gateway.web") / "static" / CLIENT
    # With its comments, for whoever embeds it reads it.
    router.add_get(f"{base_path}/{CLIENT}", _serve(_make_asset(CLIENT, file.read_bytes())))


def _serve(asset: Asset) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        """Serve one file of the page."""
        compressed = request.app[CONTEXT].compression and accepts_gzip(request)
        tag = asset.gzip_tag if compressed else asset.tag
        headers = {
            "ETag": f'"{tag}"',
            "Cache-Control": "no-cache",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
        }
        if any(known.value in ("*", asset.tag, asset.gzip_tag) for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = asset.content_type
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.gzipped if compressed else asset.plain, headers=headers)

    return serve


async def _add_slash(request: web.Request) -> web.Response:
    """Lead from ``/base`` to ``/base/``, for the page's names are relative."""
    query = f"?{request.query_string}" if request.query_string else ""
    raise web.HTTPTemporaryRedirect(f"{request.path}/{query}")


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def leave_out_comments(name: str, content: bytes) -> bytes:
    """Return a file as browsers need it: comments are a third of what they would load. Line numbers stay."""
    if not name.endswith((".js", ".css")):
        return content
    return _COMMENTS.sub(lambda comment: b"\n" * comment[0].count(b"\n"), content)


def _make_asset(name: str, content: bytes) -> Asset:
    return Asset(
        content_type=_CONTENT_TYPES[name[name.rindex(".") :]],
        plain=content,
        gzipped=gzip.compress(content, mtime=0),
        digest=hashlib.sha256(content).hexdigest()[:24],
    )
