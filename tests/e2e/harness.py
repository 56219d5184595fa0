"""A gateway in a test: started and stopped on free ports, asked over HTTP, watched, and compared with the truth."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import aiohttp
import orjson

from gateway.app import Gateway
from gateway.hub.frame import Form
from gateway.model.application import ApplicationStatus, to_wire
from gateway.model.naming import Naming, default_naming
from gateway.options import make_naming
from gateway.settings.environment import Settings
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawEvent
from gateway.upstream.wire import decode
from tests.e2e.fastloop import settle, until
from tests.e2e.subscriber import STREAM, Subscriber
from tests.fakes.applications import Application
from tests.fakes.argocd import SECRET, FakeArgoCD

UNIX_OFFSET = 1_800_000_000.0 - 1_000_000.0
"""What makes the loop's time a Unix time of 2027."""

Documents = dict[str, dict[str, Any]]


class Served(Protocol):
    """An Argo CD that is served somewhere."""

    @property
    def url(self) -> str: ...


class Answer(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Stage:
    """A running gateway, and those who watch it."""

    def __init__(self, gateway: Gateway, session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.subscribers: list[Subscriber] = []
        self._session = session

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.gateway.address)

    @property
    def metrics_url(self) -> str:
        return "http://{}:{}/metrics".format(*self.gateway.metrics_address)

    @property
    def state(self) -> str:
        return self.gateway.reflector.upstream(self.gateway.clock()).state

    def count(self, name: str) -> int:
        """Return how often something happened upstream."""
        return self.gateway.reflector.counts[name]

    async def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] = {}) -> Answer:
        url = path if path.startswith("http") else self.url + path
        async with self._session.request(method, url, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.read())

    async def send(self, path: str, body: bytes, headers: Mapping[str, str] = {}) -> Answer:
        """Post a body."""
        async with self._session.post(self.url + path, data=body, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())

    async def subscribe(
        self, query: str = "", *, form: Form = Form.CHUNKED, cursor: str | None = None, path: str = STREAM, **more: Any
    ) -> Subscriber:
        """Open a stream; wait for its headers, not for its state."""
        subscriber = Subscriber(self.gateway.address, query, form=form, path=path)
        self.subscribers.append(subscriber)
        return await subscriber.connect(cursor=cursor, **more)

    async def watch(self, query: str = "", *, form: Form = Form.CHUNKED, **more: Any) -> Subscriber:
        """Open a stream; wait for its first state."""
        subscriber = await self.subscribe(query, form=form, **more)
        await subscriber.wait(lambda: subscriber.has_state)
        return subscriber

    # Waiting.

    async def live(self, *, within: float = 60.0) -> None:
        await self.becomes("live", within=within)

    async def becomes(self, state: str, *, within: float = 60.0) -> None:
        """Wait until upstream is in this state."""
        await until(lambda: self.state == state, within=within, what=f"upstream is {self.state}, not {state}")

    async def counted(self, name: str, number: int = 1, *, within: float = 60.0) -> None:
        """Wait until something has happened upstream so often."""
        await until(lambda: self.count(name) >= number, within=within, what=f"{name}: {self.gateway.reflector.counts}")

    async def reconciled(self, times: int = 1, *, within: float = 800.0) -> None:
        """Wait until so many more reconciles have ended well."""
        await self.counted("reconcile", self.count("reconcile") + times, within=within)

    # Comparing.

    async def listed(self, query: str = "") -> Documents:
        """Return what ``/api/pipelines`` shows once every change is in it."""
        while True:
            await settle()
            answer = await self.get(f"/api/pipelines{query}")
            assert answer.status == 200, answer
            if answer.json["position"] == str(self.gateway.log.position):
                return by_key(answer.json["applications"])
            await asyncio.sleep(self.gateway.settings.tick)

    async def assert_same(self, *subscribers: Subscriber) -> None:
        """Assert that each fold equals what ``/api/pipelines`` shows at the same position."""
        for subscriber in subscribers or [each for each in self.subscribers if not each.ended]:
            expected = await self.listed(subscriber.query)
            await subscriber.wait(
                lambda one=subscriber, shown=expected: one.documents == shown,  # type: ignore[misc]
                what=f"the fold of {subscriber.query!r} differs: {differences(subscriber.documents, expected)}",
            )

    async def assert_true(self, argocd: FakeArgoCD, *, within: float = 60.0) -> None:
        """Assert that everyone comes to see what Argo CD holds, and nobody else than ``/api/pipelines`` does."""
        expected = truth(argocd.applications, make_naming(self.gateway.settings))

        def shown() -> Documents:
            return timeless({key: on_wire(item) for key, item in self.gateway.log.documents.items()})

        await until(lambda: shown() == expected, within=within, what="the log's documents are Argo CD's")
        await self.assert_same()
        for subscriber in self.subscribers:
            if subscriber.query == "" and not subscriber.ended:
                assert timeless(subscriber.documents) == expected


@contextlib.asynccontextmanager
async def run_gateway(argocd: Served, **changes: Any) -> AsyncIterator[Stage]:
    """Run a gateway on a fake Argo CD; ``changes`` are settings."""
    loop = asyncio.get_running_loop()
    if "argocd_auth_token_file" not in changes:
        changes.setdefault("argocd_auth_token", SECRET)
    changes.setdefault("argocd_base_url", argocd.url)
    settings = Settings(**{"port": 0, "metrics_port": 0, "drain_delay": 0.0, "drain": 0.0, **changes})
    gateway = Gateway(settings, clock=lambda: UNIX_OFFSET + loop.time())
    running = asyncio.create_task(gateway.run())
    async with aiohttp.ClientSession() as session:
        stage = Stage(gateway, session)
        # A real database may take its time to be opened.
        await until(lambda: gateway.ready.is_set() or running.done(), within=1e5)
        try:
            yield stage
            for subscriber in stage.subscribers:
                subscriber.check()
        finally:
            for subscriber in stage.subscribers:
                subscriber.leave()
            gateway.stop()
            await running


def on_wire(document: ApplicationStatus) -> dict[str, Any]:
    """Return a document as a client reads it."""
    wire: dict[str, Any] = orjson.loads(orjson.dumps(to_wire(document)))
    return wire


def by_key(applications: list[dict[str, Any]]) -> Documents:
    return {document["key"]: document for document in applications}


def timeless(documents: Mapping[str, dict[str, Any]]) -> Documents:
    """Return documents without what the gateway itself observed."""
    return {key: _timeless(document) for key, document in documents.items()}


def _timeless(document: dict[str, Any]) -> dict[str, Any]:
    if "sync" not in document:
        return document
    sync = {name: value for name, value in document["sync"].items() if name not in ("since", "atLeast")}
    return {**document, "sync": sync}


def truth(applications: Mapping[str, Application], naming: Naming | None = None) -> Documents:
    """Return the documents that Argo CD's applications should be shown as, named by the default rules or by others."""
    naming = naming or default_naming()
    documents = {}
    for key, application in applications.items():
        event = decode(orjson.dumps({"result": {"type": "ADDED", "application": application}}))
        assert isinstance(event, RawEvent), event
        documents[key] = on_wire(naming.name(normalise(event.application).document))
    return timeless(documents)


def differences(mine: Documents, theirs: Documents) -> str:
    """Return in what two folds differ, in short."""
    differing = [key for key in mine.keys() & theirs.keys() if mine[key] != theirs[key]]
    return f"-{sorted(theirs.keys() - mine.keys())[:3]} +{sorted(mine.keys() - theirs.keys())[:3]} ≠{differing[:3]}"


def write_token(path: Path, token: str) -> None:
    """Replace a token file as Kubernetes does: in one step."""
    fresh = path.with_suffix(".new")
    fresh.write_text(token)
    fresh.replace(path)
