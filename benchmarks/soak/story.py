"""Argo CD and the senders of webhooks, in a process of their own, as ``gateway demo`` plays them.

The first line of standard output says where Argo CD is and what the senders' secrets are. Standard input takes the
gateway's URL, then ``halt``: the story stops at the end of the day, where no rollout is under way, and once nothing
more is to be sent a line says how much was told and sent. Argo CD stays until standard input ends. The argument is how
many times faster than recorded.
"""

import asyncio
import json
import sys

from gateway.clock import start_clock
from gateway.demo import recording
from gateway.demo.courier import Courier
from gateway.demo.player import Player
from gateway.demo.timetable import Timetable


async def play(speed: float) -> None:
    """Play until standard input ends."""
    day = recording.load()
    # The demo leaves out quiet stretches; the whole day is to take as long as if it didn't.
    pace = speed * Timetable(day).length / (day.story[-1].at - day.beginning)
    clock = start_clock()
    courier = Courier(clock=clock)
    player = Player(Timetable(day, speed=pace), clock=clock, hearers=[courier.hear])
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with player, courier:
        tell({"url": player.url, "token": player.token, "secrets": courier.secrets})
        courier.begin((await lines.readline()).decode().strip())
        assert (await lines.readline()).strip() == b"halt"
        told = player.times_told
        while player.times_told == told:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
        for task in asyncio.all_tasks():
            if task.get_name() == "demo":
                task.cancel()
        while not courier.idle:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
        answers = {f"{sender} {status}": number for (sender, status), number in courier.answers.items()}
        tell({"days": player.times_told, "webhooks": answers})
        await lines.read()


def tell(said: object) -> None:
    """Print a line of JSON."""
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(play(float(sys.argv[1])))
