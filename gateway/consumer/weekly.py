"""A week's report in Markdown, from what ``/api/kpis`` and ``/api/timeline`` say. Pure: the time is an argument.

Documents come from outside: a field may be missing, and names are shown so that Markdown can't be broken by them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gateway.consumer.status import in_words
from gateway.consumer.words import Document, part, plain, shorten
from gateway.errors import GatewayError

LISTED, SLOWEST = 50, 5
"""Lines of one list, and of what was slowest."""

CLOCKS = {
    "build": "build",
    "detect": "Argo CD notices",
    "wait": "waiting for the sync",
    "apply": "applying",
    "rollout": "becoming healthy",
}
"""The parts of a change's way that don't contain each other."""

WHOLES = {"lead": "commit → healthy", "pipeline": "push → healthy", "sync": "manifests → synced", "build": "build"}

_WEEK = re.compile(r"([0-9]{4})-?[Ww]([0-9]{1,2})")
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~])")


class WeekError(GatewayError):
    """What was given is no week."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week of ISO 8601, from Monday 00:00 UTC; ``until`` is its end, or now within it."""

    name: str
    since: datetime
    until: datetime

    @property
    def before(self) -> "Week":
        """The week before, for as long as this one lasts by now."""
        return _make_week(self.since.date() - timedelta(days=7), self.until - timedelta(days=7))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters that ask for it."""
        return [("since", _write_time(self.since)), ("until", _write_time(self.until))]


def read_week(text: str, *, now: datetime) -> Week:
    """Return the week that is meant, the last whole one by default. Raises WeekError."""
    if not text:
        return _make_week(now.date() - timedelta(days=now.weekday() + 7), now)
    match = _WEEK.fullmatch(text.strip())
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        monday = None
    if monday is None:
        raise WeekError("write a week of ISO 8601, such as 2026-W47")
    if monday > now.date():
        raise WeekError("that week hasn't begun")
    return _make_week(monday, now)


def _make_week(monday: date, now: datetime) -> Week:
    since = datetime.combine(monday, time(), UTC)
    year, number, _ = monday.isocalendar()
    return Week(f"{year}-W{number:02}", since, min(now, since + timedelta(days=7)))


def write_report(
    week: Week,
    kpis: Document,
    before: Document,
    *,
    services: Document,
    changes: Sequence[Document],
    complete: bool = True,
) -> str:
    """Return the report. ``complete`` says that ``changes`` are all there were."""
    now, then = _find_group(kpis), _find_group(before)
    last = week.until - timedelta(seconds=1)
    lines = [f"# Deliveries in {week.name}", "", f"{week.since:%Y-%m-%d} to {last:%Y-%m-%d} (UTC)", ""]
    lines += _write_figures(now, then)
    lines += _write_budgets(now, then)
    lines += _write_stages(now, then)
    lines += _write_services(services)
    lines += _write_changes(changes, complete=complete)
    return "\n".join(lines).rstrip("\n") + "\n"


# Figures.


def _write_figures(now: Document, then: Document) -> Iterator[str]:
    yield from _head("", "this week", "the week before")
    for name, words in (("deployments", "deployments"), ("failed", "failed"), ("rolledBack", "rolled back")):
        yield _row(words, _number(now.get(name)), _number(then.get(name)))
    rates = (
        ("successRate", "deployments", "deployments that succeeded", _share),
        ("successRate", "builds", "builds that succeeded", _share),
        ("dora", "deploymentFrequency", "deployments a day", _number),
        ("dora", "leadTime", "lead time (median)", _time),
        ("dora", "changeFailureRate", "change failure rate", _share),
        ("dora", "timeToRestore", "time to restore (median)", _time),
    )
    for group, name, words, show in rates:
        yield _row(words, show(part(now, group).get(name)), show(part(then, group).get(name)))
    yield ""


def _write_budgets(now: Document, then: Document) -> Iterator[str]:
    earlier = {plain(budget.get("slo")): budget for budget in _maps(then.get("budgets"))}
    budgets = _maps(now.get("budgets"))
    if not budgets:
        return
    yield from ("## SLOs", "")
    yield from _head("", "objective", "kept", "the week before", "error budget spent", "")
    for budget in budgets:
        name = plain(budget.get("slo"))
        target = f" within {_time(budget['target'])}" if "target" in budget else ""
        spent = budget.get("spent")
        over = isinstance(spent, int | float) and spent > 1
        yield _row(
            f"{_escape(name)}{target}",
            _share(budget.get("objective")),
            _kept(budget),
            _kept(earlier.get(name, {})),
            _share(spent),
            "**overspent**" if over else "",
        )
    yield ""


def _kept(budget: Document) -> str:
    count, breaches = budget.get("count"), budget.get("breaches")
    if not isinstance(count, int) or not isinstance(breaches, int) or not count:
        return "–"
    return f"{_share((count - breaches) / count)} ({count - breaches} of {count})"


def _write_stages(now: Document, then: Document) -> Iterator[str]:
    durations, earlier = part(now, "durations"), part(then, "durations")
    if not durations:
        return
    yield from ("## Where the time went", "")
    yield from _head("", "p50", "p90", "p99", "the week before (p50)", "measured")
    parts = sorted((name for name in CLOCKS if name in durations), key=lambda name: -_at(durations, name, "p90"))
    for name, words in [
        *((name, words) for name, words in WHOLES.items() if name in durations and name not in CLOCKS),
        *((name, CLOCKS[name]) for name in parts),
    ]:
        found = part(durations, name)
        quantiles = [_time(found.get(share)) for share in ("p50", "p90", "p99")]
        whole = f"**{words}**" if name not in CLOCKS else words
        yield _row(whole, *quantiles, _time(part(earlier, name).get("p50")), _number(found.get("count")))
    if parts:
        yield from ("", f"Slowest of the parts: {CLOCKS[parts[0]]}.")
    yield ""


def _at(durations: Document, name: str, share: str) -> float:
    value = part(durations, name).get(share)
    return float(value) if isinstance(value, int | float) else 0.0


def _write_services(services: Document) -> Iterator[str]:
    groups = _maps(services.get("groups"))
    if not groups:
        return
    yield from ("## Services", "")
    yield from _head("", "deployments", "failed", "rolled back", "lead time (median)")
    for group in groups[:LISTED]:
        numbers = [_number(group.get(name)) for name in ("deployments", "failed", "rolledBack")]
        yield _row(_escape(plain(group.get("name"))), *numbers, _time(part(group, "dora").get("leadTime")))
    if len(groups) > LISTED:
        yield from ("", f"And {len(groups) - LISTED} more.")
    yield ""


# Changes.


def _write_changes(changes: Sequence[Document], *, complete: bool) -> Iterator[str]:
    troubled = [change for change in changes if change.get("outcome") in ("failed", "rolled-back")]
    back = [change for change in changes if change.get("kind") == "rollback"]
    yield from _list("Failed or taken back", troubled, "Nothing failed, and nothing was taken back.")
    if back:
        yield from _list("Rollbacks", back, "")
    lead = [(value, change) for change in changes if (value := _find_lead(change)) is not None]
    lead.sort(key=lambda pair: -pair[0])
    if lead:
        yield from ("## Slowest from commit to healthy", "")
        yield from (f"- {_time(value)}: {_describe(change)}" for value, change in lead[:SLOWEST])
        yield ""
    yield from _list("What was deployed", changes, "Nothing was deployed.")
    if not complete:
        yield from ("There were more than could be read.", "")


def _list(title: str, changes: Sequence[Document], nothing: str) -> Iterator[str]:
    yield from (f"## {title}", "")
    if not changes:
        yield nothing
    yield from (f"- {_describe(change)}" for change in changes[:LISTED])
    if len(changes) > LISTED:
        yield f"- and {len(changes) - LISTED} more"
    yield ""


def _describe(change: Document) -> str:
    words = [f"{plain(change.get('startedAt'))[:16].replace('T', ' ')} **{_escape(plain(change.get('application')))}**"]
    commit = next((stage for stage in _maps(change.get("stages")) if stage.get("stage") == "commit"), {})
    if title := plain(commit.get("title")):
        words.append(f"“{_escape(shorten(title, 80))}”")
    outcome = plain(change.get("outcome"))
    if how := plain(part(change, "rollback").get("how")):
        outcome = f"{outcome} ({how})"
    words.append(f"{plain(change.get('kind'))}, {outcome}" if change.get("kind") == "rollback" else outcome)
    return " ".join(words)


def _find_lead(change: Document) -> float | None:
    lead = part(change, "durations").get("lead")
    return float(lead) if isinstance(lead, int | float) else None


# Words.


def _find_group(kpis: Document) -> Document:
    return next(iter(_maps(kpis.get("groups"))), {})


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _head(*cells: str) -> Iterable[str]:
    return _row(*cells), _row(*("---" if place == 0 else "---:" for place in range(len(cells))))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: object) -> str:
    return f"{value:,g}" if isinstance(value, int | float) else "–"


def _share(value: object) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else "–"


def _time(value: object) -> str:
    return in_words(value) if isinstance(value, int | float) else "–"


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _write_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
