"""Has Argo CD compare applications now: those whose manifests were pushed to, and those that somebody asks for."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import structlog

from gateway.delivery.events import Commit
from gateway.delivery.refresh import Refreshes
from gateway.errors import GatewayError
from gateway.model.application import ApplicationStatus
from gateway.upstream.argocd import ArgoCD
from gateway.upstream.failures import ArgoCDError
from gateway.upstream.inspector import Target, ask_refresh

AT_ONCE = 4
"""Refreshes after pushes that are under way at once: each makes Argo CD's repo-server work."""

WANTED_AT_ONCE = 20
"""The same of those that somebody asked for."""

PATIENCE = 10.0
"""Seconds for which whoever asked waits to be told how that went. Argo CD answers only when it has compared, which may
take it a minute (argo-cd server/application/application.go)."""

_log = structlog.get_logger(__name__)


class BusyError(GatewayError):
    """So many refreshes are under way that another would only wait."""


class Refresher:
    """Asks for refreshes. ``documents`` returns all applications; ``counts`` gets ``refresh_asked`` and its like."""

    def __init__(
        self,
        client: ArgoCD,
        *,
        documents: Callable[[], Mapping[str, ApplicationStatus]],
        counts: Counter[str],
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._documents = documents
        self._counts = counts
        self._clock = clock
        self._refreshes = Refreshes()
        self._woken = asyncio.Event()
        self._pushed: set[asyncio.Task[None]] = set()
        self._wanted: set[asyncio.Task[None]] = set()

    def push(self, commits: Iterable[Commit]) -> None:
        """Take commits that were pushed: what tracks them is refreshed soon."""
        if self._refreshes.push(commits, self._documents(), now=self._clock()):
            self._woken.set()

    def asked_at(self, key: str) -> float | None:
        """Return when an application was refreshed last."""
        return self._refreshes.asked_at(key)

    async def refresh(self, key: str) -> bool:
        """Have Argo CD compare an application now, because somebody wants it; return False where it just was asked.

        Returns once it has compared, or after ``PATIENCE`` seconds. Raises ArgoCDError and BusyError.
        """
        if len(self._wanted) >= WANTED_AT_ONCE:
            raise BusyError("refreshes")
        if not self._refreshes.begin(key, self._clock()):
            return False
        task = self._start(key, self._wanted)
        # Whoever asked may go: what Argo CD was told can't be taken back.
        await asyncio.wait([task], timeout=PATIENCE)
        if task.done():
            task.result()
        return True

    async def run(self) -> None:
        """Refresh what was pushed to, until cancelled."""
        try:
            while True:
                self._woken.clear()
                for key in self._refreshes.take(self._clock(), limit=AT_ONCE - len(self._pushed)):
                    self._start(key, self._pushed)
                deadline = self._refreshes.deadline()
                # What is due but has no room waits for one that ends, which wakes us.
                full = len(self._pushed) >= AT_ONCE
                wait = None if deadline is None or full else max(0.0, deadline - self._clock()) + 0.001
                with contextlib.suppress(TimeoutError):
                    # Not ``wait_for``: before Python 3.12 it may lose a cancellation.
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
        finally:
            tasks = [*self._pushed, *self._wanted]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: str, tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._ask(key), name="refresh")
        tasks.add(task)

        def end(_: object) -> None:
            tasks.discard(task)
            self._woken.set()
            if not task.cancelled() and (error := task.exception()) and not isinstance(error, ArgoCDError):
                _log.error("delivery.errand_broke", errand="refresh", exc_info=error)

        task.add_done_callback(end)
        return task

    async def _ask(self, key: str) -> None:
        """Have Argo CD compare an application. Raises ArgoCDError."""
        if (document := self._documents().get(key)) is None:
            return
        target = Target(name=document.name, namespace=document.namespace, project=document.project)
        try:
            await ask_refresh(self._client, target)
        except ArgoCDError as error:
            self._refreshes.forget(key)
            self._counts["refresh_failed"] += 1
            _log.warning("delivery.refresh_failed", application=key, reason=error.failure.message)
            raise
        self._counts["refresh_asked"] += 1
