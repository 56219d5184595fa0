"""From facts to readiness. Being alive is no question here: it never depends on Argo CD."""

from gateway.model.upstream import State


def why_not_ready(*, published: bool, state: State, draining: bool, uptime: float, ready_after: float) -> str | None:
    """Return why no traffic should come here; None if it should.

    Ready is whoever can answer honestly: with a state, if only a stored one that is called stale; or, once
    ``ready_after`` seconds are over, with the word that upstream is down, which helps people more than no answer.
    """
    if draining:
        return "draining"
    if published or (uptime >= ready_after and state in ("connecting", "down")):
        return None
    return "waiting for the first content of Argo CD"
