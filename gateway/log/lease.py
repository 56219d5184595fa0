"""The lease: which replica may write. A state machine, fed with what was read and with time; it says what to do.

Whoever holds it beats: it counts up a number beside its name. A claim that hasn't moved for the lease's duration, *by
the clock of whoever looks*, may be taken over by naming exactly that claim: one who has beaten since isn't robbed.
No clock of another machine counts, not even Redis'. A holder that was paused may believe in its lease for a moment too
long: so each append names the holder, and is refused where that is another by then.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who holds the lease (empty: nobody), and how often it has beaten."""

    holder: str = ""
    beats: int = 0

    def is_of(self, name: str) -> bool:
        """Whether this is a claim of a replica, whatever its token."""
        return self.holder.partition(":")[2] == name


class Step(Enum):
    """What is due."""

    TAKE = "take"
    """Try to take the lease from the claim that was seen."""
    BEAT = "beat"
    """Renew it."""
    STEP_DOWN = "step down"
    """It couldn't be renewed in time: others may have it by now."""


class Lease:
    """The lease as one replica sees it. ``name`` is the replica's own; ``duration`` is in seconds."""

    def __init__(self, name: str, *, duration: float) -> None:
        self.name = name
        self.duration = duration
        self.interval = min(1.0, duration / 4)
        """Seconds between two beats."""
        self.seen: Claim | None = None
        """The claim that was read last; None while nothing could be read."""
        self.held: Claim | None = None
        """The claim of this replica, while it leads."""
        self.resigned = False
        """Whether this replica wants the lease no more."""
        self._seen_since = 0.0
        self._beat_at = 0.0
        self._valid_until = 0.0

    def __repr__(self) -> str:
        state = "leading" if self.held else "resigned" if self.resigned else "following"
        return f"<Lease of {self.name}: {state}, {self.seen}>"

    # What was seen.

    def observe(self, claim: Claim, now: float) -> None:
        """A claim was read."""
        if claim != self.seen:
            self.seen, self._seen_since = claim, now

    def lose_sight(self) -> None:
        """Nothing can be read: that a claim stands still says nothing about its holder any more."""
        self.seen = None

    # What came of a step.

    def taken(self, claim: Claim, sent_at: float) -> None:
        """The lease is ours, by a request that was sent at a moment."""
        self.held = claim
        self.observe(claim, sent_at)
        self._renew(sent_at)

    def beaten(self, claim: Claim, sent_at: float) -> None:
        """It was renewed, by a request that was sent at a moment."""
        if self.held is not None:
            self.held = claim
            self.observe(claim, sent_at)
            self._renew(sent_at)

    def missed(self, now: float) -> None:
        """A beat came to nothing: the next is due in a moment."""
        self._beat_at = now + min(0.2, self.interval)

    def hurry(self) -> None:
        """Let the next beat be due at once."""
        self._beat_at = float("-inf")

    def refused(self, claim: Claim, now: float) -> None:
        """Another holds it."""
        self.held = None
        self.observe(claim, now)

    def release(self) -> None:
        """It was given back, or is believed in no more."""
        self.held = None

    def resign(self) -> None:
        """Never take it again: this replica is about to end."""
        self.resigned = True

    def _renew(self, sent_at: float) -> None:
        self._valid_until = sent_at + self.duration
        self._beat_at = sent_at + self.interval

    # What is due.

    def due(self, now: float) -> Step | None:
        """Return what is to be done now."""
        if self.held is not None:
            if now >= self._valid_until:
                return Step.STEP_DOWN
            return Step.BEAT if now >= self._beat_at else None
        if self.resigned or self.seen is None:
            return None
        free = not self.seen.holder or self.seen.is_of(self.name)
        return Step.TAKE if free or now >= self._seen_since + self.duration else None

    def deadline(self) -> float | None:
        """Return when something is due, unless something else happens before."""
        if self.held is not None:
            return min(self._beat_at, self._valid_until)
        if self.resigned or self.seen is None:
            return None
        free = not self.seen.holder or self.seen.is_of(self.name)
        return self._seen_since + (0.0 if free else self.duration)
