"""A selector sees what its query asks for, has one canonical form, and tells every problem of a query at once."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.application import ApplicationStatus, Health, Sync
from gateway.model.labels import parse_labels
from gateway.model.selector import HEALTH, PARAMETERS, SYNC, Selector, SelectorError, parse_selector, sees_everything

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

QUERY_VALUES = (
    *("a", "b-*", "*/b", "[ab]?", "[!a]", "[]a]", "[", "[a", "", " ", "*", "a,b", "a b", "é", "x" * 253, "x" * 254),
    *("healthy", "DEGRADED", "unknown", "outofsync", "Synced", "Wrong", "team=core", "!a", "a in (x,y)", "a>1", "a=,b"),
)
queries = st.lists(st.tuples(st.sampled_from(tuple(PARAMETERS)), st.sampled_from(QUERY_VALUES)), max_size=6)
wild_text = st.text(alphabet=st.characters(), max_size=30)
wild_queries = st.lists(
    st.tuples(st.sampled_from(tuple(PARAMETERS)) | wild_text, st.sampled_from(QUERY_VALUES) | wild_text), max_size=6
)


def select(query: str) -> Selector:
    return parse_selector(parse_qsl(query, keep_blank_values=True))


def problems_of(*query: tuple[str, str]) -> tuple[str, ...]:
    with pytest.raises(SelectorError) as error:
        parse_selector(query)
    return error.value.problems


def application(name: str = "web", namespace: str = "argocd", **fields: Any) -> ApplicationStatus:
    return ApplicationStatus(key=f"{namespace}/{name}", name=name, namespace=namespace, **fields)


# What is seen


def test_the_selector_without_a_criterion_sees_everything_and_costs_nothing() -> None:
    assert Selector().sees is sees_everything
    assert parse_selector([]).sees is sees_everything
    assert Selector().sees(application())


def test_projects_and_namespaces_are_matched_whole() -> None:
    assert select("projects=shop,pay").sees(application(project="pay"))
    assert not select("projects=shop,pay").sees(application(project="payments"))
    assert select("namespaces=argocd").sees(application())
    assert not select("namespaces=argocd").sees(application(namespace="argocd-2"))


def test_an_application_without_project_is_in_none_that_can_be_asked_for() -> None:
    assert not select("projects=default").sees(application(project=None))


@pytest.mark.parametrize(
    ("glob", "seen"),
    [
        ("web", True),
        ("we", False),
        ("WEB", False),
        ("w*", True),
        ("*", True),
        ("*b", True),
        ("w?b", True),
        ("w?", False),
        ("[uvw]eb", True),
        ("[!w]eb", False),
        ("[!a-c]eb", True),
        ("w.b", False),
        ("argocd/web", True),
        ("argocd/*", True),
        ("*/web", True),
        ("argo?d/w*", True),
        ("other/web", False),
        ("argocd", False),
        ("argocd*", False),
    ],
)
def test_names_are_globs_and_those_with_a_slash_are_matched_against_the_key(glob: str, seen: bool) -> None:
    assert parse_selector([("names", glob)]).sees(application("web", "argocd")) is seen
    assert parse_selector([("names", f"nothing,none-*,no/*,{glob}")]).sees(application("web", "argocd")) is seen


def test_a_hostile_glob_is_answered_at_once() -> None:
    name = "a" * 253
    for glob in ("*a" * 126, "*[ab]" * 50 + "c", "a*" * 126 + "b", "?*" * 126 + "b", "*" * 252 + "b"):
        selector = Selector(names=(glob, f"*/{glob}"))
        assert selector.sees(application(name)) is (glob == "*a" * 126)


def test_a_hostile_bracket_is_refused_at_once() -> None:
    assert len(problems_of(("names", "[]" * 126 + "["))) == 1


@pytest.mark.parametrize("word", HEALTH)
def test_health_is_matched_in_argo_cds_spelling(word: str) -> None:
    assert select(f"health={word.upper()}").sees(application(health=Health(status=word)))
    assert not select(f"health={word.lower()}").sees(application(health=Health(status="Unheard")))


@pytest.mark.parametrize("word", SYNC)
def test_sync_is_matched_in_argo_cds_spelling(word: str) -> None:
    assert select(f"sync={word.upper()}").sees(application(sync=Sync(status=word)))
    assert not select(f"sync={word.lower()}").sees(application(sync=Sync(status="Unheard")))


def test_absent_and_empty_health_and_sync_are_unknown() -> None:
    for document in (
        application(),
        application(health=Health(status=""), sync=Sync(status="")),
        application(sync=Sync()),
    ):
        assert select("health=Unknown&sync=Unknown").sees(document)
        assert not select("health=Healthy").sees(document)
        assert not select("sync=Synced").sees(document)


def test_repeated_label_selectors_must_all_match() -> None:
    selector = select("selector=team=core&selector=tier in (web,api),!old")
    assert selector.sees(application(labels={"team": "core", "tier": "api"}))
    assert not selector.sees(application(labels={"team": "core"}))
    assert not selector.sees(application(labels={"team": "core", "tier": "api", "old": ""}))
    assert not selector.sees(application(labels=None))


def test_every_criterion_must_be_met() -> None:
    selector = select("projects=shop&names=web*&health=Degraded&sync=Synced&namespaces=argocd&selector=team")
    met: dict[str, Any] = {
        "project": "shop",
        "health": Health(status="Degraded"),
        "sync": Sync(status="Synced"),
        "labels": {"team": "core"},
    }
    assert selector.sees(application(**met))
    for unmet in met:
        assert not selector.sees(application(**{**met, unmet: None}))
    assert not selector.sees(application(**met, name="api"))
    assert not selector.sees(application(**met, namespace="other"))


# One canonical form


def test_the_same_wish_is_the_same_view_however_it_is_spelled() -> None:
    one = select("projects=b,a&health=degraded&selector=x==1,team in (b,a)")
    other = select("selector=team in (a, b,a)&health=Degraded,DEGRADED&projects=a&selector=x in (1)&projects=%20b")
    assert one == other
    assert hash(one) == hash(other)
    assert one.canonical == other.canonical == "projects=a,b&selector=team%20in%20(a%2Cb),x=1&health=Degraded"
    assert one.view_id == other.view_id


def test_a_selector_made_in_code_is_canonical_as_well() -> None:
    made = Selector(projects=("b", "a", "b"), selector=parse_labels("x") * 2)
    assert made == select("projects=a,b&selector=x")
    assert made.projects == ("a", "b")


def test_the_view_id_never_changes_between_releases() -> None:
    assert Selector().view_id == "9d622e5dfd91"
    assert select("projects=a,b&names=web-*&selector=team=core&health=Degraded").view_id == "3448661022ec"


def test_no_two_selectors_share_a_canonical_text() -> None:
    alike = [
        Selector(),
        Selector(projects=("",)),
        Selector(projects=("a", "b")),
        Selector(projects=("a,b",)),
        Selector(projects=("a&names=b",)),
        Selector(projects=("a",), names=("b",)),
        Selector(namespaces=("a", "b")),
        Selector(projects=("a%2Cb",)),
        Selector(selector=parse_labels("a,b")),
        Selector(selector=parse_labels("a in (a,b)")),
        Selector(selector=parse_labels("a=a,b")),
    ]
    assert len({selector.canonical for selector in alike}) == len(alike)
    assert len({selector.view_id for selector in alike}) == len(alike)


@at_any_speed
@given(queries)
def test_the_canonical_text_is_read_back_as_the_same_selector(query: list[tuple[str, str]]) -> None:
    try:
        selector = parse_selector(query)
    except SelectorError:
        return
    assert select(selector.canonical) == selector
    assert select(selector.canonical).canonical == selector.canonical


def test_the_canonical_text_of_the_longest_query_is_within_the_bounds_too() -> None:
    text = ",".join(f"{number:02}{'k' * 58}/{'k' * 30} in(a,b)" for number in range(19)).replace(" ", "\t")
    longest = f"{text},{'v' * 63}={'v' * (2_000 - len(text) - 65)}"
    assert len(longest) == 2_000
    selector = parse_selector([("selector", longest)])
    assert select(selector.canonical) == selector


# Problems


def test_all_problems_are_told_at_once_each_with_its_parameter() -> None:
    assert problems_of(
        ("project", "a"),
        ("projects", "a,,b"),
        ("namespaces", "team-*"),
        ("names", "[a,b]"),
        ("selector", "a===b"),
        ("selector", "b>c"),
        ("health", "fine"),
        ("sync", "done"),
    ) == (
        f"'project' is no parameter. Did you mean projects? Allowed are {', '.join(PARAMETERS)}",
        "projects: a value is empty; leave the parameter out to see every project",
        "namespaces: 'team-*' is a glob; only whole namespaces are allowed (globs are understood in names)",
        "names: '[a' lacks the ']' of a '['; a comma always parts values, 'a or b' is [ab]",
        "health: 'fine' is unknown; allowed are Healthy, Suspended, Progressing, Missing, Degraded, Unknown",
        "sync: 'done' is unknown; allowed are Synced, OutOfSync, Unknown",
        "selector: found '=' at character 4, expected a value of 'a'",
        "selector: 'b' is compared with 'c', which is no integer of 64 bits",
    )


def test_a_parameter_like_no_other_gets_no_guess() -> None:
    assert problems_of(("zzz", "a")) == (
        "'zzz' is no parameter. Allowed are projects, namespaces, names, selector, health, sync",
    )


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_told_how_to_leave_the_parameter_out(parameter: str, value: str) -> None:
    assert problems_of((parameter, value)) == (
        f"{parameter}: a value is empty; leave the parameter out to see {PARAMETERS[parameter]}",
    )


def test_a_selector_error_is_one_readable_value_error() -> None:
    error = SelectorError(["one", "two"])
    assert isinstance(error, ValueError)
    assert str(error) == "one; two"


def test_the_number_of_values_is_bounded() -> None:
    values = [f"p{number}" for number in range(101)]
    assert len(parse_selector([("projects", ",".join(values[:100]))]).projects) == 100
    assert problems_of(("projects", ",".join(values))) == ("projects: 101 values, 100 are allowed",)
    assert problems_of(*(("projects", value) for value in values)) == ("projects: 101 values, 100 are allowed",)


def test_the_length_of_a_value_is_bounded() -> None:
    assert parse_selector([("names", "n" * 253)]).names == ("n" * 253,)
    (problem,) = problems_of(("names", "n" * 254))
    assert problem == f"names: '{'n' * 59}…' has 254 characters, 253 are allowed"


def test_the_number_of_requirements_is_bounded_over_all_selectors() -> None:
    keys = [f"k{number}" for number in range(21)]
    assert len(parse_selector([("selector", ",".join(keys[:20]))]).selector) == 20
    assert problems_of(*(("selector", key) for key in keys)) == ("selector: 21 requirements, 20 are allowed",)


def test_the_length_of_label_selectors_is_bounded_over_all_of_them() -> None:
    values = [f"{number:03}" for number in range(498)]
    text = f"a in ({','.join(values)})"
    longest = f"{text},{'b' * (2_000 - len(text.replace(' ', '')) - 1)}"
    assert len(parse_selector([("selector", longest)]).selector) == 2
    expected = ("selector: 2001 characters besides spaces, 2000 are allowed",)
    assert problems_of(("selector", longest + "b")) == expected
    assert problems_of(*(("selector", part) for part in (text, longest[len(text) + 1 :] + "b"))) == expected


def test_what_cannot_be_printed_is_refused_and_shown_escaped() -> None:
    assert problems_of(("names", "a\x1b[2Jb"), ("projects", "a\ud800b")) == (
        "projects: 'a\\ud800b' holds a character that can't be printed, only printable ones are allowed",
        "names: 'a\\x1b[2Jb' holds a character that can't be printed, only printable ones are allowed",
    )


@at_any_speed
@given(wild_queries)
def test_no_query_raises_anything_else(query: list[tuple[str, str]]) -> None:
    try:
        selector = parse_selector(query)
    except SelectorError:
        return
    assert select(selector.canonical) == selector
    assert isinstance(selector.sees(application()), bool)
