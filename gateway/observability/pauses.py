"""The garbage collector's pauses: while it looks for cycles, the whole process stands still."""

import gc
import time
from typing import Any

from gateway.observability.histogram import INSTANTS, Histogram


class Pauses:
    """Measures them between ``start`` and ``stop``; ``times`` has how long they took."""

    def __init__(self) -> None:
        self.times = Histogram(INSTANTS)
        self._began = 0.0

    def start(self) -> None:
        """Begin to measure."""
        gc.callbacks.append(self._hear)

    def stop(self) -> None:
        """Measure no more."""
        gc.callbacks.remove(self._hear)

    def _hear(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.times.add(time.perf_counter() - self._began)
