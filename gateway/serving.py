"""Running a gateway, or the demo, as a process: event loop, signals, logs, and the exit code where it can't begin."""

import asyncio
import contextlib
import ctypes
import functools
import gc
import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine

import structlog
import typer

from gateway.app import Gateway
from gateway.clock import start_clock
from gateway.delivery.storage.database import DatabaseError
from gateway.demo import recording, surroundings
from gateway.demo.courier import Courier
from gateway.demo.player import Player
from gateway.demo.timetable import Timetable
from gateway.errors import ListenError, SettingsError
from gateway.observability import logs
from gateway.operations import EXIT_USAGE, Environ, give_up, load_settings
from gateway.settings.environment import Settings, unknown_names

ROUNDS = (10_000, 10, 20)
"""How many more objects are made than go before the garbage collector looks at the youngest, and how many of its rounds
pass before it looks at older ones. With Python's own (700, 10, 10) a thousand who join are sixty rounds, a twentieth of
what the joins cost, for next to nothing that is found."""

TRIM_INTERVAL = 60.0
"""Seconds between two times that unused memory goes back to the system: each then takes a few milliseconds."""


def serve(environ: Environ) -> None:
    """Run a gateway with the settings of an environment, until it is asked to leave."""
    _run(_serve, load_settings(environ), environ)


def play_demo(speed: float) -> None:
    """Run a recorded Argo CD, some times as fast, and an ordinary gateway in front of it."""
    # Nothing is connected to but this process itself, which no proxy finds.
    os.environ["no_proxy"] = "*"
    clock = start_clock()
    courier = Courier(clock=clock)
    player = Player(Timetable(recording.load(), speed=speed), clock=clock, hearers=[courier.hear])
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.closing(player))
        database = None
        # Where nothing can be written, the history is in memory.
        with contextlib.suppress(OSError):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-demo-"))
            database = f"sqlite:///{folder}/history.db"
        environ = surroundings.surround(
            os.environ, url=player.url, token=player.token, secrets=courier.secrets, database=database
        )
        _run(functools.partial(_play, player, courier), load_settings(environ), environ)


def _run(serving: Callable[[Settings], Coroutine[None, None, None]], settings: Settings, environ: Environ) -> None:
    logs.configure(level=settings.log_level, log_format=settings.log_format)
    log = structlog.get_logger(__name__)
    for message in unknown_names(environ):
        log.warning("settings.unknown_name", message=message)
    try:
        with asyncio.Runner(loop_factory=_choose_loop(settings.loop)) as runner:
            runner.run(serving(settings))
    except SettingsError as error:
        give_up(error)
    except (ListenError, DatabaseError) as error:
        typer.echo(f"gateway: {error}", err=True)
        raise typer.Exit(1) from error


async def _serve(settings: Settings) -> None:
    gateway = Gateway(settings)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, gateway.drain)
    # Somebody at a terminal doesn't want to wait.
    loop.add_signal_handler(signal.SIGINT, gateway.stop)
    caring = [asyncio.create_task(_freeze(gateway)), asyncio.create_task(_trim(), name="trimming")]
    try:
        await gateway.run()
    finally:
        for task in caring:
            task.cancel()


async def _freeze(gateway: Gateway) -> None:
    """Keep turns of the event loop short: what is there for good leaves the garbage collector's rounds."""
    await gateway.ready.wait()
    # Threads that calculate figures give way within half a millisecond, not five.
    sys.setswitchinterval(0.0005)
    _leave_out()
    if not gateway.hub.published:
        published = asyncio.Event()
        gateway.hub.await_state(lambda _: published.set())
        await published.wait()
        _leave_out()


def _leave_out() -> None:
    """Leave all that there is now out of the garbage collector's rounds, and make these rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)


async def _trim() -> None:
    """Give memory back for as long as the process runs.

    glibc itself gives back no more than the end of its heap; between what stays, pages that were once needed would
    remain, and the process would seem to grow for hours.
    """
    give_back = _find_trim()
    while give_back is not None:
        await asyncio.sleep(TRIM_INTERVAL)
        give_back(0)


def _find_trim() -> Callable[[int], int] | None:
    """Return glibc's malloc_trim (malloc_trim(3)); other C libraries have none."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim


def _choose_loop(choice: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if choice == "asyncio" or (choice == "auto" and importlib.util.find_spec("uvloop") is None):
        return None
    try:
        import uvloop
    except ImportError as error:
        typer.echo("gateway: GATEWAY_LOOP=uvloop needs the extra argocd-sse-gateway[uvloop].", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    return uvloop.new_event_loop


async def _play(player: Player, courier: Courier, settings: Settings) -> None:
    async with player, courier:
        gateway = Gateway(settings, loopback_pages=True)
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        player.when_over(asked.set)
        leaving = asyncio.create_task(_leave(asked, courier, gateway))
        welcoming = asyncio.create_task(_welcome(gateway, player, courier))
        try:
            await gateway.run()
        finally:
            welcoming.cancel()
            leaving.cancel()


async def _leave(asked: asyncio.Event, courier: Courier, gateway: Gateway) -> None:
    await asked.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(courier.end(), timeout=1.0)
    gateway.stop()


async def _welcome(gateway: Gateway, player: Player, courier: Courier) -> None:
    await gateway.ready.wait()
    url = surroundings.find_url(*gateway.address, gateway.settings.base_path)
    courier.begin(url)
    text = surroundings.welcome(
        url,
        metrics_url=surroundings.find_url(*gateway.metrics_address),
        page=gateway.settings.dashboard,
        applications=len(player.cluster.applications),
        length=player.length,
    )
    typer.echo(text)
