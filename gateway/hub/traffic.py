"""What a feed sends: how many frames were made, and how many bytes they were before and after their framing."""

from collections import Counter


class Traffic:
    """Counts frames as they are made, and bytes as they are handed to connections.

    ``raw`` are the bytes of all events, once for each subscriber that got them; ``sent`` what that took on the wire:
    compressed, or in chunks.
    """

    __slots__ = ("frames", "raw", "sent")

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        """By kind: ``delta``, ``snapshot``, ``catch-up``, ``heartbeat``, ``event``."""
        self.raw = 0
        self.sent = 0

    def __repr__(self) -> str:
        return f"<Traffic: {self.frames.total()} frames, {self.sent} bytes>"

    def add(self, raw: int, sent: int, times: int = 1) -> None:
        """Count bytes that so many subscribers got."""
        self.raw += raw * times
        self.sent += sent * times
