"""The recording that the demo plays: read from the package, one moment for each event of a real Argo CD.

``recordings/day.ndjson.gz`` holds one event a line: when it came by the clock of that day (``at``, Unix seconds), its
``type``, and the ``application`` as it was; the first lines, all of one instant, are the state at the beginning. The
lines are in order, and no time within an event is later than the event. Never belongs here: the time of today.

Beside it, on the same clock, lines in order: ``resources.ndjson.gz`` has the trees of some applications (``at``,
``key``, ``tree``) and manifests of their resources (``at``, ``key``, ``resource``, ``manifest``, which is null from
when nothing is known of it), ``commits.ndjson`` the manifest repository's history (``at``, ``sha``, ``author``,
``message``), ``deliveries.ndjson.gz`` the webhooks that were sent (``at``, ``sender``, ``event``, which is what the
header says, and the ``body``).
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

Tree: TypeAlias = dict[str, Any]
"""A resource tree as Argo CD writes it: ``nodes`` and ``hosts``."""

Manifest: TypeAlias = dict[str, Any]
"""A live resource."""

ResourceName: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace and name."""

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
class Sight:
    """What was seen of an application's resources: its tree, or one resource's manifest (None: no more known of)."""

    at: float
    key: str
    resource: ResourceName | None
    document: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of the manifest repository. ``author`` is as Argo CD writes it: the name, the address in brackets."""

    at: float
    sha: str
    author: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook. ``event`` is what the sender's header says it is, empty where there is none; ``body`` is JSON."""

    at: float
    sender: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was there at first, and what happened then; beside it what was seen of resources, the commits, webhooks."""

    fleet: tuple[Moment, ...]
    story: tuple[Moment, ...]
    sights: tuple[Sight, ...] = ()
    commits: tuple[Commit, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def beginning(self) -> float:
        """When it begins, in Unix seconds of that day."""
        return self.fleet[0].at


def load() -> Recording:
    """Read the recording that the package brings with it."""
    folder = resources.files("gateway.demo") / "recordings"
    return parse(
        gzip.decompress((folder / "day.ndjson.gz").read_bytes()).splitlines(),
        sights=gzip.decompress((folder / "resources.ndjson.gz").read_bytes()).splitlines(),
        commits=(folder / "commits.ndjson").read_bytes().splitlines(),
        deliveries=gzip.decompress((folder / "deliveries.ndjson.gz").read_bytes()).splitlines(),
    )


def parse(
    lines: Iterable[bytes],
    *,
    sights: Iterable[bytes] = (),
    commits: Iterable[bytes] = (),
    deliveries: Iterable[bytes] = (),
) -> Recording:
    """Make a recording of its lines, of which there is at least one of the watch."""
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
        sights=tuple(map(_parse_sight, sights)),
        commits=tuple(Commit(**orjson.loads(line)) for line in commits),
        deliveries=tuple(map(_parse_delivery, deliveries)),
    )


def _parse_delivery(line: bytes) -> Delivery:
    told = orjson.loads(line)
    return Delivery(at=told["at"], sender=told["sender"], event=told["event"], body=orjson.dumps(told["body"]))


def _parse_sight(line: bytes) -> Sight:
    seen = orjson.loads(line)
    document = seen["tree"] if "tree" in seen else seen["manifest"]
    return Sight(
        at=seen["at"],
        key=seen["key"],
        resource=None if "tree" in seen else tuple(seen["resource"]),
        document=None if document is None else orjson.dumps(document),
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


def move_times(document: bytes, move: Callable[[float], float]) -> bytes:
    """Return any JSON of Argo CD's with each time in it moved: from Unix seconds to Unix seconds, cut to whole ones."""

    def replace(match: re.Match[bytes]) -> bytes:
        recorded = datetime.fromisoformat(match[1].decode()).timestamp()
        return f'"{write_time(move(recorded))}"'.encode()

    return _TIME.sub(replace, document)


def write_time(at: float) -> str:
    """Return Unix seconds as Argo CD writes a time: whole seconds of UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def list_times(application: bytes) -> list[float]:
    """Return all times in an application's JSON, in Unix seconds."""
    return [datetime.fromisoformat(text.decode()).timestamp() for text in _TIME.findall(application)]
