"""The payloads in ``tests/data/webhooks``: each as a request of its sender, and what is expected to be read from it.

``python -m tests.delivery.webhooks.samples`` writes the expectations anew; look at the difference before keeping it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from gateway.delivery.webhooks.sender import SENDERS, Reading, Request

DATA = Path(__file__).parents[2] / "data" / "webhooks"
EXPECTED = DATA / "expected"
NOW = 1_795_219_200.0  # 2026-11-21T00:00:00Z

SAMPLES = sorted(
    str(path.relative_to(DATA))
    for path in DATA.glob("*/*.json")
    if path.parent != EXPECTED and path.parent.name in SENDERS
)


def make_request(sample: str, body: bytes | None = None) -> Request:
    """Return the request that a sample was the body of; the headers are those that say what it is."""
    sender, name = sample.split("/")
    headers = {"content-type": "application/json"}
    guid = str(uuid5(NAMESPACE_URL, sample))
    if sender == "github":
        headers |= {"x-github-event": name.split(".")[0], "x-github-delivery": guid}
    elif sender == "gitlab":
        headers |= {"idempotency-key": guid}
    return Request(headers=headers, body=(DATA / sample).read_bytes() if body is None else body, received_at=NOW)


def read_sample(sample: str) -> Reading:
    return SENDERS[sample.split("/")[0]].read(make_request(sample))


def show(reading: Reading) -> dict[str, Any]:
    """Write a reading as people read it: what is absent left out, times as dates."""
    shown: dict[str, Any] = {"event": reading.event, "delivery": reading.delivery_id}
    if reading.ignored:
        shown["ignored"] = reading.ignored
    if reading.applications:
        shown["applications"] = list(reading.applications)
    if reading.events:
        shown["events"] = [show_event(event) for event in reading.events]
    return shown


def show_event(event: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.to_builtins(event)
    shown = {name: value for name, value in fields.items() if value not in (None, [], (), False)}
    for name in shown:
        if isinstance(shown[name], float):
            shown[name] = datetime.fromtimestamp(shown[name], UTC).isoformat().replace("+00:00", "Z")
        elif isinstance(shown[name], tuple):
            shown[name] = list(shown[name])
    return shown


def read_expected(sample: str) -> Any:
    sender, name = sample.split("/")
    return json.loads((EXPECTED / f"{sender}.json").read_text())[name]


def write_expected() -> None:
    EXPECTED.mkdir(exist_ok=True)
    for sender in SENDERS:
        shown = {name.split("/")[1]: show(read_sample(name)) for name in SAMPLES if name.startswith(f"{sender}/")}
        (EXPECTED / f"{sender}.json").write_text(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_expected()
