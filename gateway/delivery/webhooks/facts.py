"""Single facts out of a sender's JSON: times, commits, links, names; each made alike, bounded, and safe to show."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias
from urllib.parse import urlsplit

from gateway.delivery.events import name_repository
from gateway.delivery.webhooks.request import PayloadError

Time: TypeAlias = str | int | float | None
"""A time as senders write it: RFC 3339, ``2021-09-07 17:27:41 UTC``, or Unix seconds or milliseconds, also as text."""

Id: TypeAlias = str | int

MESSAGE_LIMIT = 4_000
NAME_LIMIT = 300
URL_LIMIT = 2_000
FILES_LIMIT = 300

# As Go, Ruby and Python write it: up to nine digits of a second, a zone with or without a colon, its name once more.
_WRITTEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?"
    r"\s*(?:([Zz]|UTC)|([+-])(\d\d):?(\d\d)(?: [A-Z]{3,4})?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"-?\d{1,16}(?:\.\d{1,9})?", re.ASCII)
_SHA = re.compile(r"[0-9a-f]{7,64}")
_WORD = re.compile(r"[^A-Za-z0-9_.-]+")
# Later than any second of this millennium, so milliseconds.
_MILLISECONDS_FROM = 1e11


def read_time(value: Time, where: str) -> float | None:
    """Return Unix seconds; None for what is absent, zero or Go's zero time (year 1).

    Raises PayloadError, which names ``where`` it stands, for what is no time at all.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if written := _WRITTEN.fullmatch(value.strip()):
            return _read_written(written, where)
        if not _NUMBER.fullmatch(value.strip()):
            raise _no_time(where)
        value = float(value)
    if isinstance(value, int) and abs(value) > 10**16:
        raise _no_time(where)
    seconds = float(value)
    if abs(seconds) >= _MILLISECONDS_FROM:
        seconds /= 1_000
    if not math.isfinite(seconds) or abs(seconds) >= _MILLISECONDS_FROM:
        raise _no_time(where)
    return seconds if seconds > 0 else None


def _read_written(written: re.Match[str], where: str) -> float | None:
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = written.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset) if sign else UTC
        # A leap second is the next minute's first.
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone)
    except ValueError:
        raise _no_time(where) from None
    seconds = whole.timestamp() + max(int(second) - 59, 0) + float(f"0.{fraction or 0}")
    return seconds if seconds > 0 else None


def _no_time(where: str) -> PayloadError:
    return PayloadError(f"{where} isn't a time: RFC 3339, YYYY-MM-DD HH:MM:SS UTC or Unix seconds are understood")


def read_sha(text: str | None) -> str | None:
    """Return a commit's id in lower case; None for what isn't one, and for the zeros that stand for "none"."""
    sha = (text or "").strip().lower()
    return sha if _SHA.fullmatch(sha) and sha.strip("0") else None


def read_whole_sha(text: str | None) -> str | None:
    """Return a commit's id that isn't shortened: 40 digits, or 64 where a repository uses SHA-256."""
    sha = read_sha(text)
    return sha if sha and len(sha) in (40, 64) else None


def read_ref(text: str | None) -> str | None:
    """Return a branch's or a tag's name without ``refs/heads/`` or ``refs/tags/``."""
    name = clean(text, NAME_LIMIT)
    return (name or "").removeprefix("refs/heads/").removeprefix("refs/tags/") or None


def read_id(identity: Id) -> str:
    """Return an id as text; raise nothing: whatever a sender calls its own is its id."""
    return clean(str(identity), NAME_LIMIT) or "-"


def read_link(*candidates: str | None) -> str | None:
    """Return the first that may be shown as a link: http or https, no credentials in it, not overlong."""
    for url in candidates:
        if url and len(url) <= URL_LIMIT and url.startswith(("http://", "https://")) and url.isprintable():
            try:
                host = urlsplit(url).netloc
            except ValueError:
                continue
            if host and "@" not in host:
                return url
    return None


def read_repository(*candidates: str | None, where: str) -> str | None:
    """Return the name of the first repository that is given; raise PayloadError where it can't be one."""
    for url in candidates:
        if text := clean(url, URL_LIMIT):
            try:
                return name_repository(text)[:NAME_LIMIT] or None
            except ValueError:
                raise PayloadError(f"{where} isn't a repository's address") from None
    return None


def clean(text: str | None, limit: int = MESSAGE_LIMIT) -> str | None:
    """Return a text as it may be kept: without the NULs that databases refuse, cut with ``…``, None if empty."""
    kept = (text or "").replace("\0", "").strip()
    if len(kept) > limit:
        return kept[: limit - 1] + "…"
    return kept or None


def name_word(text: str) -> str:
    """Return a sender's word so that it may stand in logs and in names of events."""
    return _WORD.sub("-", text).strip("-")[:60] or "unknown"


def host_of(repository: str | None, otherwise: str) -> str:
    """Return the host of a repository's name: ids of runs count from one on each server."""
    return (repository or "").partition("/")[0] or otherwise


def gather_files(*lists: Iterable[str] | None) -> tuple[str, ...]:
    """Return the files of all lists, each once, at most ``FILES_LIMIT``."""
    files = dict.fromkeys(clean(file, NAME_LIMIT) for part in lists for file in part or ())
    return tuple(file for file in files if file)[:FILES_LIMIT]


def latest(*times: float | None) -> float | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)
