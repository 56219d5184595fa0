"""A delta between any two positions gives exactly the documents that the view sees, along whatever path."""

import copy
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.application import ApplicationStatus, Health, Sync, to_wire
from gateway.model.delta import Change, Delta, Sees, apply, net, project
from gateway.model.labels import parse_labels
from gateway.model.selector import Selector, sees_everything

at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = ("argocd/a", "argocd/b", "team/a")
Documents = dict[str, dict[str, Any]]
State = dict[str, ApplicationStatus]


def application(key: str = "argocd/a", **fields: Any) -> ApplicationStatus:
    namespace, name = key.split("/")
    return ApplicationStatus(key=key, name=name, namespace=namespace, **fields)


documents = st.builds(
    application,
    key=st.sampled_from(KEYS),
    project=st.sampled_from((None, "shop", "pay")),
    labels=st.sampled_from((None, {}, {"team": "core"}, {"team": ""})),
    health=st.sampled_from((None, Health(status="Healthy"), Health(status="Degraded", message="no"))),
    sync=st.sampled_from((None, Sync(), Sync(status="Synced", revisions=("babb",)))),
    images=st.sampled_from(((), ("web:1",), ("web:1", "db:2"))),
)


def chain(steps: Iterable[tuple[str, ApplicationStatus | None]]) -> list[Change]:
    """Return the log of what happened one after the other, each change beginning where the last of its key ended."""
    state: dict[str, ApplicationStatus | None] = {}
    changes = []
    for key, after in steps:
        if (before := state.get(key)) or after:
            changes.append(Change(key, before, after))
            state[key] = after
    return changes


logs = st.lists(
    st.tuples(st.sampled_from(KEYS), st.none()) | documents.map(lambda document: (document.key, document)), max_size=15
).map(chain)

selections = st.builds(
    Selector,
    projects=st.sampled_from(((), ("shop",), ("shop", "pay"))),
    names=st.sampled_from(((), ("a",), ("argocd/*",))),
    selector=st.sampled_from(("", "team", "!team")).map(parse_labels),
    health=st.sampled_from(((), ("Healthy",), ("Unknown", "Degraded"))),
)


def see_by_chance(seed: int) -> Sees:
    """Return a view that sees some documents and not others, for no reason but always the same."""
    return lambda document: zlib.crc32(msgspec.json.encode(document), seed) % 2 == 0


views = selections.map(lambda selector: selector.sees) | st.integers(0, 2**32 - 1).map(see_by_chance)


def state_after(changes: Iterable[Change]) -> State:
    state: State = {}
    for change in changes:
        state.pop(change.key, None)
        if change.after is not None:
            state[change.key] = change.after
    return state


def wire(value: object) -> dict[str, Any]:
    """Return what a client reads of a document or of the changed part of a delta."""
    read: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return read


def seen(changes: Iterable[Change], sees: Sees) -> Documents:
    return {key: wire(to_wire(document)) for key, document in state_after(changes).items() if sees(document)}


def delta_between(log: Sequence[Change], start: int, end: int, sees: Sees) -> Delta:
    return project(net(log[start:end]), sees)


def fold(held: Documents, *deltas: Delta) -> Documents:
    held = copy.deepcopy(held)
    for delta in deltas:
        apply(held, wire(delta.changed), delta.removed)
    return held


@st.composite
def stretches(draw: st.DrawFn, cuts: int) -> tuple[list[Change], list[int]]:
    log = draw(logs)
    return log, sorted(draw(st.lists(st.integers(0, len(log)), min_size=cuts, max_size=cuts)))


@at_any_speed
@given(stretches(cuts=2), views)
def test_folding_a_delta_gives_exactly_the_documents_seen(stretch: tuple[list[Change], list[int]], sees: Sees) -> None:
    log, (start, end) = stretch
    assert fold(seen(log[:start], sees), delta_between(log, start, end, sees)) == seen(log[:end], sees)


@at_any_speed
@given(stretches(cuts=3), views)
def test_one_delta_has_the_effect_of_two_in_a_row(stretch: tuple[list[Change], list[int]], sees: Sees) -> None:
    log, (start, middle, end) = stretch
    held = seen(log[:start], sees)
    in_two = fold(held, delta_between(log, start, middle, sees), delta_between(log, middle, end, sees))
    assert fold(held, delta_between(log, start, end, sees)) == in_two


@at_any_speed
@given(logs, views)
def test_a_client_from_the_first_change_on_holds_what_is_seen_after_every_change(log: list[Change], sees: Sees) -> None:
    held: Documents = {}
    for offset in range(len(log)):
        held = fold(held, delta_between(log, offset, offset + 1, sees))
        assert held == seen(log[: offset + 1], sees)


@at_any_speed
@given(stretches(cuts=2), views)
def test_a_key_is_never_both_changed_and_removed(stretch: tuple[list[Change], list[int]], sees: Sees) -> None:
    log, (start, end) = stretch
    delta = delta_between(log, start, end, sees)
    assert not delta.changed.keys() & set(delta.removed)
    assert len(delta.removed) == len(set(delta.removed))


@at_any_speed
@given(stretches(cuts=2), views)
def test_a_delta_tells_nothing_that_the_view_does_not_see(stretch: tuple[list[Change], list[int]], sees: Sees) -> None:
    log, (start, end) = stretch
    delta = delta_between(log, start, end, sees)
    after = seen(log[:end], sees)
    for key, fields in wire(delta.changed).items():
        assert {field: value for field, value in fields.items() if value is not None}.items() <= after[key].items()
    assert set(delta.removed) <= seen(log[:start], sees).keys()


@at_any_speed
@given(stretches(cuts=2), views)
def test_a_delta_repeats_nothing_that_the_client_holds(stretch: tuple[list[Change], list[int]], sees: Sees) -> None:
    log, (start, end) = stretch
    held = seen(log[:start], sees)
    for key, fields in wire(delta_between(log, start, end, sees).changed).items():
        assert fields
        for field, value in fields.items():
            assert held.get(key, {}).get(field) != value


@at_any_speed
@given(logs, views)
def test_a_stretch_in_which_nothing_happened_is_an_empty_delta(log: list[Change], sees: Sees) -> None:
    delta = delta_between(log, len(log), len(log), sees)
    assert not delta
    assert delta == Delta({}, ())


def test_a_document_that_enters_the_view_is_sent_whole() -> None:
    before, after = application(project="shop", images=("web:1",)), application(project="pay", images=("web:1",))
    delta = project(net([Change("argocd/a", before, after)]), Selector(projects=("pay",)).sees)
    assert wire(delta.changed) == {"argocd/a": wire(to_wire(after))}
    assert delta.removed == ()


def test_a_document_that_leaves_the_view_is_removed_without_a_word_of_what_became_of_it() -> None:
    before, after = application(project="shop"), application(project="secret")
    delta = project(net([Change("argocd/a", before, after)]), Selector(projects=("shop",)).sees)
    assert delta == Delta({}, ("argocd/a",))


def test_a_new_document_is_sent_whole_and_a_deleted_one_removed() -> None:
    document = application(project="shop")
    came = project(net([Change("argocd/a", None, document)]), sees_everything)
    assert wire(came.changed) == {"argocd/a": wire(to_wire(document))}
    assert project(net([Change("argocd/a", document, None)]), sees_everything) == Delta({}, ("argocd/a",))


def test_what_happens_outside_the_view_is_silent() -> None:
    one, other = application(project="shop"), application(project="pay")
    changes = net([Change("argocd/a", one, other), Change("team/a", None, application("team/a", project="pay"))])
    assert not project(changes, Selector(projects=("none",)).sees)


def test_what_came_and_went_is_silent() -> None:
    document = application()
    assert not project(net([Change("argocd/a", None, document), Change("argocd/a", document, None)]), sees_everything)


def test_what_ends_as_it_began_is_silent_though_it_is_listed() -> None:
    one, other = application(images=("web:1",)), application(images=("web:2",))
    changes = net([Change("argocd/a", one, other), Change("argocd/a", other, application(images=("web:1",)))])
    assert [change.key for change in changes] == ["argocd/a"]
    assert not project(changes, sees_everything)


def test_a_visit_to_the_view_within_one_stretch_is_silent() -> None:
    outside, inside = application(project="pay"), application(project="shop")
    changes = net([Change("argocd/a", outside, inside), Change("argocd/a", inside, outside)])
    assert not project(changes, Selector(projects=("shop",)).sees)


def test_a_recreated_application_is_told_by_the_fields_that_differ() -> None:
    first, second = application(project="shop", images=("web:1",)), application(project="shop")
    changes = net([Change("argocd/a", first, None), Change("argocd/a", None, second)])
    assert wire(project(changes, sees_everything).changed) == {"argocd/a": {"images": None}}


def test_each_change_is_encoded_once_for_all_views() -> None:
    before, after = application(project="shop"), application(project="shop", images=("web:2",))
    changes = net([Change("argocd/a", before, after), Change("team/a", None, application("team/a"))])
    one = project(changes, sees_everything)
    other = project(changes, Selector(namespaces=("argocd", "team")).sees)
    assert one.changed.keys() == {"argocd/a", "team/a"}
    assert all(one.changed[key] is other.changed[key] for key in one.changed)


def test_keys_come_in_the_order_in_which_they_were_first_touched() -> None:
    changes = net(chain([(key, application(key)) for key in ("team/a", "argocd/a", "team/a", "argocd/b")]))
    assert [change.key for change in changes] == ["team/a", "argocd/a", "argocd/b"]


def test_a_client_assigns_fields_drops_nulls_and_then_removes_keys() -> None:
    held = {"a": {"x": 1, "y": 2}, "b": {"x": 1}, "d": {}}
    apply(held, {"a": {"y": None, "z": 3, "never": None}, "c": {"x": 5}}, ["b", "unknown"])
    assert held == {"a": {"x": 1, "z": 3}, "c": {"x": 5}, "d": {}}


def test_a_delta_is_json_as_it_stands() -> None:
    delta = project(net([Change("argocd/a", None, application())]), sees_everything)
    frame = orjson.dumps({"changed": delta.changed, "removed": delta.removed})
    assert json.loads(frame) == {
        "changed": {"argocd/a": {"key": "argocd/a", "name": "a", "namespace": "argocd"}},
        "removed": [],
    }
