"""Faults of the fake Argo CD's streams, as verbs: cut, garbled, stalled, scripted, kept alive, or silent.

They act on the streams that are open, or on the next one that opens. Nothing here knows of Applications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .observation import Observation
from .rest import stream_error
from .stream import Stream


class StreamFaults(Observation):
    """What tests do to streams."""

    def __init__(self) -> None:
        super().__init__()
        self.silence = False
        """True: no keep-alives, whoever asks for them."""
        self.watch_buffer = 1000
        """Events that wait for one stream before more are dropped (ARGOCD_WATCH_API_BUFFER_SIZE)."""
        self._burst_limit: int | None = None
        self._burst_hooks: dict[int, list[Callable[[], object]]] = {}
        self._cuts: list[int] = []
        self._scripts: list[list[bytes]] = []

    def cut_all(self) -> None:
        """Cut every open stream, without an end of its body."""
        for stream in self.open_streams:
            stream.cut()

    def end_all(self) -> None:
        """End every open stream properly."""
        for stream in self.open_streams:
            stream.end()

    def fail_all(self, message: str = "transport is closing", status: int = 503) -> None:
        """Send an error as the last event of every open stream; `{}` where its `fields` lack `error`."""
        for stream in self.open_streams:
            stream.post_error(stream_error(status, message))
            stream.end()

    def cut_after_bytes(self, count: int) -> None:
        """Cut the next stream that is opened at this byte of its (plain) body."""
        self._cuts.append(count)

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are on every open stream, headers first if need be."""
        for stream in self.open_streams:
            stream.post(data)

    def keepalive(self) -> None:
        """Send one `:` line on every open SSE stream whose headers are out."""
        for stream in [] if self.silence else self.open_streams:
            stream.keep_alive()

    def stall_burst_after(self, count: int) -> None:
        """Let every burst stop after `count` events until `resume_burst`; 0 keeps even the headers back."""
        self._burst_limit = count

    def resume_burst(self) -> None:
        self._burst_limit = None
        for stream in self.open_streams:
            stream.wake()

    def on_burst_item(self, count: int, call: Callable[[], object]) -> None:
        """Call once, when a burst has sent `count` events (0: none yet, but its content is settled)."""
        self._burst_hooks.setdefault(count, []).append(call)

    def burst_script(self, lines: Iterable[bytes]) -> None:
        """Send these lines, in the framing they are in, as the burst of the next watch that has one."""
        self._scripts.append(list(lines))

    def is_burst_stalled(self, sent: int) -> bool:
        return self._burst_limit is not None and sent >= self._burst_limit

    def run_burst_hooks(self, sent: int) -> None:
        for call in self._burst_hooks.pop(sent, []):
            call()

    def prepare_faults(self, stream: Stream) -> None:
        """Give a stream that opens the faults that wait for the next one."""
        stream.cut_at = self._cuts.pop(0) if self._cuts else None
        if self._scripts and not stream.is_bridge:
            stream.script = self._scripts.pop(0)
