"""Words on a terminal: colours where there is one, plain text in a pipe. What the words say is decided elsewhere."""

from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text

from gateway.consumer.words import Mood, Words

STYLES: Mapping[Mood, str] = {
    "plain": "",
    "quiet": "dim",
    "good": "green",
    "busy": "yellow",
    "bad": "bold red",
    "odd": "magenta",
}


def open_console(file: TextIO | None = None, *, err: bool = False) -> Console:
    """Return a console that changes nothing of what it is given and cuts no line."""
    return Console(file=file, stderr=err, highlight=False, markup=False, emoji=False, soft_wrap=True)


def render(words: Words) -> Text:
    """Return words as styled text."""
    return Text.assemble(*((text, STYLES[mood]) for text, mood in words))
