"""What isn't well is said in a sentence, with what is usually done."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detail.explanation import explain
from gateway.model.application import (
    ApplicationStatus,
    AutoSync,
    Condition,
    Deployment,
    Detail,
    Health,
    InitiatedBy,
    Observed,
    Operation,
    Sync,
)
from gateway.upstream.parts import Applied, Inventory, PartHealth, Resource

OLD, NEW = "a" * 40, "b" * 40
SINCE, EARLIER, LATER = "2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T11:00:00Z"
AUTO = AutoSync(prune=True, self_heal=True)


def observe(*, history: tuple[Deployment, ...] = (), **fields: Any) -> Observed:
    document = ApplicationStatus(key="argocd/web", name="web", namespace="argocd", **fields)
    return Observed(version=1, uid="u", document=document, detail=Detail(history=history))


def differing(*names: str, **fields: Any) -> Inventory:
    return Inventory(
        tuple(Resource("apps", "v1", "Deployment", "store", name, "OutOfSync", **fields) for name in names)
    )


def only(observed: Observed, inventory: Inventory | None = None, *, progressing_long: bool = False) -> dict[str, Any]:
    (explanation,) = explain(observed, inventory, progressing_long=progressing_long)
    return explanation


OUT = Sync(status="OutOfSync", revisions=(NEW,), since=SINCE)


def test_what_differs_is_named_with_the_line_that_shows_how() -> None:
    told = only(observe(sync=OUT), differing("auth", "web", "api", "job"))
    assert told == {
        "code": "out-of-sync",
        "text": "4 resources differ from what revision bbbbbbbb says: "
        "Deployment store/auth, Deployment store/web, Deployment store/api and 1 more.",
        "since": SINCE,
        "advice": "Automatic sync is off: look at the difference, then sync by hand.",
        "command": "argocd app diff argocd/web",
        "subjects": [f"Deployment store/{name}" for name in ("auth", "web", "api", "job")],
    }


def test_a_difference_may_be_older_than_the_gateway_knows() -> None:
    sync = Sync(status="OutOfSync", revisions=(NEW,), since=SINCE, at_least=True)
    assert only(observe(sync=sync), differing("auth"))["atLeast"] is True


@pytest.mark.parametrize(
    ("fields", "resource", "advice"),
    [
        ({}, {}, "Automatic sync is off"),
        ({"auto_sync": AUTO}, {}, "Automatic sync is on and should begin"),
        ({"auto_sync": AUTO, "operation": Operation(phase="Running")}, {}, "A sync is under way"),
        (
            {"auto_sync": AutoSync(prune=False, self_heal=True)},
            {"requires_pruning": True},
            "The sources no longer have these",
        ),
        (
            {
                "auto_sync": AutoSync(prune=True, self_heal=False),
                "operation": Operation(phase="Succeeded", revisions=(NEW,)),
            },
            {},
            "This revision was synced, so the cluster was changed since, and self-heal is off",
        ),
        (
            {"auto_sync": AUTO, "operation": Operation(phase="Succeeded", revisions=(NEW,))},
            {},
            "This revision was synced and self-heal is on",
        ),
    ],
)
def test_the_advice_follows_from_how_the_application_is_synced(
    fields: dict[str, Any], resource: dict[str, Any], advice: str
) -> None:
    assert only(observe(sync=OUT, **fields), differing("auth", **resource))["advice"].startswith(advice)


def test_a_red_application_says_which_resource_and_what_was_deployed_before_by_whom() -> None:
    told = only(
        observe(
            health=Health(status="Degraded", since=SINCE),
            operation=Operation(phase="Succeeded", started_at=LATER, revisions=(NEW,)),
            history=(
                Deployment(id=1, revisions=(OLD,), started_at=EARLIER, initiated_by=InitiatedBy(username="kim")),
                Deployment(id=2, revisions=(NEW,), started_at=LATER),
            ),
        ),
        Inventory(
            (Resource("apps", "v1", "Deployment", "store", "auth", "Synced", PartHealth("Degraded", "no\nway")),)
        ),
    )
    assert told["text"] == (
        "Deployment store/auth is degraded: no. Deployed last before that: revision aaaaaaaa, by kim, at "
        + EARLIER
        + "."
    )
    assert told["deployment"] == {"revisions": [OLD], "startedAt": EARLIER, "initiatedBy": {"username": "kim"}}
    assert (told["code"], told["since"], told["subjects"]) == ("degraded", SINCE, ["Deployment store/auth"])


def test_progressing_is_worth_a_word_only_after_long() -> None:
    observed = observe(health=Health(status="Progressing", since=SINCE))
    assert explain(observed, None, progressing_long=False) == []
    assert only(observed, progressing_long=True)["code"] == "progressing"


def test_a_failed_sync_says_of_what() -> None:
    failed = Applied("", "v1", "Service", "store", "auth", "SyncFailed", "field is immutable\nmore")
    operation = Operation(phase="Failed", finished_at=SINCE, message="one or more objects failed to apply")
    told = only(observe(operation=operation), Inventory((), (failed, Applied(kind="Job", name="x", status="Synced"))))
    assert told["text"] == "The last sync failed: Service store/auth: field is immutable."
    assert only(observe(operation=operation))["text"] == "The last sync failed: one or more objects failed to apply."
    waiting = Operation(phase="Running", finished_at=SINCE)
    assert only(observe(operation=waiting))["text"] == "An attempt to sync failed, and another is due."
    assert explain(observe(operation=Operation(phase="Running")), None, progressing_long=False) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ComparisonError", "comparison-error"),
        ("SyncError", "sync-error"),
        ("OrphanedResourceWarning", "orphaned-resource-warning"),
        ("BrandNewThing", "brand-new-thing"),
    ],
)
def test_every_condition_is_told_by_its_first_line(kind: str, code: str) -> None:
    told = only(observe(conditions=(Condition(type=kind, message="it is so\nat line 3", since=SINCE),)))
    assert (told["code"], told["since"]) == (code, SINCE)
    assert told["text"].endswith(": it is so.")


def test_a_healthy_application_needs_no_words() -> None:
    observed = observe(
        health=Health(status="Healthy"), sync=Sync(status="Synced"), operation=Operation(phase="Succeeded")
    )
    assert explain(observed, differing(), progressing_long=False) == []


TEXTS = st.text(max_size=30)
STATUSES = st.sampled_from(["Degraded", "Missing", "Unknown", "Suspended", "Progressing", "Healthy", "Odd"])


@given(
    st.builds(Health, status=STATUSES, message=st.none() | TEXTS, since=st.none() | st.just(SINCE)),
    st.builds(Sync, status=st.sampled_from(["OutOfSync", "Synced", None]), revisions=st.tuples(TEXTS) | st.just(())),
    st.none() | st.builds(Operation, phase=TEXTS | st.just("Failed"), message=st.none() | TEXTS),
    st.lists(st.builds(Condition, type=TEXTS, message=st.none() | TEXTS), max_size=3).map(tuple),
    st.lists(
        st.builds(
            Resource,
            kind=TEXTS,
            name=TEXTS,
            namespace=TEXTS,
            status=st.just("OutOfSync"),
            health=st.none() | st.builds(PartHealth, status=STATUSES, message=TEXTS),
        ),
        max_size=4,
    ).map(tuple),
)
def test_whatever_argo_cd_says_something_can_be_said_of_it(
    health: Health, sync: Sync, operation: Operation | None, conditions: tuple[Condition, ...], resources: Any
) -> None:
    observed = observe(health=health, sync=sync, operation=operation, conditions=conditions)
    for told in explain(observed, Inventory(resources), progressing_long=True):
        assert told["text"]
        assert None not in told.values()
        orjson.dumps(told)
