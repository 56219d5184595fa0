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


class PipeConsole(Console):
    """A console that leaves it to its caller what a closed pipe means; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        self.quiet = True
        raise BrokenPipeError


def open_console(file: TextIO | None = None, *, err: bool = False) -> Console:
    """Return a console that changes nothing of what it is given and cuts no line."""
    return PipeConsole(file=file, stderr=err, highlight=False, markup=False, emoji=False, soft_wrap=True)


def render(words: Words) -> Text:
    """Return words as styled text."""
    return Text.assemble(*((text, STYLES[mood]) for text, mood in words))
