"""Services, environments and teams are found by rules that can be read, and are never guessed."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.application import ApplicationStatus, Destination, Owner, Source
from gateway.model.naming import (
    DEFAULT_RULES,
    ENVIRONMENTS,
    NamedField,
    Naming,
    RuleError,
    Rules,
    default_naming,
    parse_rules,
)
from gateway.upstream.normalise import normalise
from gateway.upstream.raw import RawEvent
from gateway.upstream.wire import decode
from tests.fakes import recordings


def application(name: str = "web", **more: Any) -> ApplicationStatus:
    return ApplicationStatus(key=f"argocd/{name}", name=name, namespace="argocd", **more)


def names(document: ApplicationStatus) -> tuple[str | None, str | None, str | None]:
    return document.service, document.environment, document.team


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (application("store-auth-dev"), ("store-auth", "dev", None)),
        (application("store-auth-production"), ("store-auth", "production", None)),
        (application("astrago-core", labels={"team": "astrago"}), (None, None, "astrago")),
        (application("fleet-0006-gateway", labels={"service": "gateway"}), (None, None, None)),
        (application("dev"), (None, None, None)),
        (application("-dev"), (None, None, None)),
        (application("device"), (None, None, None)),
        (application("a-latest"), (None, None, None)),
        (application("auth-dev", labels={"env": "dev-eu"}), ("auth", "dev-eu", None)),
        (application("auth", labels={"env": "a", "environment": "b"}), (None, "b", None)),
        (application("auth", labels={"environment": "", "env": "a", "team": ""}), (None, "a", None)),
        (application("auth", destination=Destination(namespace="store-qa")), (None, "qa", None)),
    ],
)
def test_by_default_a_name_with_an_environment_behind_it_and_plain_labels_are_understood(
    document: ApplicationStatus, expected: tuple[str | None, ...]
) -> None:
    assert names(default_naming().name(document)) == expected


@pytest.mark.parametrize("name", ["deploy-day/stream.sse", "promotion/stream.sse"])
def test_the_defaults_fit_the_recordings(name: str) -> None:
    naming, seen = default_naming(), dict[str, ApplicationStatus]()
    for recorded in recordings.events(name):
        event = decode(orjson.dumps({"result": recorded}))
        assert isinstance(event, RawEvent)
        document = naming.name(normalise(event.application).document)
        seen[document.name] = document
    assert names(seen["store-auth-dev"]) == ("store-auth", "dev", None)
    assert names(seen["astrago-core"]) == (None, None, "astrago")
    stored = [document for document in seen.values() if document.name.startswith("store-")]
    assert len({document.service for document in stored}) == 6
    assert {document.environment for document in stored} == {"dev", "stage", "prod"}
    assert all(document.name == f"{document.service}-{document.environment}" for document in stored)


WHOLE = application(
    "prod-pay-api",
    project="payments",
    labels={"tier": "gold", "app.kubernetes.io/part-of": "checkout"},
    owner=Owner(kind="ApplicationSet", name="pay-set"),
    destination=Destination(server="https://10.0.0.1:6443", namespace="pay-prod"),
    sources=(Source(repo_url="https://git/x", path="charts/y"), Source(repo_url="https://git/x", path="apps/pay/lab")),
)


@pytest.mark.parametrize(
    ("field", "rule", "value"),
    [
        ("service", "label:app.kubernetes.io/part-of", "checkout"),
        ("service", "name:{environment}-{service}", "pay-api"),
        ("service", "name", "prod-pay-api"),
        ("service", "name:*", "prod-pay-api"),
        ("service", "appset:{service}-set", "pay"),
        ("service", "namespace:{service}-{environment}", "pay"),
        ("service", "name:prod-* => pay", "pay"),
        ("service", "name:{environment=lab|live}-{service}", None),
        ("environment", "name:{environment}-{service}", "prod"),
        ("environment", "label:tier=g* => prod", "prod"),
        ("environment", "label:tier=>prod", "prod"),
        ("environment", "label:tier=gold", "gold"),
        ("environment", "label:tier=silver", None),
        ("environment", "label:absent", None),
        ("environment", "path:apps/*/{environment=lab|live}", "lab"),
        ("environment", "path:apps/{service}/{environment}", None),
        ("environment", "cluster", "https://10.0.0.1:6443"),
        ("environment", "cluster:https://10.0.0.1:* => onprem", "onprem"),
        ("environment", "project:{environment}", None),
        ("team", "project", "payments"),
        ("team", "project:pay*", "payments"),
        ("team", "project:pay", None),
        ("team", "namespace : pay-*  =>  the payers ", "the payers"),
        ("team", "label:absent, appset => set, project", "set"),
        ("team", "none", None),
    ],
)
def test_a_rule_yields_what_it_says(field: NamedField, rule: str, value: str | None) -> None:
    assert parse_rules(field, rule).find(WHOLE) == value
    assert parse_rules(field, rule).find(application()) == ("web" if rule in ("name", "name:*") else None)


def test_an_owner_that_is_no_applicationset_and_a_cluster_by_its_name_are_seen_as_such() -> None:
    document = application(owner=Owner(kind="Application", name="root"), destination=Destination(name="eu", server="x"))
    assert parse_rules("team", "appset").find(document) is None
    assert parse_rules("team", "cluster").find(document) == "eu"


@pytest.mark.parametrize(
    ("rules", "advice"),
    [
        ("", "such as label:team, or write none"),
        (" , ,", "list rules"),
        ("team", "rule 1: begin it with what it looks at, one of label, name, appset"),
        ("label:team, none", "rule 2: begin it"),
        ("label:team, Label:x", "rule 2: begin it"),
        ("label", "rule 1: name a label by its key"),
        ("label:", "rule 1: a pattern has to follow the colon"),
        ("label:-x", "rule 1: name a label by its key"),
        ("label:!x", "rule 1: name a label by its key"),
        ("label:a b", "rule 1: name a label by its key"),
        ("label:team=", "rule 1: name a label by its key"),
        ("name:", "rule 1: a pattern has to follow the colon"),
        ("name:x =>", "rule 1: a value has to follow =>"),
        ("name:{team", "rule 1: a { or } stands alone"),
        ("name:team}", "rule 1: a { or } stands alone"),
        ("name:{{team}}", "rule 1: a { or } stands alone"),
        ("name:{}", "rule 1: its placeholders are"),
        ("name:{squad}", "rule 1: its placeholders are {service}, {environment} and {team}"),
        ("name:{team}-{team}", "rule 1: each placeholder may come once"),
        ("name:{team=}", "rule 1: a placeholder lists its words so"),
        ("name:{team=a||b}", "rule 1: a placeholder lists its words so"),
        ("name:{service}-{environment}", "rule 1: nothing in it says which part is the team"),
        ("name:*-{team}-*", "rule 1: at most 2 of its pieces"),
        ("name:" + "x" * 300, "rule 1: write at most 253"),
        ("name:\x00", "rule 1: write at most 253 printable"),
        (",".join(["project"] * 21), "21 rules are too many"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_number_and_advice(rules: str, advice: str) -> None:
    with pytest.raises(RuleError, match=re.escape(advice)):
        parse_rules("team", rules)


@pytest.mark.parametrize("field", DEFAULT_RULES)
def test_rules_are_shown_as_they_are_read(field: NamedField) -> None:
    rules = parse_rules(field, DEFAULT_RULES[field])
    assert parse_rules(field, str(rules)) == rules
    assert str(Rules()) == "none"


def test_a_value_that_no_rule_finds_any_more_goes_absent() -> None:
    named = default_naming().name(application("auth-dev", labels={"team": "a"}))
    assert names(Naming().name(named)) == (None, None, None)


word = st.sampled_from(["dev", "prod", "auth", "a", "x-y", ""])


@given(
    st.lists(
        st.builds(
            lambda labels, namespace, project: application(
                "auth-dev", labels=labels, destination=Destination(namespace=namespace), project=project
            ),
            st.dictionaries(st.sampled_from(["env", "team"]), word),
            word,
            word,
        ),
        min_size=2,
    )
)
def test_what_is_known_of_an_application_spares_work_and_changes_nothing(versions: list[ApplicationStatus]) -> None:
    naming = Naming(
        service=parse_rules("service", "project, name:{service}-{environment}"),
        environment=parse_rules("environment", DEFAULT_RULES["environment"]),
        team=parse_rules("team", "label:team, namespace"),
    )
    known = None
    for version in versions:
        assert naming.find(version, known) == naming.find(version)
        known = naming.name(version)


@given(st.text(), st.sampled_from(["name:{service}-{environment}", "name:*{service}", "name:{environment}*-{service}"]))
def test_hostile_names_are_matched_or_not_and_harm_nothing(name: str, rule: str) -> None:
    found = parse_rules("service", rule).find(application(name))
    assert found is None or (found and found in name)


def test_environments_are_told_from_words_that_end_alike() -> None:
    rules = parse_rules("environment", "name:{service}-{environment}")
    for environment in ENVIRONMENTS:
        assert rules.find(application(f"a-{environment}")) == environment
        assert rules.find(application(f"a-x{environment}x")) is None
