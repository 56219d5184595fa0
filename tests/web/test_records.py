"""What was recorded of applications is read within a grant: as they are now, and as they were then."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.auth.grant import EVERYTHING, NOTHING, Grant, Rule
from gateway.delivery.storage.history import Wanted
from gateway.model.application import ApplicationStatus
from gateway.model.upstream import rfc3339
from gateway.web.context import Context
from gateway.web.records import PAGE, make_scope, read_timeline

SHOP = Grant([Rule(projects=("shop",))])


class FakeRepository:
    """Changes as the repository gives them: the newest first, before a moment, at most so many."""

    def __init__(self, *changes: dict[str, Any]) -> None:
        self.changes = changes
        self.asked = 0

    async def timeline(self, wanted: Wanted) -> list[dict[str, Any]]:
        self.asked += 1
        before = None if wanted.before is None else rfc3339(wanted.before)
        newest = sorted(self.changes, key=lambda change: (change["startedAt"], change["id"]), reverse=True)
        return [change for change in newest if before is None or change["startedAt"] < before][: wanted.limit]


def change(number: int, application: str, project: str | None, *, at: float | None = None) -> dict[str, Any]:
    started_at = rfc3339(1_700_000_000.0 + (number if at is None else at))
    return {"id": f"{number:05}", "application": application, "project": project, "startedAt": started_at}


def make_context(repository: FakeRepository, **projects: str) -> Context:
    """Return a context in which applications of a namespace ``argocd`` are in these projects now."""
    held = {
        f"argocd/{name}": SimpleNamespace(
            document=ApplicationStatus(key=f"argocd/{name}", name=name, namespace="argocd", project=project)
        )
        for name, project in projects.items()
    }
    parts = SimpleNamespace(held=lambda: held, office=SimpleNamespace(repository=repository))
    return cast("Context", parts)


async def shown(context: Context, grant: Grant, **wanted: Any) -> list[str]:
    return [each["id"] for each in await read_timeline(context, grant, Wanted(**wanted))]


async def test_only_changes_of_applications_that_may_be_seen_are_shown() -> None:
    repository = FakeRepository(change(1, "argocd/web", "shop"), change(2, "argocd/till", "pay"))
    context = make_context(repository, web="shop", till="pay")
    assert await shown(context, SHOP) == ["00001"]
    assert await shown(context, EVERYTHING) == ["00002", "00001"]
    assert await shown(context, NOTHING) == []


@pytest.mark.parametrize(("now", "then"), [("shop", "pay"), ("pay", "shop")])
async def test_an_application_that_moved_shows_what_may_be_seen_on_both_sides(now: str, then: str) -> None:
    context = make_context(FakeRepository(change(1, "argocd/web", then)), web=now)
    assert await shown(context, SHOP) == []
    assert await shown(context, Grant([Rule(projects=("shop", "pay"))])) == ["00001"]


async def test_an_application_that_is_gone_is_judged_by_what_was_recorded() -> None:
    context = make_context(FakeRepository(change(1, "argocd/web", "shop"), change(2, "argocd/old", None)))
    assert await shown(context, SHOP) == ["00001"]
    assert await shown(context, Grant([Rule(projects=("*",), namespaces=("argocd",))])) == ["00002", "00001"]


async def test_many_that_may_not_be_seen_hide_none_that_may_even_if_all_began_at_once() -> None:
    others = [change(number, "argocd/till", "pay", at=1.0 if number < 50 else None) for number in range(1, 3 * PAGE)]
    repository = FakeRepository(change(0, "argocd/web", "shop", at=1.0), *others)
    context = make_context(repository, web="shop", till="pay")
    assert await shown(context, SHOP, limit=1) == ["00000"]
    assert repository.asked > 1


def test_figures_count_what_may_be_seen() -> None:
    context = make_context(FakeRepository(), web="shop", till="pay")
    within = make_scope(context, SHOP)
    assert within is not None
    assert within.sees("argocd/web", "shop")
    assert not within.sees("argocd/web", "pay")
    assert not within.sees("argocd/till", "pay")
    assert within.scope == SHOP.scope
    assert make_scope(context, EVERYTHING) is None
