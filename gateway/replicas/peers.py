"""What a gateway is to the other replicas: how the shared log feeds its hub, and what it says to them."""

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from gateway.hub.hub import Hub
from gateway.hub.pulse import Pulse
from gateway.line import Line
from gateway.log.entries import name_keys
from gateway.log.lease import Lease
from gateway.log.memory import MemoryLog
from gateway.log.redis_streams import RedisStreams
from gateway.log.replica import Replica
from gateway.log.shared import SharedLogError, count_error
from gateway.model.application import Observed
from gateway.model.delta import Change
from gateway.model.upstream import Upstream
from gateway.observability.role import Role
from gateway.options import find_redis
from gateway.replicas.follower import Follower
from gateway.replicas.leader import Leader
from gateway.replicas.succession import Succession
from gateway.settings.environment import Settings
from gateway.store.file import name_source
from gateway.upstream.proof import Proof


class Host(Protocol):
    """What is needed of the gateway."""

    settings: Settings
    clock: Callable[[], float]
    log: MemoryLog
    hub: Hub
    pulse: Pulse
    line: Line

    def publish(self, now: float, /) -> None:
        """There is a state to show."""

    def show(self, changes: Sequence[Change], /) -> None:
        """What is shown has changed, or what is said of upstream."""

    def leads(self, leading: bool, /) -> None:
        """This process leads from now on, or no more."""


class Told(msgspec.Struct, frozen=True):
    """An event about an application, for everybody who sees it."""

    key: str
    name: str
    data: Any


_told = msgspec.json.Decoder(Told)
_encode = msgspec.json.Encoder().encode


class Peers:
    """The other replicas, and this one among them. ``jitter`` returns 0 ≤ x < 1."""

    def __init__(self, host: Host, *, jitter: Callable[[], float]) -> None:
        settings = host.settings
        url = find_redis(settings)
        assert url is not None
        source = name_source(settings.argocd_base_url, settings.argocd_projects)
        self._host = host
        self._replica = Replica(host.log)
        self.proof = Proof(stale_after=settings.pipelines_cache_ttl, now=host.clock())
        """What may be said of upstream."""
        self._saying: set[asyncio.Task[Any]] = set()
        self._told_of: tuple[str, str | None] | None = None
        self.name = f"{socket.gethostname().replace(':', '-')}-{secrets.token_hex(3)}"
        """The name of this replica."""
        self.counts: Counter[str] = Counter()
        """What happened, by name: ``append``, ``change``, ``error_timeout``, ``epoch``, ``takeover``, ``fenced``, …"""
        self._streams = RedisStreams(url, name_keys(settings.redis_prefix, source))
        self.lease = Lease(self.name, duration=settings.lease)
        self.follower = Follower(
            self._streams,
            self._replica,
            lease=self.lease,
            proof=self.proof,
            clock=host.clock,
            jitter=jitter,
            loaded=self._loaded,
            shown=host.show,
            told=self._hear,
            proved=lambda: host.show(()),
            seen=lambda: self.leader.wake(),
            counts=self.counts,
        )
        self.leader = Leader(
            self._streams,
            self._replica,
            host.line,
            lease=self.lease,
            proof=self.proof,
            interval=settings.tick,
            clock=host.clock,
            caught_up=self.follower.caught_up,
            leads=host.leads,
            counts=self.counts,
        )
        self._succession = Succession(host.line, name=self.name, say=self._say)

    def __repr__(self) -> str:
        return f"<Peers: {self.lease!r}, {self._replica!r}>"

    @property
    def leading(self) -> bool:
        """Whether this process watches Argo CD for all."""
        return self.leader.leading

    @property
    def held(self) -> Mapping[str, Observed]:
        """Every application as Argo CD showed it, by key."""
        return self._replica.held

    def upstream(self, now: float) -> Upstream:
        """Return what subscribers are told of upstream."""
        return self.proof.upstream(now)

    def status(self, *, whole: bool) -> dict[str, Any]:
        """Return what ``/api/status`` says of this replica; ``whole`` for those who run it."""
        seen = self.lease.held or self.lease.seen
        return {
            "role": "leader" if self.leading else "follower",
            "redis": "connected" if self.follower.connected else "away",
            "name": self.name if whole else None,
            "leader": (seen.holder.partition(":")[2] or None) if whole and seen else None,
        }

    def read(self) -> Role:
        """Return what there is to measure."""
        now = self._host.clock()
        return Role(
            leading=self.leading,
            connected=self.follower.connected,
            proof_age=now - self.proof.as_of(now),
            waiting=self.leader.waiting,
            append_seconds=self.leader.append_seconds,
            counts=self.counts,
        )

    def put(self, changes: Sequence[Change], touched: set[str]) -> None:
        """Take what a step upstream brought, where this process leads."""
        if not self.leading:
            return
        self.leader.put(changes, touched)
        state, _, reason = self._host.line.reflector.liveness.state(self._host.clock())
        if self._told_of != (state, reason):
            self._told_of = (state, reason)
            self.leader.hurry()

    def look_again(self, key: str) -> None:
        """Have Argo CD asked about one application, by whoever watches it."""
        if self.leading:
            self._host.line.look_again(key)
        else:
            self._begin(self._say("look", key.encode()))

    def tell(self, key: str, name: str, data: object) -> None:
        """Send an event about an application to everybody who sees it, at whatever replica."""
        self._begin(self._tell(key, name, data))

    async def run(self) -> None:
        """Follow, and lead when it is this one's turn, until cancelled. Raises whatever breaks the line to Argo CD."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follower.run(), name="follower")
                group.create_task(self.leader.run(), name="leader")
                group.create_task(self._watch_time(), name="proof")
        finally:
            self._succession.close()
            for task in self._saying:
                task.cancel()
            await asyncio.gather(*self._saying, return_exceptions=True)
            await self._streams.close()

    async def retire(self, hurry: asyncio.Event) -> None:
        """Give the lease back once another is ready to lead, or ``hurry`` is set; never take it again."""
        self.lease.resign()
        if self.leading and not hurry.is_set():
            await self._succession.find_heir(hurry=hurry)
        await self.leader.retire()

    # Inside.

    def _loaded(self) -> None:
        host, now = self._host, self._host.clock()
        if not self._replica.loaded:
            return
        # Another epoch is shown at once: what follows counts from there.
        host.hub.tick(now)
        host.publish(now)
        host.show(())

    def _hear(self, kind: str, body: bytes) -> None:
        host = self._host
        match kind:
            case "look" if self.leading:
                host.line.look_again(body.decode())
            case "leaving" if not self.leading and not self.lease.resigned:
                self._succession.prepare()
            case "ready":
                self._succession.found()
            case "tell":
                told = _told.decode(body)
                host.hub.tell(told.key, told.name, told.data, host.clock())

    async def _tell(self, key: str, name: str, data: object) -> None:
        if not await self._say("tell", _encode(Told(key, name, data))):
            # At least those who are here.
            self._host.hub.tell(key, name, data, self._host.clock())

    async def _say(self, kind: str, body: bytes) -> bool:
        """Say something to all replicas, this one too; return whether it was heard."""
        try:
            await self._streams.tell(kind, body)
        except SharedLogError as error:
            count_error(self.counts, error)
            return False
        return True

    def _begin(self, saying: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(saying)
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _watch_time(self) -> None:
        """Say that upstream is stale when it becomes so by time alone."""
        while True:
            await asyncio.sleep(0.5)
            self._host.show(())
