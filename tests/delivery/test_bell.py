"""The bell: at once after quiet, together in quick succession, and nothing rung for is ever slept through."""

import asyncio

import pytest

from gateway.delivery.bell import Bell


async def heard(bell: Bell) -> float:
    """Wait until the bell rings, and return when that was."""
    assert await bell.rest(None)
    bell.hear()
    return asyncio.get_running_loop().time()


async def test_what_comes_after_quiet_is_rung_for_at_once() -> None:
    bell = Bell(0.5)
    began = asyncio.get_running_loop().time()
    bell.ring_soon()
    assert await heard(bell) - began < 0.5


async def test_what_comes_soon_after_waits_for_more() -> None:
    bell = Bell(3_600.0)
    bell.ring_soon()
    await heard(bell)
    for _ in range(3):
        bell.ring_soon()
        assert not await bell.rest(0.01)


async def test_what_waits_is_rung_for_when_its_time_has_come() -> None:
    bell = Bell(0.05)
    bell.ring_soon()
    began = await heard(bell)
    for _ in range(3):
        bell.ring_soon()
    assert await heard(bell) - began >= 0.04
    assert not await bell.rest(0.01)


async def test_what_cannot_wait_does_not_and_takes_the_rest_with_it() -> None:
    bell = Bell(3_600.0)
    bell.ring_soon()
    await heard(bell)
    bell.ring_soon()
    bell.ring()
    await heard(bell)
    assert not await bell.rest(0.0)


async def test_it_is_quiet_only_while_somebody_rests_and_nothing_is_going_to_ring() -> None:
    bell = Bell(0.2)
    assert not bell.quiet
    resting = asyncio.create_task(bell.rest(None))
    await asyncio.sleep(0)
    assert bell.quiet
    bell.ring_soon()
    assert not bell.quiet
    assert await resting
    bell.hear()
    resting = asyncio.create_task(bell.rest(None))
    await asyncio.sleep(0)
    assert bell.quiet
    bell.ring_soon()
    assert not bell.quiet
    assert not resting.done()
    assert await resting
    assert not bell.quiet


@pytest.mark.parametrize("gather", [0.0, 0.01])
async def test_what_was_rung_for_before_anybody_rested_is_not_lost(gather: float) -> None:
    bell = Bell(gather)
    for _ in range(3):
        bell.ring_soon()
        bell.hear()
        bell.ring_soon()
        await heard(bell)
