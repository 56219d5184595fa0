"""The gateway as ``gateway serve`` runs it, in a process that tells of itself: a line of JSON each second.

``tasks`` are those of its event loop, by name; ``lags`` are by how many milliseconds the loop was late for a timer, a
hundred times a second. An argument is for how many seconds what nobody looks at any more is kept, instead of a
minute at most: a short soak doesn't wait so long.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter

from gateway import serving
from gateway.delivery import breaches, errands, sweeping, tally
from gateway.detail import attendance, desk
from gateway.hub import views
from gateway.operations import load_settings
from gateway.settings.environment import Settings

PERIOD = 0.01
REPORT_EVERY = 1.0
BUDGET_SPAN = RETENTION = 432.0
"""Seconds that budgets are of and that the history reaches back, a day at the soak's speed: so what is kept and read is
whole, and doesn't grow any more, after the warm-up. No setting is that short."""
SWEEP_INTERVAL = 60.0
"""Seconds between looks for what is older, instead of an hour."""
REMEMBERED = 4_000
"""Of what was counted and told already, so much is remembered: as much as is known after the warm-up, too."""


async def serve(settings: Settings) -> None:
    """Serve, and tell until that ends."""
    telling = asyncio.create_task(tell(), name="telling")
    try:
        await serving._serve(settings)
    finally:
        telling.cancel()


async def tell() -> None:
    """Measure and tell, for ever."""
    lags: list[float] = []
    reported_at = time.perf_counter()
    while True:
        due = time.perf_counter() + PERIOD
        await asyncio.sleep(PERIOD)
        now = time.perf_counter()
        lags.append(round(max(0.0, now - due) * 1e3, 2))
        if now - reported_at >= REPORT_EVERY:
            tasks = Counter(map(name_task, asyncio.all_tasks()))
            print(json.dumps({"tasks": tasks, "lags": lags}), flush=True)
            lags, reported_at = [], now


def name_task(task: "asyncio.Task[object]") -> str:
    """Return a task's name, or that of its coroutine where nobody gave it one."""
    name = task.get_name()
    if name.startswith("Task-"):
        return getattr(task.get_coro(), "__qualname__", name)
    # Watches are numbered.
    return name.rstrip("0123456789 ")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        views.VIEW_LINGER = desk.LINGER = attendance.CALM = float(sys.argv[1])
    errands.BUDGET_SPAN = BUDGET_SPAN
    sweeping.SWEEP_INTERVAL = SWEEP_INTERVAL
    tally.REMEMBERED = breaches.REMEMBERED = REMEMBERED
    settings = load_settings(os.environ).model_copy(update={"delivery_retention": RETENTION})
    serving._run(serve, settings, os.environ)
    sys.exit()
