"""A model client that trusts nobody: it folds a stream, notes every promise kept or broken, and remembers each state.

Pure; the time is an argument. It knows the contract alone: what a cursor looks like, which frames there are.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from gateway.consumer.fold import ContractError, Documents, Fold, read_data
from gateway.consumer.promises import Ledger, Promise
from gateway.consumer.sse import Event
from gateway.consumer.words import Document, plain, shorten

SNAPSHOT_REASONS = frozenset(("new", "epoch", "view", "trimmed", "lagged"))
LONGEST_SILENCE = 45.0
REMEMBERED = 10_000
"""States that a witness remembers, by their position."""

_CURSOR = re.compile(r"([0-9a-f]+)-([0-9]{1,18})-([0-9a-f]+)")


class Position(NamedTuple):
    """A place in the gateway's log, as its cursors tell it."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"


class Comparison(Enum):
    """What a comparison came to."""

    SAME = "same"
    DIFFERENT = "different"
    EARLY = "early"
    """The witness hasn't come there yet."""
    PASSED = "passed"
    """The witness jumped over that position, as a resume may: nothing can be said."""
    ELSEWHERE = "elsewhere"
    """The witness and the answer are of different epochs: the gateway has restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What ``/api/pipelines`` showed."""

    position: Position
    documents: Documents
    digest: int

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Shown":
        """Read an answer. Raises ContractError."""
        try:
            epoch, offset = str(content["position"]).rsplit("-", 1)
            documents = {document["key"]: document for document in content["applications"]}
            position = Position(epoch, int(offset))
        except (KeyError, TypeError, ValueError) as error:
            raise ContractError("/api/pipelines answers something of an unknown shape") from error
        return cls(position=position, documents=documents, digest=digest(documents.values()))


def parse_position(cursor: str) -> Position | None:
    """Return the position of a cursor, None if it is no cursor."""
    match = _CURSOR.fullmatch(cursor)
    return Position(match[1], int(match[2])) if match else None


def digest(documents: Iterable[Document]) -> int:
    """Return a number that tells sets of documents apart; that of a union is the exclusive or of its parts'."""
    total = 0
    for document in documents:
        encoded = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        total ^= int.from_bytes(blake2b(encoded, digest_size=16).digest())
    return total


class Witness:
    """One client's view of a stream over all its connections. ``name`` says which, in what it objects to."""

    def __init__(self, name: str, ledger: Ledger) -> None:
        self.name = name
        self._ledger = ledger
        self._fold = Fold()
        self._digest = 0
        self._past: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._epoch = ""
        self.handed_over: bool | None = None
        """Whether the first stream resumed from what ``seed`` gave; None before that is known."""
        self._seeded = False
        self.connect(now=0.0)

    @property
    def cursor(self) -> str:
        """What to resume from."""
        return self._fold.cursor

    @property
    def standing(self) -> Position | None:
        """Where the witness stands."""
        return Position(self._epoch, self._past[-1][0]) if self._past else None

    def seed(self, shown: Shown, cursor: str) -> None:
        """Begin with what ``/api/pipelines`` showed, and its cursor."""
        self._fold.documents = {key: dict(document) for key, document in shown.documents.items()}
        self._fold.cursor, self._fold.filled = cursor, True
        self._digest = shown.digest
        self._seeded = True
        self._remember(shown.position)

    def connect(self, *, now: float) -> None:
        """Begin a connection, at ``now`` in seconds."""
        self._asked = self._fold.cursor
        self._states = 0
        self._followed = False
        self._last: Position | None = None
        self._view = ""
        self._heard_at = now
        self.goodbye = False

    def pause(self, *, until: float) -> None:
        """Note that nobody listened before ``until``: silence up to then means nothing."""
        self._heard_at = until

    def take(self, event: Event, *, now: float) -> None:
        """Judge one event, and follow it."""
        self._judge_silence(now)
        try:
            data = read_data(event)
            if event.name in ("snapshot", "delta"):
                self._judge_state(event, data)
            elif event.name == "heartbeat":
                self._judge_heartbeat(event, data)
            elif event.name == "goodbye":
                self.goodbye = True
                self._ledger.keep(Promise.GOODBYE, plain(data.get("reason")))
            self._follow(event, data)
        except ContractError as error:
            self._object(Promise.FRAMES, str(error))
        except (KeyError, TypeError, AttributeError):
            self._object(Promise.FRAMES, f"a {event.name} is of an unknown shape: {shorten(event.data)}")
        self._ledger.happened[event.name] += 1

    def compare(self, shown: Shown) -> Comparison:
        """Compare the fold with what ``/api/pipelines`` showed, at its position."""
        standing = self.standing
        if standing is None:
            return Comparison.EARLY
        if standing.epoch != shown.position.epoch:
            return Comparison.ELSEWHERE
        before: tuple[int, int] | None = None
        for offset, past in reversed(self._past):
            if offset <= shown.position.offset:
                before = (offset, past)
                break
        if before is not None and before[1] == shown.digest:
            return Comparison.SAME
        if before is not None and before[0] == shown.position.offset:
            return Comparison.DIFFERENT
        return Comparison.EARLY if standing.offset < shown.position.offset else Comparison.PASSED

    def explain(self, shown: Shown) -> str:
        """Say in what the fold differs from what was shown."""
        mine, theirs = self._fold.documents, shown.documents
        lacking = sorted(theirs.keys() - mine.keys())
        surplus = sorted(mine.keys() - theirs.keys())
        parts = [f"lacks {_list(lacking)}"] if lacking else []
        parts += [f"still holds {_list(surplus)}"] if surplus else []
        for key in sorted(mine.keys() & theirs.keys()):
            if fields := [f for f in mine[key].keys() | theirs[key].keys() if mine[key].get(f) != theirs[key].get(f)]:
                parts.append(f"{plain(key)} differs in {_list(sorted(fields))}")
        return f"at {shown.position}: {'; '.join(parts[:3]) or 'differed, and no longer does'}"

    # Judging.

    def _judge_silence(self, now: float) -> None:
        silence, self._heard_at = now - self._heard_at, now
        if silence > LONGEST_SILENCE:
            self._object(Promise.SILENCE, f"{silence:.0f} s without an event")

    def _judge_state(self, event: Event, data: Mapping[str, Any]) -> None:
        self._states += 1
        reason = data.get("reason")
        if self._states == 1:
            self._judge_first(event.name, reason, data)
        else:
            # A snapshot may be of an earlier tick: then the delta up to now comes between.
            if self._states == 3 and not self._followed:
                self._object(Promise.FOLLOWED, "two more frames came first")
            well = reason in SNAPSHOT_REASONS if event.name == "snapshot" else reason is None
            if not well:
                self._object(Promise.FRAMES, f"a later {event.name} has the reason {reason!r}")
        position = self._judge_id(event)
        if event.name == "snapshot" and str(position) != data.get("position"):
            self._object(Promise.FRAMES, f"a snapshot's position is {data.get('position')!r}, its id {event.id}")
        if event.name == "delta":
            self._judge_delta(data["changed"], data["removed"])

    def _judge_first(self, name: str, reason: object, data: Mapping[str, Any]) -> None:
        known = reason in SNAPSHOT_REASONS if name == "snapshot" else reason == "resumed" and bool(self._asked)
        said = f"a {name} with the reason {reason!r}" + ("" if self._asked else ", without a cursor")
        self._ledger.judge(Promise.FIRST, known, f"{self.name}: {said}", seen=f"{name} ({plain(reason)})")
        if self._seeded and self.handed_over is None:
            self.handed_over = name == "delta" and known
        if not self._asked:
            return
        asked = parse_position(self._asked)
        here = asked is not None and str(data.get("position", "")).startswith(f"{asked.epoch}-")
        if name == "delta" or (reason == "epoch" and not here) or reason == "trimmed":
            self._ledger.keep(Promise.RESUMED, plain(reason))
        else:
            self._object(Promise.RESUMED, f"its cursor {self._asked} got a snapshot with the reason {reason!r}")

    def _judge_id(self, event: Event) -> Position | None:
        position = parse_position(event.id or "")
        if position is None:
            self._object(Promise.IDS, f"a {event.name} has the id {event.id!r}, no cursor")
            return None
        # Who may see something else from now on is told so where it stands, by the cursor of another view.
        view = (event.id or "").rpartition("-")[2]
        last, strictly = self._last, event.name != "heartbeat" and view == self._view
        self._view = view
        if last is None and event.name == "delta":
            last, strictly = parse_position(self._asked), False
        if last is not None and last.epoch == position.epoch:
            rises = position.offset > last.offset if strictly else position.offset >= last.offset
            if not rises:
                self._object(Promise.IDS, f"the id {position} of a {event.name} came behind {last}")
                return position
        elif last is not None and event.name != "snapshot":
            self._object(Promise.IDS, f"a {event.name} went from {last} to another epoch, {position}")
            return position
        self._ledger.keep(Promise.IDS)
        self._last = position
        return position

    def _judge_delta(self, changed: Mapping[str, Mapping[str, Any]], removed: list[str]) -> None:
        known = self._fold.documents
        objections = [f"{plain(key)} is both changed and removed" for key in changed.keys() & set(removed)]
        objections += [f"{plain(key)} is removed and wasn't there" for key in removed if key not in known]
        objections += [
            f"{plain(key)} came into view in parts"
            for key, fields in changed.items()
            if key not in known and fields.get("key") != key
        ]
        for objection in objections:
            self._object(Promise.FRAMES, objection)
        if not objections:
            self._ledger.keep(Promise.FRAMES)

    def _judge_heartbeat(self, event: Event, data: Mapping[str, Any]) -> None:
        if self._states == 1 and not self._followed:
            self._followed = True
            self._ledger.keep(Promise.FOLLOWED)
        if event.id is not None:
            self._judge_id(event)
        if "state" in data["upstream"]:
            self._ledger.keep(Promise.SILENCE)
        else:
            self._object(Promise.FRAMES, "a heartbeat doesn't say how upstream is")

    # Following.

    def _follow(self, event: Event, data: Mapping[str, Any]) -> None:
        documents = self._fold.documents
        touched = {*data["changed"], *data["removed"]} if event.name == "delta" else set()
        self._digest ^= digest(documents[key] for key in touched if key in documents)
        self._fold.take(event)
        documents = self._fold.documents
        if event.name == "snapshot":
            self._digest = digest(documents.values())
        else:
            self._digest ^= digest(documents[key] for key in touched if key in documents)
        if event.id is not None and (position := parse_position(event.id)) is not None:
            self._remember(position)

    def _remember(self, position: Position) -> None:
        if position.epoch != self._epoch or (self._past and position.offset < self._past[-1][0]):
            self._past.clear()
            self._epoch = position.epoch
        self._past.append((position.offset, self._digest))

    def _object(self, promise: Promise, what: str) -> None:
        self._ledger.break_(promise, f"{self.name}: {what}")


def _list(texts: list[str]) -> str:
    shown = ", ".join(plain(text) for text in texts[:3])
    return shown if len(texts) <= 3 else f"{shown} and {len(texts) - 3} more"
