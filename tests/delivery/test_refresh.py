"""Argo CD is asked to look at what a push may have changed, at nothing else, and not too often."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.events import Commit
from gateway.delivery.refresh import APART, FRESH, Refreshes, find_tracking
from gateway.model.application import ApplicationStatus, Source

DEPLOY = "git.example.org/team/deploy"
NOW = 1_800_000_000.0


def tracking(path: str | None = "apps/shop", revision: str | None = "HEAD", **more: Any) -> ApplicationStatus:
    url = more.pop("url", "git@git.example.org:team/Deploy.git")
    source = Source(repo_url=url, path=path, target_revision=revision, **more)
    return ApplicationStatus(key="argocd/shop", name="shop", namespace="argocd", sources=(source,))


def push(*files: str, ref: str | None = "main", repository: str = DEPLOY, at: float | None = NOW) -> Commit:
    return Commit(repository=repository, sha="a" * 40, ref=ref, files=files, pushed_at=at)


def tracks(document: ApplicationStatus, commit: Commit) -> bool:
    return find_tracking(commit, {document.key: document}) == [document.key]


@pytest.mark.parametrize(
    ("revision", "ref", "tracked"),
    [
        ("HEAD", "main", True),
        (None, "master", True),
        ("HEAD", "feature", False),
        ("stage", "stage", True),
        ("refs/heads/stage", "stage", True),
        ("stage", "main", False),
        ("a" * 40, "main", False),
        ("stage", None, True),
    ],
)
def test_only_the_branch_that_is_tracked_matters(revision: str | None, ref: str | None, tracked: bool) -> None:
    assert tracks(tracking(revision=revision), push(ref=ref)) is tracked


def test_another_repository_and_a_chart_are_not_tracked() -> None:
    assert not tracks(tracking(), push(repository="git.example.org/team/other"))
    assert not tracks(tracking(chart="shop"), push())


@pytest.mark.parametrize(
    ("path", "files", "touched"),
    [
        ("apps/shop", (), True),
        ("apps/shop", ("apps/shop/values.yaml",), True),
        ("apps/shop/", ("apps/shop-2/values.yaml",), True),
        ("apps/shop", ("apps/mail/values.yaml",), False),
        ("apps/shop", ("base/deployment.yaml",), True),
        ("apps/shop", ("apps/mail/values.yaml", "README.md"), True),
        (".", ("anything.yaml",), True),
        (None, ("apps/mail/values.yaml",), True),
    ],
)
def test_files_below_another_applications_path_alone_do_not_matter(
    path: str | None, files: tuple[str, ...], touched: bool
) -> None:
    mail = tracking(path="apps/mail")
    assert ("shop" in find_tracking(push(*files), {"shop": tracking(path=path), "mail": mail})) is touched


def test_an_application_is_refreshed_once_in_a_while_and_again_at_its_end() -> None:
    refreshes, documents = Refreshes(), {"shop": tracking()}
    refreshes.push([push(), push()], documents, now=NOW)
    assert refreshes.take(NOW, limit=9) == ["shop"]
    refreshes.push([push(at=NOW + 1)], documents, now=NOW + 1)
    assert refreshes.take(NOW + 1, limit=9) == []
    assert refreshes.deadline() == NOW + APART
    assert refreshes.take(NOW + APART, limit=9) == ["shop"]
    assert refreshes.deadline() is None
    assert refreshes.asked_at("shop") == NOW + APART


def test_a_push_of_long_ago_refreshes_nothing() -> None:
    assert Refreshes().push([push(at=NOW - FRESH - 1)], {"shop": tracking()}, now=NOW) == []


def test_what_has_no_room_waits_and_is_not_lost() -> None:
    refreshes, documents = Refreshes(), {str(number): tracking() for number in range(5)}
    refreshes.push([push()], documents, now=NOW)
    taken = [refreshes.take(NOW, limit=2) for _ in range(4)]
    assert sorted(key for some in taken for key in some) == sorted(documents)
    assert [len(some) for some in taken] == [2, 2, 1, 0]
    assert refreshes.take(NOW, limit=0) == []


@given(st.lists(st.tuples(st.floats(0, 60), st.sampled_from(["a", "b"]))))
def test_every_push_is_followed_by_a_refresh_and_two_are_never_closer(pushes: list[tuple[float, str]]) -> None:
    refreshes = Refreshes()
    last: dict[str, float] = {}
    asked: list[tuple[str, float]] = []
    now = NOW
    for after, key in pushes:
        now += after
        while (at := refreshes.deadline()) is not None and at <= now:
            asked += [(name, at) for name in refreshes.take(at, limit=9)]
        refreshes.push([push(at=now)], {key: tracking()}, now=now)
        last[key] = now
    while (at := refreshes.deadline()) is not None:
        asked += [(name, at) for name in refreshes.take(at, limit=9)]
    for key, at in last.items():
        moments = [moment for name, moment in asked if name == key]
        assert at <= moments[-1] <= at + APART
        assert all(later - earlier >= APART for earlier, later in pairwise(moments))
