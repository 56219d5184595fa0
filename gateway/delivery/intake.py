"""Takes what senders post: believed, read, and on the disk before it is answered.

What comes within some milliseconds is committed together, so that a thousand requests a second are a few dozen
transactions. What becomes of a delivery afterwards is the ``runner``'s.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery.storage.database import DatabaseError, blames_data
from gateway.delivery.storage.deliveries import Arrival, Stored, keep_headers
from gateway.delivery.storage.repository import Repository
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Reading, Request, Sender, SignatureError
from gateway.errors import GatewayError
from gateway.observability.trace import Trace
from gateway.settings.secret import read_webhook_secrets, split_secrets

GATHER = 0.01
"""Seconds for which deliveries gather before they are committed together."""

BATCH = 500
"""Deliveries in one transaction."""

KEPT_WITHIN = 8.0
"""Seconds in which deliveries have to be kept: senders wait for ten, and send again what they are told wasn't."""

NOTED_WITHIN = 2.0
"""Seconds in which a refusal is noted; whoever is refused isn't kept waiting for longer."""

WAITING_BYTES = 64 << 20
"""Bytes of bodies that may wait for their commit; beyond them, senders are told to come back."""

ASIDE = 128 << 10
"""Bytes from which on a body is read in a thread: to read megabytes would keep everybody waiting."""

REFUSALS = 20
"""Refused requests that are written to the log of deliveries at once; one a second more. All of them are counted."""

_log = structlog.get_logger(__name__)


class UnknownSenderError(GatewayError):
    """There is no such sender, or it is off."""


class OverloadedError(GatewayError):
    """There is no room for more at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a sender is told: the delivery's number in the log; ``ignored`` says why nothing is taken of it."""

    id: int
    duplicate: bool
    ignored: str | None


class Secrets:
    """The secrets of one sender: given, or of a file that is read again when it changes."""

    def __init__(self, given: str | None = None, *, file: Path | None = None) -> None:
        self._secrets = split_secrets(given or "")
        self._file = file
        self._seen: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        return f"<Secrets {'of a file' if self._file else len(self._secrets)}>"

    @property
    def given(self) -> bool:
        """Whether there is any: a sender without is off."""
        return self._file is not None or bool(self._secrets)

    def use(self) -> tuple[str, ...]:
        """Return them as they are now; a file that can't be read for a moment leaves the last ones."""
        if self._file is not None:
            try:
                state = self._file.stat()
                seen = (state.st_mtime_ns, state.st_ino, state.st_size)
                if seen != self._seen:
                    self._secrets = split_secrets(read_webhook_secrets(self._file).get_secret_value())
                    self._seen = seen
            except (OSError, ValueError):
                pass
        return self._secrets


class Intake:
    """Takes deliveries. ``admitted`` is told each that is to be processed, when it is on the disk.

    ``doubted`` is called when it isn't known whether some are: the database went away before it answered.
    """

    def __init__(
        self,
        repository: Repository,
        secrets: Mapping[str, Secrets],
        *,
        clock: Callable[[], float],
        admitted: Callable[[int, float, Reading], None],
        doubted: Callable[[], None] = lambda: None,
        trace: Trace | None = None,
    ) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """What happened, by sender and outcome."""
        self._repository = repository
        self._secrets = secrets
        self._clock = clock
        self._admitted = admitted
        self._doubted = doubted
        self._trace = trace
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._committing: asyncio.Task[None] | None = None
        self._refusals, self._refused_at = float(REFUSALS), clock()
        self._told_off: set[str] = set()

    @property
    def senders(self) -> list[str]:
        """Those that are on."""
        return [name for name, secrets in self._secrets.items() if secrets.given]

    def find(self, name: str) -> Sender:
        """Return a sender that is on. Raises UnknownSenderError."""
        sender = SENDERS.get(name)
        if sender is None:
            self.counts["other", "unknown"] += 1
            raise UnknownSenderError(f"There is no such sender. There are {', '.join(SENDERS)}.")
        secrets = self._secrets.get(name)
        if secrets is None or not secrets.given:
            self.counts[name, "off"] += 1
            variable = f"GATEWAY_WEBHOOK_{name.upper().replace('-', '_')}_SECRET"
            if name not in self._told_off:
                self._told_off.add(name)
                _log.warning("webhook.off", sender=name, advice=f"set {variable} to take its webhooks")
            raise UnknownSenderError(f"This sender is off. Set {variable} at the gateway, and the same at the sender.")
        return sender

    async def take(self, name: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Take one request; when this returns, it is kept.

        Raises UnknownSenderError, SignatureError, PayloadError, OverloadedError; and DatabaseError or SQLAlchemyError
        where it couldn't be kept.
        """
        sender = self.find(name)
        request = Request(headers=headers, body=body, received_at=self._clock())
        try:
            sender.verify(request, self._secrets[name].use())
        except SignatureError as error:
            await self.refuse(name, "unsigned", str(error), size=len(body))
            raise
        try:
            reading = await asyncio.to_thread(sender.read, request) if len(body) > ASIDE else sender.read(request)
        except PayloadError as error:
            await self.refuse(name, "malformed", str(error), size=len(body))
            raise
        stored = await self._commit(name, request, reading)
        return Receipt(id=stored.id, duplicate=stored.repeated, ignored=reading.ignored)

    async def refuse(self, name: str, outcome: str, why: str, *, size: int) -> None:
        """Count a refused request and, as far as there is room, write it to the log of deliveries."""
        self.counts[name, outcome] += 1
        now = self._clock()
        self._refusals = min(float(REFUSALS), self._refusals + max(0.0, now - self._refused_at))
        self._refused_at = now
        if self._refusals >= 1.0:
            self._refusals -= 1.0
            with contextlib.suppress(SQLAlchemyError, DatabaseError, TimeoutError):
                async with asyncio.timeout(NOTED_WITHIN):
                    await self._repository.refuse(sender=name, received_at=now, size=size, why=why)

    async def close(self) -> None:
        """Commit what waits."""
        while self._committing is not None:
            await asyncio.gather(self._committing, return_exceptions=True)

    async def _commit(self, name: str, request: Request, reading: Reading) -> Stored:
        if self._waiting_bytes + len(request.body) > WAITING_BYTES:
            self.counts[name, "overloaded"] += 1
            raise OverloadedError("deliveries")
        arrival = Arrival(
            sender=name,
            delivery_id=reading.delivery_id,
            event=reading.event,
            received_at=request.received_at,
            headers=keep_headers(request.headers),
            body=request.body,
            ignored=reading.ignored,
        )
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrival, reading, future, self._trace and self._trace.here()))
        self._waiting_bytes += len(arrival.body)
        if self._committing is None:
            # It commits what others brought as well: nothing of the first one's request belongs to it.
            self._committing = asyncio.create_task(self._commit_all(), name="deliveries", context=Context())
        return await future

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER)
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._commit_batch(batch)
                self._waiting_bytes -= sum(len(one.arrival.body) for one in batch)
        finally:
            self._committing = None

    async def _commit_batch(self, batch: list["_Waiting"]) -> None:
        try:
            async with asyncio.timeout(KEPT_WITHIN):
                stored = await self._repository.append([one.arrival for one in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the next batch has its turn
            if blames_data(error) and len(batch) > 1:
                # One of them is at fault: the others aren't to suffer.
                for one in batch:
                    await self._commit_batch([one])
                return
            self._fail(batch, error)
            self._doubted()
            return
        for one, place in zip(batch, stored, strict=True):
            ignored = one.reading.ignored is not None
            outcome = "duplicate" if place.repeated else "ignored" if ignored else "accepted"
            self.counts[one.arrival.sender, outcome] += 1
            if outcome == "accepted":
                if self._trace is not None:
                    self._trace.kept(place.id, one.traced)
                self._admitted(place.id, one.arrival.received_at, one.reading)
            # Whoever sent it may be gone by now: it is kept all the same.
            if not one.future.done():
                one.future.set_result(place)

    def _fail(self, batch: list["_Waiting"], error: Exception) -> None:
        _log.warning("delivery.not_kept", count=len(batch), reason=type(error).__name__)
        for one in batch:
            self.counts[one.arrival.sender, "failed"] += 1
            if not one.future.done():
                one.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A delivery that waits for its commit."""

    arrival: Arrival
    reading: Reading
    future: asyncio.Future[Stored]
    traced: object = None
    """The request that brought it, as traces have it."""
