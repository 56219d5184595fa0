"""A fake Argo CD server: real HTTP on a loopback port, faithful to its API, with every fault of the real one as a verb.

Use it inside the test's own event loop; verbs are plain calls unless waiting is in their nature.

    async with FakeArgoCD() as argocd:      # token="secret", version="v3.6.0", root_path="", ssl_context=None
        argocd.put(application("core", project="astrago"))      # the builder is in `tests.fakes.applications`
        ... a client connects to argocd.url with the token "secret" ...
        watch = await argocd.wait_for_stream(lambda stream: stream.subscribed)
        argocd.put(application("core", project="astrago", health="Degraded"))
        await argocd.drained()

State      put, delete, replay, load, play; applications (key → dict, read only), version_counter (`cluster.py`)
Loss       put/delete(…, announce=False | only_to=predicate | except_for=predicate): a predicate takes a Stream
Streams    cut_all, end_all, fail_all, cut_after_bytes, send_raw, keepalive, keepalive_interval, silence, watch_buffer,
           stall_burst_after, resume_burst, on_burst_item, burst_script, watch_status           (`faults.py`)
Server     health, list_empty, partial_list, list_status, restart/ready, restore, stop and start again (same port)
Access     unauthorized, logged_in, accept_token, revoke_token, forbid, forbid_all, allow     (`access.py`)
Replicas   snapshot → Replica (catch_up: late, old events), route(list=…, watch=…)            (`replica.py`)
Details    details.put_tree, commits, part_status, hold/release, end_trees, cut_trees, …       (`details.py`)
Observe    requests, requests_to, streams, open_streams, wait_until, wait_for_stream, wait_for_request, drained,
           on_request                                                                         (`observation.py`)

As in reality: a watch gets no headers and no keep-alive before its first event; the burst is the state at its
beginning, and the stream subscribes only after it; more than `watch_buffer` events at once are dropped silently (so
put few between two awaits, or raise it); an open stream outlives its token; what may not be seen is left out silently.
Keep-alives come only by `keepalive()`, or every `keepalive_interval` seconds where a test runs in real time.
"""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from . import recordings
from .access import Access
from .applications import Application
from .cluster import Cluster
from .details import Details
from .faults import StreamFaults
from .replica import Event
from .rest import Rest, not_found, numbers_of, refused_stream
from .stream import Stream

SECRET = "secret"


class FakeArgoCD(Access, Cluster, StreamFaults):
    """One Argo CD; see the module's docstring for its verbs."""

    def __init__(
        self,
        *,
        token: str = SECRET,
        version: str = "v3.6.0",
        root_path: str = "",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        Access.__init__(self, token)
        Cluster.__init__(self)
        StreamFaults.__init__(self)
        self.details = Details(self)
        self.version = version
        self.root_path = "/" + root_path.strip("/") if root_path.strip("/") else ""
        self.health = True
        """False: /healthz answers 503."""
        self.list_empty = False
        """True: the list says `items: null`, whatever there is."""
        self.listed_keys: frozenset[str] | None = None
        self.list_status: int | None = None
        """Answer the list with this error; 429 only until the query names projects."""
        self.watch_status: int | None = None
        """Answer new watches with this error."""
        self.windows: dict[str, dict[str, Any]] = {}
        """By key, what is answered to questions for sync windows."""
        self.keepalive_interval: float | None = None
        """Seconds between keep-alives; set before `start`. None: only by `keepalive()`."""
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._pulse: asyncio.Task[None] | None = None

    # Starting and stopping

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The base URL, root path included, without a slash at its end."""
        return f"{'https' if self._ssl_context else 'http'}://127.0.0.1:{self._port}{self.root_path}"

    async def start(self) -> None:
        """Listen; after a `stop` on the same port again."""
        app = web.Application(middlewares=[self._observe])
        app.add_routes([web.get(f"{self.root_path}/api/v1/stream/applications", self._watch)])
        app.add_routes(self.details.routes(self.root_path))
        app.add_routes([*Rest(self).routes(self.root_path), web.route("*", "/{tail:.*}", not_found)])
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._ssl_context).start()
        self._port = self._runner.addresses[0][1]
        if self.keepalive_interval is not None:
            self._pulse = asyncio.create_task(self._beat(self.keepalive_interval))

    async def stop(self) -> None:
        """Cut everything and refuse connections."""
        if self._pulse is not None:
            self._pulse.cancel()
            with suppress(asyncio.CancelledError):
                await self._pulse
        for stream in self.open_streams:
            stream.cut(abort=True)
        self.details.cut_trees()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._pulse = None

    # Faults of the server (others are plain attributes)

    def partial_list(self, keys: Iterable[str] | None) -> None:
        """Let the list contain only these keys; None lifts it."""
        self.listed_keys = None if keys is None else frozenset(keys)

    def restart(self) -> None:
        """Cut everything and know nothing until `ready`: /healthz is 503, lists and bursts are empty."""
        self.cut_all()
        self.fresh.synced = False

    def ready(self) -> None:
        """Finish a restart: streams that are already open are told of every application as ADDED."""
        self.fresh.synced = True
        for application in self.fresh.in_order_of_keys():
            self.fresh.announce(Event(type="ADDED", application=application))

    def restore(self, applications: Iterable[Application], version: int) -> None:
        """Restore an etcd backup: streams are cut, applications and the version counter go back to old versions."""
        self.cut_all()
        self.go_back(applications, version)

    # Recordings

    async def play(
        self,
        recording: str,
        *,
        speed: float | None = None,
        after_each: Callable[[Mapping[str, Any]], object] | None = None,
        verbatim: bool = True,
        namespace: str | None = None,
    ) -> None:
        """Play a recorded stream to the open watches, line by line, while the state follows.

        `verbatim` sends the bytes of each recorded event as they are to every stream that may see it, whatever its
        `fields`; otherwise they are filtered and de-duplicated as Argo CD would. With a `speed` the recorded times
        count (2.0 is twice as fast); without, each event waits only until the one before is written. `after_each` is
        called with each event once it has been written, and awaited if it can be. `namespace` fills in one that the
        recording lacks.
        """
        clock = iter(recordings.times(recording)) if speed else iter(())
        before = 0.0
        for line in recordings.lines(recording, namespace=namespace):
            now = next(clock, before)
            if speed and now > before:
                await asyncio.sleep((now - before) / speed)
                before = now
            event = recordings.event_in(line)
            if event is not None:
                raw = line if verbatim else None
                self.happen(Event(type=event["type"], application=event["application"], raw=raw))
                await self.drained()
                outcome = after_each(event) if after_each else None
                if inspect.isawaitable(outcome):
                    await outcome
            elif line.startswith(b":"):
                self.keepalive()

    # Serving

    @property
    def version_numbers(self) -> tuple[int, int, int]:
        return numbers_of(self.version)

    @web.middleware
    async def _observe(self, request: web.Request, handler: Any) -> web.StreamResponse:
        await self.note_request(request, self.root_path)
        response: web.StreamResponse = await handler(request)
        return response

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        refusal = self.refusal_of(request)
        if refusal is not None:
            return refused_stream(request, 401, refusal)
        if self.watch_status is not None:
            return refused_stream(request, self.watch_status, "watch refused")
        stream = Stream(self, request, self.replica_for("watch", request))
        self.prepare_faults(stream)
        self.streams.append(stream)
        self.note_change()
        return await stream.serve()

    async def _beat(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self.keepalive()
