"""Clients of releases past: they read today's stream, and tomorrow's, rightly."""

import contextlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from tests.contract.clients import v0_1
from tests.contract.documents import Contract, shape
from tests.contract.listener import listen
from tests.e2e.fastloop import let_pass, until
from tests.e2e.harness import Documents, Stage, run_gateway
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

CLIENTS = Path(__file__).parent / "clients"

FROZEN = {
    "v0_1.py": "4c3eb681560e35ff660f78dec628e14ac19dec39e458416df6d2a3a78f6860d6",
    "v0_1.json": "be4a45a2cf4a3c6bd01aa02c257a3276ca3a2cc78e8f23cba86f4d884b71c171",
}
"""What was written down at a release, and the digest that it had."""

ADDED: dict[str, Any] = {"addedLater": {"deep": [1, None]}}
"""A field of a release to come."""


class LaterRelease:
    """Makes of today's stream what a later release might send, without breaking a promise.

    It adds fields everywhere, events that nobody knew, fields of the SSE protocol, comments and other reasons.
    """

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._held = b""

    def feed(self, data: bytes) -> None:
        *blocks, self._held = (self._held + data).split(b"\n\n")
        for block in blocks:
            self._feed(b": a comment\nevent: rollout\ndata: {}\n\nfuture: 1\n" + _extend(block) + b"\n\n:\n\n")


def _extend(block: bytes) -> bytes:
    return b"\n".join(
        b"data: " + orjson.dumps(_extend_data(orjson.loads(line[6:]))) if line.startswith(b"data: ") else line
        for line in block.split(b"\n")
    )


def _extend_data(data: dict[str, Any]) -> dict[str, Any]:
    extended = {**data, **ADDED}
    if "reason" in data:
        extended["reason"] = "unheard-of"
    if "upstream" in data:
        extended["upstream"] = {**data["upstream"], **ADDED}
    if "applications" in data:
        extended["applications"] = [_extend_fields(each) for each in data["applications"]]
    if "changed" in data:
        extended["changed"] = {key: _extend_fields(fields) for key, fields in data["changed"].items()}
    return extended


def _extend_fields(fields: dict[str, Any]) -> dict[str, Any]:
    extended = {**fields, **ADDED}
    if fields.get("sync"):
        extended["sync"] = {**fields["sync"], **ADDED}
    return extended


def known(applications: Mapping[str, Mapping[str, Any]]) -> Documents:
    """Return what a client holds without what came of a later release."""
    return {
        key: {
            field: {name: each for name, each in value.items() if name not in ADDED} if field == "sync" else value
            for field, value in application.items()
            if field not in ADDED
        }
        for key, application in applications.items()
    }


class Page:
    """A client with connections that break. ``release`` is that of the gateway that it listens to."""

    def __init__(self, stage: Stage, query: dict[str, str], release: str) -> None:
        self.client = v0_1.Client()
        self.release = release
        self._stage, self._query = stage, query
        self._connection = contextlib.AsyncExitStack()

    async def connect(self) -> None:
        parameters = {**self._query, **self.client.connect()}
        feed = LaterRelease(self._feed).feed if self.release == "later" else self._feed
        await self._connection.enter_async_context(listen(self._stage, parameters, feed))
        await until(lambda: self.client.has_state)

    async def break_off(self) -> None:
        await self._connection.aclose()

    def _feed(self, data: bytes) -> None:
        # Bytes come cut anywhere.
        self.client.feed(data[: len(data) // 2])
        self.client.feed(data[len(data) // 2 :])

    async def assert_right(self) -> None:
        # A client never looks into its cursor; a test may.
        end = f"{self._stage.gateway.log.position}-"
        await until(lambda: self.client.last_id.startswith(end))
        shown = "&".join(f"{name}={value}" for name, value in self._query.items())
        assert known(self.client.applications) == await self._stage.listed(f"?{shown}" if shown else "")


QUERIES: tuple[dict[str, str], ...] = ({}, {"projects": "swkoo,store", "health": "Progressing,Degraded"})


async def test_clients_of_0_1_fold_a_deploy_day_of_today_and_of_later_through_disconnects(argocd: FakeArgoCD) -> None:
    async with run_gateway(argocd) as stage:
        await stage.live()
        pages = [Page(stage, query, release) for query in QUERIES for release in ("today", "later")]
        for page in pages:
            await page.connect()
        played = 0

        async def come_and_go(_: object) -> None:
            nonlocal played
            played += 1
            # Long enough for a tick: each change has its frame.
            await let_pass(0.2)
            for page in pages:
                if played in (200, 450):
                    await page.break_off()
                elif played in (240, 490):
                    await page.connect()
                elif played % 100 == 0:
                    await page.assert_right()

        await argocd.play("deploy-day/stream.sse", after_each=come_and_go)
        for page in pages:
            await page.assert_right()
            assert page.client.upstream["state"] == "live"
        stage.gateway.stop()
        for page in pages:
            await until(lambda page=page: page.client.goodbye != "")  # type: ignore[misc]
            assert page.client.goodbye == ("drain" if page.release == "today" else "unheard-of")
            await page.break_off()


async def test_a_client_of_0_1_goes_on_from_a_listing(argocd: FakeArgoCD) -> None:
    argocd.put(application("core", health="Degraded"))
    async with run_gateway(argocd) as stage:
        await stage.live()
        page = Page(stage, {}, "later")
        listing = await stage.get("/api/pipelines")
        page.client.begin_with(listing.json, listing.headers["Gateway-Cursor"])
        argocd.put(application("core", health="Healthy"))
        argocd.put(application("web"))
        await page.connect()
        await page.assert_right()
        await page.break_off()


def grown(old: Any, new: Any) -> bool:
    """Whether a shape has all that an older one had, of the same types, and still promises what that promised."""
    if isinstance(old, list):
        return isinstance(new, list) and grown(old[0], new[0])
    if not isinstance(old, dict):
        return bool(old == new)
    return (
        isinstance(new, dict)
        and set(old["required"]) <= set(new["required"])
        and old["others"] == new["others"]
        and all(name in new["fields"] and grown(field, new["fields"][name]) for name, field in old["fields"].items())
    )


def test_every_field_that_0_1_documented_is_there_with_its_type(contract: Contract) -> None:
    for name, old in orjson.loads((CLIENTS / "v0_1.json").read_bytes()).items():
        schema = contract.schemas[name]
        assert grown(old, shape(schema, schema, contract)), name


def test_a_client_of_the_past_is_never_changed() -> None:
    frozen = {name: sha256((CLIENTS / name).read_bytes()).hexdigest() for name in FROZEN}
    assert frozen == FROZEN
