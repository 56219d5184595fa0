"""A delivery history on a real database, by the clock of a test's own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, delete

from gateway.delivery.correlation.index import Index
from gateway.delivery.correlation.tags import TagPatterns
from gateway.delivery.events import DeliveryEvent
from gateway.delivery.intake import Intake, Receipt, Secrets
from gateway.delivery.runner import Runner
from gateway.delivery.storage import deliveries
from gateway.delivery.storage.database import Database
from gateway.delivery.storage.deliveries import Arrival
from gateway.delivery.storage.history import Wanted
from gateway.delivery.storage.repository import Recomputed, Repository
from gateway.delivery.storage.settling import Told, settle
from gateway.delivery.storage.tables import DELIVERIES
from gateway.delivery.timeline import timeline
from gateway.model.application import Observed
from gateway.store.state import Sighting
from tests.delivery import play, story
from tests.postgres import Postgres

SECRET = "secret-of-github"
EVER = 10_000


class Places:
    """Where databases are: SQLite's, or a server's where a test asks for that."""

    def __init__(self) -> None:
        self.server: Postgres | None = None
        self._names: dict[Path | None, str] = {}

    def use(self, server: Postgres | None) -> None:
        """Begin anew, with a server or without."""
        self.server = server
        self._names.clear()

    def find(self, path: Path | None) -> str | None:
        """Return the URL of a database, the same for the same path; without a path, a new one."""
        if self.server is None:
            return None if path is None else f"sqlite+aiosqlite:///{path}"
        name = self._names.get(path) if path is not None else None
        if name is None:
            name = self._names[path] = self.server.create()
        return self.server.url(name)


PLACES = Places()


class Desk:
    """Everything of the history but its routes."""

    def __init__(self, database: Database, *, now: float = 1_795_219_200.0, retention: float = 1e9) -> None:
        self.now = now
        self.looked_at: list[str] = []
        self.recomputed: list[Recomputed] = []
        self.heard: list[DeliveryEvent] = []
        self.held: list[Observed] = []
        """What Argo CD has shown, to be looked at where its sightings weren't."""
        self._told = 0
        self.repository = Repository(database, TagPatterns())
        self.runner = Runner(
            self.repository,
            clock=lambda: self.now,
            retention=retention,
            look_again=self.looked_at.append,
            changed=self.recomputed.append,
            heard=self.heard.extend,
            shown=lambda: self.held,
        )
        secrets = {"github": Secrets(SECRET)}
        self.intake = Intake(self.repository, secrets, clock=lambda: self.now, admitted=self.runner.admit)

    async def settled(self) -> None:
        """Wait until there is nothing to do."""
        async with asyncio.timeout(60):
            while not self.runner.idle:  # noqa: ASYNC110 - its own turns are what there is to wait for
                await asyncio.sleep(0)

    async def play(self, shown: Iterable[play.Shown]) -> None:
        """Show what a recording shows, by the recording's own clock."""
        for at, live, observed in shown:
            self.now = at
            self.runner.show([Sighting(observed, at, live)])
            await self.settled()

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.runner.show(())
        await self.settled()

    async def tell(self, facts: Iterable[DeliveryEvent]) -> None:
        """Take facts, each as a delivery of its own, and correlate what they touch."""
        touched: set[str] = set()
        for fact in facts:
            touched |= await self.repository.database.write(self._tell, fact)
        await self.repository.recompute(touched)

    def _tell(self, connection: Connection, fact: DeliveryEvent) -> set[str]:
        self._told += 1
        name = f"told-{self._told}"
        arrival = Arrival(sender="test", delivery_id=name, event="fact", received_at=self.now, headers={}, body=b"")
        (kept,) = deliveries.append(connection, [arrival])
        settled = settle(connection, [Told(id=kept.id, received_at=self.now, facts=(fact,))])
        connection.execute(delete(DELIVERIES).where(DELIVERIES.c.id == kept.id))
        return settled.deployments

    async def changes(self, **wanted: Any) -> list[dict[str, Any]]:
        return await self.repository.timeline(Wanted(**{"limit": EVER, **wanted}))

    async def push(self, sha: str, *, guid: str = "d-1", message: str = "A change") -> Receipt:
        body = make_push(sha, message)
        return await self.intake.take("github", sign(body, guid), body)


_PLAYED: dict[str, tuple[bytes, float]] = {}
"""What SQLite holds of recordings, each with the time at its end."""


@asynccontextmanager
async def open_played(recording: str) -> AsyncIterator[Desk]:
    """Open a desk whose history has all that a recording shows; it is played once for all tests of a process."""
    if PLACES.server is None and recording in _PLAYED:
        content, now = _PLAYED[recording]
        async with open_desk(content=content, now=now) as desk:
            await desk.settled()
            yield desk
        return
    async with open_desk() as desk:
        await desk.play(play.shown_in(recording))
        await desk.pass_time(600.0)
        await desk.runner.close()
        if PLACES.server is None:
            _PLAYED[recording] = await _with_sqlite(desk.repository.database, lambda one: one.serialize()), desk.now
        yield desk


async def _with_sqlite(database: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
    async with database._connected().connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        return await driver._execute(work, driver._conn)


def make_push(sha: str, message: str = "A change") -> bytes:
    repository = {"full_name": "example/shop", "html_url": "https://github.com/example/shop", "name": "shop"}
    commit: dict[str, Any] = {
        "id": sha,
        "message": message,
        "timestamp": "2026-11-20T23:17:48Z",
        "url": "https://x.example.org/y",
    }
    commit |= {"author": {"name": "Somebody"}, "added": [], "removed": [], "modified": ["main.py"]}
    return orjson.dumps(
        {"ref": "refs/heads/main", "before": "0" * 40, "after": sha, "repository": repository, "commits": [commit]}
        | {"head_commit": commit, "pusher": {"name": "somebody"}}
    )


def sign(body: bytes, guid: str = "d-1", secret: str = SECRET) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": guid,
        "x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def expected(recording: str, facts: Iterable[DeliveryEvent] | None = None) -> dict[str, dict[str, Any]]:
    """Return the changes of a recording as an index of all facts tells them, by their ids."""
    index = Index(story.facts(recording) if facts is None else facts)
    return {change["id"]: change for change in timeline(story.deployments(recording), index)["changes"]}


@asynccontextmanager
async def open_desk(
    path: Path | None = None, *, run: bool = True, content: bytes = b"", **more: Any
) -> AsyncIterator[Desk]:
    """Open a desk, on a file or in memory, where it may have some content; its runner works meanwhile."""
    database = Database(PLACES.find(path))
    await database.open()
    if content:
        await _with_sqlite(database, lambda one: one.deserialize(content))
    desk = Desk(database, **more)
    desk.runner.lead()
    running = asyncio.create_task(desk.runner.run()) if run else None
    try:
        yield desk
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await desk.intake.close()
            await desk.runner.close()
        await database.close()
