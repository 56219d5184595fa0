"""The delivery history within a grant: what was recorded of applications, as far as these may be seen."""

from datetime import datetime
from typing import Any

import msgspec

from gateway.auth.grant import UNKNOWN_LABELS, Grant, Spot
from gateway.delivery.figures import Within
from gateway.delivery.storage.history import Wanted
from gateway.web.context import Context

PAGE = 200
"""Changes that are read at once, where some of them may have to be left out."""

PAGES = 20
"""Pages that are read at most: beyond so many changes that may not be seen, those behind them aren't found."""

_TICK = 0.001
"""Seconds: a page begins with the time at which the one before ended, for several may have begun at once."""


async def read_timeline(context: Context, grant: Grant, wanted: Wanted) -> list[dict[str, Any]]:
    """Return the changes that are asked for and may be seen, the newest first, without what is hidden."""
    repository = context.office.repository
    if grant.everything:
        return await repository.timeline(wanted)
    shown: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for _ in range(PAGES):
        page = await repository.timeline(msgspec.structs.replace(wanted, limit=max(PAGE, wanted.limit)))
        fresh = [change for change in page if change["id"] not in seen]
        seen.update(change["id"] for change in fresh)
        for change in fresh:
            places = find_places(context, change["application"], change.get("project"))
            if all(map(grant.sees, places)):
                shown[change["id"]] = dict(grant.show_change(change, places))
        begins = [wanted_at(change) for change in page]
        if len(shown) >= wanted.limit or not fresh or len(page) < PAGE or None in begins:
            break
        wanted = msgspec.structs.replace(wanted, before=min(at for at in begins if at is not None) + _TICK)
    return list(shown.values())[: wanted.limit]


def wanted_at(change: dict[str, Any]) -> float | None:
    """Return when a change began (Unix time); None where that isn't known."""
    return None if (at := change.get("startedAt")) is None else datetime.fromisoformat(at).timestamp()


def make_scope(context: Context, grant: Grant) -> Within | None:
    """Return which measures may count, by key and project of their application; None where all do."""
    if grant.everything:
        return None
    return Within(
        scope=grant.scope,
        sees=lambda key, project: all(map(grant.sees, find_places(context, key, project))),
    )


def find_places(context: Context, key: str, project: str | None) -> tuple[Spot, Spot]:
    """Return the places of something that was recorded of an application: as it is now, and as it was then.

    Both have to be seen: neither does a move into a project show what was before, nor one out of it what came after.
    Of an application that is gone, only what was recorded is known.
    """
    observed = context.held().get(key)
    if observed is None:
        then = Spot(project, key.rpartition("/")[0], UNKNOWN_LABELS)
        return then, then
    document = observed.document
    now = Spot(document.project, document.namespace, document.labels)
    return now, now._replace(project=project or document.project)
