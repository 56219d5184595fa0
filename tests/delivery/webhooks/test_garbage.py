"""Whatever is sent: a sender reads it, ignores it, or refuses it with a clear error, and never does anything else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.webhooks.facts import FILES_LIMIT, MESSAGE_LIMIT, NAME_LIMIT
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Reading, Request
from tests.delivery.webhooks.samples import DATA, NOW, SAMPLES, make_request
from tests.effort import examples

DOCUMENTS = {sample: json.loads((DATA / sample).read_text()) for sample in SAMPLES}
GITHUB_EVENTS = sorted({sample.split("/")[1].split(".")[0] for sample in SAMPLES if sample.startswith("github/")})

texts = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "0" * 40,
        "a" * 40,
        "1e999",
        "https://[x",
        "http://a@b/c",
        "javascript:alert(1)",
        "9" * 400,
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:60+23:59",
        "pkg:oci/%00@?tag=%",
        "\ud7ff\U0001f600",
        "//",
        "git@:",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def read(sender: str, request: Request) -> Reading | None:
    """Read as the route does; the one error that is allowed never repeats what was sent."""
    try:
        reading = SENDERS[sender].read(request)
    except PayloadError as error:
        told = str(error)
        return None if 0 < len(told) < 400 else pytest.fail(told)
    assert reading.delivery_id
    assert len(reading.delivery_id) <= 2 * NAME_LIMIT + 1
    assert len(reading.event) < 150
    assert "\0" not in msgspec.json.encode(reading).decode().replace("\\u0000", "\0")
    for event in reading.events:
        assert (getattr(event, "url", None) or "https://").startswith(("http://", "https://"))
    return reading


def make(sender: str, body: bytes, event: str = "push") -> Request:
    return Request(headers={"x-github-event": event}, body=body, received_at=NOW)


def dump(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


@given(sender=st.sampled_from(sorted(SENDERS)), event=st.sampled_from([*GITHUB_EVENTS, "unheard-of"]), document=values)
def test_any_json_is_read_or_refused(sender: str, event: str, document: Any) -> None:
    read(sender, make(sender, dump(document), event))


@given(sender=st.sampled_from(sorted(SENDERS)), body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(sender: str, body: bytes) -> None:
    read(sender, make(sender, body))


@given(body=st.binary(max_size=200), event=st.text(max_size=80))
def test_any_form_is_read_or_refused(body: bytes, event: str) -> None:
    headers = {"x-github-event": event, "content-type": "application/x-www-form-urlencoded"}
    read("github", Request(headers=headers, body=b"payload=" + body, received_at=NOW))
    read("github", Request(headers=headers, body=body, received_at=NOW))


@settings(max_examples=examples(200))
@given(data=st.data(), sample=st.sampled_from(SAMPLES))
def test_a_payload_with_something_else_in_a_place_is_read_or_refused(data: st.DataObject, sample: str) -> None:
    document = json.loads(json.dumps(DOCUMENTS[sample]))
    for _ in range(data.draw(st.integers(1, 3))):
        _mutate(data, document)
    read(sample.split("/")[0], make_request(sample, dump(document)))


@given(data=st.data(), sample=st.sampled_from(SAMPLES))
def test_a_payload_of_another_sender_is_read_or_refused(data: st.DataObject, sample: str) -> None:
    sender = data.draw(st.sampled_from(sorted(SENDERS)))
    event = data.draw(st.sampled_from(GITHUB_EVENTS))
    read(sender, make(sender, dump(DOCUMENTS[sample]), event))


@given(
    headers=st.dictionaries(
        st.sampled_from(["ce-type", "ce-source", "ce-time", "ce-subject", "content-type", "webhook-id"]),
        texts | st.sampled_from(["com.amazon.ecr.image.push", "harbor.artifact.pushed", "container.image.push"]),
    ),
    document=values,
    sender=st.sampled_from(["registry", "cdevents", "gitlab", "argo-workflows"]),
)
def test_any_header_is_read_or_refused(headers: dict[str, str], document: Any, sender: str) -> None:
    read(sender, Request(headers=headers, body=dump(document), received_at=NOW))


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"context":' * 50_000, b'{"a":"' + b"x" * 1_000_000 + b'"}'])
def test_deep_and_long_bodies_are_refused(sender: str, body: bytes) -> None:
    assert read(sender, make(sender, body)) is None or sender == "github"


def test_what_is_kept_of_a_push_is_bounded() -> None:
    commit = {
        "id": "a" * 40,
        "message": "m" * 100_000,
        "author": {"name": "n" * 10_000},
        "url": "https://x/" + "u" * 10_000,
        "added": [f"file-{number}" for number in range(5_000)],
    }
    others = [{**commit, "id": f"{number:040x}"} for number in range(1, 2_000)]
    push = {
        "ref": "refs/heads/main",
        "head_commit": commit,
        "commits": others,
        "repository": {"html_url": "https://x/y"},
    }
    reading = read("github", make("github", dump(push)))
    assert reading is not None
    assert len(reading.events) == 100
    head = reading.events[-1]
    assert msgspec.to_builtins(head) | {"files": (), "message": "", "author": ""} == {
        "type": "commit",
        "repository": "x/y",
        "sha": "a" * 40,
        "ref": "main",
        "author": "",
        "message": "",
        "committed_at": None,
        "pushed_at": None,
        "url": None,
        "parent": None,
        "files": (),
    }
    assert len(head.files) == FILES_LIMIT  # type: ignore[union-attr]
    assert len(head.message) == MESSAGE_LIMIT  # type: ignore[union-attr, arg-type]
    assert len(head.author) == NAME_LIMIT  # type: ignore[union-attr, arg-type]


def _mutate(data: st.DataObject, document: Any) -> None:
    """Replace, remove or add one thing somewhere in a document."""
    place, key = document, None
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 5)) == 0:
            break
        place = place[key]
    if key is None or not place:
        return
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[key]
    else:
        place[key] = data.draw(values)
