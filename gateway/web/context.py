"""What handlers need of the rest: given by the composition root, never imported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.auth.grant import Grant
from gateway.delivery.errands import Errands
from gateway.delivery.office import Office
from gateway.detail.clerk import Clerk
from gateway.hub.hub import Hub
from gateway.hub.pulse import Pulse
from gateway.log.memory import MemoryLog
from gateway.model.application import Observed
from gateway.observability.trace import Trace
from gateway.web.audience import Audience
from gateway.web.guard import Guard
from gateway.web.handover import OpenStreams
from gateway.web.heads import Heads
from gateway.web.turnstile import Turnstile


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts that handlers ask. ``clock`` returns Unix time; ``why_not_ready`` None if traffic may come.

    ``held`` returns every application as Argo CD showed it, by key.
    """

    clock: Callable[[], float]
    hub: Hub
    pulse: Pulse
    log: MemoryLog
    held: Callable[[], Mapping[str, Observed]]
    details: Clerk
    office: Office
    errands: Errands
    guard: Guard
    turnstile: Turnstile
    audience: Audience
    streams: OpenStreams
    heads: Heads
    status: Callable[[Grant], dict[str, Any]]
    why_not_ready: Callable[[], str | None]
    compression: bool
    trace: Trace | None = None


CONTEXT = web.AppKey("context", Context)
