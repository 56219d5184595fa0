"""Whoever doesn't end when told to is told again, and the log says where it waits."""

import asyncio

from structlog.testing import capture_logs

from gateway.stragglers import end, locate


async def ignore(times: int, begun: asyncio.Event) -> str:
    """Wait for ever, and take so many cancellations for something else."""
    while True:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


async def start(times: int) -> asyncio.Task[str]:
    begun = asyncio.Event()
    task = asyncio.create_task(ignore(times, begun), name=f"ignores {times}")
    await begun.wait()
    return task


async def test_tasks_that_end_are_told_once_and_nothing_is_said() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    failed = asyncio.create_task(fail())
    await asyncio.wait([failed])
    tasks = [await start(0), failed, asyncio.create_task(asyncio.sleep(0))]
    with capture_logs() as logs:
        await end(tasks)
    assert all(task.done() for task in tasks)
    assert isinstance(failed.exception(), ValueError)
    assert not logs


async def test_one_that_loses_a_cancellation_is_told_again_and_named() -> None:
    tasks = [await start(0), await start(2)]
    with capture_logs() as logs:
        async with asyncio.timeout(20):
            await end(tasks, patience=0.02)
    assert all(task.cancelled() for task in tasks)
    assert [line["event"] for line in logs] == ["gateway.ends_late"] * 2
    (named,) = logs[0]["waiting"].items()
    assert named[0] == "ignores 2"
    assert named[1].startswith("ignore:")
    assert " > Event.wait:" in named[1]


async def test_what_keeps_something_while_it_ends_has_the_time_to() -> None:
    kept = False

    async def keep() -> None:
        nonlocal kept
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            kept = True

    task = asyncio.create_task(keep())
    await asyncio.sleep(0)
    await end([task])
    assert kept


async def test_a_task_that_has_ended_waits_nowhere() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert "coroutine" in locate(task)
