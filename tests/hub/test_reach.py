"""A change reaches every view that it means something to, and asks no other."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.auth.grant import Grant, Rule
from gateway.auth.selection import narrow
from gateway.hub import reach as module
from gateway.hub.feed import LIST_WORDING, Feed, Selection
from gateway.hub.reach import Reach
from gateway.hub.view import View
from gateway.log.memory import MemoryLog
from gateway.model.application import ApplicationStatus, Health
from gateway.model.delta import NetChange
from gateway.model.labels import parse_labels
from gateway.model.selector import Selector
from tests.effort import examples

FEED = Feed(MemoryLog(epoch="5f2c81d0", capacity=10, max_bytes=10**6), LIST_WORDING)
PROJECTS = (None, "shop", "pay")
KEYS = ("argocd/a-web", "argocd/b-web", "team/a-api")
SELECTORS = (
    Selector(),
    Selector(health=("Degraded",)),
    Selector(projects=("shop",)),
    Selector(names=("*-web",), health=("Healthy",)),
    Selector(namespaces=("team",)),
    Selector(selector=parse_labels("tier!=back")),
)
GRANTS = (Grant([Rule()]), Grant([Rule(projects=("pay",))]), Grant([Rule(labels=parse_labels("tier=back"))]))
SELECTIONS: tuple[Selection, ...] = tuple(narrow(selector, grant) for selector in SELECTORS for grant in GRANTS)


def document(key: str, project: str | None, tier: str | None, health: str) -> ApplicationStatus:
    namespace, _, name = key.partition("/")
    labels = None if tier is None else {"tier": tier}
    status = Health(status=health)
    return ApplicationStatus(key=key, name=name, namespace=namespace, project=project, labels=labels, health=status)


def view(selection: Selection) -> View:
    return View(selection, FEED, now=0.0, lagging={})


def reached(reach: Reach, *changes: NetChange) -> dict[View, list[NetChange]]:
    return {view: list(concerned) for view, concerned in reach.touched(changes)}


looks = st.tuples(
    st.sampled_from(PROJECTS), st.sampled_from((None, "front", "back")), st.sampled_from(("Healthy", "Degraded"))
)
steps = st.one_of(
    st.tuples(st.just("change"), st.lists(st.tuples(st.sampled_from(KEYS), st.none() | looks), min_size=1, max_size=4)),
    st.tuples(st.just("come"), st.sampled_from(SELECTIONS)),
    st.tuples(st.just("go"), st.integers(0, 100)),
)


@settings(max_examples=examples(150), deadline=None)
@given(story=st.lists(steps, max_size=40), bound=st.sampled_from((3, 2_000_000)))
def test_no_view_misses_a_change_whatever_came_and_went(story: list[tuple[str, Any]], bound: int) -> None:
    module.MOST_KNOWN, usual = bound, module.MOST_KNOWN
    reach, views = Reach(LIST_WORDING.traits), list[View]()
    documents: dict[str, ApplicationStatus] = {}
    try:
        for verb, what in story:
            if verb == "come":
                views.append(view(what))
                reach.add(views[-1])
            elif verb == "go" and views:
                reach.discard(views.pop(what % len(views)))
            elif verb == "change":
                changes = []
                for key, look in dict(what).items():
                    before = documents.pop(key, None)
                    if look is not None:
                        documents[key] = document(key, *look)
                    changes.append(NetChange(key, before, documents.get(key)))
                found = reached(reach, *changes)
                for each in views:
                    meant = [
                        change
                        for change in changes
                        if any(side and each.sees(side) for side in (change.before, change.after))
                    ]
                    assert [change for change in found.get(each, ()) if change in meant] == meant
                for key, shown in documents.items():
                    assert {each for each in views if each.sees(shown)} <= set(reach.covering(key, shown))
    finally:
        module.MOST_KNOWN = usual


def test_a_second_change_asks_only_the_views_that_it_reaches() -> None:
    asked: Counter[str] = Counter()

    class Asking:
        """A selection that says when it is asked."""

        show = None

        def __init__(self, project: str) -> None:
            self.canonical = self.view_id = project

        def sees(self, shown: ApplicationStatus) -> bool:
            asked[self.canonical] += 1
            return shown.project == self.canonical

        covers = sees

    reach = Reach(LIST_WORDING.traits)
    for number in range(200):
        reach.add(view(Asking(f"project-{number}")))
    old, new = (document("argocd/a", "project-7", None, health) for health in ("Healthy", "Degraded"))
    reached(reach, NetChange("argocd/a", old, new))
    assert asked.total() == 200
    [(each, _)] = reached(reach, NetChange("argocd/a", new, old)).items()
    assert each.id == "project-7"
    assert asked.total() == 200
    reach.add(view(Asking("newcomer")))
    reached(reach, NetChange("argocd/a", old, new))
    assert asked.total() == 201
