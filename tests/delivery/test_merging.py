"""Tellings of one fact make the same together, in any order and however often."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.correlation.facts import identify, merge
from gateway.delivery.events import Commit, DeliveryEvent, Deployed, ImagePushed, Incident, Run, RunState, Scanned

TIMES = st.none() | st.floats(1.0, 5.0)
TEXTS = st.none() | st.sampled_from(["a", "b", "long"])
LISTS = st.sampled_from([(), ("a",), ("a", "b"), ("b",)])

RUNS = st.builds(
    Run,
    sender=st.just("ci"),
    id=st.just("7"),
    name=st.sampled_from(["Build", "build"]),
    state=st.sampled_from(RunState),
    kind=st.sampled_from(["run", "build"]),
    sha=TEXTS,
    queued_at=TIMES,
    started_at=TIMES,
    finished_at=TIMES,
    updated_at=TIMES,
    reason=TEXTS,
    artifacts=LISTS,
)
COMMITS = st.builds(
    Commit,
    repository=st.just("git.example.org/a"),
    sha=st.just("f" * 40),
    ref=TEXTS,
    message=TEXTS,
    committed_at=TIMES,
    pushed_at=TIMES,
    parent=TEXTS,
    files=LISTS,
)
IMAGES = st.builds(
    ImagePushed, image=st.just("nginx"), tag=st.just("1"), sha=TEXTS, repository=TEXTS, pushed_at=TIMES, platforms=LISTS
)
SCANS = st.builds(
    Scanned,
    tool=st.just("trivy"),
    counts=st.dictionaries(st.sampled_from(["HIGH", "LOW"]), st.integers(0, 3)),
    image=st.just("nginx"),
    tag=st.just("1"),
    findings=LISTS,
)


@given(st.one_of(*(st.lists(kind, min_size=1, max_size=4) for kind in (RUNS, COMMITS, IMAGES, SCANS))))
def test_order_and_repetition_make_no_difference(tellings: list[Any]) -> None:
    together = reduce(merge, tellings)
    assert merge(together, together) == together
    for order in permutations(tellings):
        assert reduce(merge, [*order, order[0]]) == together


def test_of_two_states_the_later_holds_and_an_end_is_final() -> None:
    def run(state: RunState, updated_at: float | None) -> Run:
        return Run(sender="ci", id="7", name="Build", state=state, updated_at=updated_at)

    running, done = run(RunState.RUNNING, 9.0), run(RunState.SUCCEEDED, 5.0)
    assert merge(running, done).state is RunState.SUCCEEDED
    assert merge(run(RunState.WAITING, 3.0), run(RunState.RUNNING, 2.0)).state is RunState.WAITING
    assert merge(running, done).updated_at == 9.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Run(sender="ci", id="7", name="a", state=RunState.QUEUED),
            Run(sender="ci", id="7", name="a", state=RunState.QUEUED, attempt=2),
        ),
        (
            ImagePushed(image="a", tag="latest", digest="sha256:1"),
            ImagePushed(image="a", tag="latest", digest="sha256:2"),
        ),
        (
            Scanned(tool="t", counts={}, image="a", scanned_at=1.0),
            Scanned(tool="t", counts={}, image="a", scanned_at=2.0),
        ),
        (Incident(sender="a", id="1", state="detected"), Incident(sender="a", id="1", state="resolved")),
        (
            Deployed(sender="a", id="1", state=RunState.RUNNING),
            Deployed(sender="a", id="1", state=RunState.SUCCEEDED),
        ),
    ],
)
def test_what_differs_is_another_fact(one: DeliveryEvent, other: DeliveryEvent) -> None:
    assert identify(one) != identify(other)


def test_an_image_is_the_same_however_it_is_written() -> None:
    assert identify(ImagePushed(image="nginx", tag="1")) == identify(
        ImagePushed(image="docker.io/library/nginx", tag="1")
    )
