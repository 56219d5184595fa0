"""A sender's request, what was read from it, and the two ways in which it can be refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.delivery.events import DeliveryEvent
from gateway.errors import GatewayError


class SignatureError(GatewayError):
    """The request isn't proved to be the sender's; the message says what is missing, never a secret."""


class PayloadError(GatewayError):
    """The request can't be read; the message names the field and what is expected, never the body's content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came. ``headers`` have lower-case names; ``received_at`` is Unix seconds, by our clock."""

    headers: Mapping[str, str]
    body: bytes
    received_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a request says.

    ``delivery_id`` is unique for each sender, and the same when the request is sent again; ``event`` says what it is
    (``push``, ``workflow_run.completed``). ``ignored`` tells why nothing was taken; ``applications`` are the keys
    (``namespace/name``) of Argo CD applications that changed, to be read again.
    """

    delivery_id: str
    event: str
    events: tuple[DeliveryEvent, ...] = ()
    ignored: str | None = None
    applications: tuple[str, ...] = ()
