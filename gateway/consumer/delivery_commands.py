"""The commands about deliveries: ``release check`` and ``report``. Arguments in, exit codes out."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.consumer.client import Gateway, Query, RefusedError, UnreachableError, explain_answer, open_session
from gateway.consumer.release import find_exit_code, show_checklist
from gateway.consumer.running import TokenFile, find_credential, quietly, run, write_json
from gateway.consumer.screen import open_console
from gateway.consumer.weekly import Week, WeekError, read_week, write_report

app = typer.Typer()
release = typer.Typer(help="Whether a commit is ready to be released.", no_args_is_help=True)
app.add_typer(release, name="release")

HERE = "http://localhost:8090"

PAGE, CHANGES = 200, 2_000
"""Changes of a timeline that are asked for at once, and for a report at most."""

Url = Annotated[str, typer.Option(help="The gateway, with its base path if it has one.")]


@release.command()
def check(
    sha: Annotated[str, typer.Argument(help="The commit, or its first seven digits or more.")],
    url: Url = HERE,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="A run of CI that isn't waited for, by name: the one that asks. May be repeated."),
    ] = None,
    names: Annotated[str, typer.Option(help="Only these applications; * and ? match.", metavar="A,B")] = "",
    selector: Annotated[str, typer.Option(help="Only those with these labels.", metavar="LABELS")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Ask whether a commit is ready: CI, scans, Argo CD. Exits with 0 if it is, 1 if not, 2 if nobody knows."""
    credential = find_credential(token_file)
    query = [("ignore", name) for name in ignore or ()]
    query += [(name, text) for name, text in (("names", names), ("selector", selector)) if text]
    path = f"/api/releases/{quote(sha, safe='')}/checklist"

    async def ask() -> dict[str, Any]:
        async with open_session() as session:
            return await _ask(Gateway(url, session, credential), path, query)

    checklist = run(ask)
    if as_json:
        write_json(checklist)
    else:
        console = open_console()
        quietly(lambda: console.print(show_checklist(checklist)))
    if code := find_exit_code(checklist):
        raise typer.Exit(code)


@app.command()
def report(
    week: Annotated[str, typer.Option(help="The week, such as 2026-W47; unset, the last whole one.")] = "",
    url: Url = HERE,
    token_file: TokenFile = None,
) -> None:
    """Write a week's report in Markdown: what was deployed, what failed, where the time went, which SLOs were kept."""
    try:
        asked = read_week(week, now=datetime.now(UTC))
    except WeekError as error:
        raise typer.BadParameter(str(error), param_hint="--week") from error

    credential = find_credential(token_file)

    async def ask() -> str:
        async with open_session() as session:
            gateway = Gateway(url, session, credential)
            everything, before = [await _ask(gateway, "/api/kpis", part.query) for part in (asked, asked.before)]
            services = await _ask(gateway, "/api/kpis", [*asked.query, ("by", "service")])
            changes, complete = await _read_changes(gateway, asked)
            return write_report(asked, everything, before, services=services, changes=changes, complete=complete)

    text = run(ask)
    quietly(lambda: typer.echo(text, nl=False))


async def _read_changes(gateway: Gateway, week: Week) -> tuple[list[dict[str, Any]], bool]:
    """Return a week's changes, the newest first, and whether those are all."""
    changes: dict[str, dict[str, Any]] = {}
    before = week.query[1][1]
    while len(changes) < CHANGES:
        query = [("since", week.query[0][1]), ("before", before), ("limit", str(PAGE))]
        page = (await _ask(gateway, "/api/timeline", query)).get("changes") or []
        known = len(changes)
        changes |= {str(change.get("id")): change for change in page}
        last = page[-1].get("startedAt") if page else None
        if len(page) < PAGE or last is None or (len(changes) == known and last == before):
            return list(changes.values()), len(page) < PAGE
        before = last
    return list(changes.values()), False


async def _ask(gateway: Gateway, path: str, query: Query) -> dict[str, Any]:
    """Return a document. Raises UnreachableError, or RefusedError where asking again would be in vain."""
    answer = await gateway.get(path, query)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.status == 200 and kind == "application/json":
        document = answer.json()
        if isinstance(document, dict):
            return document
    failure = RefusedError if 400 <= answer.status < 500 else UnreachableError
    raise failure(f"{gateway.base}: {explain_answer(answer.status, kind, answer.body)}")
