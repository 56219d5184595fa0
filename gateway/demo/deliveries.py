"""What senders post on the recorded day, as a strand of the timetable: commits, runs of CI, images, scans.

What was sent before the story is sent when the demo opens, with the times of before. In each telling commits have other
names, runs, images and requests other ids: nothing is ever told twice. Pure.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from hashlib import sha256

from gateway.demo.happening import DeliveryHappening, Today
from gateway.demo.recording import Delivery, Recording, move_times

_UUID = rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
_DIGEST = rb"(?<=sha256:)[0-9a-f]{64}\b"
_NUMBER = rb"(?<![0-9a-z])7001[0-9]{6}(?![0-9a-z])"
_IDS = re.compile(rb"(?P<uuid>%b)|(?P<digest>%b)|(?P<number>%b)" % (_UUID, _DIGEST, _NUMBER))
"""What identifies a run, an image or an event; numbers, as the recording has them."""

_PER_TELLING = 1_000_000

_HEADERS = {
    "github": {"User-Agent": "GitHub-Hookshot/demo"},
    "gitlab": {"User-Agent": "GitLab/demo"},
    "cdevents": {"Content-Type": "application/cloudevents+json"},
}


class Deliveries:
    """The webhooks before the story, and those within it."""

    def __init__(self, recording: Recording) -> None:
        self._before = [delivery for delivery in recording.deliveries if delivery.at <= recording.beginning]
        self._within = [delivery for delivery in recording.deliveries if delivery.at > recording.beginning]

    @property
    def times(self) -> Sequence[float]:
        """The moments at which something is sent, in Unix seconds of that day."""
        return [delivery.at for delivery in self._within]

    def happen(self, number: int, today: Today, at: float) -> Iterator[DeliveryHappening]:
        """Send what was sent at a moment of the story."""
        yield self._send(self._within[number], today, at)

    def prepare(self, today: Today, at: float) -> Iterator[DeliveryHappening]:
        """Send what was sent before the story; after the first telling, of that only what is made again."""
        for delivery in self._before:
            if today.telling == 1 or today.rename(delivery.body) != delivery.body:
                yield self._send(delivery, today, at)

    def restore(self, today: Today, at: float) -> Iterator[DeliveryHappening]:  # noqa: ARG002
        """Send nothing: all was sent before."""
        yield from ()

    def bring_back(self, key: str, today: Today, at: float) -> Iterator[DeliveryHappening]:  # noqa: ARG002
        """Send nothing: Argo CD's own notifications tell of applications."""
        yield from ()

    def _send(self, delivery: Delivery, today: Today, at: float) -> DeliveryHappening:
        # What stays as it is says when that was, at each telling: before the first one.
        again = today.rename(delivery.body) != delivery.body or today.telling == 1
        date = today.date_again if again else today.date
        text = move_times(delivery.body, lambda recorded: date(recorded, at=at))
        body = _identify(today.rename(text), today)
        identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{sha256(delivery.body).hexdigest()}{_seed(today)}"))
        return DeliveryHappening(
            at=at, sender=delivery.sender, id=identity, headers=_name(delivery, identity), body=body
        )


def _name(delivery: Delivery, identity: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", **_HEADERS.get(delivery.sender, {})}
    if delivery.sender == "github":
        headers |= {"X-GitHub-Event": delivery.event, "X-GitHub-Delivery": identity}
    elif delivery.sender == "gitlab":
        headers |= {"X-Gitlab-Event": delivery.event, "X-Gitlab-Event-UUID": identity}
    return headers


def _seed(today: Today) -> str:
    return f"#{today.telling}@{today.opened_at}"


def _identify(body: bytes, today: Today) -> bytes:
    """Give what has an id one of this telling; in the first it is the recorded one."""
    if today.telling == 1:
        return body
    seed = _seed(today).encode()

    def replace(match: re.Match[bytes]) -> bytes:
        if match["number"]:
            return b"%d" % (int(match["number"]) + (today.telling - 1) * _PER_TELLING)
        made = sha256(match[0] + seed).hexdigest()
        return (str(uuid.UUID(made[:32])) if match["uuid"] else made).encode()

    return _IDS.sub(replace, body)
