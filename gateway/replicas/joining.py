"""Joining the other replicas, where what that needs is installed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.errors import SettingsError

if TYPE_CHECKING:
    from gateway.replicas.peers import Host, Peers


def join_peers(gateway: "Host", *, jitter: Callable[[], float]) -> "Peers":
    """Return what a gateway is to the other replicas. Raises SettingsError without the extra ``redis``."""
    try:
        from gateway.replicas.peers import Peers
    except ModuleNotFoundError as error:
        raise SettingsError([("GATEWAY_REDIS_URL", "needs the extra argocd-sse-gateway[redis]")]) from error
    return Peers(gateway, jitter=jitter)
