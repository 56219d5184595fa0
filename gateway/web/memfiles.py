"""Large bytes that one after another is sent, in files that are nothing but memory (memfd_create(2)).

What is sent from such a file (sendfile(2)) isn't copied: connections refer to its pages. A snapshot of a thousand
applications as plain text is half a megabyte; to copy it for each of thousands who come together costs more than all
else that is done for them, for it also drives out of the processor's cache whatever is needed next. Never belongs here:
connections.
"""

import asyncio
import os

LARGE = 128 * 1024
"""Bytes from which on not to copy pays."""

OFTEN = 3
"""Times that the same bytes are asked for before there is a file of them."""

MOST = 4
"""Different bytes that are known. Each may be held twice: as bytes, and in its file."""

LINGER = 10.0
"""Seconds after which bytes are let go that nobody asked for."""


class MemoryFiles:
    """Files of bytes that are asked for often; none where the system has no such files."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        """By where the bytes are: held here, they stay there. Whoever was asked for last is last."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(known.file is not None for known in self._known.values())

    def find(self, data: bytes) -> int | None:
        """Return the descriptor of a file of these bytes; None where they aren't asked for often."""
        known = self._known.pop(id(data), None)
        if known is None:
            if len(self._known) >= MOST:
                self._forget(next(iter(self._known)))
            known = _Known(data)
        self._known[id(data)] = known
        known.asked += 1
        known.lately = True
        if known.asked == OFTEN:
            known.file = _make_file(data)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER, self._look)
        return known.file

    def close(self) -> None:
        """Let all go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for place in list(self._known):
            self._forget(place)

    def _look(self) -> None:
        """Let go what nobody has asked for since the last look."""
        for place, known in list(self._known.items()):
            if not known.lately:
                self._forget(place)
            known.lately = False
        self._timer = asyncio.get_running_loop().call_later(LINGER, self._look) if self._known else None

    def _forget(self, place: int) -> None:
        known = self._known.pop(place)
        if known.file is not None:
            # What is on its way keeps its pages.
            os.close(known.file)


class _Known:
    """Bytes that were asked for."""

    __slots__ = ("asked", "data", "file", "lately")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked = 0
        self.lately = True
        self.file: int | None = None


def _make_file(data: bytes) -> int | None:
    """Return the descriptor of a file of these bytes; None where that can't be made, for sending goes without."""
    if not hasattr(os, "memfd_create"):
        return None
    file = None
    try:
        file = os.memfd_create("gateway")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError:
        if file is not None:
            os.close(file)
        return None
    return file
