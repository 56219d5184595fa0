"""Waivers: recorded exceptions from the gate of scans, each with who made it, until when, and why.

They stand in a TOML file that a team keeps under version control. It is read as a whole or not at all: a waiver that is
misread would let something through, or hold something up, that nobody decided on.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

_NEEDED = ("id", "who", "until", "reason")
_KNOWN = (*_NEEDED, "image", "repository")
_LONGEST = 500
_HEADER = re.compile(r"^\s*\[\[\s*exception\s*\]\]")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """One finding that is let through until a moment (Unix seconds), everywhere or only in an image or a repository."""

    id: str
    who: str
    until: float
    reason: str
    image: str | None = None
    """``registry/path`` without tag."""
    repository: str | None = None
    """``host/path``."""

    def holds(self, now: float) -> bool:
        """Whether it isn't over yet."""
        return now < self.until


def parse_waivers(text: str) -> tuple[Waiver, ...]:
    """Return the waivers of a file. Raises ValueError with everything that is wrong with it, each with its line.

    A date means that whole day, UTC; a time needs its zone.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _AT_LINE.search(str(error))
        where = f"line {line[1]}: " if line else ""
        raise ValueError(f"{where}this isn't TOML: {_AT_LINE.sub('', str(error)).strip()}") from None
    lines = text.splitlines()
    problems = [
        f"line {_find_line(lines, name)}: {name} isn't known; write [[exception]]"
        for name in content
        if name != "exception"
    ]
    found = content.get("exception", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        problems.append(f"line {_find_line(lines, 'exception')}: write [[exception]], with two brackets")
        found = []
    waivers = []
    begins = [place for place, line in enumerate(lines) if _HEADER.match(line)]
    for number, raw in enumerate(found):
        begin = begins[number] if number < len(begins) else 0
        end = begins[number + 1] if number + 1 < len(begins) else len(lines)
        wrong = list(_check(raw))
        problems += [f"line {_find_line(lines, name, begin, end)}: {what}" for name, what in wrong]
        if not wrong:
            waivers.append(_read(raw))
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(waivers)


def _check(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with one waiver: the name that it is about, and what to do."""
    for name in raw:
        if name not in _KNOWN:
            yield name, f"{name} isn't known; there are {', '.join(_KNOWN)}"
    for name in _NEEDED:
        if name not in raw:
            yield "", f"{name} is missing; an exception has {', '.join(_NEEDED)}"
    for name in _KNOWN:
        value = raw.get(name)
        if name == "until":
            if value is not None and _read_end(value) is None:
                yield name, "until is a date such as 2027-01-31, or a time with its zone such as 2027-01-31T12:00:00Z"
        elif value is not None and not (isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST):
            yield name, f"{name} is text in quotes, of at most {_LONGEST} characters"


def _read(raw: Mapping[str, Any]) -> Waiver:
    until = _read_end(raw["until"])
    assert until is not None
    return Waiver(**{**{name: value.strip() for name, value in raw.items() if name != "until"}, "until": until})


def _read_end(value: object) -> float | None:
    """Return when a waiver ends; None for what is no day and no moment."""
    if isinstance(value, datetime):
        return None if value.tzinfo is None else value.timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC).timestamp() + timedelta(days=1).total_seconds()
    return None


def _find_line(lines: list[str], name: str, begin: int = 0, end: int | None = None) -> int:
    """Return the line, counted from 1, that sets a name; where none does, that of the beginning."""
    places: Iterable[int] = range(begin, len(lines) if end is None else end)
    setting = re.compile(rf"^\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]") if name else None
    return next((place for place in places if setting and setting.match(lines[place])), begin) + 1
