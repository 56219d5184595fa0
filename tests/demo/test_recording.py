"""The recording in the package is the one that is cut out of the tests' recordings."""

import gzip
from importlib import resources

from gateway.demo.recording import Recording, list_times
from tests.demo.cut import cut
from tests.demo.cut_resources import cut_commits, cut_resources

LARGEST = 200_000
"""Bytes that the recording may add to the package."""


def test_the_package_has_the_recording_as_it_is_cut() -> None:
    folder = resources.files("gateway.demo") / "recordings"
    packed = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert gzip.decompress(packed["day.ndjson.gz"]) == cut()
    assert gzip.decompress(packed["resources.ndjson.gz"]) == cut_resources()
    assert packed["commits.ndjson"] == cut_commits()
    assert sum(map(len, packed.values())) < LARGEST


def test_it_begins_with_a_healthy_fleet_and_is_in_order(recorded: Recording) -> None:
    assert len(recorded.fleet) == 29
    assert all(
        moment.type == "ADDED" and b'"health":{"status":"Healthy"' in moment.application for moment in recorded.fleet
    )
    times = [moment.at for moment in recorded.story]
    assert times == sorted(times)
    assert times[0] > recorded.beginning


def test_no_time_within_an_event_of_the_story_is_later_than_the_event(recorded: Recording) -> None:
    # Seconds were cut off where the times were moved, milliseconds where they were written.
    assert all(max(list_times(moment.application)) <= moment.at + 0.001 for moment in recorded.story)


def test_it_tells_of_every_state_that_a_page_has_to_show(recorded: Recording) -> None:
    told = b"".join(moment.application for moment in recorded.story)
    for word in (b"Progressing", b"Suspended", b"Degraded", b"Missing", b"Healthy"):
        assert b'"health":{"status":"%s"' % word in told, word
    for word in (b"Synced", b"OutOfSync", b"Unknown"):
        assert b'"sync":{"status":"%s"' % word in told, word
    assert {moment.type for moment in recorded.story} == {"ADDED", "MODIFIED", "DELETED"}
