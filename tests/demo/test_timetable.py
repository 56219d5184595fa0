"""What the timetable promises of every loop: order, versions, times of today, honest lives."""

import itertools
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson
import pytest

from gateway.demo.happening import ApplicationHappening, CommitHappening, Happening
from gateway.demo.recording import Application, Recording, find_gist, list_times, move_times
from gateway.demo.timetable import LONGEST_QUIET, Timetable

NOW = 1_800_000_000.25
LOOPS = 3
AN_HOUR = 3_600.0


def all_happenings_of(timetable: Timetable) -> Iterator[Happening]:
    """Go through some loops; each part begins when the one before has ended."""
    now = NOW
    for happening in timetable.open(NOW):
        yield happening
    for part in [timetable.tell, timetable.bring_back] * LOOPS:
        for happening in part(now):
            now = happening.at
            yield happening


def happenings_of(timetable: Timetable) -> Iterator[ApplicationHappening]:
    return watched(all_happenings_of(timetable))


def watched(happenings: Iterable[Happening]) -> Iterator[ApplicationHappening]:
    """Return those happenings that a watch is told of."""
    return (happening for happening in happenings if isinstance(happening, ApplicationHappening))


@pytest.fixture(scope="module", params=[1.0, 7.5])
def timetable(request: pytest.FixtureRequest, recorded: Recording) -> Timetable:
    return Timetable(recorded, speed=request.param)


@pytest.fixture(scope="module")
def happenings(timetable: Timetable) -> list[ApplicationHappening]:
    return list(happenings_of(timetable))


def version_of(happening: ApplicationHappening) -> int:
    return int(happening.application["metadata"]["resourceVersion"])


def times_in(happening: ApplicationHappening) -> list[float]:
    return list_times(orjson.dumps(happening.application))


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def as_recorded(application: Application | bytes) -> Application:
    """Return what an application says, but for when, for the marks of this one life, and for the names of commits."""
    text = application if isinstance(application, bytes) else orjson.dumps(application)
    return find_gist(move_times(re.sub(rb"\b[0-9a-f]{40}\b", b"", text), lambda _: 0.0))


def test_events_are_in_order_and_versions_rise_over_all_loops(happenings: list[ApplicationHappening]) -> None:
    for before, after in itertools.pairwise(happenings):
        assert before.at <= after.at
        assert version_of(before) < version_of(after)


def test_a_demo_that_is_started_again_goes_on_above_the_versions_of_the_one_before(
    happenings: list[ApplicationHappening], recorded: Recording
) -> None:
    again = list(watched(Timetable(recorded).open(happenings[-1].at)))
    assert version_of(again[0]) > version_of(happenings[-1])


def test_something_happens_within_seconds_and_goes_on_happening(timetable: Timetable) -> None:
    last = NOW
    said: dict[str, Application] = {}
    for happening in [*timetable.open(NOW), *timetable.tell(NOW)]:
        if isinstance(happening, CommitHappening):
            last = happening.at
        if not isinstance(happening, ApplicationHappening):
            continue
        gist = find_gist(orjson.dumps(happening.application))
        if said.get(happening.key) != gist or happening.type == "DELETED":
            assert happening.at - last <= LONGEST_QUIET / timetable.speed + 0.001
            last = happening.at
        said[happening.key] = gist
    assert 60 < timetable.length * timetable.speed < 600


def test_all_times_are_of_today_and_none_is_later_than_its_event(happenings: list[ApplicationHappening]) -> None:
    for happening in happenings:
        times = times_in(happening)
        assert max(times) <= happening.at
        assert min(times) > NOW - AN_HOUR


def test_an_operation_begins_when_it_says_so(happenings: list[ApplicationHappening]) -> None:
    begun = 0
    phases: dict[str, str] = {}
    for happening in happenings:
        state = happening.application["status"].get("operationState", {})
        before, phases[happening.key] = phases.get(happening.key), state.get("phase", "")
        if state.get("phase") == "Running" and before == "":
            begun += 1
            assert happening.at - seconds_of(state["startedAt"]) < 5.0
    assert begun > 10 * LOOPS


def test_a_life_has_one_time_of_creation(happenings: list[ApplicationHappening]) -> None:
    lives = {
        (item.application["metadata"]["uid"], item.application["metadata"]["creationTimestamp"]) for item in happenings
    }
    assert len(lives) == len({uid for uid, _ in lives})


def test_operations_never_go_back_in_time(happenings: list[ApplicationHappening]) -> None:
    newest: dict[str, float] = {}
    for happening in happenings:
        uid = happening.application["metadata"]["uid"]
        started = happening.application["status"].get("operationState", {}).get("startedAt")
        if started is not None:
            at = seconds_of(started)
            assert at >= newest.get(uid, 0.0), (happening.key, happening.at)
            newest[uid] = at


def test_events_are_honest(happenings: list[ApplicationHappening]) -> None:
    """Only what isn't there is ADDED, only what is there MODIFIED or DELETED, and a new life has another uid.

    What is brought back is another, whose creation alone was told: then it was created at that moment.
    """
    uids: dict[str, str] = {}
    past: set[str] = set()
    replaced: list[str] = []
    for happening in happenings:
        uid = happening.application["metadata"]["uid"]
        if happening.type == "ADDED":
            assert happening.key not in uids
            assert uid not in past
            uids[happening.key] = uid
        elif uids[happening.key] != uid:
            assert happening.type == "MODIFIED"
            assert uid not in past
            assert seconds_of(happening.application["metadata"]["creationTimestamp"]) == int(happening.at)
            replaced.append(uids[happening.key])
            past.add(uids[happening.key])
            uids[happening.key] = uid
        if happening.type == "DELETED":
            past.add(uids.pop(happening.key))
    assert len(past) - len(replaced) == 2 * LOOPS
    assert replaced


def test_every_application_that_is_deleted_comes_back(happenings: list[ApplicationHappening]) -> None:
    for number, happening in enumerate(happenings):
        if happening.type == "DELETED" and number < len(happenings) * (LOOPS - 1) / LOOPS:
            later = happenings[number + 1 :]
            assert any(each.key == happening.key and each.type == "ADDED" for each in later), happening.key


def test_after_each_loop_everything_is_as_it_was_at_first(recorded: Recording) -> None:
    timetable = Timetable(recorded)
    held = {happening.key: happening.application for happening in watched(timetable.open(NOW))}
    first = {moment.key: as_recorded(moment.application) for moment in recorded.fleet}
    now, stories = NOW, []
    for _ in range(LOOPS):
        story = []
        for part in (timetable.tell, timetable.bring_back):
            for happening in watched(part(now)):
                now = happening.at
                story.append((happening.type, happening.key))
                held[happening.key] = happening.application
                if happening.type == "DELETED":
                    del held[happening.key]
        stories.append(story)
        assert {key: as_recorded(application) for key, application in held.items()} == first
    assert stories[1] == stories[2]


def test_a_story_that_ends_with_an_application_less_brings_it_back(recorded: Recording) -> None:
    deleted = next(number for number, moment in enumerate(recorded.story) if moment.type == "DELETED")
    timetable = Timetable(Recording(fleet=recorded.fleet, story=recorded.story[: deleted + 1]))
    timetable.open(NOW)
    *_, end = watched(timetable.tell(NOW))
    assert end.type == "DELETED"
    back = next(happening for happening in watched(timetable.bring_back(end.at)) if happening.key == end.key)
    assert back.type == "ADDED"
    assert back.application["metadata"]["uid"] != end.application["metadata"]["uid"]
    assert seconds_of(back.application["metadata"]["creationTimestamp"]) == int(back.at)


def test_what_is_brought_back_is_another_application_so_that_nothing_was_rolled_back(recorded: Recording) -> None:
    timetable = Timetable(recorded)
    before = {happening.key: happening for happening in watched([*timetable.open(NOW), *timetable.tell(NOW)])}
    for happening in watched(timetable.bring_back(NOW + timetable.length)):
        metadata, last = happening.application["metadata"], before[happening.key].application["metadata"]
        assert happening.type == "DELETED" or metadata["uid"] != last["uid"]


def test_a_later_telling_names_commits_and_the_tags_made_of_them_anew(recorded: Recording) -> None:
    timetable = Timetable(recorded)
    timetable.open(NOW)
    told = []
    for _ in range(LOOPS):
        told.append(b"".join(orjson.dumps(each.application) for each in watched(timetable.tell(NOW))))
        list(timetable.bring_back(NOW + timetable.length))
    tags = [set(re.findall(rb"astrago-core:core-stage-([0-9a-f]{8})", text)) for text in told]
    assert tags[0] == {b"9f1c2d3e", b"77aa88bb"}
    assert [len(each) for each in tags] == [2] * LOOPS
    assert len(set.union(*tags)) == 2 * LOOPS
    assert all(b"stage-c7529cf0" in text for text in told), "what was there before the story keeps its name"
