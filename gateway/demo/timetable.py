"""When what happens: the recording's story on today's clock, over and over, as a real Argo CD would tell it.

Quiet stretches are shortened, all times in the applications move along with their events, versions only ever rise, and
a created application has a uid of its own. Before the story is told again, whatever differs is brought back, by events:
as an application that is created again, for nobody rolled anything back. Its commits are others then, and so are their
SHAs wherever they stand.
What else happens than events of the watch comes in strands, at its moments of the same clock. Pure: time is an
argument, waiting is ``player``'s.
"""

import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

import orjson

from gateway.demo.commits import Commits
from gateway.demo.deliveries import Deliveries
from gateway.demo.happening import ApplicationHappening, Happening, Strands
from gateway.demo.names import Names
from gateway.demo.recording import Application, EventType, Moment, Recording, find_gist, move_times
from gateway.demo.resources import Resources

LONGEST_QUIET = 2.0
"""Seconds, at most, between two events that change something, a commit being one."""

INTERMISSION = 4.0
"""Seconds from the end of the story to the first application that is brought back, and from the last to the story."""

RETURN_SPACING = 0.2
"""Seconds between one application that is brought back and the next."""

VERSIONS_PER_SECOND = 1_000
"""Where versions begin, for each second since 1970: above all that a demo of a minute ago has used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    """What stays the same from an application's creation to its deletion."""

    uid: str
    created_at: str


class Timetable:
    """The events in their order: ``open`` once, then by turns ``tell`` and ``bring_back``.

    ``speed`` shortens everything but the time before the story. Each moment given as ``now`` is in Unix seconds, and
    not before the last event. Commits, resources and deliveries are told of as recorded; ``strands`` join them. It is
    the ``Today`` of its strands.
    """

    def __init__(self, recording: Recording, *, speed: float = 1.0, strands: Strands = ()) -> None:
        self.recording = recording
        self.speed = speed
        self.telling = 1
        self.opened_at = 0.0
        self._names = Names(recording)
        self._strands: Strands = [Commits(recording), Deliveries(recording), Resources(recording), *strands]
        self._scale = Scale(recording)
        self._gists = {moment.key: find_gist(moment.application) for moment in recording.fleet}
        self._began_at = self._dawned_at = 0.0
        self._version = 0
        self._lives: dict[str, _Life] = {}
        self._births: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._last: dict[str, Moment] = {}

    @property
    def length(self) -> float:
        """Seconds of one story, from its beginning to its last event."""
        return self._scale.length / self.speed

    @property
    def intermission(self) -> float:
        """Seconds of quiet before the applications are brought back, and again before the story."""
        return INTERMISSION / self.speed

    def open(self, now: float) -> list[Happening]:
        """Return what creates the applications that are there at first; nobody has seen them otherwise."""
        self.opened_at = self._began_at = self._dawned_at = now
        self._version = int(now * VERSIONS_PER_SECOND)
        restored = [*self._prepare(now), *self._restore(now)]
        return [*restored, *(self._happen(moment, at=now, kind="ADDED") for moment in self.recording.fleet)]

    def tell(self, now: float) -> Iterator[Happening]:
        """Tell the story from its beginning."""
        self._began_at = now
        for recorded, teller, number in self._order():
            at = now + self._scale.find(recorded) / self.speed
            if teller >= 0:
                yield from self._strands[teller].happen(number, self, at)
                continue
            moment = self.recording.story[number]
            if moment.type == "ADDED":
                self._not_before[moment.key] = at
            yield self._happen(moment, at=at, kind=moment.type)

    def bring_back(self, now: float) -> Iterator[Happening]:
        """Bring every application that isn't as it was at first back to that, one after the other, and all else."""
        first = {moment.key: moment for moment in self.recording.fleet}
        at = self._dawned_at = now + self.intermission
        self.telling += 1
        yield from self._prepare(at)
        for key in sorted(first.keys() | self._last.keys()):
            last, moment = self._last.get(key), first.get(key)
            if moment is None:
                assert last is not None
                yield self._happen(last, at=at, kind="DELETED")
            elif last is None or find_gist(last.application) != self._gists[key]:
                self._not_before[key] = at
                # Whoever lists anew finds an application that was deleted and created since as a MODIFIED of another
                # uid (client-go, DeltaFIFO.Replace).
                yield self._happen(moment, at=at, kind="ADDED" if last is None else "MODIFIED", born=True)
                for strand in self._strands:
                    yield from strand.bring_back(key, self, at)
            else:
                continue
            at += RETURN_SPACING / self.speed
        yield from self._restore(at)

    def date(self, recorded: float, *, at: float, key: str | None = None) -> float:
        """Return what a time in an event that happens ``at`` is today, in Unix seconds."""
        if recorded > self.recording.beginning:
            today = self._began_at + self._scale.find(recorded) / self.speed
        else:
            # What was before the story was before the first telling of it, and is no news at the second.
            today = self.opened_at - (self.recording.beginning - recorded)
        # But nothing about an application is older than its creation or its return.
        return min(max(today, self._not_before.get(key or "", today)), at)

    def date_again(self, recorded: float, *, at: float) -> float:
        """Return the same for what is made again in each telling, also if it was made before the story."""
        if recorded > self.recording.beginning:
            return self.date(recorded, at=at)
        return min(self._dawned_at - (self.recording.beginning - recorded), at)

    def is_repeated(self, sha: str) -> bool:
        """Return whether a commit, as it was recorded, is made again in each telling."""
        return self._names.are_repeated(sha)

    def rename(self, text: bytes) -> bytes:
        """Return a text with its commits, and the tags made of them, named as they are in this telling."""
        return self._names.rename(text, telling=self.telling, seed=str(self.opened_at))

    def next_version(self) -> str:
        """Return the next resourceVersion of the cluster."""
        self._version += 1
        return str(self._version)

    def _prepare(self, at: float) -> Iterator[Happening]:
        for strand in self._strands:
            yield from strand.prepare(self, at)

    def _restore(self, at: float) -> Iterator[Happening]:
        for strand in self._strands:
            yield from strand.restore(self, at)

    def _order(self) -> Iterator[tuple[float, int, int]]:
        """Return the story's moments in order: when, whose (a strand's number; -1 is the watch), which of those."""

        def number(teller: int, times: Iterable[float]) -> Iterator[tuple[float, int, int]]:
            return ((recorded, teller, number) for number, recorded in enumerate(times))

        watched = number(-1, (moment.at for moment in self.recording.story))
        return merge(watched, *(number(teller, strand.times) for teller, strand in enumerate(self._strands)))

    def _happen(self, moment: Moment, *, at: float, kind: EventType, born: bool = False) -> ApplicationHappening:
        text = move_times(moment.application, lambda recorded: self.date(recorded, at=at, key=moment.key))
        application: Application = orjson.loads(self.rename(text))
        if kind == "ADDED" or born:
            self._create(moment.key, application)
        life = self._lives[moment.key]
        application["metadata"] |= {
            "uid": life.uid,
            "creationTimestamp": life.created_at,
            "resourceVersion": self.next_version(),
        }
        if kind == "DELETED":
            del self._lives[moment.key], self._last[moment.key]
        else:
            self._last[moment.key] = moment
        return ApplicationHappening(at=at, type=kind, key=moment.key, application=application)

    def _create(self, key: str, application: Application) -> None:
        births = self._births[key] = self._births.get(key, 0) + 1
        self._lives[key] = _Life(
            uid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key}#{births}@{self.opened_at}")),
            created_at=application["metadata"]["creationTimestamp"],
        )


class Scale:
    """From the clock of the recording to seconds since the story's beginning, without its quiet stretches."""

    def __init__(self, recording: Recording) -> None:
        self._recorded = [recording.beginning]
        self._told = [0.0]
        notable = [moment.at for moment in recording.story if moment.notable]
        commits = [commit.at for commit in recording.commits if commit.at < recording.story[-1].at]
        for at in sorted([*notable, *commits]):
            if at > self._recorded[-1]:
                gap = min(at - self._recorded[-1], LONGEST_QUIET)
                self._recorded.append(at)
                self._told.append(self._told[-1] + gap)
        self.length = self.find(recording.story[-1].at) if recording.story else 0.0

    def find(self, recorded: float) -> float:
        """Return the seconds of a moment that isn't before the beginning."""
        index = bisect_right(self._recorded, recorded) - 1
        since = recorded - self._recorded[index]
        if index + 1 == len(self._recorded):
            return self._told[index] + min(since, LONGEST_QUIET)
        share = since / (self._recorded[index + 1] - self._recorded[index])
        return self._told[index] + share * (self._told[index + 1] - self._told[index])
