"""What an operator asks of a gateway that needn't run: is all well, which settings are in force, the history."""

import asyncio
import os
from collections.abc import Mapping
from typing import Never, TypeAlias

import typer

from gateway.clock import start_clock
from gateway.delivery.storage.check import describe
from gateway.delivery.storage.database import DatabaseError
from gateway.delivery.storage.export import write_lines
from gateway.errors import SettingsError
from gateway.options import find_database, make_client
from gateway.settings.environment import Settings, explain, load, unknown_names
from gateway.settings.notation import parse_duration
from gateway.upstream.check import Finding, check

Environ: TypeAlias = Mapping[str, str]

EXIT_USAGE = 2
"""The exit status for settings that can't be used."""


def load_settings(environ: Environ) -> Settings:
    """Return the settings of an environment, or say all that is wrong with them and exit."""
    try:
        return load(environ)
    except SettingsError as error:
        give_up(error)


def give_up(error: SettingsError) -> Never:
    """Say what is wrong with the settings, and exit."""
    typer.echo(f"gateway: {error}", err=True)
    raise typer.Exit(EXIT_USAGE) from error


def check_upstream() -> None:
    """Say step by step whether Argo CD can be asked, and what for; exit with 1 if something is wrong."""
    settings = load_settings(os.environ)
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
    return await _check_database(settings) and well


async def _check_database(settings: Settings) -> bool:
    url = find_database(settings)
    if url is None:
        return True
    try:
        _print(Finding(step="database", well=True, found=await describe(url)))
    except DatabaseError as error:
        found, _, cure = str(error).partition("; ")
        _print(Finding(step="database", well=False, found=found, cure=cure))
        return False
    return True


def _print(finding: Finding) -> None:
    typer.echo(f"{'✓' if finding.well else '✗'} {finding.step}: {finding.found}")
    if finding.cure:
        typer.echo(f"  → {finding.cure}")


def show_settings() -> None:
    """Show each setting, its value and its source."""
    try:
        explained = explain(os.environ)
    except SettingsError as error:
        give_up(error)
    width = max(len(item.name) for item in explained)
    values = max(len(item.value) for item in explained)
    for item in explained:
        typer.echo(f"{item.name:{width}}  {item.value:{values}}  {item.source}")
    for message in unknown_names(os.environ):
        typer.echo(message, err=True)


def export_history(since: str) -> None:
    """Write the delivery history of a duration as JSON lines."""
    settings = load_settings(os.environ)
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
