"""Print what changes, for as long as it runs: `python watch.py [URL of the stream]`. Needs only aiohttp."""

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

STREAM = "http://localhost:8090/api/stream/pipelines"

# There is no end to wait for. Something comes every 15 s, so after 45 s of silence the line is dead.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=45)

Document = dict[str, Any]


async def watch(url: str) -> None:
    """Follow the stream, and come back to where it ended; exit where the gateway says that coming back is no use."""
    applications: dict[str, Document] = {}
    upstream = cursor = ""
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        while True:
            wait = 3.0
            try:
                async for event in listen(session, url, cursor):
                    wait = int(event.get("retry", 1000 * wait)) / 1000
                    cursor = event.get("id", cursor)
                    data = json.loads(event["data"])
                    if event["event"] in ("snapshot", "delta"):
                        fold(applications, event["event"], data)
                    elif event["event"] == "heartbeat" and data["upstream"]["state"] != upstream:
                        upstream = data["upstream"]["state"]
                        print(f"{len(applications)} applications, {upstream}", flush=True)
            except (aiohttp.ClientError, TimeoutError) as error:
                print(f"disconnected: {error!r}", file=sys.stderr)
                upstream = "disconnected"
            await asyncio.sleep(random.uniform(0.2, 1) * wait)  # noqa: S311 - so that not all come at once


async def listen(session: aiohttp.ClientSession, url: str, cursor: str) -> AsyncIterator[dict[str, str]]:
    """Give each event as its fields: event, id, data, retry."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
    async with session.get(url, headers=headers) as response:
        if response.status in (400, 401, 403, 404):
            sys.exit(f"{response.status}: {await response.text()}")
        response.raise_for_status()
        rest, event = b"", dict[str, str]()
        # Not by the response's own lines: a snapshot is one line, and may be longer than those can be.
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                name, _, value = line.decode().rstrip("\r").partition(":")
                if name:
                    event[name] = value.removeprefix(" ")
                elif not value and "data" in event:
                    yield event
                    event = {}


def fold(applications: dict[str, Document], name: str, data: dict[str, Any]) -> None:
    """Apply an event, and print what it changed; a first snapshot changes nothing."""
    before = dict(applications)
    if name == "snapshot":
        applications.clear()
        applications.update((each["key"], each) for each in data["applications"])
    else:
        for key, fields in data["changed"].items():
            merged = {**applications.get(key, {}), **fields}
            applications[key] = {field: value for field, value in merged.items() if value is not None}
        for key in data["removed"]:
            applications.pop(key, None)
    for key in sorted(before.keys() | applications.keys()) if before else ():
        was, now = (describe(known.get(key)) for known in (before, applications))
        if was != now:
            print(f"{key}: {was} → {now}", flush=True)


def describe(application: Document | None) -> str:
    """Say how an application is, in a few words."""
    if application is None:
        return "absent"
    health, sync = (application.get(field, {}).get("status", "Unknown") for field in ("health", "sync"))
    revision = application.get("sync", {}).get("revisions", [""])[0]
    return " ".join(filter(None, (health, sync, revision[:7])))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch(sys.argv[1] if len(sys.argv) > 1 else STREAM))
