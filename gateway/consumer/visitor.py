"""A client as there are many: it comes, reads at its own pace, is cut off, and comes back. Its ``witness`` judges.

Sockets, time and chance are here; the times are those of the event loop, chance is an argument.
"""

import asyncio
import random
from enum import Enum

import aiohttp

from gateway.consumer.client import Gateway, Query, check_stream, explain
from gateway.consumer.promises import Ledger, Promise
from gateway.consumer.sse import Parser
from gateway.consumer.witness import Witness
from gateway.errors import GatewayError

STAY = (0.5, 3.0)
"""Between these many seconds somebody stays who leaves."""

PAUSE = (1.0, 4.0)
"""Between these many seconds somebody doesn't read who is slow."""

_CRUMB = 5
"""Bytes that are read at a time by who wants to be cut off within an event."""


class Behaviour(Enum):
    """How a visitor behaves."""

    STEADY = "stays"
    LEAVING = "leaves and comes back"
    CUT = "is cut off within events"
    SLOW = "stops reading"


class Visitor:
    """One client. ``moved`` wakes whoever waits for it to see something; after ``settle`` it only stays and reads."""

    def __init__(
        self,
        gateway: Gateway,
        query: Query,
        behaviour: Behaviour,
        *,
        gzip: bool,
        witness: Witness,
        ledger: Ledger,
        dice: random.Random,
    ) -> None:
        self.witness = witness
        self.behaviour = behaviour
        self.pauses = 0
        self._gateway = gateway
        self._query = list(query)
        self._gzip = gzip
        self._ledger = ledger
        self._dice = dice
        self._moved = asyncio.Event()
        self._settled = asyncio.Event()

    def settle(self) -> None:
        """Behave from now on: the end is near, and it has to be the right one."""
        self._settled.set()

    async def move(self, *, within: float) -> None:
        """Wait until something comes, or for ``within`` seconds."""
        self._moved.clear()
        try:
            async with asyncio.timeout(within):
                await self._moved.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Visit again and again, until cancelled."""
        encoding = "gzip" if self._gzip else "identity"
        while True:
            wait = 1.0
            try:
                cursor = self.witness.cursor
                async with self._gateway.stream(
                    self._query, cursor=cursor, headers={"Accept-Encoding": encoding}
                ) as response:
                    await check_stream(response, ever=True)
                    self._judge_head(response)
                    wait = await self._visit(response)
            except (aiohttp.ClientError, OSError) as error:
                self._ledger.happened[f"connection lost ({explain(error)})"] += 1
            except GatewayError as error:
                self._ledger.break_(Promise.HEADERS, f"no stream: {error}")
            await asyncio.sleep(wait)

    async def _visit(self, response: aiohttp.ClientResponse) -> float:
        """Read for as long as this visitor stays; return for how many seconds to stay away."""
        now = asyncio.get_running_loop().time
        parser = Parser()
        self.witness.connect(now=now())
        leave_at = now() + self._dice.uniform(*STAY)
        pause_at = leave_at
        while True:
            restless = not self._settled.is_set()
            leaving = restless and now() >= leave_at
            if leaving and self.behaviour is Behaviour.LEAVING:
                self._ledger.happened["left"] += 1
                return self._dice.uniform(0.0, 0.3)
            if leaving and self.behaviour is Behaviour.CUT and parser.within_event:
                self._ledger.happened["cut off within an event"] += 1
                return self._dice.uniform(0.0, 0.3)
            if restless and self.behaviour is Behaviour.SLOW and now() >= pause_at:
                await self._pause()
                self.witness.pause(until=now())
                pause_at = now() + self._dice.uniform(*STAY)
            size = _CRUMB if leaving and self.behaviour is Behaviour.CUT else 2**16
            due = pause_at if self.behaviour is Behaviour.SLOW else leave_at
            data = await self._read(response, size, until=due if restless and now() < due else None)
            if data is None:
                continue
            if not data:
                if not self.witness.goodbye:
                    self._ledger.break_(Promise.GOODBYE, f"{self.witness.name}: the stream ended without one")
                return 1.0 if parser.retry is None else parser.retry / 1_000
            for event in parser.feed(data):
                self.witness.take(event, now=now())
            self._moved.set()

    async def _read(self, response: aiohttp.ClientResponse, size: int, *, until: float | None) -> bytes | None:
        """Return what comes; nothing at the end, None when it is time for something else."""
        try:
            async with asyncio.timeout_at(until):
                return await response.content.read(size)
        except TimeoutError:
            if until is None:
                raise
            return None

    async def _pause(self) -> None:
        self.pauses += 1
        self._ledger.happened["stopped reading"] += 1
        try:
            async with asyncio.timeout(self._dice.uniform(*PAUSE)):
                await self._settled.wait()
        except TimeoutError:
            return

    def _judge_head(self, response: aiohttp.ClientResponse) -> None:
        headers = response.headers
        wrong = [
            f"{name}: {headers.get(name)!r}"
            for name, wanted in (
                ("Cache-Control", "no-cache"),
                ("X-Accel-Buffering", "no"),
                ("Content-Type", "charset=utf-8"),
            )
            if wanted not in headers.get(name, "").lower()
        ]
        self._ledger.judge(Promise.HEADERS, not wrong, ", ".join(wrong))
        coding = headers.get("Content-Encoding", "identity")
        fits = coding == "identity" or (self._gzip and coding == "gzip")
        self._ledger.judge(Promise.ENCODING, fits, f"asked for identity, got {coding}", seen=coding)
