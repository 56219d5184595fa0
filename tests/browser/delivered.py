"""Answers of the delivery history for pages: true ones of recordings, moved to now; and what senders post."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from playwright.async_api import Page, Route

from gateway.app import Gateway
from gateway.delivery.correlation.index import Index
from gateway.delivery.timeline import timeline
from tests.browser.stage import url_of
from tests.delivery.story import deployments, facts

Change = dict[str, Any]
Query = dict[str, str]

_TIMES = ("startedAt", "finishedAt", "endedAt", "at")
SECRET = "github-secret"


@cache
def _recorded(name: str) -> str:
    """Return the changes of a recording as JSON, with service and environment as their names tell them."""
    changes = timeline(deployments(name), Index(facts(name)))["changes"]
    for change in changes:
        service, _, environment = change["application"].partition("/")[2].rpartition("-")
        if environment in ("dev", "stage", "prod"):
            change |= {"service": service, "environment": environment}
    return json.dumps(changes)


def changes_of(name: str = "promotion/stream.sse", *, ago: float = 180.0) -> list[Change]:
    """Return the changes of a recording, the newest first, as if the last had begun some seconds ago."""
    changes: list[Change] = json.loads(_recorded(name))
    newest = max(datetime.fromisoformat(change["startedAt"]) for change in changes)
    moved = datetime.now(UTC) - timedelta(seconds=ago) - newest
    return [_move(change, moved) for change in changes]


def of(application: str, name: str = "promotion/stream.sse") -> list[Change]:
    """Return the changes of one application."""
    return [change for change in changes_of(name) if change["application"] == f"argocd/{application}"]


def stage(change: Change, name: str) -> Change:
    found: Change = next(one for one in change["stages"] if one["stage"] == name)
    return found


def iso(seconds_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _move(value: Any, by: timedelta) -> Any:
    if isinstance(value, list):
        return [_move(each, by) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: (datetime.fromisoformat(each) + by).strftime("%Y-%m-%dT%H:%M:%SZ")
        if name in _TIMES and isinstance(each, str)
        else _move(each, by)
        for name, each in value.items()
    }


async def answer(page: Page, path: str, make: Callable[[Query], Any]) -> list[Query]:
    """Answer what the page asks of a path (a glob) instead of the gateway; return the list of what it asks."""
    asked: list[Query] = []

    async def fulfil(route: Route) -> None:
        query = dict(parse_qsl(urlsplit(route.request.url).query))
        asked.append(query)
        content = make(query)
        status = content.get("status", 200) if isinstance(content, dict) else 200
        await route.fulfill(status=status, content_type="application/json", body=json.dumps(content))

    await page.route(f"**/api/{path}", fulfil)
    return asked


async def post(gateway: Gateway, event: str, payload: dict[str, Any], *, secret: str = SECRET) -> int:
    """Post as GitHub does; return the status."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": hashlib.sha256(event.encode() + body).hexdigest()[:32],
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url_of(gateway, "/api/webhooks/github"), data=body, headers=headers) as response,
    ):
        return response.status


def push(sha: str, message: str = "Count the tickets twice") -> dict[str, Any]:
    """Return the payload of a push of one commit."""
    now = iso(60)
    author = {"name": "Example Developer", "email": "dev@example.org", "username": "dev"}
    commit = {
        "id": sha,
        "message": message,
        "timestamp": now,
        "url": f"https://github.com/example/store/commit/{sha}",
        "author": author,
        "committer": author,
        "added": [],
        "removed": [],
        "modified": ["src/auth.py"],
    }
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": sha,
        "created": False,
        "deleted": False,
        "forced": False,
        "repository": {
            "id": 1,
            "name": "store",
            "full_name": "example/store",
            "html_url": "https://github.com/example/store",
            "pushed_at": int(datetime.now(UTC).timestamp()),
        },
        "head_commit": commit,
        "commits": [commit],
        "pusher": {"name": "dev"},
        "sender": {"login": "dev"},
    }
