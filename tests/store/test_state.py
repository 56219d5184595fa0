"""The store: of one application, changes come out in order, each with both sides, and nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.application import ApplicationStatus, Detail, Health, Observed, Sync, Tombstone
from gateway.model.naming import Naming, parse_rules
from gateway.model.upstream import rfc3339
from gateway.store.state import Outcome, Store

NOW = 1_795_000_000.0
KEYS = ("argocd/a", "argocd/b")


def observed(
    version: int,
    *,
    key: str = "argocd/a",
    project: str | None = "shop",
    health: str = "Healthy",
    sync: Sync | None = None,
) -> Observed:
    namespace, name = key.split("/")
    document = ApplicationStatus(
        key=key, name=name, namespace=namespace, project=project, health=Health(status=health), sync=sync
    )
    return Observed(version=version, uid="1", document=document, detail=Detail())


def upsert(store: Store, one: Observed, *, now: float = NOW, live: bool = True) -> Outcome:
    return store.upsert(one, now=now, live=live)


def published(*held: Observed, naming: Naming | None = None) -> Store:
    store = Store(naming)
    for one in held:
        upsert(store, one)
    store.publish()
    store.take()
    return store


def keys(store: Store) -> list[str]:
    return [change.key for change in store.take()]


# Versions


@pytest.mark.parametrize(
    ("version", "health", "outcome"),
    [
        (6, "Degraded", Outcome.CHANGED),
        (6, "Healthy", Outcome.UNCHANGED),
        (5, "Healthy", Outcome.UNCHANGED),
        (5, "Degraded", Outcome.CHANGED),
        (4, "Degraded", Outcome.OLD),
    ],
)
def test_the_newest_version_wins(version: int, health: str, outcome: Outcome) -> None:
    store = published(observed(5))
    assert upsert(store, observed(version, health=health)) is outcome
    assert store.held["argocd/a"].version == max(5, version)
    assert keys(store) == (["argocd/a"] if outcome is Outcome.CHANGED else [])


def test_versions_count_as_numbers_not_as_text() -> None:
    store = published(observed(9))
    assert upsert(store, observed(10, health="Degraded")) is Outcome.CHANGED


def test_a_change_has_both_sides() -> None:
    store = published(observed(1))
    before = store.held["argocd/a"].document
    upsert(store, observed(2, health="Degraded"))
    upsert(store, observed(3, health="Missing"))
    first, second = store.take()
    assert first.before == before
    assert first.after is second.before
    assert second.after == store.held["argocd/a"].document
    assert store.take() == []


# Deletions


def test_a_deletion_leaves_a_tombstone_against_what_comes_late() -> None:
    store = published(observed(5))
    assert store.delete("argocd/a", 7, now=NOW) is Outcome.CHANGED
    assert store.tombstones == {"argocd/a": Tombstone(7, NOW)}
    assert [upsert(store, observed(version)) for version in (6, 7)] == [Outcome.BURIED] * 2
    assert upsert(store, observed(8)) is Outcome.CHANGED
    assert store.tombstones == {}
    assert [change.after is None for change in store.take()] == [True, False]


@pytest.mark.parametrize(("version", "outcome"), [(4, Outcome.OLD), (5, Outcome.CHANGED), (6, Outcome.CHANGED)])
def test_a_late_deletion_does_not_remove_a_newer_application(version: int, outcome: Outcome) -> None:
    store = published(observed(5))
    assert store.delete("argocd/a", version, now=NOW) is outcome
    assert ("argocd/a" in store.held) is (outcome is Outcome.OLD)
    assert ("argocd/a" in store.tombstones) is (outcome is Outcome.CHANGED)


def test_a_deletion_of_what_we_do_not_hold_is_remembered_at_its_newest() -> None:
    store = published()
    for version in (7, 6):
        assert store.delete("argocd/a", version, now=NOW + version) is Outcome.UNCHANGED
    assert store.tombstones == {"argocd/a": Tombstone(7, NOW + 7)}
    assert keys(store) == []


def test_a_removal_leaves_no_tombstone_for_it_may_come_back_unannounced() -> None:
    store = published(observed(5))
    store.remove("argocd/a")
    store.remove("argocd/a")
    assert keys(store) == ["argocd/a"]
    assert upsert(store, observed(5)) is Outcome.CHANGED


def test_an_exhumed_application_may_come_back_at_any_version() -> None:
    store = published(observed(5))
    store.delete("argocd/a", 7, now=NOW)
    store.exhume("argocd/a")
    assert upsert(store, observed(1)) is Outcome.CHANGED


def test_old_tombstones_expire() -> None:
    store = published()
    store.delete("argocd/a", 7, now=NOW)
    store.delete("argocd/b", 8, now=NOW + 1)
    store.expire_tombstones(before=NOW + 1)
    assert set(store.tombstones) == {"argocd/b"}


def test_after_a_restored_backup_any_version_is_newer() -> None:
    store = published(observed(5))
    store.delete("argocd/b", 9, now=NOW)
    store.forget_versions()
    assert store.newest_version == 0
    assert upsert(store, observed(1, health="Degraded")) is Outcome.CHANGED
    assert upsert(store, observed(1, key="argocd/b")) is Outcome.CHANGED


# Publishing


def test_nothing_comes_out_before_it_is_published_then_all_at_once_in_the_order_of_keys() -> None:
    store = Store()
    for key in ("argocd/b", "argocd/c", "argocd/a"):
        upsert(store, observed(1, key=key))
    upsert(store, observed(2, key="argocd/b", health="Degraded"))
    store.remove("argocd/c")
    assert store.take() == []
    store.publish()
    changes = store.take()
    assert [(change.key, change.before) for change in changes] == [("argocd/a", None), ("argocd/b", None)]
    assert changes[1].after == store.held["argocd/b"].document


def test_a_stored_state_comes_out_at_once_and_later_only_what_differs() -> None:
    stored = [observed(5), observed(6, key="argocd/b"), observed(7, key="argocd/c")]
    store = Store()
    store.restore(stored, {"argocd/d": Tombstone(9, NOW)})
    assert [change.before for change in store.take()] == [None] * 3
    upsert(store, observed(5))
    upsert(store, observed(8, key="argocd/b", health="Degraded"))
    store.remove("argocd/c")
    assert upsert(store, observed(9, key="argocd/d")) is Outcome.BURIED
    assert store.take() == []
    store.publish()
    changes = store.take()
    assert [(change.key, change.before) for change in changes] == [
        ("argocd/b", stored[1].document),
        ("argocd/c", stored[2].document),
    ]
    assert changes[1].after is None


# What only the gateway knows


@pytest.mark.parametrize("live", [True, False])
def test_since_when_the_sync_status_holds_is_our_own_observation(live: bool) -> None:
    store = published()
    upsert(store, observed(1, sync=Sync(status="Synced", revisions=("1",))), now=NOW, live=live)
    upsert(store, observed(2, sync=Sync(status="Synced", revisions=("2",))), now=NOW + 60, live=True)
    sync = store.held["argocd/a"].document.sync
    assert sync == Sync(status="Synced", revisions=("2",), since=rfc3339(NOW), at_least=not live)
    upsert(store, observed(3, sync=Sync(status="OutOfSync")), now=NOW + 90, live=True)
    assert store.held["argocd/a"].document.sync == Sync(status="OutOfSync", since=rfc3339(NOW + 90))


@pytest.mark.parametrize("sync", [None, Sync(), Sync(revisions=("1",))])
def test_without_a_sync_status_there_is_no_since(sync: Sync | None) -> None:
    store = published(observed(1, sync=sync))
    assert store.held["argocd/a"].document.sync == sync


def test_a_project_that_an_event_does_not_tell_stays() -> None:
    store = published(observed(1))
    assert upsert(store, observed(2, project=None)) is Outcome.UNCHANGED
    assert store.held["argocd/a"].document.project == "shop"
    upsert(store, observed(3, project="pay"))
    assert store.projects == ("pay",)


def test_what_is_held_is_summed_up() -> None:
    store = published(observed(3), observed(9, key="argocd/b", project="pay"), observed(4, key="x/c", project=None))
    assert (store.newest_version, store.projects) == (9, ("pay", "shop"))
    assert repr(store) == "<Store published: 3 applications, 0 tombstones>"
    assert (Store().newest_version, Store().projects) == (0, ())


# Names


def names(document: ApplicationStatus) -> tuple[str | None, str | None, str | None]:
    return document.service, document.environment, document.team


def test_whatever_comes_in_is_named_by_the_rules_with_a_project_that_was_told_before() -> None:
    store = Store(Naming(service=parse_rules("service", "name"), team=parse_rules("team", "project")))
    upsert(store, observed(1))
    upsert(store, observed(2, project=None, health="Degraded"))
    store.publish()
    (change,) = store.take()
    assert change.after is not None
    assert names(change.after) == ("a", None, "shop")
    upsert(store, observed(3, project="pay"))
    assert names(store.held["argocd/a"].document) == ("a", None, "pay")


def test_a_stored_state_is_named_by_the_rules_in_force_and_that_is_no_change() -> None:
    before = published(
        observed(5), naming=Naming(service=parse_rules("service", "name"), team=parse_rules("team", "project"))
    )
    store = Store(Naming(environment=parse_rules("environment", "project")))
    store.restore(before.held.values(), {})
    (change,) = store.take()
    assert change.after == store.held["argocd/a"].document
    assert names(store.held["argocd/a"].document) == (None, "shop", None)
    upsert(store, observed(6))
    store.publish()
    assert store.take() == []


# In any order

events = st.tuples(
    st.sampled_from(("upsert", "delete", "remove", "exhume", "forget", "publish")),
    st.sampled_from(KEYS),
    st.integers(1, 12),
    st.sampled_from(("Healthy", "Degraded")),
)


@given(st.lists(events, max_size=40))
def test_folding_the_changes_gives_what_is_held_and_each_begins_where_the_last_one_ended(
    happened: list[tuple[str, str, int, str]],
) -> None:
    store, seen = Store(), dict[str, ApplicationStatus]()
    for what, key, version, health in happened:
        match what:
            case "upsert":
                upsert(store, observed(version, key=key, health=health))
            case "delete":
                store.delete(key, version, now=NOW)
            case "remove":
                store.remove(key)
            case "exhume":
                store.exhume(key)
            case "forget":
                store.forget_versions()
            case "publish":
                store.publish()
        for change in store.take():
            assert store.published
            assert change.before != change.after
            assert change.before == seen.pop(change.key, None)
            if change.after is not None:
                seen[change.key] = change.after
        if store.published:
            assert seen == {key: held.document for key, held in store.held.items()}


@given(st.permutations([("ADDED", 1), ("MODIFIED", 2), ("MODIFIED", 3), ("DELETED", 4), ("ADDED", 5), ("MODIFIED", 6)]))
def test_whatever_order_events_come_in_the_newest_word_stands(happened: list[tuple[str, int]]) -> None:
    store = published()
    for kind, version in happened:
        if kind == "DELETED":
            store.delete("argocd/a", version, now=NOW)
        else:
            upsert(store, observed(version, health=str(version)))
    health = store.held["argocd/a"].document.health
    assert health is not None
    assert health.status == "6"
