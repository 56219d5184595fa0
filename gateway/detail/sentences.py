"""How explanations are said: names for people, first lines of messages, and the fields of an explanation."""

from collections.abc import Sequence
from typing import Any

from gateway.detail.links import is_sha
from gateway.model.application import Deployment, InitiatedBy, Operation, to_wire
from gateway.upstream.parts import Applied, Resource

_SUBJECTS = 20
_TOLD = 3
_MESSAGE = 300

Explanation = dict[str, Any]


def name_resource(resource: Resource | Applied) -> str:
    """Return a resource as people name it: ``Deployment store/auth``."""
    return f"{resource.kind} {resource.namespace}/{resource.name}" if resource.namespace else _plain(resource)


def _plain(resource: Resource | Applied) -> str:
    return f"{resource.kind} {resource.name}"


def tell_deployment(deployed: Deployment | Operation) -> str:
    """Return a sentence on what was deployed, by whom and when."""
    revisions = deployed.revisions
    what = f"revision {shorten(revisions[0])}" if len(revisions) == 1 else f"{len(revisions)} sources"
    if not revisions:
        what = "something"
    return f"Deployed last before that: {what}, {_tell_who(deployed.initiated_by)}, at {_began(deployed)}."


def _tell_who(who: InitiatedBy | None) -> str:
    if who is None or (who.username is None and not who.automated):
        return "by somebody unknown"
    return "by automatic sync" if who.automated or who.username is None else f"by {who.username}"


def _began(deployed: Deployment | Operation) -> str:
    ended = deployed.deployed_at if isinstance(deployed, Deployment) else deployed.finished_at
    return deployed.started_at or ended or "an unknown time"


def _operated(deployed: Deployment | Operation) -> dict[str, Any]:
    fields = {
        "revisions": list(deployed.revisions) or None,
        "startedAt": deployed.started_at,
        "initiatedBy": to_wire(deployed.initiated_by) if deployed.initiated_by is not None else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def shorten(revision: str) -> str:
    """Return a revision as people say it."""
    return revision[:8] if is_sha(revision) else revision


def first_line(message: str | None) -> str:
    """Return the first line of a message, cut where it is long."""
    line = (message or "").strip().partition("\n")[0].strip()
    return line if len(line) <= _MESSAGE else line[:_MESSAGE] + "…"


def enumerate_resources(resources: Sequence[Resource]) -> str:
    """Return the first of some resources by name, and how many more there are."""
    told = ", ".join(map(name_resource, resources[:_TOLD]))
    more = len(resources) - _TOLD
    return f"{told} and {more} more" if more > 0 else told


def end(sentence: str) -> str:
    """Return a sentence with its full stop."""
    return sentence if sentence.endswith((".", "…", "!", "?")) else sentence + "."


def make(
    code: str,
    text: str,
    *,
    since: str | None,
    at_least: bool = False,
    advice: str | None = None,
    command: str | None = None,
    subjects: Sequence[Resource | Applied] = (),
    deployment: Deployment | Operation | None = None,
) -> Explanation:
    """Return an explanation in wire form, without what is absent."""
    fields: dict[str, Any] = {
        "code": code,
        "text": text,
        "since": since,
        "atLeast": at_least or None,
        "advice": advice,
        "command": command,
        "subjects": [name_resource(each) for each in subjects[:_SUBJECTS]] or None,
        "deployment": (_operated(deployment) or None) if deployment is not None else None,
    }
    return {name: value for name, value in fields.items() if value is not None}
