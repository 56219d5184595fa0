"""A Redis behind Sentinels: the master that they name is used, after a failover the next, with another epoch."""

import asyncio
from pathlib import Path

import redis.exceptions

from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD
from tests.ports import find_port
from tests.replicas.scene import Scene, until
from tests.replicas.server import PROGRAM, RedisServer


async def test_after_a_failover_everybody_goes_on_at_the_new_master(tmp_path: Path) -> None:
    assert PROGRAM is not None
    for name in ("first", "second", "sentinel"):
        (tmp_path / name).mkdir()
    first, second = RedisServer(tmp_path / "first"), RedisServer(tmp_path / "second")
    await first.start()
    await second.start("--replicaof", "127.0.0.1", str(first.port))
    port = find_port()
    settings = tmp_path / "sentinel" / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor ours 127.0.0.1 {first.port} 1\n"
        "sentinel down-after-milliseconds ours 500\nsentinel failover-timeout ours 3000\n"
    )
    sentinel = await asyncio.create_subprocess_exec(
        PROGRAM, str(settings), "--sentinel", stdout=asyncio.subprocess.DEVNULL
    )
    asked = RedisServer(tmp_path, port=port)
    play = Scene(FakeArgoCD(), first)
    play.argocd.keepalive_interval = 1.0
    try:
        async with play.argocd:
            for number in range(5):
                play.argocd.put(application(f"app-{number}"))
            async with asked.client() as client:
                while True:
                    try:
                        if await client.execute_command("SENTINEL", "REPLICAS", "ours"):  # type: ignore[no-untyped-call]
                            break
                    except redis.exceptions.RedisError:
                        pass
                    await asyncio.sleep(0.1)
            url = f"redis+sentinel://127.0.0.1:{port}/ours/0"
            for _ in range(2):
                await play.join(redis_url=url)
            await play.live()
            await play.true()
            epochs = play.epochs
            await first.stop()
            play.change("app-0", "during the failover")
            await until(lambda: not play.epochs & epochs, "another epoch, on the promoted one")
            await play.live()
            await play.true()
            await play.leave()
            async with asked.client() as client:
                while len(await client.client_list()) > 1:  # noqa: ASYNC110 - nothing says when they have gone
                    await asyncio.sleep(0.05)
    finally:
        sentinel.terminate()
        await sentinel.wait()
        await first.stop()
        await second.stop()
