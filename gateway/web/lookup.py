"""What handlers of single answers share: that there is a state to show, and which application a path names.

What somebody may not see is answered as what doesn't exist: by the same words, and as one of nobody's candidates.
"""

import math

from gateway.auth.grant import Grant, Verb
from gateway.model.application import Observed
from gateway.web import problem
from gateway.web.context import Context
from gateway.web.problem import Problem, ProblemError


def expect_state(context: Context) -> None:
    """Raise ProblemError unless there is a state to show."""
    if not context.hub.published:
        raise problem.not_synced(retry_after(context))


def retry_after(context: Context) -> int:
    """Return how many seconds a client shall wait before it comes back; another number for each."""
    return math.ceil(context.hub.retry_ms() / 1_000)


def find_application(
    context: Context, grant: Grant, namespace: str | None, name: str, *, verb: Verb = "view"
) -> Observed:
    """Return the application of a name, in a namespace or in whichever has it. Raises ProblemError.

    Found is what may be seen, and what the verb may be done to though it isn't seen.
    """
    held = context.held()
    if namespace is not None:
        found = [held[key]] if (key := f"{namespace}/{name}") in held else []
    else:
        found = [observed for observed in held.values() if observed.document.name == name]
    found = [each for each in found if grant.sees(each.document) or grant.allows(verb, each.document)]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = sorted(observed.document.key for observed in found)
        detail = "Several applications have this name: ask for one as /api/pipelines/{namespace}/{name}."
        raise ProblemError(Problem(status=409, type="ambiguous", detail=detail, more={"candidates": candidates}))
    detail = "There is no such application, or none that may be seen. /api/pipelines lists them."
    raise ProblemError(Problem(status=404, type="unknown-application", detail=detail))
