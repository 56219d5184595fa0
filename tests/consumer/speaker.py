"""A small server that speaks the contract, and breaks one promise of it if told so. Nothing of it is the gateway's."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from gateway.model.application import ApplicationStatus
from gateway.model.selector import Selector, SelectorError, parse_selector

Documents = dict[str, dict[str, Any]]
EPOCH = "ab12"


class Fault(Enum):
    NONE = "none"
    DROPS_A_DELTA = "every fifth delta isn't sent"
    SKIPS_ON_RESUME = "a resume says that nothing happened"
    OLD_IDS_ON_RESUME = "the ids after a resume are older than the cursor"
    KEEPS_REMOVED = "removals aren't sent"
    NO_HEARTBEAT = "no heartbeat comes"
    CACHEABLE = "the headers allow caching"
    ANY_PARAMETER = "unknown parameters are taken"
    ANY_CURSOR = "every cursor resumes"


class Step(NamedTuple):
    changed: Documents
    removed: list[str]


class Speaker:
    def __init__(self, fault: Fault = Fault.NONE) -> None:
        self.fault = fault
        self.history: list[Documents] = [{}]
        self._moved = asyncio.Condition()
        self._deltas = 0

    @property
    def offset(self) -> int:
        return len(self.history) - 1

    async def show(self, documents: Documents) -> None:
        async with self._moved:
            self.history.append(copy.deepcopy(documents))
            self._moved.notify_all()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/base/api/pipelines", self._list)
        app.router.add_get("/base/api/stream/pipelines", self._stream)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/base/"
        finally:
            await runner.cleanup()

    def _select(self, request: web.Request) -> Selector:
        known = ("projects", "namespaces", "names", "selector", "health", "sync")
        query = [(name, value) for name, value in request.query.items() if name != "lastEventId"]
        if self.fault is Fault.ANY_PARAMETER:
            query = [(name, value) for name, value in query if name in known]
        try:
            return parse_selector(query)
        except SelectorError as error:
            problem = {"type": "urn:x", "title": "Bad Request", "status": 400, "detail": str(error)}
            raise web.HTTPBadRequest(text=json.dumps(problem), content_type="application/problem+json") from error

    def _seen(self, selector: Selector, offset: int) -> Documents:
        return {
            key: document
            for key, document in self.history[offset].items()
            if selector.sees(msgspec.convert(document, ApplicationStatus))
        }

    async def _list(self, request: web.Request) -> web.Response:
        selector = self._select(request)
        cursor = self._cursor(selector, self.offset)
        headers = {"ETag": f'"{cursor}"', "Gateway-Cursor": cursor}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        shown = list(self._seen(selector, self.offset).values())
        return web.json_response({"position": f"{EPOCH}-{self.offset}", "applications": shown}, headers=headers)

    def _cursor(self, selector: Selector, offset: int) -> str:
        return f"{EPOCH}-{offset}-{sha256(selector.canonical.encode()).hexdigest()[:6]}"

    def _resume(self, selector: Selector, cursor: str) -> int | str:
        """Return the offset to go on from, or the reason for a snapshot."""
        if not cursor:
            return "new"
        epoch, _, rest = cursor.partition("-")
        offset, _, view = rest.partition("-")
        well = offset.isdigit() and offset == str(int(offset)) and int(offset) <= self.offset
        if self.fault is Fault.ANY_CURSOR:
            return int(offset) if well else self.offset
        if epoch != EPOCH or not well:
            return "epoch"
        return int(offset) if view == self._cursor(selector, 0).rpartition("-")[2] else "view"

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        selector = self._select(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        if self.fault is not Fault.CACHEABLE:
            response.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        await response.prepare(request)

        async def say(name: str, data: Any, offset: int | None = None) -> None:
            id_line = "" if offset is None else f"id: {self._cursor(selector, offset)}\n"
            await response.write(f"event: {name}\n{id_line}data: {json.dumps(data)}\n\n".encode())

        await response.write(b"retry: 200\n")
        begin = self._resume(selector, request.headers.get("Last-Event-ID") or request.query.get("lastEventId", ""))
        here, back = self.offset, 0
        seen = self._seen(selector, here)
        if isinstance(begin, int):
            known = seen if self.fault is Fault.SKIPS_ON_RESUME else self._seen(selector, begin)
            back = 2 if self.fault is Fault.OLD_IDS_ON_RESUME and begin >= 2 else 0
            step = self._compare(known, seen)
            shown = begin - back if back else here
            await say("delta", {"reason": "resumed", "changed": step.changed, "removed": step.removed}, shown)
        else:
            applications = list(seen.values())
            await say("snapshot", {"reason": begin, "position": f"{EPOCH}-{here}", "applications": applications}, here)
        while True:
            if self.fault is not Fault.NO_HEARTBEAT:
                await say("heartbeat", {"at": "…", "upstream": {"state": "live", "since": "…"}}, None if back else here)
            try:
                async with asyncio.timeout(5), self._moved:
                    await self._moved.wait_for(lambda: self.offset > here)  # noqa: B023 - called while it waits
            except TimeoutError:
                continue
            here = self.offset
            now = self._seen(selector, here)
            step, seen = self._compare(seen, now), now
            if step.changed or step.removed:
                self._deltas += 1
                if self.fault is Fault.DROPS_A_DELTA and self._deltas % 5 == 0:
                    continue
                await say("delta", {"changed": step.changed, "removed": step.removed}, here)

    def _compare(self, before: Documents, after: Documents) -> Step:
        changed = {}
        for key, document in after.items():
            old = before.get(key, {})
            fields = {field: document.get(field) for field in document.keys() | old.keys()}
            if different := {field: value for field, value in fields.items() if value != old.get(field)}:
                changed[key] = different
        keeps = self.fault is Fault.KEEPS_REMOVED
        return Step(changed, [] if keeps else sorted(before.keys() - after.keys()))
