"""The commands of those who say who may what: ``token new``, ``access check`` and ``access explain``."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Never, TypeVar

import typer

from gateway.auth.access import Access, describe, parse_access
from gateway.auth.grant import Spot
from gateway.auth.identity import ANONYMOUS, Identity
from gateway.auth.keeper import KeptFile
from gateway.auth.lines import FileError
from gateway.auth.tokens import TOKEN_BYTES, Tokens, make_token, parse_tokens, write_entry
from gateway.model.labels import LabelSelectorError, parse_labels
from gateway.settings.notation import parse_duration

UNUSABLE = 1
USAGE = 2

token = typer.Typer(no_args_is_help=True, help="Tokens for programs.")
access = typer.Typer(no_args_is_help=True, help="Who may see and do what.")

_T = TypeVar("_T")

File = Annotated[
    Path, typer.Option("--file", envvar="GATEWAY_ACCESS_FILE", help="The access file.", show_default=False)
]


@token.command(name="new")
def make_new(
    name: Annotated[str, typer.Option(help="What the token is called, in the log and in the access file.")],
    groups: Annotated[str, typer.Option(help="Its groups, separated by commas.", metavar="A,B")] = "",
    expires: Annotated[str, typer.Option(help="When it ends, such as 90d; without, never.", metavar="TIME")] = "",
) -> None:
    """Make a token: it is printed this once, with the entry for GATEWAY_TOKENS_FILE that lets it in."""
    text = make_token(secrets.token_bytes(TOKEN_BYTES))
    named = list(dict.fromkeys(group.strip() for group in groups.split(",") if group.strip()))
    try:
        expires_at = None if not expires else time.time() + _read_age(expires)
        entry = write_entry(name=name, token=text, groups=named, expires_at=expires_at)
    except ValueError as error:
        _give_up(str(error), USAGE)
    # The token alone goes to standard output, so that it can be piped to where it is kept.
    typer.echo("The token, shown this once:", err=True)
    typer.echo(text)
    typer.echo("Append this to the file that GATEWAY_TOKENS_FILE names; it is read again by itself:", err=True)
    typer.echo(f"\n{entry}", err=True)


@access.command()
def check(
    file: Annotated[Path, typer.Argument(help="The access file.", envvar="GATEWAY_ACCESS_FILE", show_default=False)],
) -> None:
    """Check an access file: everything that is wrong with it, each with its line; else what it grants."""
    content = _open(file, parse_access)
    for name, rules in (("anonymous", content.anonymous), *sorted(content.groups.items())):
        for rule in rules:
            typer.echo(f"{name}: {describe(rule)} (line {rule.origin.rpartition(' ')[2]})")
    for name, user in sorted(content.users.items()):
        if user.groups:
            typer.echo(f"user {name}: in {', '.join(sorted(user.groups))}")
        for rule in user.rules:
            typer.echo(f"user {name}: {describe(rule)} (line {rule.origin.rpartition(' ')[2]})")
    if content == Access():
        typer.echo("The file grants nothing to anybody.")


@access.command()
def explain(
    file: File,
    user: Annotated[str, typer.Option(help="Of whom: a user, by the name that credentials give.")] = "",
    group: Annotated[list[str] | None, typer.Option(help="A group that credentials give; may be repeated.")] = None,
    token_name: Annotated[str, typer.Option(help="Or a token, by its name.")] = "",
    tokens_file: Annotated[
        Path | None, typer.Option(envvar="GATEWAY_TOKENS_FILE", help="The file of tokens.", show_default=False)
    ] = None,
    application: Annotated[str, typer.Option(help="Of which application.", metavar="NAMESPACE/NAME")] = "",
    project: Annotated[str, typer.Option(help="The application's project.")] = "",
    labels: Annotated[str, typer.Option(help="Its labels, such as team=shop,tier=web.", metavar="K=V,…")] = "",
) -> None:
    """Say why somebody may see and do something, or not. Without anybody, of the anonymous."""
    content = _open(file, parse_access)
    if token_name and (user or group):
        _give_up("--token-name names somebody already; leave out --user and --group", USAGE)
    if (project or labels) and not application:
        _give_up("--project and --labels are an application's: name it by --application NAMESPACE/NAME", USAGE)
    identity = _find_token(tokens_file, token_name) if token_name else _describe(user, group or [])
    for line in content.explain(identity, _read_place(application, project, labels) if application else None):
        typer.echo(line)


def _describe(user: str, groups: list[str]) -> Identity:
    if not user and not groups:
        return ANONYMOUS
    return Identity(subject=user, name=user or "somebody", groups=frozenset(groups), method="proxy")


def _find_token(file: Path | None, name: str) -> Identity:
    if file is None:
        _give_up("--token-name needs --tokens-file, or GATEWAY_TOKENS_FILE", USAGE)
    tokens: Tokens = _open(file, parse_tokens)
    if (found := tokens.find_name(name)) is None:
        _give_up(f"there is no token called {name} in {file}", UNUSABLE)
    identity = found.identify()
    if identity.expired(time.time()):
        typer.echo(f"{name} has expired: whoever shows it is refused. If it hadn't:")
    return identity


def _read_place(application: str, project: str, labels: str) -> Spot:
    namespace, _, name = application.rpartition("/")
    if not namespace or not name:
        _give_up("write --application as NAMESPACE/NAME: the namespace that the Application itself is in", USAGE)
    try:
        requirements = parse_labels(labels)
    except LabelSelectorError as error:
        _give_up(f"--labels: {error}", USAGE)
    if any(requirement.operator != "In" or len(requirement.values) != 1 for requirement in requirements):
        _give_up("write --labels as the application has them, such as team=shop,tier=web", USAGE)
    held = {requirement.key: requirement.values[0] for requirement in requirements}
    return Spot(project or None, namespace, held or None)


def _read_age(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"--expires: {error}") from None
    if not isinstance(seconds, float) or seconds <= 0:
        raise ValueError("--expires: write a time from now on, such as 90d")
    return seconds


def _open(path: Path, parse: Callable[[str], _T]) -> _T:
    try:
        return KeptFile(path, parse).content
    except FileError as error:
        _give_up("\n".join(f"{path}:{fault.line}: {fault.message}" for fault in error.faults), UNUSABLE)


def _give_up(message: str, status: int) -> Never:
    typer.echo(f"gateway: {message}" if status == USAGE else message, err=True)
    raise typer.Exit(status)
