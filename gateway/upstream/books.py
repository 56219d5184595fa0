"""What the parts of the reflector share: one state, kept by several, each for its own concern."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.store.state import Store
from gateway.upstream.existence import Existence
from gateway.upstream.liveness import Liveness
from gateway.upstream.outbox import Outbox
from gateway.upstream.requests import Requests
from gateway.upstream.rereads import Rereads
from gateway.upstream.schedule import Schedule
from gateway.upstream.streams import Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The state, the streams and requests under way, what is due, what is to be done, and what was counted."""

    store: Store
    liveness: Liveness
    streams: Streams
    requests: Requests
    existence: Existence
    due: Schedule
    outbox: Outbox
    counts: Counter[str]
    rereads: Rereads = field(default_factory=Rereads)
