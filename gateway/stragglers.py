"""Tasks that don't end when they are told to: they are told again, and named.

A cancellation can get lost, in a library that takes it for something of its own, or where it meets the very moment in
which what was waited for comes (https://github.com/python/cpython/issues/86296). Once is then not enough, and a process
that hangs as it ends says nothing of why, unless somebody looks.
"""

import asyncio
from collections.abc import Collection
from types import CoroutineType
from typing import Any

import structlog

PATIENCE = 15.0
"""Seconds in which a task has to end, with what it still has to keep, before it is told again."""

_log = structlog.get_logger(__name__)


async def end(tasks: Collection[asyncio.Task[Any]], *, patience: float = PATIENCE) -> None:
    """Cancel tasks until all have ended. What came of them is theirs."""
    pending: Collection[asyncio.Task[Any]] = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=patience)
        if pending:
            _log.warning("gateway.ends_late", waiting={task.get_name(): locate(task) for task in pending})


def locate(task: asyncio.Task[Any]) -> str:
    """Return where a task waits, as functions with their lines, the outermost first."""
    places = []
    waiting: Any = task.get_coro()
    while isinstance(waiting, CoroutineType) and (frame := waiting.cr_frame) is not None:
        places.append(f"{waiting.cr_code.co_qualname}:{frame.f_lineno}")
        waiting = waiting.cr_await
    return " > ".join(places) or repr(waiting)
