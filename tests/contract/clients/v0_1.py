"""The fold of a client of release 0.1. FROZEN: this file must never be changed.

It stands for every page and service that was written against the contract of 0.1 and will not be written again. It
uses the standard library alone, and of the contract only what 0.1 documented. When a test with it fails, the gateway
broke a promise: mend the gateway. A later release brings a file of its own beside this one.
"""

import json
from typing import Any


class Client:
    """Reads a stream's bytes as an EventSource does (the HTML standard, section 9.2.6), and folds its events."""

    def __init__(self) -> None:
        self.applications: dict[str, dict[str, Any]] = {}
        self.last_id = ""
        self.retry_ms = 3_000
        self.upstream: dict[str, Any] = {}
        self.goodbye = ""
        self.has_state = False
        self._held = b""
        self._name = ""
        self._data: list[str] = []

    def begin_with(self, listing: dict[str, Any], cursor: str) -> None:
        """Begin with an answer of ``/api/pipelines`` and its ``Gateway-Cursor``."""
        self.applications = {application["key"]: application for application in listing["applications"]}
        self.upstream = listing["upstream"]
        self.last_id = cursor

    def connect(self) -> dict[str, str]:
        """Begin a connection; return the query parameters that lead on from where the last one ended."""
        self._held, self._name, self._data = b"", "", []
        self.goodbye, self.has_state = "", False
        return {"lastEventId": self.last_id} if self.last_id else {}

    def feed(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        *lines, self._held = (self._held + data).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line:
                self._take(line.decode())
            else:
                name, text = self._name, "\n".join(self._data)
                self._name, self._data = "", []
                if text:
                    self._follow(name, json.loads(text))

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self.last_id = value
        elif field == "retry":
            self.retry_ms = int(value)

    def _follow(self, name: str, data: dict[str, Any]) -> None:
        if name == "snapshot":
            self.applications = {application["key"]: application for application in data["applications"]}
            self.has_state = True
        elif name == "delta":
            for key, fields in data["changed"].items():
                application = self.applications.setdefault(key, {})
                for field, value in fields.items():
                    if value is None:
                        application.pop(field, None)
                    else:
                        application[field] = value
            for key in data["removed"]:
                self.applications.pop(key, None)
            self.has_state = True
        elif name == "heartbeat":
            self.upstream = data["upstream"]
        elif name == "goodbye":
            self.goodbye = data["reason"]
            self.retry_ms = data["retryMs"]
