"""Argo CD's HTTP API: a few requests and a stream, with every way to fail made one of the reflector's kinds.

Nothing is decided here. Timeouts cover connecting and short answers; the headers of a watch may rightly never come.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from gateway.observability.trace import Trace
from gateway.upstream.answers import NameList, Permission, UserInfo, Version
from gateway.upstream.failures import ArgoCDError, check_answer, describe
from gateway.upstream.fields import WATCH_FIELDS, name_fields, parse_version
from gateway.upstream.messages import Failure, Kind
from gateway.upstream.pace import Pace, pause
from gateway.upstream.raw import RawError, RawEvent
from gateway.upstream.token import Token
from gateway.upstream.wire import LineSplitter, Undecodable, decode

CONNECT_TIMEOUT = 10.0
"""Seconds to connect, TLS included."""

ANSWER_TIMEOUT = 60.0
"""Seconds for a whole answer; a list of many thousand names takes Argo CD a while."""

Read = Callable[[tuple[RawEvent | RawError | Undecodable, ...], int], None]
"""Told the events of some bytes, and how many lines were too long to read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where Argo CD is and what of it is asked for. ``sse`` chooses the framing.

    ``max_line`` is in bytes, ``gather`` in seconds: for how long what a stream brings in quick succession is gathered.
    """

    base_url: str
    projects: tuple[str, ...] = ()
    ca_file: Path | None = None
    insecure: bool = False
    sse: bool = True
    max_line: int = 32 * 1024 * 1024
    gather: float = 0.02


class ArgoCD:
    """A client. Use as an async context manager, in one event loop."""

    def __init__(self, endpoint: Endpoint, token: Token, *, trace: Trace | None = None) -> None:
        self.trace = trace
        """What makes spans of requests and of what streams bring, if anything does."""
        self.version: str | None = None
        """What Argo CD said of itself last."""
        self.ask_version_again = True
        """Whether it may be another by now: after a reconnect, an upgrade may lie behind us."""
        self._endpoint = endpoint
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls(), limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            # HTTPS_PROXY, NO_PROXY and their like.
            trust_env=True,
            trace_configs=[self.trace.watch_client("argocd")] if self.trace else None,
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def watch(self, *, burst: bool, opened: Callable[[], None], read: Read) -> Failure:
        """Hold a watch until it ends; return how. ``opened`` is called when its headers have come."""
        query = [("fields", ",".join(WATCH_FIELDS)), *self._choose(self._endpoint.projects)]
        if not burst:
            # Not "from this version on": with any version there is no burst, and the subscription begins at once.
            query.append(("resourceVersion", "0"))
        try:
            await self.follow(
                "/api/v1/stream/applications",
                query,
                opened=opened,
                read=self._reader(read),
            )
        except ArgoCDError as error:
            return error.failure
        return Failure(Kind.ENDED, "Argo CD ended the stream")

    async def follow(
        self,
        path: str,
        query: list[tuple[str, str]],
        *,
        opened: Callable[[], None],
        read: Callable[[Iterable[bytes], int], None],
    ) -> None:
        """Hold a stream until Argo CD ends it. Raises ArgoCDError if it can't be opened, or breaks.

        ``opened`` is called when its headers have come, ``read`` with the lines of some bytes, and how many lines were
        too long to read.
        """
        # Exactly this value asks for keep-alives; anything else for bare JSON, which alone is ever compressed.
        accept = "text/event-stream" if self._endpoint.sse else "application/json"
        headers = {"Accept": accept, "Accept-Encoding": "identity" if self._endpoint.sse else "gzip"}
        splitter, pace = LineSplitter(limit=self._endpoint.max_line), Pace(self._endpoint.gather)
        oversized = 0

        def pass_on(lines: Iterable[bytes]) -> None:
            nonlocal oversized
            whole = list(lines)
            before, oversized = oversized, splitter.oversized
            read(whole, oversized - before)

        try:
            async with self._get(path, query, headers=headers, middlewares=(_try_once,)) as response:
                await check_answer(response)
                opened()
                async for data in response.content.iter_any():
                    pass_on(splitter.feed(data))
                    if seconds := pace.rest(len(data), time.monotonic()):
                        await pause(response, seconds)
                pass_on(splitter.flush())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ArgoCDError(Kind.UNREACHABLE, describe(error)) from error

    async def names(self, projects: Iterable[str] = ()) -> tuple[dict[str, str | None], int]:
        """Return key → project of all applications, and the version of the list.

        Given projects are asked for one by one, for together they may be too large for Argo CD. Raises ArgoCDError.
        """
        await self.health()
        if self.ask_version_again:
            await self.ask_version()
        fields = ("fields", name_fields(parse_version(self.version or "")))
        chosen: list[tuple[str, ...]] = [(project,) for project in projects] or [self._endpoint.projects]
        names: dict[str, str | None] = {}
        versions = []
        for some in chosen:
            query = [fields, *self._choose(some)]
            listed = await self.ask("/api/v1/applications", query, NameList)
            for item in listed.items or ():
                # Empty means `default`; absent, that this version can't tell.
                project = "default" if item.spec.project == "" else item.spec.project
                names[f"{item.metadata.namespace}/{item.metadata.name}"] = project
            version = listed.metadata.resource_version
            if not listed.items and not version:
                raise ArgoCDError(Kind.UNHEALTHY, "the list has no version yet: Argo CD's cache isn't filled")
            versions.append(int(version) if version.isdecimal() else 0)
        return names, min(versions)

    async def health(self) -> None:
        """Ask ``/healthz``. Raises ArgoCDError unless it is well."""
        async with self._short("/healthz") as response:
            if response.status != 200:
                raise ArgoCDError(Kind.UNHEALTHY, f"/healthz answers {response.status}")

    async def permissions(
        self, projects: Iterable[str], examples: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[bool, frozenset[str]]:
        """Return whether we are logged in, and which of these projects' applications we may not see.

        An account that may see only some of a project is asked about the example, a key. Raises ArgoCDError.
        """
        logged_in = not self._token.given or await self.username() is not None
        denied = []
        for project in projects:
            objects = [f"{project}/*"]
            if (key := examples.get(project)) is not None:
                # Argo CD names an application without its namespace in its own, and with it in any other.
                objects += [f"{project}/{key.partition('/')[2]}", f"{project}/{key}"]
            if not await self._may_see_any(objects):
                denied.append(project)
        return logged_in, frozenset(denied)

    async def _may_see_any(self, objects: Iterable[str]) -> bool:
        for name in objects:
            path = f"/api/v1/account/can-i/applications/get/{quote(name, safe='*/')}"
            if (await self.ask(path, [], Permission)).value == "yes":
                return True
        return False

    async def username(self) -> str | None:
        """Return who Argo CD takes us for; None if for nobody. Raises ArgoCDError."""
        user = await self.ask("/api/v1/session/userinfo", [], UserInfo)
        return user.username if user.logged_in else None

    async def ask_version(self) -> str:
        """Return Argo CD's version as it writes it, for example ``v3.5.1+1a2b3c4``. Raises ArgoCDError."""
        self.version = (await self.ask("/api/version", [], Version)).version
        self.ask_version_again = False
        return self.version

    def _reader(self, read: Read) -> Callable[[Iterable[bytes], int], None]:
        if (trace := self.trace) is None:
            return lambda lines, oversized: read(_decode(lines), oversized)

        def follow(lines: Iterable[bytes], oversized: int) -> None:
            began = time.time_ns()
            events = _decode(lines)
            with trace.way(events, began=began):
                read(events, oversized)

        return follow

    # How requests are made.

    def _choose(self, projects: Iterable[str]) -> list[tuple[str, str]]:
        return [("projects", project) for project in projects]

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._endpoint.ca_file)
        if self._endpoint.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _get(
        self,
        path: str,
        query: list[tuple[str, str]],
        *,
        headers: dict[str, str],
        timeout: aiohttp.ClientTimeout | None = None,
        middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    ) -> "aiohttp.client._RequestContextManager":
        assert self._session is not None, "use ArgoCD as a context manager"
        if (token := self._token.use()) is not None:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        return self._session.get(
            self._endpoint.base_url + path,
            params=query,
            headers=headers,
            timeout=timeout or self._session.timeout,
            # A redirect would take the token elsewhere; it means that the address is wrong.
            allow_redirects=False,
            middlewares=middlewares,
        )

    def _short(self, path: str, query: Iterable[tuple[str, str]] = ()) -> "_Short":
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        return _Short(self._get(path, list(query), headers=headers, timeout=timeout))

    async def ask(self, path: str, query: list[tuple[str, str]], shape: type[T]) -> T:
        """Return what Argo CD answers to a short request, as far as ``shape`` names it. Raises ArgoCDError."""
        async with self._short(path, query) as response:
            await check_answer(response)
            try:
                return msgspec.json.decode(await response.read(), type=shape)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ArgoCDError(Kind.ANSWERED_BADLY, f"{path} answers something else: {error}") from error


class _Short:
    """A short request, whose failures are ArgoCDErrors."""

    def __init__(self, request: "aiohttp.client._RequestContextManager") -> None:
        self._request = request

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            return await self._request.__aenter__()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ArgoCDError(Kind.UNREACHABLE, describe(error)) from error

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self._request.__aexit__(kind, error, None)
        if isinstance(error, (aiohttp.ClientError, OSError, TimeoutError)):
            raise ArgoCDError(Kind.UNREACHABLE, describe(error)) from error


async def _try_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Let a connection that breaks be heard of.

    aiohttp repeats a GET on which nothing came yet. Of a stream that waits for its first event nobody would notice, and
    what happened in between would be missed.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _decode(lines: Iterable[bytes]) -> tuple[RawEvent | RawError | Undecodable, ...]:
    return tuple(event for event in map(decode, lines) if event is not None)
