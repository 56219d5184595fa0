"""What identifies a fact, and what two tellings of it make together, whichever came first.

``merge`` is commutative, associative and idempotent, so that order and repetition make no difference: of each field the
one that tells more is kept, by a rule that looks at nothing but the two values.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gateway.delivery.correlation.tags import name_image
from gateway.delivery.events import Commit, DeliveryEvent, Deployed, ImagePushed, Incident, Run, RunState, Scanned

Fact = TypeVar("Fact", bound=DeliveryEvent)

_EARLIEST = frozenset({"committed_at", "pushed_at", "queued_at", "started_at"})
"""Times of a beginning, of which the first is meant; of all others the last."""

_RANKS = {state: rank for rank, state in enumerate(RunState)}


def identify(fact: DeliveryEvent) -> tuple[str, ...]:
    """Return what tellings of one and the same fact have in common."""
    match fact:
        case Commit():
            return ("commit", fact.repository, fact.sha.lower())
        case Run():
            return ("run", fact.sender, fact.id, str(fact.attempt))
        case ImagePushed():
            return ("image", name_image(fact.image), fact.tag or "", fact.digest or "")
        case Scanned():
            about = (fact.image and name_image(fact.image)) or fact.repository or ""
            which = fact.digest or fact.tag or fact.sha or ""
            return ("scan", fact.tool, about, which, "" if fact.scanned_at is None else repr(fact.scanned_at))
        case Deployed() | Incident():
            kind = "deployed" if isinstance(fact, Deployed) else "incident"
            return (kind, fact.sender, fact.id, str(fact.state))


def merge(one: Fact, other: Fact) -> Fact:
    """Return what two tellings of a fact make together."""
    assert identify(one) == identify(other)
    fields = {
        name: _join(name, getattr(one, name), getattr(other, name))
        for name in one.__struct_fields__
        if name not in ("state", "updated_at")
    }
    if isinstance(one, Run) and isinstance(other, Run):
        # The state belongs to its moment. A run that is over stays so: a new attempt is another run.
        latest = max(one, other, key=_moment)
        fields |= {"state": latest.state, "updated_at": _join("updated_at", one.updated_at, other.updated_at)}
        return type(one)(**fields)
    return msgspec.structs.replace(one, **fields)


def _moment(run: Run) -> tuple[bool, float, int]:
    return run.state.over, 0.0 if run.state.over else run.updated_at or 0.0, _RANKS[run.state]


def _join(name: str, one: Any, other: Any) -> Any:
    if one == other or other in (None, (), {}):
        return one
    if one in (None, (), {}):
        return other
    if isinstance(one, tuple):
        return max(one, other, key=lambda items: (len(items), items))
    if isinstance(one, dict):
        return {key: max(one.get(key, 0), other.get(key, 0)) for key in sorted({*one, *other})}
    choose: Callable[..., Any] = min if name in _EARLIEST else max
    return choose(one, other) if isinstance(one, float | int) else max(one, other, key=lambda text: (len(text), text))
