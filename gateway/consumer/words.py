"""What changed of an application, in words for people, each with the mood that it is shown in.

Pure. Colours and terminals belong to whoever shows the words. Documents come from outside: a field may be missing, of
another shape or full of control characters, and none of that is an error here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Mood = Literal["plain", "quiet", "good", "busy", "bad", "odd"]
Document: TypeAlias = Mapping[str, Any]

MESSAGE_LENGTH = 160
"""Characters of a message that are shown; it is whole in ``/api/pipelines/{name}``."""

MOODS: Mapping[str, Mood] = {
    "Healthy": "good",
    "Synced": "good",
    "Succeeded": "good",
    "live": "good",
    "Progressing": "busy",
    "Running": "busy",
    "OutOfSync": "busy",
    "Terminating": "busy",
    "connecting": "busy",
    "stale": "busy",
    "Missing": "bad",
    "Degraded": "bad",
    "Failed": "bad",
    "Error": "bad",
    "down": "bad",
    "Suspended": "odd",
    "Unknown": "odd",
}
"""How Argo CD's words, and those for upstream's state, are meant; others are plain."""

_DESCRIBED = frozenset(("key", "name", "namespace", "health", "sync", "operation", "images", "conditions"))


class Word(NamedTuple):
    """Some text in one mood."""

    text: str
    mood: Mood = "plain"


Words: TypeAlias = tuple[Word, ...]
ARROW = Word(" → ", "quiet")


def describe(before: Document | None, after: Document | None, *, selected: bool = False) -> Iterator[Words]:
    """Say what happened to one application, a line for each thing; None is an application that isn't seen.

    With ``selected``, not to be seen may only mean not to be among those that were asked for.
    """
    if after is None:
        yield (Word("no longer among these", "quiet") if selected else Word("removed", "bad"),)
        return
    if before is None:
        yield (Word("now among these  " if selected else "appeared  ", "odd"), *summarise(after))
        return
    yield from _describe_health(before, after)
    yield from _describe_sync(before, after)
    yield from _describe_operation(before, after)
    yield from _describe_images(before, after)
    yield from _describe_conditions(before, after)
    yield from _describe_rest(before, after)


def summarise(document: Document) -> Words:
    """Say how an application is: health, sync with its revision, and an operation that isn't over."""
    words = [_status(document, "health"), Word("  "), _status(document, "sync"), *_revision(document, "sync")]
    phase = plain(part(document, "operation").get("phase"))
    if phase and phase != "Succeeded":
        words += [Word("  operation ", "quiet"), word(phase)]
    return tuple(words)


def is_well(document: Document) -> bool:
    """Whether there is nothing about an application that somebody should look at."""
    return (
        part(document, "health").get("status") == "Healthy"
        and part(document, "sync").get("status") == "Synced"
        and part(document, "operation").get("phase") in (None, "Succeeded")
    )


def word(text: str) -> Word:
    """Return one of Argo CD's words in its mood."""
    return Word(text, MOODS.get(text, "plain"))


def part(document: Document, field: str) -> Document:
    """Return an object within a document; an empty one if there is none."""
    value = document.get(field)
    return value if isinstance(value, Mapping) else {}


def plain(value: object) -> str:
    """Return a value as one line of printable text: what a terminal would obey becomes a space."""
    if value is None:
        return ""
    return "".join(each if each.isprintable() else " " for each in str(value))


def shorten(text: str, length: int = MESSAGE_LENGTH) -> str:
    """Return the beginning of a text, marked if that isn't all."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _describe_health(before: Document, after: Document) -> Iterator[Words]:
    old, new = part(before, "health"), part(after, "health")
    message = plain(new.get("message"))
    behind = (Word(f"  {shorten(message)}", "quiet"),) if message else ()
    if old.get("status") != new.get("status"):
        yield (_status(before, "health"), ARROW, _status(after, "health"), *behind)
    elif old.get("message") != new.get("message") and message:
        yield (_status(after, "health"), *behind)


def _describe_sync(before: Document, after: Document) -> Iterator[Words]:
    old, new = part(before, "sync"), part(after, "sync")
    if old.get("status") != new.get("status"):
        yield (
            Word("sync ", "quiet"),
            _status(before, "sync"),
            ARROW,
            _status(after, "sync"),
            *_revision(after, "sync"),
        )
    elif old.get("revisions") != new.get("revisions"):
        yield (Word("sync ", "quiet"), _status(after, "sync"), *_revision(after, "sync"))


def _describe_operation(before: Document, after: Document) -> Iterator[Words]:
    old, new = part(before, "operation"), part(after, "operation")
    if not new:
        # It goes absent for a moment at the start of each operation: that is no end.
        return
    same = all(old.get(field) == new.get(field) for field in ("phase", "startedAt", "message", "retryCount"))
    if same:
        return
    phase = plain(new.get("phase")) or "Unknown"
    words = [Word("operation ", "quiet"), word(phase), *_revision(after, "operation")]
    started = old.get("startedAt") != new.get("startedAt") or not old
    if started and (who := _initiator(new)):
        words.append(Word(f"  by {who}", "quiet"))
    if retries := new.get("retryCount"):
        words.append(Word(f"  retry {plain(retries)}", "busy"))
    if message := plain(new.get("message")):
        words.append(Word(f"  {shorten(message)}", "quiet"))
    yield tuple(words)


def _initiator(operation: Document) -> str:
    by = part(operation, "initiatedBy")
    return plain(by.get("username")) or ("automated sync" if by.get("automated") else "")


def _describe_images(before: Document, after: Document) -> Iterator[Words]:
    old, new = _texts(before, "images"), _texts(after, "images")
    gone = {_repository(image): image for image in old if image not in new}
    for image in new:
        if image in old:
            continue
        previous = gone.pop(_repository(image), None)
        if previous is None:
            yield (Word("image ", "quiet"), Word(image))
        else:
            repository = _repository(image)
            tag, now = previous[len(repository) :].lstrip(":@"), image[len(repository) :].lstrip(":@")
            name = repository.rpartition("/")[2]
            yield (Word("image ", "quiet"), Word(f"{name} "), Word(shorten(tag, 40)), ARROW, Word(shorten(now, 40)))
    for image in gone.values():
        yield (Word("image ", "quiet"), Word(image), Word(" no longer runs", "quiet"))


def _repository(image: str) -> str:
    """Return an image's name without tag and digest; a port's colon comes before a slash."""
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def _describe_conditions(before: Document, after: Document) -> Iterator[Words]:
    old, new = _conditions(before), _conditions(after)
    for kind, message in new.items():
        if old.get(kind) != message or kind not in old:
            mood: Mood = "bad" if kind.endswith("Error") else "busy"
            yield (Word(kind, mood), Word(f"  {shorten(message)}" if message else "", "quiet"))
    for kind in old:
        if kind not in new:
            yield (Word(kind), Word(" is over", "good"))


def _conditions(document: Document) -> dict[str, str]:
    conditions = document.get("conditions")
    found = [item for item in conditions if isinstance(item, Mapping)] if isinstance(conditions, list) else []
    return {plain(item.get("type")): plain(item.get("message")) for item in found}


def _describe_rest(before: Document, after: Document) -> Iterator[Words]:
    if after.get("deletionTimestamp") and not before.get("deletionTimestamp"):
        yield (Word("is being deleted", "bad"),)
    if before.get("project") != after.get("project"):
        yield (
            Word("project ", "quiet"),
            Word(plain(before.get("project")) or "none"),
            ARROW,
            Word(plain(after.get("project")) or "none"),
        )
    fields = (before.keys() | after.keys()) - _DESCRIBED - {"deletionTimestamp", "project"}
    if changed := sorted(plain(field) for field in fields if before.get(field) != after.get(field)):
        yield (Word(f"{', '.join(changed)} changed", "quiet"),)


def _status(document: Document, field: str) -> Word:
    return word(plain(part(document, field).get("status")) or "Unknown")


def _revision(document: Document, field: str) -> Words:
    revisions = part(document, field).get("revisions")
    texts = [shorten_revision(plain(each)) for each in revisions] if isinstance(revisions, list) else []
    return (Word(f" {', '.join(texts)}", "quiet"),) if texts else ()


def shorten_revision(revision: str) -> str:
    """Return a commit's first seven digits, as git shows it; a chart's version stays whole."""
    is_commit = len(revision) in (40, 64) and all(each in "0123456789abcdef" for each in revision)
    return revision[:7] if is_commit else shorten(revision, 40)


def _texts(document: Document, field: str) -> list[str]:
    value = document.get(field)
    return [plain(each) for each in value] if isinstance(value, list) else []
