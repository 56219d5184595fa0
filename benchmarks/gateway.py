"""The gateway as a peer of other hubs; what is changed in it, and whether everybody got it."""

from typing import Any, NamedTuple

import orjson

from benchmarks.crowd import Remote
from benchmarks.server import Server, Upstream
from gateway.hub.feed import LIST_WORDING
from gateway.hub.frame import Form
from gateway.model.delta import NetChange
from gateway.model.naming import default_naming
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawEvent
from gateway.upstream.wire import decode
from tests.fakes import recordings
from tests.fakes.applications import Application, key_of
from tests.hub.client import Client


def request(accept_encoding: str = "identity", *, query: str = "", cursor: str = "") -> bytes:
    """Return what a subscriber sends."""
    last = f"Last-Event-ID: {cursor}\r\n" if cursor else ""
    return (
        f"GET /api/stream/pipelines{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        f"Accept-Encoding: {accept_encoding}\r\n{last}\r\n"
    ).encode()


class GatewayPeer:
    """A gateway, whose upstream changes the health's message of one application to what is published."""

    name = "gateway"
    overhead = 178
    request = request()

    def __init__(self, server: Server, upstream: Upstream) -> None:
        self.address = server.address
        self.pids: tuple[int, ...] = server.pids
        self._upstream = upstream

    def publish(self, line: str) -> None:
        """Have everybody see a line."""
        self._upstream.put("app-1", project="p", health="Degraded", message=line)


def fold(body: bytes) -> Client:
    """Fold a whole answer, head and all, as a client does."""
    head, _, rest = body.partition(b"\r\n\r\n")
    client = Client()
    client.connect(Form.GZIP if b"content-encoding: gzip" in head.lower() else Form.CHUNKED)
    client.feed(rest)
    return client


def fold_differs(server: Server, crowd: Remote, query: str = "") -> int:
    """Return how many of those who keep their bytes hold something else than ``/api/pipelines`` shows."""
    crowd.call("rest")
    shown = {one["key"]: one for one in server.get(f"/api/pipelines{query}")["applications"]}
    kept = crowd.call("kept")
    assert kept, "somebody keeps what it gets"
    return sum(fold(body).documents != shown for body in kept)


class FleetChange(NamedTuple):
    """A change of an application that was recorded: to what it was on its way, and back."""

    settled: Application
    underway: Application

    def way(self, forth: bool) -> Application:
        """Return what the application becomes."""
        return self.underway if forth else self.settled

    def line(self, forth: bool) -> str:
        """Return what the gateway would send of it alone."""
        return _line(self.way(not forth), self.way(forth))


def fleet_changes(count: int) -> list[FleetChange]:
    """Return a recorded change for each of so many of the fleet's applications."""
    settled = recordings.final_word("fleet/burst.sse")
    underway: dict[str, Application] = {}
    for event in recordings.events("fleet/create.sse"):
        application = event["application"]
        key = key_of(application)
        if key in settled and _document(application) != _document(settled[key]):
            # As it was before Argo CD had compared it: without sync and health.
            underway[key] = application
    keys = list(underway)[:count]
    assert len(keys) == count, f"{len(keys)} applications were seen underway"
    return [FleetChange(settled[key], underway[key]) for key in keys]


def _line(before: Application, after: Application) -> str:
    change: Any = NetChange(key_of(after), _document(before), _document(after))
    body = LIST_WORDING.delta([change], lambda _: True)
    assert body is not None
    return "{" + body.decode().rstrip("\n")


def _document(application: Application) -> Any:
    event = decode(orjson.dumps({"result": {"type": "MODIFIED", "application": application}}))
    assert isinstance(event, RawEvent)
    return default_naming().name(normalise(event.application).document)
