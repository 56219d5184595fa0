"""CDEvents 0.4 and 0.5 (cdevents.dev), as CloudEvents in binary mode, in structured mode, or as bare documents.

CDEvents has no field for a commit. Producers that want their runs joined with commits write ``commit``, ``repository``
and ``ref`` into ``customData``; a change whose id is a commit's says it as well.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.delivery.events import Commit, DeliveryEvent, Deployed, ImagePushed, Incident, Run, RunState
from gateway.delivery.webhooks.body import ABSENT, Raw, decode, is_there
from gateway.delivery.webhooks.clues import Clues, find_clues
from gateway.delivery.webhooks.facts import (
    NAME_LIMIT,
    Time,
    clean,
    name_word,
    read_link,
    read_repository,
    read_time,
    read_whole_sha,
)
from gateway.delivery.webhooks.kinds import tell_kind
from gateway.delivery.webhooks.references import read_purl
from gateway.delivery.webhooks.request import PayloadError, Reading, Request
from gateway.delivery.webhooks.signature import verify_shared

Taken = tuple[DeliveryEvent, ...] | str
"""The facts of an event, or why there are none."""

_TYPE = re.compile(r"dev\.cdevents\.([a-z]{1,40})\.([a-z]{1,40})\.[0-9A-Za-z.-]{1,40}")
_OUTCOMES = {
    "success": RunState.SUCCEEDED,
    "failure": RunState.FAILED,
    "error": RunState.FAILED,
    "cancel": RunState.CANCELLED,
}


class RawContext(Raw, frozen=True):
    """Who says it, and when. ``id`` with ``source`` identifies the event."""

    id: str
    source: str
    type: str
    timestamp: Time


class RawThing(Raw, frozen=True):
    """Something that is referred to: an environment, a service, a run, a repository, a change."""

    id: str | None = None
    source: str | None = None


class RawContent(Raw, frozen=True, rename="camel"):
    """What is said of the subject; which fields there are depends on the type."""

    pipeline_name: str | None = None
    task_name: str | None = None
    uri: str | None = None
    url: str | None = None
    outcome: str | None = None
    errors: str | None = None
    pipeline_run: RawThing | None = None
    artifact_id: str | None = None
    change: RawThing | None = None
    repository: RawThing | None = None
    environment: RawThing | None = None
    service: RawThing | None = None
    description: str | None = None
    user: str | None = None
    ticket_uri: str | None = msgspec.field(default=None, name="ticketURI")


class RawSubject(Raw, frozen=True):
    """What it is about."""

    id: str
    source: str | None = None
    content: RawContent | None = None


class Document(Raw, frozen=True, rename="camel"):
    """A CDEvent."""

    context: RawContext
    subject: RawSubject
    custom_data: Any = None


class Structured(Raw, frozen=True):
    """A CloudEvent in structured mode, or the document itself; ``context`` is there in the latter only."""

    context: msgspec.Raw = ABSENT
    specversion: str | None = None
    data: msgspec.Raw = ABSENT


_STRUCTURED = msgspec.json.Decoder(Structured)
_DOCUMENT = msgspec.json.Decoder(Document)


def verify(request: Request, secrets: Sequence[str]) -> None:
    """Verify a signature if there is one, else a shared secret; CDEvents itself defines none. Raises SignatureError."""
    verify_shared(request, secrets)


def read(request: Request) -> Reading:
    """Read an event; raises PayloadError."""
    if request.headers.get("content-type", "").strip().lower().startswith("application/cloudevents-batch"):
        raise PayloadError("batches aren't taken: send each event in a request of its own")
    envelope = decode(_STRUCTURED, request.body)
    bare = is_there(envelope.context)
    if not bare and envelope.specversion is None:
        raise PayloadError("neither a CDEvent (context, subject) nor a CloudEvent around one (specversion, data)")
    if not bare and not is_there(envelope.data):
        raise PayloadError("data is missing: the CDEvent belongs there as JSON, not as data_base64")
    document = decode(_DOCUMENT, request.body if bare else bytes(envelope.data))
    context = document.context
    if not context.id or not context.source:
        raise PayloadError("context.id and context.source may not be empty: they identify the event")
    delivery_id = f"{clean(context.source, NAME_LIMIT)}#{clean(context.id, NAME_LIMIT)}"
    match = _TYPE.fullmatch(context.type)
    if match is None:
        return Reading(delivery_id=delivery_id, event=name_word(context.type), ignored="not a type of CDEvents")
    subject, predicate = match[1], match[2]
    reader = _READERS.get(subject)
    at = read_time(context.timestamp, "context.timestamp")
    taken: Taken = reader(document, predicate, at) if reader else "not used"
    event = f"{subject}.{predicate}"
    if isinstance(taken, str):
        return Reading(delivery_id=delivery_id, event=event, ignored=taken)
    return Reading(delivery_id=delivery_id, event=event, events=taken)


def _content(document: Document) -> RawContent:
    return document.subject.content or RawContent()


def _clues(document: Document) -> Clues:
    custom = document.custom_data
    return find_clues(custom.items()) if isinstance(custom, dict) else Clues()


def _identify(document: Document, kind: str, thing: RawThing | RawSubject) -> str:
    """Name a subject: its id is unique within its kind and source, which is the event's where none is given."""
    return f"{clean(thing.source or document.context.source, NAME_LIMIT)}#{kind}/{clean(thing.id, NAME_LIMIT)}"


def _repository(thing: RawThing | None) -> str | None:
    """Return the repository's name, from an address or from a path within the address of its source."""
    if thing is None or not thing.id:
        return None
    if "://" not in thing.id and thing.source and not thing.source.startswith("/"):
        return read_repository(f"{thing.source.rstrip('/')}/{thing.id}", where="subject.content.repository")
    return read_repository(thing.id, where="subject.content.repository.id")


def _change(document: Document, predicate: str, at: float | None) -> Taken:
    if predicate != "merged":
        return "only merged changes are on their way"
    clues = _clues(document)
    sha = clues.sha or read_whole_sha(document.subject.id)
    repository = clues.repository or _repository(_content(document).repository)
    if sha is None or repository is None:
        return "it names no commit: write it into customData.commit"
    return (Commit(repository=repository, sha=sha, ref=clues.ref, pushed_at=at),)


def _pipeline(document: Document, predicate: str, at: float | None) -> Taken:
    return _run(document, predicate, at, name=_content(document).pipeline_name, kind="run")


def _task(document: Document, predicate: str, at: float | None) -> Taken:
    name = _content(document).task_name
    return _run(document, predicate, at, name=name, kind=tell_kind(name))


def _build(document: Document, predicate: str, at: float | None) -> Taken:
    return _run(document, predicate, at, name="build", kind="build")


def _run(document: Document, predicate: str, at: float | None, *, name: str | None, kind: str) -> Taken:
    content, clues = _content(document), _clues(document)
    state = _run_state(predicate, content)
    if state is None:
        return "its outcome is a word that isn't known" if predicate == "finished" else "not used"
    made = read_purl(content.artifact_id)
    failed = state is RunState.FAILED
    parent = content.pipeline_run
    return (
        Run(
            sender="cdevents",
            id=_identify(document, document.context.type.split(".")[2], document.subject),
            name=clean(name, NAME_LIMIT) or clean(document.subject.id, NAME_LIMIT) or kind,
            state=state,
            kind=kind,
            parent=_identify(document, "pipelinerun", parent) if parent and parent.id else None,
            repository=clues.repository or _repository(content.repository),
            sha=clues.sha,
            ref=clues.ref,
            queued_at=at if predicate == "queued" else None,
            started_at=at if predicate == "started" else None,
            finished_at=at if predicate == "finished" else None,
            updated_at=at,
            url=read_link(content.uri, content.url),
            reason=clean(content.errors) if failed else None,
            artifacts=(made.exact,) if made else clues.images if state is RunState.SUCCEEDED else (),
        ),
    )


def _run_state(predicate: str, content: RawContent) -> RunState | None:
    if predicate == "queued":
        return RunState.QUEUED
    if predicate == "started":
        return RunState.RUNNING
    if predicate != "finished":
        return None
    # The outcome is optional, and builds have none: what is finished and tells of no error went well.
    return _OUTCOMES.get(content.outcome or ("failure" if content.errors else "success"))


def _artifact(document: Document, predicate: str, at: float | None) -> Taken:
    if predicate not in ("packaged", "published"):
        return "not used"
    image = read_purl(document.subject.id)
    if image is None:
        return "the artifact isn't an image (pkg:oci or pkg:docker)"
    content, clues = _content(document), _clues(document)
    change = content.change or RawThing()
    return (
        ImagePushed(
            image=image.name,
            tag=image.tag,
            digest=image.digest,
            sha=clues.sha or read_whole_sha(change.id),
            repository=clues.repository or read_repository(change.source, where="subject.content.change.source"),
            pushed_at=at if predicate == "published" else None,
            pushed_by=clean(content.user, NAME_LIMIT),
        ),
    )


def _service(document: Document, predicate: str, at: float | None) -> Taken:
    if predicate not in ("deployed", "upgraded", "rolledback"):
        return "not used"
    content, clues = _content(document), _clues(document)
    image = read_purl(content.artifact_id)
    return (
        Deployed(
            sender="cdevents",
            id=f"{clean(document.context.source, NAME_LIMIT)}#{clean(document.context.id, NAME_LIMIT)}",
            state=RunState.SUCCEEDED,
            environment=clean(content.environment.id, NAME_LIMIT) if content.environment else None,
            service=clean(document.subject.id, NAME_LIMIT),
            repository=clues.repository,
            sha=clues.sha,
            images=(image.exact,) if image else (),
            at=at,
            rollback=predicate == "rolledback",
        ),
    )


def _incident(document: Document, predicate: str, at: float | None) -> Taken:
    if predicate not in ("detected", "reported", "resolved"):
        return "not used"
    content = _content(document)
    image = read_purl(content.artifact_id)
    return (
        Incident(
            sender="cdevents",
            id=_identify(document, document.context.type.split(".")[2], document.subject),
            state=predicate,
            description=clean(content.description),
            environment=clean(content.environment.id, NAME_LIMIT) if content.environment else None,
            service=clean(content.service.id, NAME_LIMIT) if content.service else None,
            artifact=image.exact if image else clean(content.artifact_id, NAME_LIMIT),
            at=at,
            url=read_link(content.ticket_uri),
        ),
    )


_READERS: dict[str, Callable[[Document, str, float | None], Taken]] = {
    "change": _change,
    "pipelinerun": _pipeline,
    "taskrun": _task,
    "build": _build,
    "artifact": _artifact,
    "service": _service,
    "incident": _incident,
}
