"""What is remembered of applications takes word from elsewhere, too, if it is about what is remembered."""

from gateway.delivery.deployments.deployment import Deployment, Outcome, RollbackBy
from gateway.delivery.observatory import Observatory
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
