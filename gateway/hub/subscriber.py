"""One subscriber: where it stands, and the bytes on their way to it. Constant in memory, however slow it is."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from gateway.hub.checksum import Checksum, in_a_row
from gateway.hub.feed import Selection
from gateway.hub.frame import Form, Frame, Private, ending, private
from gateway.hub.limits import SLICE
from gateway.hub.traffic import Traffic

MOST_CHECKSUMS = 8
"""Checksums that a subscriber has, one for each part, before they are put together."""


class Link(Protocol):
    """What a subscriber needs of its connection; ``asyncio.Transport`` and aiohttp's protocol have it together."""

    @property
    def writing_paused(self) -> bool:
        """Whether the connection holds as much unsent as it may."""

    @property
    def offer(self) -> "Offer":
        """Send bytes unless writing is paused; return whether they were taken, None where the connection is over."""

    def take(self, parts: Sequence[memoryview]) -> int:
        """Send at once what the system takes of some bytes, one part behind another; return how many it took."""

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes, some time."""

    def is_closing(self) -> bool:
        """Whether the connection is gone or going."""

    def unsent(self) -> int:
        """Return how many bytes wait in the process to be sent."""

    def abort(self) -> None:
        """End the connection at once; a proper end would wait for a peer that doesn't read."""

    def finish(self) -> None:
        """End the response properly; nothing is written after this."""


Offer = Callable[[bytes], bool | None]


class Ending(Enum):
    """Why a stream ends, as the ``goodbye`` says it; a client comes back after each."""

    LIFETIME = "lifetime"
    """It was open for long enough; so a restart looks like ordinary churn."""
    DRAIN = "drain"
    """The gateway goes down."""
    OVERLOADED = "overloaded"
    """There is no room; said instead of a refusal, after which an EventSource would give up for good."""
    BEHIND = "behind"
    """This replica hasn't reached what another one has sent already, and can't say when it will."""
    EXPIRED = "expired"
    """What the subscriber showed to be let in has ended, or was taken back."""
    UNKNOWN = "unknown"
    """What was asked for before anything was known turns out not to exist; coming back tells more."""


class Subscriber:
    """A stream that somebody holds.

    It is *current* (stands where its view stands, and gets each frame as it is made), or *behind*: at an older offset,
    at none yet (``offset`` None: it needs a snapshot, for ``reason``), or with bytes still to be written. ``preface``
    goes before the stream, with its first bytes; of what is large the link is left ``slice_bytes`` at once.
    """

    __slots__ = (
        "_mark",
        "_pending",
        "_sent",
        "_slice",
        "_traffic",
        "due",
        "ending",
        "expires_at",
        "form",
        "informed",
        "joined_at",
        "lagged",
        "leaves",
        "link",
        "offset",
        "progress_at",
        "reason",
        "resumed",
        "seeing",
        "served",
        "started",
        "unsent",
    )

    def __init__(
        self,
        traffic: Traffic,
        *,
        link: Link,
        form: Form,
        offset: int | None,
        reason: str,
        now: float,
        slice_bytes: int = SLICE,
        preface: bytes = b"",
    ) -> None:
        self._traffic = traffic
        self._slice = slice_bytes
        self.link = link
        self.form = form
        self.offset = offset
        self.reason = reason
        self.resumed = offset is not None
        self.ending: Ending | None = None
        self.informed = False
        """Whether the subscriber was told all that was said of upstream."""
        self.seeing: Selection | None = None
        """What it saw until its offset, where that is another selection than its view's."""
        self.expires_at: float | None = None
        """When what let it in ends (Unix time)."""
        self.joined_at = now
        self.leaves = 0
        """The second in which its time is over."""
        self.due = 0
        """The second in which it is over for it: that, or when what let it in ends."""
        self.lagged = 0
        self.progress_at = now
        self.unsent = 0
        self._pending: list[memoryview] = []
        if preface:
            self._put(preface)
        self._sent: tuple[Checksum, ...] = ()
        """Of what was sent to it alone or to it in particular, one part behind another; put together when need be."""
        self._mark: Checksum | None = None
        self.started = False
        """Whether the stream's first bytes were put."""
        self.served = False
        """Whether the subscriber got its first state."""

    def __repr__(self) -> str:
        state = "current" if self._mark is not None else f"behind at {self.offset}"
        return f"<Subscriber {self.form.name.lower()}, {state}>"

    def begin_at(self, offset: int | None, reason: str) -> None:
        """Go on from an offset, or from nowhere, for this reason."""
        self.offset, self.reason = offset, reason
        self.resumed = offset is not None

    def stand_at(self, offset: int) -> None:
        """With all that was put, the subscriber stands at this offset."""
        self.offset = offset
        self.served = True

    def start_over(self, reason: str) -> None:
        """Stand nowhere: only a snapshot helps, for this reason."""
        self.offset, self.reason, self.seeing = None, reason, None

    def move(self, seen: Selection, shown: Selection) -> None:
        """Be in a view that shows ``shown`` from now on, after one that showed ``seen``."""
        if self.served:
            seen = self.seeing or seen
            self.seeing = None if seen.canonical == shown.canonical else seen
        elif self.offset is not None:
            # The cursor that it came with was good for the other view.
            self.start_over("view")

    @property
    def waits(self) -> bool:
        """Whether bytes wait in the process that aren't written yet."""
        return bool(self._pending)

    def become_current(self, view: Checksum) -> None:
        """From now on everything the view sends is sent here; ``view`` is the checksum of all it sent before."""
        self._mark = view

    def stay(self, offset: int, view: Checksum, now: float) -> None:
        """Stay at this offset while the view goes on; ``view`` is the checksum of all it sent until now."""
        self.offset = offset
        self.progress_at, self.unsent = now, self.link.unsent()
        if self._mark is not None:
            if self.form is Form.GZIP:
                self._note(view.since(self._mark))
            self._mark = None

    def put_private(self, data: bytes) -> None:
        """Send bytes to this subscriber alone."""
        self.put_framed(private(data, self.form, first=not self.started))

    def put_framed(self, part: Private) -> None:
        """Send bytes that are framed already, for this form and for where the stream is."""
        if self.form is Form.GZIP:
            self._note(part.checksum)
        self._traffic.add(part.checksum.size, len(part.framed))
        self._put(part.framed)
        self.started = True

    def put(self, frame: Frame) -> None:
        """Send shared bytes, outside the view's broadcast; private ones must have begun the stream."""
        assert self.started
        if self.form is Form.GZIP:
            self._note(frame.checksum)
        framed = frame.within(self.form)
        self._traffic.add(len(frame.plain), len(framed))
        self._put(framed)

    def _note(self, part: Checksum) -> None:
        """Note the checksum of what goes behind all that was sent."""
        self._sent = (*self._sent, part) if len(self._sent) < MOST_CHECKSUMS else (in_a_row(self._sent).then(part),)

    def _put(self, data: bytes) -> None:
        if data:
            self._pending.append(memoryview(data))

    def pump(self, now: float) -> bool:
        """Write what waits, as far as the connection takes it; return whether it could take more."""
        link, pending = self.link, self._pending
        if link.is_closing():
            return False
        self._note_progress(now)
        if not self.started:
            return not link.writing_paused
        if pending and not link.writing_paused:
            self.progress_at = now
            self._written(link.take(pending))
            while pending and not link.writing_paused:
                part = pending[0][: self._slice]
                link.write(part)
                self._written(len(part))
        self.unsent = link.unsent()
        return not pending and not link.writing_paused

    def _written(self, size: int) -> None:
        """So many bytes of what waits have been written."""
        pending = self._pending
        while size:
            first = pending[0]
            if size < len(first):
                pending[0] = first[size:]
                return
            size -= len(first)
            del pending[0]

    def looks_stuck(self, now: float, limit: float) -> bool:
        """Whether the connection has taken nothing for ``limit`` seconds, although something waits for it."""
        self._note_progress(now)
        return now - self.progress_at >= limit

    def _note_progress(self, now: float) -> None:
        """Note what the connection has taken since it was looked at last, however little."""
        unsent = self.link.unsent()
        if unsent < self.unsent or not (unsent or self._pending):
            self.progress_at = now
        self.unsent = unsent

    def finish(self) -> None:
        """End the stream properly. All that waits is a goodbye, so it is written even if writing is paused."""
        self._put(ending(in_a_row(self._sent), self.form))
        for part in self._pending:
            self.link.write(part)
        self._pending.clear()
        self.link.finish()
