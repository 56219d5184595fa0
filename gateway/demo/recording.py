"""The recording that the demo plays: read from the package, one moment for each event of a real Argo CD.

``recordings/day.ndjson.gz`` holds one event a line: when it came by the clock of that day (``at``, Unix seconds), its
``type``, and the ``application`` as it was; the first lines, all of one instant, are the state at the beginning. The
lines are in order, and no time within an event is later than the event. Never belongs here: the time of today.
"""

import gzip
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Literal, TypeAlias

import orjson

Application: TypeAlias = dict[str, Any]
"""An Application as Argo CD writes it."""

EventType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One recorded event. ``at`` is in Unix seconds of that day, ``application`` the JSON of an Application.

    A moment is ``notable`` when it changes more than the mark that Argo CD has looked again.
    """

    at: float
    type: EventType
    key: str
    application: bytes
    notable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was there at first, and what happened then."""

    fleet: tuple[Moment, ...]
    story: tuple[Moment, ...]

    @property
    def beginning(self) -> float:
        """When it begins, in Unix seconds of that day."""
        return self.fleet[0].at


def load() -> Recording:
    """Read the recording that the package brings with it."""
    file = resources.files("gateway.demo") / "recordings" / "day.ndjson.gz"
    return parse(gzip.decompress(file.read_bytes()).splitlines())


def parse(lines: Iterable[bytes]) -> Recording:
    """Make a recording of its lines, of which there is at least one."""
    moments = []
    held: dict[str, Application] = {}
    for line in lines:
        event = orjson.loads(line)
        key, text = name_key(event["application"]), orjson.dumps(event["application"])
        gist = find_gist(text)
        notable = event["type"] == "DELETED" or held.get(key) != gist
        if event["type"] == "DELETED":
            held.pop(key, None)
        else:
            held[key] = gist
        moments.append(Moment(at=event["at"], type=event["type"], key=key, application=text, notable=notable))
    beginning = moments[0].at
    return Recording(
        fleet=tuple(moment for moment in moments if moment.at <= beginning),
        story=tuple(moment for moment in moments if moment.at > beginning),
    )


def name_key(application: Application) -> str:
    """Return the key of an application: ``namespace/name``."""
    return f"{application['metadata']['namespace']}/{application['metadata']['name']}"


def find_gist(application: bytes) -> Application:
    """Return what of an application's JSON tells it from another look at the same, or at its next life."""
    gist: Application = orjson.loads(_TIME.sub(b'""', application))
    for name in ("resourceVersion", "generation", "uid"):
        gist["metadata"].pop(name, None)
    return gist


def move_times(application: bytes, move: Callable[[float], float]) -> bytes:
    """Return an application's JSON with each time in it moved: from Unix seconds to Unix seconds, cut to whole ones."""

    def replace(match: re.Match[bytes]) -> bytes:
        recorded = datetime.fromisoformat(match[1].decode()).timestamp()
        return datetime.fromtimestamp(move(recorded), UTC).strftime('"%Y-%m-%dT%H:%M:%SZ"').encode()

    return _TIME.sub(replace, application)


def list_times(application: bytes) -> list[float]:
    """Return all times in an application's JSON, in Unix seconds."""
    return [datetime.fromisoformat(text.decode()).timestamp() for text in _TIME.findall(application)]
