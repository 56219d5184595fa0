"""Lists of names prove absence only twice, apart, and when they are new enough to know."""

from __future__ import annotations

import pytest

from gateway.model.application import ApplicationStatus, Detail, Observed, Tombstone
from gateway.upstream.existence import Existence, NameList, project_of, projects_at_stake
from gateway.upstream.messages import NamesFetched
from gateway.upstream.requests import About, Asked

T = 1_795_000_000.3


def held(*keys: str, version: int = 5, project: str | None = "shop") -> dict[str, Observed]:
    return {
        key: Observed(
            version=version,
            uid="",
            document=ApplicationStatus(key=key, name=key, namespace="argocd", project=project),
            detail=Detail(),
        )
        for key in keys
    }


def listed(
    *keys: str, at: float = T, version: int = 10, held_version: int = 5, projects: tuple[str, ...] = ()
) -> NameList:
    asked = Asked(about=About.NAMES, at=at, held_version=held_version, projects=projects)
    return NameList.answered(NamesFetched(request=1, names=dict.fromkeys(keys), version=version), asked, at + 0.5)


def test_two_lists_prove_absence_if_the_second_was_asked_for_ten_seconds_after_the_first_was_answered() -> None:
    for apart, gone in ((10.4, []), (10.5, ["b"]), (100, ["b"])):
        existence = Existence(confirm_after=10)
        assert existence.judge(listed("a"), held("a", "b")) == (["b"], [])
        assert existence.judge(listed("a", at=T + apart), held("a", "b")) == ([], gone)
        assert existence.in_doubt == {"b"}


@pytest.mark.parametrize(
    ("second", "doubted"),
    [
        (listed("a", "b", at=T + 20), False),
        (listed("a", at=T + 20, version=4), True),
        (listed("a", at=T + 20, projects=("pay",)), True),
    ],
    ids=["the name is back", "older than what we held", "of another project"],
)
def test_a_second_list_may_not_prove_it(second: NameList, doubted: bool) -> None:
    existence = Existence(confirm_after=10)
    existence.judge(listed("a"), held("a", "b"))
    assert existence.judge(second, held("a", "b")) == ([], [])
    assert bool(existence.in_doubt) is doubted


def test_a_list_says_nothing_of_what_is_newer_than_itself() -> None:
    existence = Existence(confirm_after=10)
    assert existence.judge(listed(version=10), {**held("a", version=10), **held("b", version=11)}) == (["a"], [])


def test_a_sign_of_life_voids_the_evidence() -> None:
    existence = Existence(confirm_after=10)
    existence.judge(listed(), held("a", "b"))
    existence.seen("a")
    assert existence.judge(listed(at=T + 20), held("a", "b")) == (["a"], ["b"])
    existence.forget()
    assert existence.judge(listed(at=T + 40), held("a", "b")) == (["a", "b"], [])


def test_what_is_not_held_any_more_is_in_no_doubt() -> None:
    existence = Existence(confirm_after=10)
    existence.judge(listed(), held("a", "b"))
    existence.judge(listed(at=T + 1), held("a"))
    assert existence.in_doubt == {"a"}


def test_two_lists_contradict_a_tombstone_if_nothing_speaks_for_it_between() -> None:
    stones = {key: Tombstone(5, T) for key in ("a", "b", "c")}
    existence = Existence(confirm_after=10)
    assert existence.contradicted(listed("a", "b"), stones) == []
    assert existence.contradicted(listed("a", at=T + 5), stones) == []
    assert existence.contradicted(listed("a", "b", at=T + 11, version=4), stones) == []
    assert existence.contradicted(listed("a", "b", "x", at=T + 11), stones) == ["a"]


@pytest.mark.parametrize(
    ("gone", "asked"),
    [
        ((), ()),
        (("a",), ()),
        (("p",), ("pay",)),
        (("a", "b"), ()),
        (("a", "b", "c"), ("shop",)),
        (("a", "p"), ("pay",)),
        (("a", "b", "p"), ("pay", "shop")),
        (("n",), ("*",)),
        (("not-held",), ()),
    ],
)
def test_permission_is_asked_for_before_a_project_or_half_of_everything_goes(
    gone: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    fleet = {**held("a", "b", "c", "d"), **held("p", project="pay"), **held("n", project=None)}
    if gone == ("a", "b", "c"):
        fleet.pop("n")
    assert projects_at_stake(gone, fleet) == asked


def test_an_unknown_project_is_asked_for_as_any() -> None:
    assert project_of(held("a", project=None)["a"]) == "*"
