"""An event loop for tests of minutes and hours: time runs fast while all wait, and stands still while anybody works.

Sockets are real; only time isn't. While there is something to do, however slow the machine does it, no time passes, so
that nothing runs into a timeout because others use the processor. While there is nothing to do, time runs ``SPEED``
times faster than a real clock's. Threads count as work. Nothing here knows the gateway.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from selectors import SelectorKey
from typing import Any, TypeVar

SPEED = 300.0
"""How many seconds pass in one of waiting. Whatever happens at once takes less than a millisecond of that, even where
the kernel is late in passing bytes on."""

BEGINNING = 1_000_000.0
"""The loop's time at first. It means nothing, like that of any event loop."""

Events = list[tuple[SelectorKey, int]]

T = TypeVar("T")


class _PatientSelector(selectors.DefaultSelector):
    """Tells its loop when there is nothing to do, and for how long."""

    loop: "FastLoop"

    def select(self, timeout: float | None = None) -> Events:
        events: Events = super().select(0)
        if events or (timeout is not None and timeout <= 0) or self.loop.look():
            return events
        if timeout is None or self.loop.threads_work:
            # Whoever ends the work of a thread wakes the selector.
            return super().select(None)
        events = super().select(timeout / SPEED)
        if not events:
            self.loop.pass_time(timeout)
        return events


class FastLoop(asyncio.SelectorEventLoop):
    """The event loop; ``failures`` are the errors that nobody caught."""

    def __init__(self) -> None:
        self._now = BEGINNING
        self._working = 0
        self._conditions: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        selector = _PatientSelector()
        selector.loop = self
        super().__init__(selector)
        self.failures: list[str] = []
        self.set_exception_handler(lambda _, context: self.failures.append(repr(context)))

    def time(self) -> float:
        """Return the loop's time in seconds."""
        return self._now

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    @property
    def threads_work(self) -> bool:
        """Whether threads do something that will be reported."""
        return self._working > 0

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run a function in a thread; meanwhile time stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self._working -= 1

    async def working(self, work: Awaitable[T]) -> T:
        """Await something that a thread of somebody else's does; meanwhile time stands still."""
        self._working += 1
        try:
            return await work
        finally:
            self._working -= 1

    # Conditions.

    def met(self, holds: Callable[[], bool]) -> "asyncio.Future[None]":
        """Return what is done once ``holds()`` is true; looked at whenever there is nothing else to do."""
        future: asyncio.Future[None] = self.create_future()
        self._conditions.append((holds, future))
        return future

    def look(self) -> bool:
        """Look at all conditions; return whether one is met."""
        waiting, self._conditions = self._conditions, []
        any_met = False
        for holds, future in waiting:
            if future.done():
                continue
            try:
                if holds():
                    future.set_result(None)
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                future.set_exception(error)
            if future.done():
                any_met = True
            else:
                self._conditions.append((holds, future))
        return any_met


async def until(holds: Callable[[], bool], *, within: float = 60.0, what: str = "") -> None:
    """Wait until ``holds()`` is true. Raises AssertionError when that takes more than ``within`` seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop)
    try:
        async with asyncio.timeout(within):
            await loop.met(holds)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what or 'the condition'}") from None


async def settle() -> None:
    """Wait until nobody has anything to do; no time passes."""
    await until(lambda: True)


async def let_pass(seconds: float) -> None:
    """Let time pass in which something must not happen."""
    await asyncio.sleep(seconds)
