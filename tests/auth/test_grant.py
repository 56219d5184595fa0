"""A grant gives what any of its rules gives and nothing else, has one text, and hides whatever it has to."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.glob import covers, find_problem, normalise
from gateway.auth.grant import EVERYTHING, HIDEABLE, NOTHING, UNKNOWN_LABELS, VERBS, Grant, Rule, Spot, combine
from gateway.model.application import (
    ApplicationStatus,
    Condition,
    Health,
    InitiatedBy,
    Operation,
    to_wire,
)
from gateway.model.labels import parse_labels

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = ("shop", "shop-web", "pay", "p", "zzz")
GLOBS = ("shop", "shop-*", "shop*", "pay", "p*", "*", "**", "p?y", "?*")
LABELS = ("", "team=core", "team=edge", "tier=web", "team=core,tier=web")
LABELLED = (None, {"team": "core"}, {"team": "edge"}, {"tier": "web"}, {"team": "core", "tier": "web"}, {"x": "y"})
SPOTS = [Spot(project, namespace, labels) for project in (None, *NAMES) for namespace in NAMES for labels in LABELLED]

rules = st.builds(
    Rule,
    projects=st.lists(st.sampled_from(GLOBS), max_size=2).map(tuple),
    namespaces=st.lists(st.sampled_from(GLOBS), max_size=1).map(tuple),
    labels=st.sampled_from(LABELS).map(parse_labels),
    verbs=st.frozensets(st.sampled_from(VERBS), min_size=1),
    hide=st.frozensets(st.sampled_from(HIDEABLE)),
)
grants = st.lists(rules, max_size=4).map(Grant)


def meaning(grant: Grant) -> list[Any]:
    """Return everything that a grant says of this small world."""
    return [
        (grant.sees(spot), grant.sees(spot) and grant.hidden(spot), [grant.allows(verb, spot) for verb in VERBS])
        for spot in SPOTS
    ]


def rule(*projects: str, verbs: tuple[Any, ...] = ("view",), hide: tuple[Any, ...] = (), **more: Any) -> Rule:
    return Rule(projects=projects, verbs=frozenset(verbs), hide=frozenset(hide), **more)


def application(project: str | None = "shop", **fields: Any) -> ApplicationStatus:
    return ApplicationStatus(key="argocd/web", name="web", namespace="argocd", project=project, **fields)


TALKATIVE = application(
    health=Health(status="Degraded", message="SECRET why"),
    operation=Operation(
        phase="Failed",
        message="SECRET failure",
        initiated_by=InitiatedBy(username="SECRET-alice"),
        revisions=("a" * 40,),
    ),
    conditions=(Condition(type="SyncError", message="SECRET condition"),),
)


# What is given.


def test_nothing_is_granted_by_default() -> None:
    assert not NOTHING.sees(application())
    assert not any(NOTHING.allows(verb) for verb in VERBS)
    assert NOTHING.nothing
    assert NOTHING.canonical == ""


def test_everything_is_everything_and_needs_no_look_at_a_document() -> None:
    assert EVERYTHING.everything
    assert not EVERYTHING.hides
    assert EVERYTHING.show(TALKATIVE) is TALKATIVE
    assert all(EVERYTHING.allows(verb, application(None)) for verb in VERBS)


@pytest.mark.parametrize(
    ("globs", "project", "seen"),
    [
        (("shop",), "shop", True),
        (("shop",), "shop-web", False),
        (("shop*",), "shop-web", True),
        (("SHOP",), "shop", False),
        (("[ps]*",), "pay", True),
        (("[!p]*",), "shop", True),
        (("*",), None, True),
        (("?*",), None, False),
        (("[!p]*",), None, False),
        ((), None, True),
        (("pay", "sh?p"), "shop", True),
    ],
)
def test_projects_are_globs_and_an_unknown_project_is_covered_by_a_star_alone(
    globs: tuple[str, ...], project: str | None, seen: bool
) -> None:
    assert Grant([rule(*globs)]).sees(application(project)) is seen


def test_a_rule_asks_for_all_of_its_criteria_and_a_grant_for_any_of_its_rules() -> None:
    core = rule("shop", labels=parse_labels("team=core"), namespaces=("argocd",))
    assert Grant([core]).sees(application(labels={"team": "core"}))
    assert not Grant([core]).sees(application(labels={"team": "edge"}))
    assert not Grant([core]).sees(application("pay", labels={"team": "core"}))
    assert Grant([core, rule("pay")]).sees(application("pay"))
    assert combine([Grant([core]), Grant([rule("pay")])]).sees(application("pay"))


@pytest.mark.parametrize("asked", ["team=core", "team!=core", "!team", "team", "team notin (core)"])
def test_of_what_is_gone_no_rule_by_labels_shows_anything(asked: str) -> None:
    gone = Spot("shop", "argocd", UNKNOWN_LABELS)
    assert not Grant([rule("shop", labels=parse_labels(asked))]).sees(gone)
    assert Grant([rule("shop", labels=parse_labels(asked)), rule("shop")]).sees(gone)


def test_a_verb_is_allowed_where_a_rule_covers_and_admin_is_every_verb() -> None:
    grant = Grant([rule("shop"), rule("pay", verbs=("refresh",)), rule("labs", verbs=("admin",))])
    assert grant.allows("refresh")
    assert not grant.allows("refresh", application("shop"))
    assert grant.allows("refresh", application("pay"))
    assert not grant.sees(application("pay"))
    assert all(grant.allows(verb, application("labs")) for verb in VERBS)


@at_any_speed
@given(grants, grants)
def test_two_grants_have_the_same_text_exactly_if_they_mean_the_same(one: Grant, other: Grant) -> None:
    assert (one.canonical == other.canonical) == (meaning(one) == meaning(other))
    assert (one == other) == (one.canonical == other.canonical)


@at_any_speed
@given(st.lists(rules, max_size=4), st.randoms())
def test_neither_order_nor_repetition_nor_what_is_covered_anyway_changes_the_text(
    given: list[Rule], random: Any
) -> None:
    shuffled = [*given, *given[:2]]
    random.shuffle(shuffled)
    assert Grant(shuffled).canonical == Grant(given).canonical
    assert Grant([*given, rule("*", verbs=("admin",))]).canonical == EVERYTHING.canonical


@at_any_speed
@given(grants)
def test_what_may_be_seen_has_a_text_of_its_own(grant: Grant) -> None:
    also = Grant([*grant.rules, rule("*", verbs=("refresh", "webhooks"))])
    assert also.scope == grant.scope
    assert also.everything == grant.everything
    assert grant.hides or not any(grant.hidden(spot) for spot in SPOTS if grant.sees(spot))


@at_any_speed
@given(st.sampled_from(GLOBS).map(normalise), st.sampled_from(GLOBS).map(normalise))
def test_a_glob_covers_another_only_if_it_matches_all_that_the_other_does(wide: str, narrow: str) -> None:
    texts = (*NAMES, "shop-", "py", "x", "pxy")
    matched = {text for text in texts if Grant([rule(narrow)]).sees(Spot(text, "x"))}
    covered = {text for text in texts if Grant([rule(wide)]).sees(Spot(text, "x"))}
    assert not covers(wide, narrow) or matched <= covered


def test_a_question_mark_never_covers_a_star() -> None:
    assert not covers("?", "*")
    assert not covers("a?", "a*")
    assert covers("a*", "a?")
    assert covers("a*c", "a?*c")
    assert not covers("[ab]", "?")
    assert covers("[ab]", "a")


@pytest.mark.parametrize("glob", ["", " a", "a\n", "a,b", "[a", "x" * 254])
def test_what_is_no_glob_is_explained(glob: str) -> None:
    assert find_problem(glob)


# What is hidden.


def test_a_rule_that_hides_leaves_no_message_and_no_initiator() -> None:
    shown = Grant([rule("shop", hide=("messages", "initiators"))]).show(TALKATIVE)
    assert "SECRET" not in str(to_wire(shown))
    assert to_wire(shown)["health"] == {"status": "Degraded"}
    assert to_wire(shown)["operation"] == {"phase": "Failed", "revisions": ("a" * 40,)}
    assert to_wire(shown)["conditions"] == ({"type": "SyncError"},)


def test_each_thing_is_hidden_by_itself() -> None:
    without_words = to_wire(Grant([rule("shop", hide=("messages",))]).show(TALKATIVE))
    assert without_words["operation"]["initiatedBy"] == {"username": "SECRET-alice"}
    assert "message" not in without_words["operation"]
    without_names = to_wire(Grant([rule("shop", hide=("initiators",))]).show(TALKATIVE))
    assert "initiatedBy" not in without_names["operation"]
    assert without_names["health"]["message"] == "SECRET why"


def test_what_one_rule_hides_another_that_applies_may_show() -> None:
    hiding = rule("*", hide=("messages", "initiators"))
    assert Grant([hiding, rule("shop")]).show(TALKATIVE) is TALKATIVE
    assert Grant([hiding, rule("pay")]).show(TALKATIVE) != TALKATIVE
    partly = Grant([hiding, rule("shop", hide=("initiators",))])
    assert partly.hidden(TALKATIVE) == {"initiators"}


def test_a_rule_that_lets_nothing_be_seen_shows_nothing_that_another_hides() -> None:
    grant = Grant([rule("shop", hide=("messages",)), rule("shop", verbs=("refresh",))])
    assert grant.hidden(TALKATIVE) == {"messages"}


def test_a_document_without_anything_to_hide_stays_the_same_object() -> None:
    plain = application(health=Health(status="Healthy"))
    assert Grant([rule("shop", hide=HIDEABLE)]).show(plain) is plain


DETAIL = {
    **to_wire(TALKATIVE),
    "history": [{"id": 1, "initiatedBy": {"username": "SECRET"}, "deployedAt": "2026-11-20T23:17:49Z"}],
    "revisions": {"a" * 40: {"author": "SECRET", "message": "SECRET", "tags": ["v1"]}},
    "resources": [{"kind": "Pod", "name": "web", "health": {"status": "Degraded", "message": "SECRET"}}],
    "operationResult": {"resources": [{"kind": "Pod", "name": "web", "message": "SECRET", "status": "SyncFailed"}]},
    "tree": {"nodes": [{"kind": "Pod", "name": "web", "info": [{"name": "Status Reason", "value": "SECRET"}]}]},
    "explanations": [{"code": "degraded", "text": "SECRET by SECRET"}],
    "links": {"argocd": "https://argocd.example.org"},
    "parts": {"tree": {"state": "failed", "reason": "refused"}},
    "somethingNew": "SECRET",
}


def test_a_detail_loses_all_that_is_hidden_at_whatever_depth_and_all_that_nobody_thought_about() -> None:
    shown = Grant([rule("shop", hide=HIDEABLE)]).show_detail(DETAIL)
    assert "SECRET" not in str(shown)
    assert shown["explanations"] == []
    assert shown["parts"] == DETAIL["parts"]
    assert shown["history"] == [{"id": 1, "deployedAt": "2026-11-20T23:17:49Z"}]
    assert shown["revisions"] == {"a" * 40: {"tags": ["v1"]}}
    assert Grant([rule("shop")]).show_detail(DETAIL) is DETAIL


CHANGE = {
    "id": "c1",
    "application": "argocd/web",
    "outcome": "failed",
    "kind": "deployment",
    "initiatedBy": "SECRET",
    "startedAt": "2026-11-20T23:17:49Z",
    "remarks": ["SECRET"],
    "stages": [
        {
            "stage": "commit",
            "state": "done",
            "title": "SECRET",
            "detail": "abc, SECRET",
            "items": [{"title": "SECRET"}],
        },
        {"stage": "sync", "state": "failed", "startedAt": "2026-11-20T23:17:49Z", "detail": "SECRET"},
    ],
}


@pytest.mark.parametrize("hide", [("messages",), ("initiators",), HIDEABLE])
def test_a_change_of_the_history_keeps_its_states_and_times_alone(hide: tuple[Any, ...]) -> None:
    grant = Grant([rule("shop", hide=hide)])
    shown = grant.show_change(CHANGE, [Spot("shop", "argocd")])
    assert shown["stages"][1] == {"stage": "sync", "state": "failed", "startedAt": "2026-11-20T23:17:49Z"}
    assert "SECRET" not in str({**shown, "initiatedBy": None} if hide == ("messages",) else shown)
    detail = grant.show_detail({**DETAIL, "timeline": [CHANGE]})
    assert detail["timeline"] == [shown]


def test_a_change_is_shown_as_the_stricter_of_its_places_allows() -> None:
    grant = Grant([rule("shop"), rule("pay", hide=HIDEABLE)])
    assert grant.show_change(CHANGE, [Spot("shop", "argocd")]) is CHANGE
    assert "initiatedBy" not in grant.show_change(CHANGE, [Spot("shop", "argocd"), Spot("pay", "argocd")])
