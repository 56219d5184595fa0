"""What a trial found, for people and for programs."""

from typing import Any

from rich.console import Console

from gateway.consumer.conformance import Outcome
from gateway.consumer.promises import Finding
from gateway.consumer.screen import render
from gateway.consumer.words import Word, plain, shorten


def show_outcome(outcome: Outcome, console: Console) -> None:
    """Print a report: each promise with its verdict, what was seen, and how often."""
    trial, happened = outcome.trial, outcome.happened
    console.print(
        render(
            (
                Word(outcome.url),
                Word(f"  {trial.clients} clients for {trial.seconds:g} s in {len(outcome.views)} views", "quiet"),
            )
        )
    )
    for view in outcome.views:
        console.print(render((Word(f"    {plain(view)}", "quiet"),)))
    console.print()
    width = max(len(finding.promise.value) for finding in outcome.findings)
    for finding in outcome.findings:
        _show(finding, width, console)
    console.print()
    console.print(
        render(
            (
                Word("seen: ", "quiet"),
                Word(", ".join(f"{number} × {plain(what)}" for what, number in happened.most_common())),
            )
        )
    )
    if not happened["delta"]:
        console.print(render((Word("Nothing changed meanwhile: little is proved of deltas.", "busy"),)))
    broken = [finding for finding in outcome.findings if finding.well is False]
    if broken:
        number = "1 promise is" if len(broken) == 1 else f"{len(broken)} promises are"
        console.print(render((Word(f"✗ {number} broken.", "bad"),)))
    else:
        console.print(render((Word("✓ Every promise that there was occasion to see is kept.", "good"),)))


def _show(finding: Finding, width: int, console: Console) -> None:
    mark = {True: Word("✓", "good"), False: Word("✗", "bad"), None: Word("–", "quiet")}[finding.well]
    often = (
        f"{finding.broken} of {finding.kept + finding.broken} times broken" if finding.broken else f"{finding.kept} ×"
    )
    told = "not seen" if finding.well is None else often
    text = Word(f" {finding.promise.value.ljust(width)}  ", "quiet" if finding.well is None else "plain")
    seen = Word(f"  {shorten(finding.seen, 100)}" if finding.seen else "", "quiet")
    console.print(render((mark, text, Word(told, "bad" if finding.well is False else "quiet"), seen)))
    for example in finding.examples:
        console.print(render((Word("    → ", "bad"), Word(plain(example)))))


def write_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return the report as a document."""
    verdicts = {True: "kept", False: "broken", None: "not seen"}
    return {
        "url": outcome.url,
        "kept": outcome.well,
        "clients": outcome.trial.clients,
        "seconds": outcome.trial.seconds,
        "views": list(outcome.views),
        "promises": [
            {
                "name": finding.promise.name.lower(),
                "promise": finding.promise.value,
                "verdict": verdicts[finding.well],
                "kept": finding.kept,
                "broken": finding.broken,
                "seen": finding.seen,
                "examples": list(finding.examples),
            }
            for finding in outcome.findings
        ],
        "happened": dict(outcome.happened),
    }
