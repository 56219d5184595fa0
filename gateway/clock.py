"""The time, as everything in the gateway is told it."""

import time
from collections.abc import Callable

# Goes on while the machine sleeps, where there is such a clock; never goes back, whoever sets the time.
_SOURCE: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def start_clock() -> Callable[[], float]:
    """Return a clock: Unix time in seconds, as it was at the start plus what has passed since."""
    offset = time.time() - time.clock_gettime(_SOURCE)
    return lambda: offset + time.clock_gettime(_SOURCE)
