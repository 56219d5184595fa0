"""What ``/api/status`` says, as tables for people. The time is an argument; asking is for ``client``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from gateway.consumer.screen import render
from gateway.consumer.words import Document, Mood, Word, Words, part, plain, word


def show_status(status: Document, *, url: str, now: datetime) -> Table:
    """Return a table of a status document."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in _rows(status, url, now):
        table.add_row(name, render(words) if words else Text(""))
    return table


def _rows(status: Document, url: str, now: datetime) -> Iterator[tuple[str, Words]]:
    upstream, subscribers = part(status, "upstream"), part(status, "subscribers")
    version, started = plain(status.get("version")), plain(status.get("startedAt"))
    yield "gateway", (Word(url), Word(f"  {version}, up {_age(started, now)}", "quiet"))
    state, reason = plain(upstream.get("state")) or "unknown", plain(upstream.get("reason"))
    since = f" for {_age(upstream.get('since'), now)}" if upstream.get("since") else ""
    yield "upstream", (word(state), Word(since), Word(f"  {reason}" if reason else "", "bad"))
    verified = upstream.get("verifiedAt")
    proof = Word(f"{_age(verified, now)} ago") if verified else Word("never", "busy")
    yield "verified", (proof, Word(f"  {_count(upstream.get('reconciles'), 'reconcile')}", "quiet"))
    if argocd := plain(upstream.get("version")):
        yield "Argo CD", (Word(argocd),)
    if error := part(upstream, "lastError"):
        mood: Mood = "quiet" if state == "live" else "bad"
        said = Word(plain(error.get("message")), mood)
        yield "last error", (said, Word(f"  {_age(error.get('at'), now)} ago", "quiet"))
    if expires := plain(upstream.get("tokenExpiresAt")):
        yield "token", _expiry(expires, now)
    yield (
        "repaired",
        _count_each(part(upstream, "repairs"), missedUpdate="missed update", missedDelete="missed deletion"),
    )
    if any(part(upstream, "unreadable").values()):
        yield (
            "unreadable",
            _count_each(part(upstream, "unreadable"), undecodable="undecodable event", oversized="oversized event"),
        )
    if upstream.get("restores"):
        yield "restored", (Word(f"{_count(upstream['restores'], 'time')}: Argo CD's etcd went back", "busy"),)
    yield "", ()
    position = plain(status.get("position"))
    yield "applications", (Word(plain(status.get("applications"))), Word(f"  position {position}", "quiet"))
    behind = subscribers.get("behind") or 0
    yield (
        "subscribers",
        (
            Word(plain(subscribers.get("open"))),
            Word(f"  {_count(subscribers.get('views'), 'view')}", "quiet"),
            Word(f"  {behind} behind" if behind else "", "busy"),
        ),
    )
    access = plain(status.get("access"))
    open_to_all = Word("  whoever can reach it sees everything", "busy") if access == "none" else Word("")
    yield "access", (Word(access), open_to_all)


def _expiry(at: str, now: datetime) -> Words:
    moment = _parse(at)
    if moment is None:
        return (Word(at),)
    if moment <= now:
        return (Word(f"expired {_age(at, now)} ago", "bad"),)
    left = (moment - now).total_seconds()
    return (Word(f"expires in {in_words(left)}", "busy" if left < 7 * 86_400 else "plain"),)


def _count_each(counts: Document, **names: str) -> Words:
    said = [_count(counts[field], name) for field, name in names.items() if counts.get(field)]
    return (Word(", ".join(said), "busy"),) if said else (Word("nothing", "quiet"),)


def _count(number: Any, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{plain(number) or 0} {name}s"


def _age(at: object, now: datetime) -> str:
    moment = _parse(plain(at))
    return in_words(max(0.0, (now - moment).total_seconds())) if moment else "an unknown time"


def _parse(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_words(seconds: float) -> str:
    """Return a time span as people say it, in its two largest units."""
    whole = int(seconds)
    units = (("d", whole // 86_400), ("h", whole // 3_600 % 24), ("min", whole // 60 % 60), ("s", whole % 60))
    begin = next((index for index, (_, number) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number} {unit}" for unit, number in units[begin : begin + 2] if number) or "0 s"
