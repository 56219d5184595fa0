"""Cuts the demo's recording out of those that the tests keep, all of the same Argo CD: the watch.

`python -m tests.demo.cut` writes it, and what `cut_resources` and `cut_deliveries` add.

One day on one clock: the deploy day from where all is well, the two canaries beside it (they were recorded twenty
minutes later), then the promotion, whose burst says how far things had come by then. What nobody reads is left out.
"""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from gateway.demo.recording import find_gist, list_times, move_times
from tests.fakes import recordings
from tests.fakes.applications import key_of

FOLDER = Path(__file__).parent.parent.parent / "gateway" / "demo" / "recordings"

BEGINNING = 376.0
"""Seconds into the deploy day at which all its applications are healthy, and the first release is about to come."""

CANARIES_AT = 395.0
"""Seconds into the deploy day at which the canaries begin here."""

BURST_SPACING = 0.1
"""Seconds between the applications of the promotion's burst, so that they don't all change at once."""

Move = Callable[[float], float]

Event = tuple[float, str, dict[str, Any]]
"""When by the recording's clock (Unix seconds), its type, and the application."""


def cut() -> bytes:
    """Return the demo's recording, uncompressed: one event a line, the state at the beginning first."""
    day, canaries, promotion = read("deploy-day/stream.sse"), read("canary/app.sse"), read("promotion/stream.sse")
    beginning, move = find_beginning(), find_move()
    pay = key_of(canaries[0][2])
    canaries = [(move(at), kind, moved(application, move)) for at, kind, application in canaries]
    promotion = [
        (at, kind, moved(application, move) if key_of(application) == pay else application)
        for at, kind, application in promotion
    ]
    fleet: dict[str, dict[str, Any]] = {}
    for _, _, application in [*(event for event in day if event[0] <= beginning), canaries[0]]:
        fleet[key_of(application)] = application
    story = sorted([*(event for event in day if event[0] > beginning), *canaries[1:]], key=lambda event: event[0])
    held = dict(fleet)
    lines = [line(beginning, "ADDED", fleet[key]) for key in sorted(fleet)]
    for at, kind, application in [*story, *spread(promotion)]:
        key = key_of(application)
        if kind == "ADDED" and key in held:
            if gist_of(held[key]) == gist_of(application):
                continue
            kind = "MODIFIED"
        if kind == "DELETED":
            del held[key]
        else:
            held[key] = application
        lines.append(line(at, kind, application))
    return b"".join(lines)


def find_beginning() -> float:
    """Return when the demo's day begins, by its clock."""
    return start_of(read("deploy-day/stream.sse")) + BEGINNING


def find_move() -> Move:
    """Return what puts a time of the canaries on the day's clock, and leaves alone one that is of the promotion."""
    shift = start_of(read("deploy-day/stream.sse")) + CANARIES_AT - start_of(read("canary/app.sse"))
    promoted_at = start_of(read("promotion/stream.sse"))
    return lambda at: at + shift if at < promoted_at else at


def read(name: str) -> list[Event]:
    """Return a recording's events with their times, which are at least as late as any time within them."""
    timed = read_timed(name)
    start = find_start(name)
    return [(start + at, event["type"], event["application"]) for at, event in timed]


def read_timed(name: str) -> list[tuple[float, dict[str, Any]]]:
    """Return what a stream brought, and how many seconds after its request."""
    return [
        (at, result)
        for at, text in zip(recordings.times(name), recordings.lines(name), strict=True)
        if (result := recordings.event_in(text)) is not None
    ]


def find_start(name: str) -> float:
    """Return when a watch was asked for: no time within an event is later than the event."""
    return max(max(list_times(orjson.dumps(event))) - at for at, event in read_timed(name))


def start_of(events: list[Event]) -> float:
    return events[0][0]


def spread(events: list[Event]) -> list[Event]:
    """Return a watch's events with its burst, which comes at once, spread over some seconds before it."""
    burst = [event for event in events if event[1] == "ADDED"]
    first = events[0][0] - BURST_SPACING * len(burst)
    return [
        *((first + BURST_SPACING * number, kind, item) for number, (_, kind, item) in enumerate(burst)),
        *(event for event in events if event[1] != "ADDED"),
    ]


def moved(application: dict[str, Any], move: Move) -> dict[str, Any]:
    result: dict[str, Any] = orjson.loads(move_times(orjson.dumps(application), move))
    return result


def gist_of(application: dict[str, Any]) -> dict[str, Any]:
    return find_gist(orjson.dumps(slim(application)))


def slim(application: dict[str, Any]) -> dict[str, Any]:
    """Return an application without what says who wrote which field, and without its copy in an annotation."""
    left_out = ("managedFields", "annotations")
    metadata = {name: value for name, value in application["metadata"].items() if name not in left_out}
    annotations = {
        name: value
        for name, value in application["metadata"].get("annotations", {}).items()
        if name != "kubectl.kubernetes.io/last-applied-configuration"
    }
    return {**application, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


def line(at: float, kind: str, application: dict[str, Any]) -> bytes:
    return orjson.dumps({"at": round(at, 3), "type": kind, "application": slim(application)}) + b"\n"


def write() -> None:
    """Write the recording into the package."""
    # Not at the top: what is cut there is joined to what is cut here.
    from gateway.demo.recording import parse
    from tests.demo.cut_deliveries import cut_deliveries
    from tests.demo.cut_resources import cut_commits, cut_resources

    (FOLDER / "day.ndjson.gz").write_bytes(gzip.compress(cut(), 9, mtime=0))
    (FOLDER / "resources.ndjson.gz").write_bytes(gzip.compress(cut_resources(), 9, mtime=0))
    (FOLDER / "commits.ndjson").write_bytes(cut_commits())
    recording = parse(cut().splitlines(), commits=cut_commits().splitlines())
    (FOLDER / "deliveries.ndjson.gz").write_bytes(gzip.compress(cut_deliveries(recording), 9, mtime=0))


if __name__ == "__main__":
    write()
