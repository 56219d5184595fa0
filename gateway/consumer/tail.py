"""A stream as lines for people, or as JSON for pipes. The clock and the consoles are arguments."""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console

from gateway.consumer.client import Lost, UnreachableError
from gateway.consumer.fold import Change, Documents, Fold, name_application, read_data
from gateway.consumer.screen import render
from gateway.consumer.sse import Event
from gateway.consumer.words import MOODS, Word, Words, is_well, part, plain, summarise, word

UNWELL_SHOWN = 20
"""How many applications that aren't well are listed at the start."""

TITLE_WIDTH = 44
"""The widest column for names; longer ones push their line to the right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants to see the stream: ``once`` is the state as it is now, and no more."""

    selected: bool = False
    """Whether only some applications are asked for."""
    as_json: bool = False
    once: bool = False


class Tail:
    """Shows a stream's items on a console; what is about the connection goes to ``notices``."""

    def __init__(self, out: Console, notices: Console, *, now: Callable[[], datetime], wish: Wish) -> None:
        self._out = out
        self._notices = notices
        self._now = now
        self._wish = wish
        self._fold = Fold(selected=wish.selected)
        self._begun = False
        self._lost = False
        self._width = 0

    async def show(self, items: AsyncGenerator[Event | Lost, None]) -> None:
        """Show all; with ``once`` return after the state. Raises ContractError, and with ``once`` UnreachableError."""
        async with contextlib.aclosing(items):
            async for item in items:
                if isinstance(item, Lost):
                    if self._wish.once:
                        raise UnreachableError(item.said)
                    self._say_lost(item)
                elif self._show_event(item) and self._wish.once:
                    return

    def _show_event(self, event: Event) -> bool:
        """Show an event; return whether the state is whole, which is what ``once`` waits for.

        A snapshot may be of an earlier tick, with the delta up to now behind it; the heartbeat then ends the state.
        """
        verdict = self._verdict()
        changes = self._fold.take(event)
        whole = event.name == "heartbeat" and self._fold.filled
        if self._wish.as_json:
            self._write_json(event)
            return whole
        if whole and not self._begun:
            self._say_beginning()
        elif self._begun:
            self._say_changes(event, changes)
        if (state := self._verdict()) != verdict and not self._wish.once:
            self._say_upstream(verdict[0], state[0])
        return whole

    # Where it begins, and goes on.

    def _say_beginning(self) -> None:
        self._begun = True
        documents = self._fold.documents
        titles = [name_application(document) for document in documents.values()]
        self._width = min(TITLE_WIDTH, max(map(len, titles), default=0))
        if self._wish.once:
            self._list(documents)
        else:
            self._say("", _count(documents))
            self._list({key: each for key, each in documents.items() if not is_well(each)}, at_most=UNWELL_SHOWN)

    def _say_changes(self, event: Event, changes: list[Change]) -> None:
        if self._lost and event.name in ("snapshot", "delta"):
            self._lost = False
            reason = plain(read_data(event).get("reason"))
            said = "resumed" if reason == "resumed" else f"connected again, with a snapshot (reason: {reason})"
            self._notice((Word(said, "quiet"),))
        for change in changes:
            for line in change.lines:
                self._say(change.title, line)

    def _list(self, documents: Documents, *, at_most: int | None = None) -> None:
        ordered = sorted(documents.values(), key=lambda document: (name_application(document), plain(document["key"])))
        for document in ordered[:at_most]:
            self._say(name_application(document), summarise(document))
        if at_most is not None and len(ordered) > at_most:
            self._say("", (Word(f"… and {len(ordered) - at_most} more that aren't well", "quiet"),))

    # Lines.

    def _verdict(self) -> tuple[str, str, str]:
        upstream = self._fold.upstream
        return plain(upstream.get("state")), plain(upstream.get("since")), plain(upstream.get("reason"))

    def _say_upstream(self, before: str, after: str) -> None:
        upstream = self._fold.upstream
        words: list[Word] = [word(after or "unknown")]
        if before and before != after:
            words = [word(before), Word(" → ", "quiet"), *words]
        if reason := plain(upstream.get("reason")):
            words.append(Word(f"  {reason}", "bad"))
        if not before and (verified := plain(upstream.get("verifiedAt"))):
            words.append(Word(f"  verified {self._clock_of(verified)}", "quiet"))
        self._say("upstream", tuple(words), of_gateway=True)

    def _say_lost(self, lost: Lost) -> None:
        self._lost = True
        self._notice(
            (Word(lost.said, "quiet" if lost.goodbye else "busy"), Word(f"; again in {lost.seconds:.1f} s", "quiet"))
        )

    def _say(self, title: str, words: Words, *, of_gateway: bool = False) -> None:
        head: Words = () if self._wish.once else (Word(f"{self._now():%H:%M:%S} ", "quiet"),)
        name = (Word(title.ljust(self._width), "quiet" if of_gateway else "plain"), Word("  ")) if title else ()
        self._out.print(render((*head, *name, *words)))

    def _notice(self, words: Words) -> None:
        self._notices.print(render((Word(f"{self._now():%H:%M:%S} ", "quiet"), *words)))

    def _clock_of(self, at: str) -> str:
        try:
            return f"{datetime.fromisoformat(at).astimezone():%H:%M:%S}"
        except ValueError:
            return at

    def _write_json(self, event: Event) -> None:
        line: dict[str, Any] = {"event": event.name, "id": event.id, "data": read_data(event)}
        self._out.file.write(orjson.dumps(line).decode() + "\n")
        self._out.file.flush()


def _count(documents: Documents) -> Words:
    """Say how many applications there are, and how they are."""
    number = "1 application" if len(documents) == 1 else f"{len(documents)} applications"
    healths = Counter(plain(part(document, "health").get("status")) or "Unknown" for document in documents.values())
    out_of_sync = sum(part(document, "sync").get("status") == "OutOfSync" for document in documents.values())
    words = [Word(number)]
    for health, count in sorted(
        healths.items(), key=lambda item: (list(MOODS).index(item[0]) if item[0] in MOODS else 99, item[0])
    ):
        words += [Word("  "), Word(f"{count} {health}", word(health).mood)]
    if out_of_sync:
        words += [Word("  "), Word(f"{out_of_sync} OutOfSync", "busy")]
    return tuple(words)
