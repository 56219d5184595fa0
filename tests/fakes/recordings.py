"""Recorded Argo CD streams and answers, for tests. Reads `tests/data/recordings`; never writes, never serves.

A stream's name is its path without `.gz`, such as `deploy-day/stream.sse` or `fleet/burst.sse`:

    lines(name)       every line as received, its newline included
    times(name)       for each line the seconds since the request, where they were recorded
    events(name)      `{"type": "ADDED", "application": {...}}` of every event, in order
    final_word(name)  key → application after the last event (DELETED removes)
    body(name)        the whole body, such as `fleet/list.json`
    answer(name)      `http/NAME.http` → status, headers, body

Streams recorded with a `fields` list may lack `metadata.namespace` (`lost-in-burst/stream.sse`): `namespace="argocd"`
puts it in wherever it is missing, in `lines`, `events` and `final_word`.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from .applications import key_of

FOLDER = Path(__file__).parent.parent / "data" / "recordings"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def body(name: str) -> bytes:
    return gzip.decompress((FOLDER / f"{name}.gz").read_bytes())


def lines(name: str, *, namespace: str | None = None) -> list[bytes]:
    recorded = body(name).splitlines(keepends=True)
    return recorded if namespace is None else [_with_namespace(line, namespace) for line in recorded]


def times(name: str) -> list[float]:
    return [float(line) for line in body(f"{name}.times").split()]


def events(name: str, *, namespace: str | None = None) -> list[dict[str, Any]]:
    return [event for line in lines(name, namespace=namespace) if (event := event_in(line)) is not None]


def final_word(name: str, *, namespace: str | None = None) -> dict[str, dict[str, Any]]:
    applications: dict[str, dict[str, Any]] = {}
    for event in events(name, namespace=namespace):
        key = key_of(event["application"])
        if event["type"] == "DELETED":
            applications.pop(key, None)
        else:
            applications[key] = event["application"]
    return applications


def answer(name: str) -> Answer:
    head, _, content = (FOLDER / name).read_bytes().partition(b"\n\n")
    status, *fields = head.decode().splitlines()
    return Answer(int(status.split()[1]), dict(field.split(": ", 1) for field in fields), content)


def payload_of(line: bytes) -> bytes | None:
    """Return the JSON that a line of either framing carries; None for a blank line or a keep-alive."""
    text = line.removeprefix(b"data:").strip()
    return text if text and not text.startswith(b":") else None


def event_in(line: bytes) -> dict[str, Any] | None:
    payload = payload_of(line)
    if payload is None:
        return None
    event: dict[str, Any] = orjson.loads(payload)["result"]
    return event


def _with_namespace(line: bytes, namespace: str) -> bytes:
    event = event_in(line)
    if event is None or "namespace" in event["application"]["metadata"]:
        return line
    event["application"]["metadata"]["namespace"] = namespace
    payload = orjson.dumps({"result": event})
    return b"data: " + payload + b" \n" if line.startswith(b"data:") else payload + b"\n"
