"""A release checklist for people, and its verdict for CI."""

from collections.abc import Mapping

from rich.console import Group
from rich.text import Text

from gateway.consumer.screen import render
from gateway.consumer.words import Document, Mood, Word, plain, shorten

EXIT_CODES: Mapping[str, int] = {"ready": 0, "not-ready": 1}
"""What a shell is told; 2 for everything else: what isn't known is no yes."""

UNKNOWN = 2

_MARKS: Mapping[str, tuple[str, Mood]] = {
    "ok": ("✓", "good"),
    "failed": ("✗", "bad"),
    "pending": ("…", "busy"),
    "unknown": ("?", "odd"),
}
_VERDICTS: Mapping[str, tuple[str, Mood]] = {
    "ready": ("ready", "good"),
    "not-ready": ("not ready", "bad"),
}
_NAMES = {"ci": "CI", "scan": "scans", "sync": "Argo CD"}
_SHOWN = 10
"""Lines of evidence of one item."""


def show_checklist(checklist: Document) -> Group:
    """Return the list: a line for each item, its evidence below those that aren't well."""
    text, mood = _VERDICTS.get(plain(checklist.get("state")), ("nobody knows whether it is ready", "odd"))
    lines = [render((Word(plain(checklist.get("sha"))[:12]), Word("  "), Word(text, mood)))]
    items = checklist.get("items")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping):
            lines += _show_item(item)
    return Group(*lines)


def _show_item(item: Document) -> list[Text]:
    state, name = plain(item.get("state")), plain(item.get("item"))
    mark, mood = _MARKS.get(state, _MARKS["unknown"])
    lines = [render((Word(f"{mark} ", mood), Word(f"{_NAMES.get(name, name):8}"), Word(plain(item.get("why")))))]
    evidence = item.get("evidence")
    if state == "ok" or not isinstance(evidence, list):
        return lines
    lines += [render((Word(f"    {shorten(plain(sentence))}", "quiet"),)) for sentence in evidence[:_SHOWN]]
    if len(evidence) > _SHOWN:
        lines.append(render((Word(f"    and {len(evidence) - _SHOWN} more", "quiet"),)))
    return lines


def find_exit_code(checklist: Document) -> int:
    """Return what a shell is told: 0 ready, 1 not ready, 2 not known."""
    return EXIT_CODES.get(plain(checklist.get("state")), UNKNOWN)
