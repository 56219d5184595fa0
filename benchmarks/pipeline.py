"""Scenarios without sockets: the gateway's own stages, fed with recordings."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits
from gateway.log.memory import MemoryLog
from gateway.model.application import to_wire
from gateway.model.naming import default_naming
from gateway.model.selector import Selector, parse_selector
from gateway.store.state import Store
from gateway.upstream.messages import StreamRead, TimePassed
from gateway.upstream.reflector import Reflector
from gateway.upstream.timing import Timing
from gateway.upstream.wire import LineSplitter, decode
from tests.fakes import recordings
from tests.hub.client import Client
from tests.hub.link import FakeLink

PIECE = 64 * 1024


class Counter:
    """A link that takes everything and counts it."""

    writing_paused = False

    def __init__(self) -> None:
        self.bytes = 0

    def take(self, parts: Sequence[memoryview]) -> int:
        """Count."""
        size = sum(map(len, parts))
        self.bytes += size
        return size

    def write(self, data: bytes | memoryview) -> None:
        """Count."""
        self.bytes += len(data)

    def offer(self, data: bytes) -> bool:
        """Count."""
        self.write(data)
        return True

    def is_closing(self) -> bool:
        """Never."""
        return False

    def unsent(self) -> int:
        """Nothing."""
        return 0

    def abort(self) -> None:
        """Nothing to end."""

    def finish(self) -> None:
        """Nothing to end."""


class Pipeline:
    """Wire, reflector, store, log and hub, with one subscriber for each form to the whole and one to a part."""

    def __init__(self) -> None:
        self.store = Store(default_naming())
        self.store.publish()
        self.reflector = Reflector(store=self.store, timing=Timing(), now=0.0, jitter=lambda: 0.5)
        # What it opens first, the bridge, is the stream that the recording is played on.
        self.reflector.handle(TimePassed(), 0.0)
        self.log = MemoryLog(epoch="5f2c81d0", capacity=10_000, max_bytes=1 << 26)
        self.hub = Hub(self.log, Limits(), now=0.0, jitter=lambda: 0.5)
        self.hub.publish(0.0)
        self.links = {form: Counter() for form in (Form.CHUNKED, Form.GZIP)}
        for form, link in self.links.items():
            self.hub.join(Selector(), link=link, form=form, cursor=None, had_cursor=False, now=0.0)
        part = parse_selector([("projects", "store")])
        self.hub.join(part, link=Counter(), form=Form.CHUNKED, cursor=None, had_cursor=False, now=0.0)

    def take(self, lines: Iterable[bytes]) -> None:
        """Take lines of Argo CD's stream; for the reflector time stands still, so that it asks for nothing more."""
        events = tuple(event for event in map(decode, lines) if event is not None)
        self.reflector.handle(StreamRead(stream=1, events=events), 0.0)

    def tick(self, now: float) -> None:
        """Let out what was taken."""
        if changes := self.store.take():
            self.log.append(changes)
            self.hub.tick(now)


def ingest() -> dict[str, Any]:
    """Take events as fast as it goes: 1,000 applications' creation and deletion, and 5 kB events of a deploy day."""
    create = recordings.body("fleet/create.sse")
    day = recordings.body("deploy-day/stream.sse")
    events = len(recordings.events("deploy-day/stream.sse"))
    seconds = sorted(_take_all(create) for _ in range(3))[1]
    each = sorted(_take_all(day) / events for _ in range(9))[4]
    return {
        "seconds": seconds,
        "bytes": len(create),
        "event_us": each * 1e6,
        "event_bytes": len(day) / events,
        "events_per_second": 1 / each,
    }


def _take_all(body: bytes) -> float:
    """Take a whole recorded stream into a new pipeline; return the seconds of CPU."""
    pipeline, splitter = Pipeline(), LineSplitter(limit=1 << 25)
    began = time.process_time()
    for start in range(0, len(body), PIECE):
        pipeline.take(splitter.feed(body[start : start + PIECE]))
        pipeline.tick(0.0)
    return time.process_time() - began


def deploy_day() -> dict[str, Any]:
    """Return the bytes of fifteen busy minutes, for Argo CD's own stream and for the gateway's."""
    pipeline = Pipeline()
    clients = [Client(), Client()]
    for client, form in zip(clients, (Form.CHUNKED, Form.GZIP), strict=True):
        link = FakeLink(client, form)
        pipeline.hub.join(Selector(), link=link, form=form, cursor=None, had_cursor=False, now=0.0)
    due: float | None = None
    last_tick, beaten = -1.0, 0.0
    for at, line in _timed("deploy-day/stream.sse"):
        while beaten < at:
            beaten += 1.0
            if due is not None and due <= beaten:
                pipeline.tick(due)
                last_tick, due = due, None
            pipeline.hub.beat(beaten)
        if due is not None and due <= at:
            pipeline.tick(due)
            last_tick, due = due, None
        pipeline.take((line,))
        if due is None:
            due = max(at, last_tick + 0.1)
    if due is not None:
        pipeline.tick(due)
    theirs = len(recordings.body("deploy-day/stream.sse"))
    plain, gzip = (pipeline.links[form].bytes for form in (Form.CHUNKED, Form.GZIP))
    # As JSON has it: what a document has as a tuple is a list there.
    shown = {key: orjson.loads(orjson.dumps(to_wire(document))) for key, document in pipeline.log.documents.items()}
    return {
        "argocd": theirs,
        "plain": plain,
        "gzip": gzip,
        "plain_ratio": plain / theirs,
        "gzip_ratio": gzip / theirs,
        "fold_differs": sum(client.documents != shown for client in clients),
    }


def _timed(name: str) -> Iterator[tuple[float, bytes]]:
    return zip(recordings.times(name), recordings.lines(name), strict=False)
