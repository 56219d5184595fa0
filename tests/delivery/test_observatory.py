"""What is remembered of applications takes word from elsewhere, too, if it is about what is remembered."""

import msgspec

from gateway.delivery.deployments.deployment import Deployment, Outcome, RollbackBy
from gateway.delivery.observatory import PATIENCE, TOGETHER, Observatory
from gateway.model.application import Detail
from gateway.store.state import Sighting
from tests.delivery.play import Shown, shown_in

KEY = "argocd/trombone-pay"
CANARY: list[Shown] = list(shown_in("canary/app.sse"))
BAD = next(place for place, (_, _, observed) in enumerate(CANARY) if observed.document.health.status == "Degraded")  # type: ignore[union-attr]
ABORTED = 1795218696.0


def watched(upto: int) -> Observatory:
    observatory = Observatory()
    for at, live, observed in CANARY[:upto]:
        observatory.see(Sighting(observed, at, live))
    return observatory


def last(observatory: Observatory) -> Deployment:
    found = observatory.memories[KEY].last
    assert found is not None
    return found


def test_a_rollout_that_says_it_was_aborted_takes_its_deployment_back_before_its_application_is_ill() -> None:
    observatory = watched(BAD)
    assert last(observatory).outcome == Outcome.PROGRESSING
    observatory.abort(KEY, ABORTED, ABORTED + 2.0)
    bad = last(observatory)
    assert (bad.outcome, bad.rolled_back_how, bad.rolled_back_at) == (Outcome.ROLLED_BACK, RollbackBy.ABORT, ABORTED)
    assert bad in observatory.state_of([KEY])[0]
    for at, live, observed in CANARY[BAD:]:
        observatory.see(Sighting(observed, at, live))
    assert last(observatory) == bad


def test_an_abort_from_before_the_last_deployment_and_one_of_nobody_change_nothing() -> None:
    observatory = watched(BAD)
    before = last(observatory)
    observatory.abort(KEY, (before.started_at or 0.0) - 1.0, ABORTED)
    observatory.abort("argocd/nobody", ABORTED, ABORTED)
    assert last(observatory) is before


def see_nothing_new_of(observatory: Observatory, key: str, later: float = 0.0) -> float:
    """Show an application that was never deployed; return when the first is shown."""
    at, live, observed = CANARY[0]
    document = msgspec.structs.replace(observed.document, key=key, operation=None)
    observatory.see(Sighting(msgspec.structs.replace(observed, document=document, detail=Detail()), at + later, live))
    return at


def test_what_a_burst_showed_is_kept_together_when_the_first_of_it_is_due() -> None:
    observatory = Observatory()
    keys = [f"argocd/{number}" for number in range(10)]
    at, *_ = [see_nothing_new_of(observatory, key, number / 10) for number, key in enumerate(keys)]
    assert observatory.deadline() == at + PATIENCE
    assert not observatory.dirty(at + PATIENCE - 0.1)
    assert observatory.dirty(at + PATIENCE) == keys
    observatory.kept(*observatory.state_of(keys), at + PATIENCE)
    assert not observatory.dirty(at + PATIENCE, hurry=True)


def test_what_was_shown_long_after_the_first_waits_for_its_time_unless_there_is_hurry() -> None:
    observatory = Observatory()
    at = see_nothing_new_of(observatory, "argocd/first")
    see_nothing_new_of(observatory, "argocd/later", TOGETHER + 0.5)
    assert observatory.dirty(at + PATIENCE) == ["argocd/first"]
    assert observatory.dirty(at + 2.0, hurry=True) == ["argocd/first", "argocd/later"]
