"""Argo CD's HTTP API: a few requests and a stream, with every way to fail made one of the reflector's kinds.

Nothing is decided here. Timeouts cover connecting and short answers; the headers of a watch may rightly never come.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from gateway.upstream.failures import ArgoCDError, check_answer, describe
from gateway.upstream.fields import WATCH_FIELDS, name_fields, parse_version
from gateway.upstream.messages import Failure, Kind
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
    """Where Argo CD is and what of it is asked for. ``max_line`` is in bytes; ``sse`` chooses the framing."""

    base_url: str
    projects: tuple[str, ...] = ()
    ca_file: Path | None = None
    insecure: bool = False
    sse: bool = True
    max_line: int = 32 * 1024 * 1024


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _ItemMeta(msgspec.Struct):
    name: str
    namespace: str


class _ItemSpec(msgspec.Struct):
    project: str | None = None


class _Item(msgspec.Struct):
    metadata: _ItemMeta
    spec: _ItemSpec = msgspec.field(default_factory=_ItemSpec)


class _NameList(msgspec.Struct):
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    items: list[_Item] | None = None


class _UserInfo(msgspec.Struct, rename="camel"):
    logged_in: bool = False
    username: str = ""


class _Permission(msgspec.Struct):
    value: str


class _Version(msgspec.Struct, rename="pascal"):
    version: str = ""


class ArgoCD:
    """A client. Use as an async context manager, in one event loop."""

    def __init__(self, endpoint: Endpoint, token: Token) -> None:
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
        # Exactly this value asks for keep-alives; anything else for bare JSON, which alone is ever compressed.
        accept = "text/event-stream" if self._endpoint.sse else "application/json"
        headers = {"Accept": accept, "Accept-Encoding": "identity" if self._endpoint.sse else "gzip"}
        splitter = LineSplitter(limit=self._endpoint.max_line)
        try:
            async with self._get("/api/v1/stream/applications", query, headers=headers) as response:
                await check_answer(response)
                opened()
                async for data in response.content.iter_any():
                    _read(splitter, splitter.feed(data), read)
                _read(splitter, splitter.flush(), read)
        except ArgoCDError as error:
            return error.failure
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Failure(Kind.UNREACHABLE, describe(error))
        return Failure(Kind.ENDED, "Argo CD ended the stream")

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
            listed = await self._ask("/api/v1/applications", query, _NameList)
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
            if (await self._ask(path, [], _Permission)).value == "yes":
                return True
        return False

    async def username(self) -> str | None:
        """Return who Argo CD takes us for; None if for nobody. Raises ArgoCDError."""
        user = await self._ask("/api/v1/session/userinfo", [], _UserInfo)
        return user.username if user.logged_in else None

    async def ask_version(self) -> str:
        """Return Argo CD's version as it writes it, for example ``v3.5.1+1a2b3c4``. Raises ArgoCDError."""
        self.version = (await self._ask("/api/version", [], _Version)).version
        self.ask_version_again = False
        return self.version

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
        )

    def _short(self, path: str, query: Iterable[tuple[str, str]] = ()) -> "_Short":
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        return _Short(self._get(path, list(query), headers=headers, timeout=timeout))

    async def _ask(self, path: str, query: list[tuple[str, str]], shape: type[T]) -> T:
        async with self._short(path, query) as response:
            await check_answer(response)
            try:
                return msgspec.json.decode(await response.read(), type=shape)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
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


def _read(splitter: LineSplitter, lines: Iterable[bytes], read: Read) -> None:
    oversized = splitter.oversized
    events = tuple(event for event in map(decode, lines) if event is not None)
    read(events, splitter.oversized - oversized)
