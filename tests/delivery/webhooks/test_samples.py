"""Every payload gives exactly what is written beside it, each time, whatever else stands in it."""

import json
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from gateway.delivery.webhooks.body import Raw
from gateway.delivery.webhooks.sender import SENDERS, PayloadError, Request, Sender
from tests.delivery.webhooks.samples import DATA, EXPECTED, SAMPLES, make_request, read_expected, read_sample, show

MAPS = {"headers", "labels", "Labels", "all_labels", "annotations", "nodes", "scan_overview", "summary"}
"""Fields whose names are the sender's own words: any name in them is a known one."""

each_sample = pytest.mark.parametrize("sample", SAMPLES)


@each_sample
def test_a_payload_gives_what_is_expected_of_it(sample: str) -> None:
    assert show(read_sample(sample)) == read_expected(sample)


def test_nothing_is_expected_of_payloads_that_are_not_there() -> None:
    expected = {f"{path.stem}/{name}" for path in EXPECTED.glob("*.json") for name in json.loads(path.read_text())}
    assert expected == set(SAMPLES)


@each_sample
def test_the_same_request_gives_the_same_delivery_and_equal_facts(sample: str) -> None:
    assert read_sample(sample) == read_sample(sample)


@each_sample
def test_taking_it_later_changes_nothing(sample: str) -> None:
    request = make_request(sample)
    later = Request(headers=request.headers, body=request.body, received_at=request.received_at + 86_400)
    sender = SENDERS[sample.split("/")[0]]
    assert sender.read(later) == sender.read(request)


@each_sample
def test_unknown_fields_pass(sample: str) -> None:
    widened = json.dumps(_widen(json.loads((DATA / sample).read_text()))).encode()
    sender = SENDERS[sample.split("/")[0]]
    read = sender.read(make_request(sample, widened))
    assert read.events == read_sample(sample).events
    assert read.ignored == read_sample(sample).ignored


@each_sample
def test_a_truncated_payload_is_refused_with_its_place(sample: str) -> None:
    body = (DATA / sample).read_bytes().rstrip()
    with pytest.raises(PayloadError, match="isn't JSON"):
        SENDERS[sample.split("/")[0]].read(make_request(sample, body[: len(body) // 2]))


@each_sample
def test_a_field_that_is_null_is_absent(sample: str) -> None:
    document = json.loads((DATA / sample).read_text())
    sender = SENDERS[sample.split("/")[0]]
    for name in document:
        null = make_request(sample, json.dumps({**document, name: None}).encode())
        absent = make_request(sample, json.dumps({key: document[key] for key in document if key != name}).encode())
        assert _outcome(sender, null) == _outcome(sender, absent)


@each_sample
def test_facts_survive_being_written_and_read(sample: str) -> None:
    for event in read_sample(sample).events:
        assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event


def test_no_payload_names_people_or_their_addresses() -> None:
    for sample in SAMPLES:
        shown = json.dumps(show(read_sample(sample)))
        assert "@example.org" not in shown, f"{sample}: addresses are not taken"


def _outcome(sender: Sender, request: Request) -> object:
    try:
        reading = sender.read(request)
    except PayloadError:
        return "refused"
    return reading.events, reading.ignored, reading.applications


def _widen(document: Any, name: str = "") -> Any:
    if isinstance(document, list):
        return [_widen(item) for item in document]
    if isinstance(document, dict):
        widened = {key: _widen(value, key) for key, value in document.items()}
        return widened if name in MAPS else {**widened, "x-unknown": {"new": [1, None, {}]}}
    return document


def _list_shapes() -> list[type[Raw]]:
    """Return every struct that a sender's JSON is decoded into."""
    known, found = [Raw], []
    while known:
        shape = known.pop()
        known += shape.__subclasses__()
        found += [shape]
    return found[1:]


@pytest.mark.parametrize(
    "shape", _list_shapes(), ids=lambda shape: f"{shape.__module__.split('.')[-1]}.{shape.__name__}"
)
def test_what_may_be_absent_may_be_null(shape: type[msgspec.Struct]) -> None:
    types = get_type_hints(shape)
    for field in msgspec.structs.fields(shape):
        optional = types[field.name]
        if not field.required and optional is not msgspec.Raw and optional is not Any:
            assert NoneType in get_args(optional), f"{shape.__name__}.{field.name}"
