"""What the contract promises, and a ledger of how often each promise was seen kept or broken.

Pure. Who looks at streams and answers is elsewhere; here is only what to look for, and what was found.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

EXAMPLES = 3
"""How many different ways of breaking a promise are told."""


class Promise(Enum):
    """A promise; its value is the text for people, its name the stable one for programs."""

    FOLD = "every fold equals /api/pipelines at the same position"
    FIRST = "a stream begins with a snapshot for a known reason, or with a delta that resumes"
    FOLLOWED = "a heartbeat follows the first state"
    IDS = "ids increase, and never fall behind the cursor that a stream began with"
    FRAMES = "frames are whole: nothing unseen is removed, nothing new comes in parts"
    RESUMED = "a client that comes back resumes where it was"
    SLOW = "a client that stops reading gets there in the end"
    SILENCE = "heartbeats come: no silence is longer than 45 s"
    GOODBYE = "a stream that the server ends, ends with a goodbye"
    HEADERS = "a stream's headers forbid caching and buffering"
    ENCODING = "nothing is compressed for those who didn't ask"
    CURSORS = "a cursor that leads nowhere gets a snapshot that says why"
    PARAMETER = "?lastEventId= resumes as the header does, and the header wins"
    HANDOVER = "the Gateway-Cursor of /api/pipelines continues on the stream"
    ETAG = "If-None-Match gets a 304 while nothing has changed"
    UNKNOWN = "an unknown parameter is refused with 400 and a problem document"


_DEMANDED = (Promise.FOLD, Promise.FIRST, Promise.FOLLOWED, Promise.IDS, Promise.HEADERS)
"""Without having seen these kept at all, nothing is proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was seen of one promise. ``well`` is None for what there was no occasion to see."""

    promise: Promise
    well: bool | None
    kept: int
    broken: int
    seen: str
    examples: tuple[str, ...]


class Ledger:
    """Counts. ``happened`` are things worth telling that are neither good nor bad."""

    def __init__(self) -> None:
        self.happened: Counter[str] = Counter()
        self._kept: Counter[Promise] = Counter()
        self._broken: Counter[Promise] = Counter()
        self._examples: dict[Promise, list[str]] = {}
        self._seen: dict[Promise, Counter[str]] = {}

    def judge(self, promise: Promise, kept: bool, broken_by: str, *, seen: str = "") -> bool:
        """Note one occasion; ``broken_by`` says what was wrong if it wasn't kept. Returns the verdict."""
        if kept:
            self.keep(promise, seen)
        else:
            self.break_(promise, broken_by)
        return kept

    def keep(self, promise: Promise, seen: str = "") -> None:
        """Note that a promise was kept; ``seen`` says how, in a word or two."""
        self._kept[promise] += 1
        if seen:
            self._seen.setdefault(promise, Counter())[seen] += 1

    def break_(self, promise: Promise, broken_by: str) -> None:
        """Note that a promise was broken, and by what."""
        self._broken[promise] += 1
        examples = self._examples.setdefault(promise, [])
        if broken_by not in examples and len(examples) < EXAMPLES:
            examples.append(broken_by)

    def kept(self, promise: Promise) -> int:
        """Return how often a promise was seen kept."""
        return self._kept[promise]

    def findings(self) -> list[Finding]:
        """Return what was seen of each promise."""
        return [self._find(promise) for promise in Promise]

    def _find(self, promise: Promise) -> Finding:
        kept, broken = self._kept[promise], self._broken[promise]
        examples = tuple(self._examples.get(promise, ()))
        well: bool | None = broken == 0
        if well and not kept:
            well = False if promise in _DEMANDED else None
            examples = ("never seen",) if promise in _DEMANDED else ()
        seen = ", ".join(f"{count} × {what}" for what, count in self._seen.get(promise, Counter()).most_common())
        return Finding(promise=promise, well=well, kept=kept, broken=broken, seen=seen, examples=examples)
