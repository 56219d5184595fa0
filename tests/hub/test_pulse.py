"""When the hub ticks, takes turns and beats, on a loop whose time jumps to the next timer instead of waiting for it."""

import asyncio
import itertools
import selectors
import time
from collections.abc import Coroutine

import pytest

from gateway.hub.frame import Form
from gateway.hub.hub import Hub, Limits
from gateway.hub.pulse import BEAT_INTERVAL, LONGEST, MANY, TURN_INTERVAL, Pulse
from gateway.log.memory import MemoryLog
from gateway.model.selector import Selector
from tests.hub.client import Client
from tests.hub.documents import State, application, upserts
from tests.hub.link import FakeLink

TICK = 0.1


class JumpingSelector(selectors.SelectSelector):
    """Never waits: says how long the loop would have."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "the loop would wait for ever"
        self.skipped += max(0.0, timeout)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop with a time of its own."""

    def __init__(self) -> None:
        self._jumps = JumpingSelector()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.skipped


class World:
    def __init__(self) -> None:
        self.state: State = {}
        self.log = MemoryLog(epoch="5f2c81d0", capacity=100, max_bytes=10**9)
        self.hub = Hub(self.log, Limits(slow_limit=10.0, stream_lifetime=1e6), now=0.0, jitter=lambda: 0.0)
        self.pulse = Pulse(self.hub, tick=TICK, clock=lambda: asyncio.get_running_loop().time())
        self.log.follow(self.pulse.changed)
        self.hub.publish(0.0)
        self.client = Client()
        self.link = FakeLink(self.client, Form.PLAIN)
        self.hub.join(Selector(), link=self.link, form=Form.PLAIN, cursor=None, had_cursor=False, now=0.0)

    def append(self, image: str, count: int = 1) -> None:
        names = ["a", *map(str, range(1, count))]
        self.log.append(upserts(self.state, *(application(f"argocd/{name}", images=(image,)) for name in names)))

    @property
    def images(self) -> list[str]:
        """The image that each delta told of."""
        deltas = [event.data["changed"] for event in self.client.events if event.name == "delta"]
        return [delta["argocd/a"]["images"][0] for delta in deltas]


def run(main: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main)


async def pass_time(seconds: float) -> None:
    """Let the loop's time go by; nobody waits."""
    await asyncio.sleep(seconds)


def test_the_first_change_after_quiet_goes_out_at_once_with_all_that_came_with_it() -> None:
    async def main() -> None:
        world = World()
        await pass_time(5)
        began = asyncio.get_running_loop().time()
        for image in "123":
            world.append(image)
        assert world.images == []
        await pass_time(0)
        await pass_time(0)
        assert world.images == ["3"]
        assert asyncio.get_running_loop().time() == began

    run(main())


@pytest.mark.parametrize(("took", "apart"), [(0.001, TICK), (0.025, 0.25), (1.0, LONGEST * TICK)])
def test_in_a_burst_ticks_are_further_apart_the_longer_they_take(
    took: float, apart: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        world = World()
        readings = itertools.count()
        monkeypatch.setattr(time, "perf_counter", lambda: next(readings) * took)
        world.append("1", MANY)
        await pass_time(0.01)
        world.append("2", MANY - 1)
        await pass_time(apart - 0.02)
        assert world.images == ["1"]
        await pass_time(0.02)
        assert world.images == ["1", "2"]
        # What isn't many is shown as soon as ever.
        world.append("3")
        await pass_time(TICK + 0.01)
        assert world.images == ["1", "2", "3"]

    run(main())


def test_further_changes_are_gathered_until_the_interval_is_over() -> None:
    async def main() -> None:
        world = World()
        world.append("1")
        await pass_time(TICK * 0.3)
        world.append("2")
        await pass_time(TICK * 0.3)
        world.append("3")
        assert world.images == ["1"]
        await pass_time(TICK * 0.5)
        assert world.images == ["1", "3"]
        await pass_time(TICK * 0.3)
        world.append("4")
        assert world.images == ["1", "3"]
        await pass_time(TICK)
        assert world.images == ["1", "3", "4"]

    run(main())


def test_quiet_needs_no_ticks() -> None:
    async def main() -> None:
        world = World()
        world.append("1")
        await pass_time(TICK)
        assert len(asyncio.all_tasks()) == 1
        with pytest.raises(AssertionError, match="wait for ever"):
            asyncio.get_running_loop()._selector.select(None)  # type: ignore[attr-defined]
        assert not asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]

    run(main())


def test_the_hub_beats_each_second() -> None:
    async def main() -> None:
        world = World()
        world.pulse.start()
        await pass_time(15.5 * BEAT_INTERVAL)
        assert len(world.client.heartbeats) == 2
        world.pulse.stop()

    run(main())


def test_who_is_behind_gets_a_turn_soon_after_it_can_take_more() -> None:
    async def main() -> None:
        world = World()
        world.link.high = 0
        world.link.stall()
        world.append("1")
        await pass_time(TICK)
        world.append("2")
        await pass_time(TICK)
        assert world.hub.behind
        world.link.flow()
        assert world.images == ["1"]
        await pass_time(1.1 * TURN_INTERVAL)
        assert world.client.documents["argocd/a"]["images"] == ["2"]
        assert not world.hub.behind

    run(main())


def test_a_nudge_brings_a_turn_only_if_somebody_is_behind() -> None:
    async def main() -> None:
        world = World()
        world.pulse.nudge()
        assert not asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        late = Client()
        link = FakeLink(late, Form.PLAIN, stalled=True, high=0)
        world.hub.join(Selector(), link=link, form=Form.PLAIN, cursor=None, had_cursor=False, now=0.0)
        world.pulse.nudge()
        link.flow()
        await pass_time(2 * TURN_INTERVAL)
        assert late.names == ["snapshot", "heartbeat"]

    run(main())


def test_nothing_happens_after_a_stop() -> None:
    async def main() -> None:
        world = World()
        world.pulse.start()
        world.append("1")
        world.pulse.stop()
        await pass_time(60)
        assert world.images == []
        assert len(world.client.heartbeats) == 1

    run(main())


def test_how_long_a_tick_took_is_known() -> None:
    async def main() -> None:
        world = World()
        assert world.pulse.tick_seconds == 0.0
        world.append("1")
        await pass_time(TICK)
        assert world.pulse.tick_seconds > 0.0

    run(main())


def test_how_late_the_loop_is_and_how_long_ticks_take_is_noted() -> None:
    async def main() -> None:
        world = World()
        ticked: list[float] = []
        world.pulse.follow(ticked.append)
        world.pulse.start()
        await pass_time(3.5 * BEAT_INTERVAL)
        beats = len(world.pulse.lags)
        assert beats == 3
        world.append("1")
        await pass_time(TICK)
        assert (len(world.pulse.fan_outs), len(ticked)) == (1, 1)
        # Somebody keeps the loop to himself for two seconds.
        asyncio.get_running_loop()._jumps.skipped += 2.0  # type: ignore[attr-defined]
        await pass_time(BEAT_INTERVAL)
        assert 1.0 < world.pulse.lags.total < 2.1
        world.pulse.stop()

    run(main())


def test_the_hub_ticks_on_uvloop_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        world = World()
        world.pulse.start()
        for image in "123":
            world.append(image)
            async with asyncio.timeout(10):
                while image not in world.images:  # noqa: ASYNC110 - there is nothing else to wait for
                    await asyncio.sleep(0)
        assert world.images == ["1", "2", "3"]
        world.pulse.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
