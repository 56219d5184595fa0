"""The command line: ``serve``, ``demo``, ``check``, ``config``, and those of ``consumer``.

Errors for people, on standard error, with what to do.
"""

import asyncio
import contextlib
import functools
import gc
import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Never, TypeAlias

import structlog
import typer

from gateway import __version__
from gateway.app import Gateway
from gateway.auth import commands as people
from gateway.clock import start_clock
from gateway.consumer import commands as consumer
from gateway.consumer import delivery_commands
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.export import write_lines
from gateway.demo import recording, surroundings
from gateway.demo.courier import Courier
from gateway.demo.player import Player
from gateway.demo.timetable import Timetable
from gateway.errors import ListenError, SettingsError
from gateway.observability import logs
from gateway.options import find_database, make_client
from gateway.settings.environment import Settings, explain, load, unknown_names
from gateway.settings.notation import parse_duration
from gateway.upstream.check import Finding, check

app = typer.Typer(
    help="A real-time gateway between Argo CD and everyone who wants to see deployments live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(consumer.app)
app.add_typer(people.token, name="token")
app.add_typer(people.access, name="access")
app.add_typer(delivery_commands.app)

Environ: TypeAlias = Mapping[str, str]

EXIT_USAGE = 2
"""The exit status for settings that can't be used."""


def main() -> None:
    """Run the command line."""
    app(prog_name="gateway")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"argocd-sse-gateway {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take what comes before a command."""


@app.command()
def serve() -> None:
    """Run the gateway. Its settings come from the environment: `gateway config` shows them."""
    settings = _load(os.environ)
    _run(_serve, settings, os.environ)


def _run(serving: Callable[[Settings], Coroutine[None, None, None]], settings: Settings, environ: Environ) -> None:
    logs.configure(level=settings.log_level, log_format=settings.log_format)
    log = structlog.get_logger(__name__)
    for message in unknown_names(environ):
        log.warning("settings.unknown_name", message=message)
    try:
        with asyncio.Runner(loop_factory=_choose_loop(settings.loop)) as runner:
            runner.run(serving(settings))
    except SettingsError as error:
        _give_up(error)
    except (ListenError, DatabaseError) as error:
        typer.echo(f"gateway: {error}", err=True)
        raise typer.Exit(1) from error


async def _serve(settings: Settings) -> None:
    gateway = Gateway(settings)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, gateway.drain)
    # Somebody at a terminal doesn't want to wait.
    loop.add_signal_handler(signal.SIGINT, gateway.stop)
    freezing = asyncio.create_task(_freeze(gateway))
    try:
        await gateway.run()
    finally:
        freezing.cancel()


async def _freeze(gateway: Gateway) -> None:
    """Keep turns of the event loop short: what is there for good leaves the garbage collector's rounds."""
    await gateway.ready.wait()
    # Threads that calculate figures give way within half a millisecond, not five.
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()


def _choose_loop(choice: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if choice == "asyncio" or (choice == "auto" and importlib.util.find_spec("uvloop") is None):
        return None
    try:
        import uvloop
    except ImportError as error:
        typer.echo("gateway: GATEWAY_LOOP=uvloop needs the extra argocd-sse-gateway[uvloop].", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    return uvloop.new_event_loop


@app.command()
def demo(
    speed: Annotated[
        float, typer.Option(min=1.0, max=surroundings.FASTEST, help="How many times faster to play.")
    ] = 1.0,
) -> None:
    """Watch a recorded Argo CD, played in a loop: nothing else is needed. GATEWAY_PORT and the like are heeded."""
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
        _run(functools.partial(_play, player, courier), _load(environ), environ)


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


@app.command(name="check")
def check_upstream() -> None:
    """Ask Argo CD whether everything is right: address, certificate, version, token, and what may be seen."""
    settings = _load(os.environ)
    unknown = unknown_names(os.environ)
    for message in unknown:
        typer.echo(f"✗ settings: {message}", err=True)
    well = asyncio.run(_check(settings))
    if unknown or not well:
        raise typer.Exit(1)


async def _check(settings: Settings) -> bool:
    well = True
    typer.echo(f"Argo CD at {settings.argocd_base_url}")
    client, token = make_client(settings)
    async with client:
        async for finding in check(client, projects=settings.argocd_projects, token_given=token.given):
            _print(finding)
            well = well and finding.well
    return well


def _print(finding: Finding) -> None:
    typer.echo(f"{'✓' if finding.well else '✗'} {finding.step}: {finding.found}")
    if finding.cure:
        typer.echo(f"  → {finding.cure}")


@app.command()
def config() -> None:
    """Show each setting, its value and where it comes from. Secrets are masked."""
    try:
        explained = explain(os.environ)
    except SettingsError as error:
        _give_up(error)
    width = max(len(item.name) for item in explained)
    values = max(len(item.value) for item in explained)
    for item in explained:
        typer.echo(f"{item.name:{width}}  {item.value:{values}}  {item.source}")
    for message in unknown_names(os.environ):
        typer.echo(message, err=True)


@app.command()
def export(
    since: Annotated[str, typer.Option(help="How far back, such as 30d or 12h.")] = "30d",
) -> None:
    """Write the delivery history as JSON lines: what senders told, and the deployments. The gateway may run."""
    settings = _load(os.environ)
    try:
        age = parse_duration(since)
    except ValueError as error:
        typer.echo(f"gateway: --since: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    url = find_database(settings)
    if url is None:
        typer.echo("gateway: there is nothing to export: GATEWAY_DATABASE_URL isn't set.", err=True)
        raise typer.Exit(EXIT_USAGE)
    assert isinstance(age, float)
    try:
        asyncio.run(write_lines(url, since=start_clock()() - age, write=typer.echo))
    except DatabaseError as error:
        typer.echo(f"gateway: {error}", err=True)
        raise typer.Exit(1) from error


def _load(environ: Mapping[str, str]) -> Settings:
    try:
        return load(environ)
    except SettingsError as error:
        _give_up(error)


def _give_up(error: SettingsError) -> Never:
    typer.echo(f"gateway: {error}", err=True)
    raise typer.Exit(EXIT_USAGE) from error
