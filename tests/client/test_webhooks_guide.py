"""What docs/webhooks.md has one type and send, typed and sent to a gateway."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from tests.browser.stage import run_gateway, url_of
from tests.fakes.applications import application
from tests.fakes.argocd import FakeArgoCD

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
SECRET = "a-secret-of-a-sender"


def read_blocks(title: str, language: str) -> list[str]:
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


async def run(script: str, place: Path) -> str:
    """Run a script as in a shell of one's own; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=place,
        env={**os.environ, "no_proxy": "*"},
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, script
    return output.decode()


async def test_what_is_tried_by_hand_is_taken(argocd: FakeArgoCD, tmp_path: Path) -> None:
    (make,) = read_blocks("A secret for each sender", "sh")
    secret, file = (await run(f"{make}cat github-secret; env | grep GITHUB", tmp_path)).split()
    assert file == f"GATEWAY_WEBHOOK_GITHUB_SECRET_FILE={tmp_path}/github-secret"
    (tmp_path / "workflows-secret").write_text(SECRET)
    secrets = {"webhook_github_secret": SecretStr(secret), "webhook_argo_workflows_secret": SecretStr(SECRET)}
    async with run_gateway(argocd, **secrets) as gateway:
        said = [
            orjson.loads(await run(script.replace("http://127.0.0.1:8090", url_of(gateway, "")), tmp_path))
            for script in read_blocks("Try it", "sh")
        ]
    assert [answer["outcome"] for answer in said] == ["ignored", "accepted"]


@pytest.mark.parametrize(("title", "sender"), [("Argo CD notifications", "argocd"), ("Registries", "registry")])
async def test_a_body_that_is_shown_is_taken(argocd: FakeArgoCD, title: str, sender: str) -> None:
    (body,) = read_blocks(title, "json")
    argocd.put(application("shop", project="shop"))
    async with run_gateway(argocd, **{f"webhook_{sender}_secret": SecretStr(SECRET)}) as gateway:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        if sender == "registry":
            headers["Content-Type"] = "application/cloudevents+json"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url_of(gateway, f"/api/webhooks/{sender}"), data=body.encode(), headers=headers) as answer,
        ):
            said = await answer.json()
    assert (answer.status, said["outcome"]) == (202, "accepted")
