"""Model clients of the stream: they fold, resume as an EventSource does, and object to what is not promised."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gateway.model.delta import apply
from gateway.model.position import Cursor, parse_cursor
from tests.hub.client import Chunks, Event, Lines

SILENCE = 20.0
"""Seconds without a byte after which a line is dead: heartbeats come more often."""


@dataclass(kw_only=True)
class Findings:
    """What all clients saw. ``broken`` are promises that weren't kept, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    reconnects: list[float] = field(default_factory=list)
    """When somebody came back (the loop's time)."""

    def object(self, what: str) -> None:
        self.counts["broken"] += 1
        if len(self.broken) < 50:
            self.broken.append(what)


class Watcher:
    """One client. ``wait`` is between which seconds it waits before it comes back, unless it is told how long."""

    def __init__(self, port: int, findings: Findings, *, patience: float = 0.3) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.cursor: Cursor | None = None
        self.upstream: dict[str, Any] = {}
        self.connected = False
        self.moves = 0
        """How many snapshots and deltas came."""
        self.changed_at: dict[str, float] = {}
        """When each application last changed here (the loop's time)."""
        self._port = port
        self._findings = findings
        self._patience = patience

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._watch()
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                pass
            finally:
                self.connected = False
            await asyncio.sleep(self._patience * (0.5 + random.random()))
            self._findings.reconnects.append(asyncio.get_running_loop().time())

    async def _watch(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        try:
            resumed_from = self.cursor
            head = "GET /api/stream/pipelines HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            if resumed_from is not None:
                head += f"Last-Event-ID: {resumed_from}\r\n"
            writer.write(f"{head}\r\n".encode())
            async with asyncio.timeout(SILENCE):
                answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer.split(b"\r\n", 1)[0]:
                self._findings.counts["refused"] += 1
                return
            self.connected = True
            chunks, lines, first = Chunks(), Lines(), True
            while True:
                async with asyncio.timeout(SILENCE):
                    data = await reader.read(1 << 16)
                if not data:
                    return
                for content in chunks.feed(data):
                    for event in lines.feed(content):
                        if first and event.name in ("snapshot", "delta"):
                            first = False
                            self._judge_first(event, resumed_from)
                        if not self._take(event):
                            return
        finally:
            writer.transport.abort()

    def _judge_first(self, event: Event, had: Cursor | None) -> None:
        """Whoever could have resumed must not be given a snapshot."""
        reason = event.data.get("reason", "?")
        self._findings.counts[f"first_{event.name}_{reason}"] += 1
        now = parse_cursor(event.id or "")
        if event.name == "delta" or now is None:
            return
        if had is None:
            if reason != "new":
                self._findings.object(f"a snapshot without a cursor has the reason {reason}")
        elif reason != "epoch":
            self._findings.object(f"a snapshot for {reason}, from {had} to {event.id}")
        elif now.position.epoch == had.position.epoch:
            self._findings.object(f"a snapshot for another epoch within one, from {had} to {event.id}")

    def _take(self, event: Event) -> bool:
        """Follow one event; return whether the stream goes on."""
        self._findings.counts[event.name] += 1
        if event.id is not None:
            self._move(event)
        match event.name:
            case "snapshot":
                self.moves += 1
                self.documents = {each["key"]: each for each in event.data["applications"]}
                if event.data["reason"] not in ("new", "epoch"):
                    self._findings.counts[f"later_snapshot_{event.data['reason']}"] += 1
            case "delta":
                self.moves += 1
                now = asyncio.get_running_loop().time()
                self.changed_at.update(dict.fromkeys(event.data["changed"], now))
                apply(self.documents, event.data["changed"], event.data["removed"])
            case "heartbeat":
                self.upstream = event.data["upstream"]
            case "goodbye":
                self._findings.counts[f"goodbye_{event.data['reason']}"] += 1
                return False
        return True

    def _move(self, event: Event) -> None:
        cursor = parse_cursor(event.id or "")
        if cursor is None:
            self._findings.object(f"{event.id!r} is no cursor")
            return
        before = self.cursor
        if before is not None and before.position.epoch == cursor.position.epoch:
            if cursor.position.offset < before.position.offset:
                self._findings.object(f"ids went back from {before} to {cursor} by a {event.name}")
        elif before is not None and event.name != "snapshot":
            self._findings.object(f"a {event.name} led from {before} to another epoch, {json.dumps(event.data)[:100]}")
        self.cursor = cursor


class Crowd:
    """Many watchers."""

    def __init__(self, port: int, number: int, *, patience: float = 0.3) -> None:
        self.findings = Findings()
        self.watchers = [Watcher(port, self.findings, patience=patience) for _ in range(number)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, within: float = 0.0) -> None:
        """Let everybody come, one after another within some seconds."""
        each = within / len(self.watchers) if self.watchers else 0.0
        self._tasks = [
            asyncio.create_task(_later(each * place, watcher)) for place, watcher in enumerate(self.watchers)
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                self.findings.object(f"a client broke: {outcome!r}")


async def _later(delay: float, watcher: Watcher) -> None:
    await asyncio.sleep(delay)
    await watcher.run()
