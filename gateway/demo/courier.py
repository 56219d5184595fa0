"""Sends the story's webhooks to the demo's gateway, over the network, signed as their senders sign them."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiohttp

from gateway.demo.happening import DeliveryHappening, Happening
from gateway.demo.notifications import Notifications
from gateway.demo.signing import SENDERS, make_secret, sign

AT_ONCE = 8
"""Requests on their way at the same time, as those of many senders are."""

ATTEMPTS = 5
"""How often a request is tried that isn't answered, or that the gateway can't take at the moment."""

PATIENCE = 0.25
"""Seconds until the second try; each further one takes twice as long."""

TIMEOUT = aiohttp.ClientTimeout(total=10)


class Courier:
    """One sender for all: what it hears of, it sends, once it knows where to; it serves as a context manager.

    What is on its way at the same time may arrive in any order.

    ``secrets`` are by sender, new for each courier. ``clock`` tells Unix time.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.secrets = {sender: make_secret(sender, secrets.token_bytes) for sender in SENDERS}
        self.answers: Counter[tuple[str, int]] = Counter()
        """How often each sender was answered what; 0 for no answer at all."""
        self._clock = clock
        self._notifications = Notifications()
        self._outgoing: asyncio.Queue[DeliveryHappening | None] = asyncio.Queue()
        self._under_way = 0
        self._ended = False
        self._sending: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be sent."""
        return self._sending is not None and self._outgoing.empty() and not self._under_way

    def hear(self, happening: Happening) -> None:
        """Take what is to be sent, and send what Argo CD notifies of."""
        if isinstance(happening, DeliveryHappening):
            self._outgoing.put_nowait(happening)
        for notification in self._notifications.hear(happening):
            self._outgoing.put_nowait(notification)

    def begin(self, url: str) -> None:
        """Begin to send to a gateway at a base URL."""
        assert self._sending is None
        self._sending = asyncio.create_task(self._send_all(url), name="courier")

    async def end(self) -> None:
        """Send nothing more; what is under way is answered first."""
        self._ended = True
        for _ in range(AT_ONCE):
            self._outgoing.put_nowait(None)
        if self._sending is not None:
            await self._sending

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def _send_all(self, url: str) -> None:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send_some(session, url))

    async def _send_some(self, session: aiohttp.ClientSession, url: str) -> None:
        while (delivery := await self._outgoing.get()) is not None and not self._ended:
            self._under_way += 1
            status = await self._send(session, f"{url}/api/webhooks/{delivery.sender}", delivery)
            self._under_way -= 1
            self.answers[delivery.sender, status] += 1

    async def _send(self, session: aiohttp.ClientSession, url: str, delivery: DeliveryHappening) -> int:
        status = 0
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PATIENCE * 2 ** (attempt - 1))
            headers = {**delivery.headers, **sign(delivery, self.secrets[delivery.sender], now=self._clock())}
            try:
                async with session.post(url, data=delivery.body, headers=headers) as response:
                    status = response.status
                    await response.read()
            except (aiohttp.ClientError, TimeoutError):
                continue
            if status < 500 and status != 429:
                break
        return status
