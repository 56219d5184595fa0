"""What is remembered of one application between two observations; it can be stored as it is."""

import msgspec

from gateway.delivery.deployments.deployment import Deployment
from gateway.delivery.deployments.following import Seen
from gateway.delivery.deployments.past import Past


class Moment(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Revisions, and when we saw them first; None where we weren't looking then."""

    revisions: tuple[str, ...]
    at: float | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of one application."""

    version: int = 0
    uid: str = ""
    seen: Seen | None = None
    compared: Moment | None = None
    requested: Moment | None = None
    current: Deployment | None = None
    """The operation that runs."""
    last: Deployment | None = None
    """The last that counts as a deployment; its health is followed."""
    previous: Deployment | None = None
    restart: Deployment | None = None
    past: Past = ()
    known: tuple[str, ...] = ()
    latest_start: float | None = None
    history_until: float = 0.0
    """The start of the newest entry of Argo CD's history that was read."""
    ended_at: float | None = None
