"""The commands of those who read a gateway: ``tail``, ``status``, ``conformance``. Arguments in, exit codes out."""

import random
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from gateway.consumer.client import Gateway, UnreachableError, explain_answer, open_session
from gateway.consumer.conformance import Trial, try_gateway
from gateway.consumer.running import TokenFile, find_credential, quietly, run, write_json
from gateway.consumer.screen import open_console
from gateway.consumer.status import show_status
from gateway.consumer.tail import Tail, Wish
from gateway.consumer.verdict import show_outcome, write_outcome

app = typer.Typer()

NOT_WELL = 1

Url = Annotated[str, typer.Argument(help="The gateway, like http://localhost:8090, with its base path if it has one.")]
Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


def _choose(what: str) -> Any:
    return typer.Option(help=f"Only these {what}, separated by commas.", metavar="A,B", show_default=False)


@app.command()
def tail(
    url: Url,
    projects: Annotated[str, _choose("projects")] = "",
    namespaces: Annotated[str, _choose("namespaces")] = "",
    names: Annotated[str, _choose("names; * and ? match")] = "",
    selector: Annotated[str, typer.Option(help="Only with these labels, as for kubectl.", metavar="LABELS")] = "",
    health: Annotated[str, _choose("healths")] = "",
    sync: Annotated[str, _choose("sync states")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One event a line, as JSON.")] = False,
    once: Annotated[bool, typer.Option("--once", help="The state as it is now, and no more.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Show what happens, as it happens. Ctrl-C ends it."""
    credential = find_credential(token_file)
    asked = {"projects": projects, "namespaces": namespaces, "names": names}
    asked |= {"selector": selector, "health": health, "sync": sync}
    query = [(name, value) for name, value in asked.items() if value]
    shown = Tail(
        open_console(),
        open_console(err=True),
        now=lambda: datetime.now().astimezone(),
        wish=Wish(selected=bool(query), as_json=as_json, once=once),
    )

    async def follow() -> None:
        async with open_session() as session:
            await shown.show(Gateway(url, session, credential).follow(query, jitter=random.random))

    run(follow)


@app.command()
def status(url: Url, as_json: Json = False, token_file: TokenFile = None) -> None:
    """Show how a gateway and its upstream are. Exits with 0 if live, 1 if not, 2 if there is no answer."""
    credential = find_credential(token_file)

    async def ask() -> dict[str, Any]:
        async with open_session() as session:
            gateway = Gateway(url, session, credential)
            answer = await gateway.get("/api/status")
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            document = answer.json() if answer.status == 200 and kind == "application/json" else None
            if not isinstance(document, dict) or not isinstance(document.get("upstream"), dict):
                raise UnreachableError(f"{gateway.base}: {explain_answer(answer.status, kind, answer.body)}")
            return document

    document = run(ask)
    if as_json:
        write_json(document)
    else:
        console = open_console()
        quietly(lambda: console.print(show_status(document, url=url, now=datetime.now(UTC))))
    if document["upstream"].get("state") != "live":
        raise typer.Exit(NOT_WELL)


@app.command()
def conformance(
    url: Url,
    clients: Annotated[int, typer.Option(min=1, max=500, help="How many streams are opened.")] = 12,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="For how long.")] = 30.0,
    as_json: Json = False,
    token_file: TokenFile = None,
) -> None:
    """Try any gateway from outside, and report which promises it keeps. Exits with 1 if one is broken."""
    credential = find_credential(token_file)
    trial, dice = Trial(clients=clients, seconds=seconds), random.Random()  # noqa: S311
    outcome = run(lambda: try_gateway(url, trial, dice=dice, credential=credential))
    if as_json:
        write_json(write_outcome(outcome))
    else:
        quietly(lambda: show_outcome(outcome, open_console()))
    if not outcome.well:
        raise typer.Exit(NOT_WELL)
