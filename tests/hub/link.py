"""A connection whose every byte the test decides: how much it takes, when it moves on, where it is cut."""

from collections.abc import Sequence

from gateway.hub.frame import Form
from tests.hub.client import Client


class FakeLink:
    """The server's end of a connection to a model client.

    What is written goes to the client at once, or waits in the process while the link is ``stalled``. Writing is paused
    beyond ``high`` waiting bytes, and until no more than ``low`` are left, as asyncio's transports do it. Of what may
    go at once the link takes ``gulp`` bytes at most.
    """

    def __init__(
        self, client: Client, form: Form, *, high: int = 64 * 1024, stalled: bool = False, gulp: int | None = None
    ) -> None:
        client.connect(form)
        self.client = client
        self.form = form
        self.high = high
        self.stalled = stalled
        self.gulp = gulp
        self.closing = False
        self.aborted = False
        self.finished = False
        self.largest = 0
        """The size of the largest single write that the system may leave to the process."""
        self.written = 0
        """All bytes that were written."""
        self.overrun = 0
        """Bytes that were written although writing was paused."""
        self._unsent = bytearray()
        self._paused = False

    @property
    def low(self) -> int:
        return self.high // 4

    @property
    def writing_paused(self) -> bool:
        return self._paused

    def take(self, parts: Sequence[memoryview]) -> int:
        if self.closing or self.stalled or self._unsent:
            return 0
        data = b"".join(parts)[: self.gulp]
        self.carry(data)
        return len(data)

    def write(self, data: bytes | memoryview) -> None:
        self.largest = max(self.largest, len(data))
        self.carry(data)

    def carry(self, data: bytes | memoryview) -> None:
        assert not self.closing, "nothing is sent to a closing link"
        assert not self.finished, "nothing is written behind the end"
        assert data, "nothing is no chunk"
        self.written += len(data)
        self.overrun += len(data) if self._paused else 0
        self._unsent += data
        self._move()

    def offer(self, data: bytes) -> bool | None:
        if self.closing:
            return None
        if self._paused:
            return False
        self.write(data)
        return True

    def is_closing(self) -> bool:
        return self.closing

    def unsent(self) -> int:
        return len(self._unsent)

    def abort(self) -> None:
        self.aborted = True
        self.cut(0)

    def finish(self) -> None:
        assert not self.closing, "a closing link is not finished"
        assert not self.finished, "a link is finished once"
        if self.form is not Form.PLAIN:
            self.write(b"0\r\n\r\n")
        self.finished = True

    # What the test does.

    def drain(self, count: int | None = None) -> None:
        """Let the client receive some of what waits, or all."""
        part = bytes(self._unsent[:count])
        del self._unsent[: len(part)]
        self._paused = len(self._unsent) > (self.low if self._paused else self.high)
        if part:
            self.client.feed(part)

    def stall(self) -> None:
        self.stalled = True

    def flow(self) -> None:
        """Take everything at once from now on."""
        self.stalled = False
        self._move()

    def cut(self, count: int) -> None:
        """Break the connection when so many of the waiting bytes have come through."""
        self.drain(count)
        self.closing = True
        self._unsent.clear()

    def _move(self) -> None:
        self.drain(0 if self.stalled else None)
