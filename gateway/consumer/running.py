"""How a command runs: to its end, or until nobody reads on; each failure is a line for people and an exit code."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Never, TypeVar

import orjson
import typer

from gateway.consumer.credential import TOKEN, TOKEN_FILE, Credential, choose_credential
from gateway.errors import GatewayError

UNREACHABLE = 2
INTERRUPTED = 130
"""What a shell expects of who was ended by Ctrl-C."""

TokenFile = Annotated[
    Path | None,
    typer.Option(
        help=f"A file with the token to show; without it, that of {TOKEN} is shown, if any.",
        envvar=TOKEN_FILE,
        show_default=False,
        metavar="PATH",
    ),
]

_T = TypeVar("_T")


def find_credential(file: Path | None) -> Credential:
    """Return what is to be shown to the gateway; say in one line what is wrong with it, and leave."""
    try:
        return choose_credential(file, os.environ)
    except GatewayError as error:
        give_up(error)


def run(act: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Do something to its end; say in one line why that can't be, and leave quietly who is told to leave."""
    try:
        return quietly(lambda: asyncio.run(_until_nobody_reads(act)))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except GatewayError as error:
        give_up(error)


async def _until_nobody_reads(act: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Do something; when whoever reads our pipe goes, don't wait for the next line to notice."""
    task = asyncio.create_task(act())
    reader = _find_pipe()
    loop = asyncio.get_running_loop()
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        task.cancel()
        assert reader is not None
        loop.remove_reader(reader)

    if reader is not None:
        # A pipe that we write never has anything to read: it becomes readable when its other end is closed.
        loop.add_reader(reader, leave)
    try:
        return await task
    except asyncio.CancelledError:
        if gone:
            raise BrokenPipeError from None
        raise
    finally:
        if reader is not None:
            loop.remove_reader(reader)


def _find_pipe() -> int | None:
    try:
        number = sys.stdout.fileno()
        return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None
    except (OSError, ValueError):
        return None


def quietly(act: Callable[[], _T]) -> _T:
    """Write something; who doesn't want to read on needs no complaint."""
    try:
        result = act()
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. What Python would still flush at its exit goes nowhere, without a complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    return result


def write_json(document: object) -> None:
    """Write a document for programs."""
    quietly(lambda: typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()))


def give_up(error: Exception) -> Never:
    """Say in one line why there is no answer."""
    typer.echo(f"gateway: {error}", err=True)
    raise typer.Exit(UNREACHABLE) from error
