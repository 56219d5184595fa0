"""The command line: ``serve``, ``demo``, ``check``, ``config``, ``export``, and those of ``consumer`` and ``auth``.

Errors for people, on standard error, with what to do. What a command needs is imported when it runs: ``gateway tail``
shouldn't wait for a database's library.
"""

import os
from typing import Annotated

import typer

from gateway import __version__
from gateway.auth import commands as people
from gateway.consumer import commands as consumer
from gateway.consumer import delivery_commands
from gateway.demo.surroundings import FASTEST

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
    from gateway import serving

    serving.serve(os.environ)


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=1.0, max=FASTEST, help="How many times faster to play.")] = 1.0,
) -> None:
    """Watch a recorded Argo CD, played in a loop: nothing else is needed. GATEWAY_PORT and the like are heeded."""
    from gateway import serving

    serving.play_demo(speed)


@app.command()
def check() -> None:
    """Ask Argo CD whether everything is right: address, certificate, version, token, and what may be seen."""
    from gateway import operations

    operations.check_upstream()


@app.command()
def config() -> None:
    """Show each setting, its value and where it comes from. Secrets are masked."""
    from gateway import operations

    operations.show_settings()


@app.command()
def export(
    since: Annotated[str, typer.Option(help="How far back, such as 30d or 12h.")] = "30d",
) -> None:
    """Write the delivery history as JSON lines: what senders told, and the deployments. The gateway may run."""
    from gateway import operations

    operations.export_history(since)
