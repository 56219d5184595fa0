"""Errors for clients: RFC 9457 problem documents with a stable ``type``, that say what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from gateway.errors import GatewayError

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong. ``type`` is stable and names the kind; ``more`` are further members, by name."""

    status: int
    type: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the document."""
        return orjson.dumps(
            {
                "type": f"urn:argocd-sse-gateway:problem:{self.type}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
                **self.more,
            }
        )


class ProblemError(GatewayError):
    """Raised by a handler to answer with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def bad_parameters(problems: tuple[str, ...]) -> ProblemError:
    """Return the error for a query that can't be understood: all that is wrong with it, at once."""
    return ProblemError(
        Problem(status=400, type="bad-parameters", detail="; ".join(problems), more={"problems": list(problems)})
    )


def overloaded(retry_after: int) -> ProblemError:
    """Return the error for a request that there is no room for; ``retry_after`` is in seconds."""
    return ProblemError(
        Problem(
            status=503,
            type="overloaded",
            detail="There is no room for more at the moment. Come back after the time in Retry-After.",
            headers={"Retry-After": str(retry_after)},
        )
    )


def not_synced(retry_after: int) -> ProblemError:
    """Return the error for a request that comes before there is any state."""
    return ProblemError(
        Problem(
            status=503,
            type="not-synced",
            detail="Argo CD's applications aren't known yet. /api/status says how that goes; come back soon.",
            headers={"Retry-After": str(retry_after)},
        )
    )
