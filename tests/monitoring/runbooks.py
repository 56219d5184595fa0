"""The runbooks' first commands, run as somebody on call would: pasted into a shell."""

import asyncio
import os
import re
from typing import NamedTuple

from tests.monitoring.prometheus import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"


class Said(NamedTuple):
    code: int | None
    out: str
    err: str


def first_command(alert: str) -> str:
    """Return the command of a runbook that is to be run first."""
    (command,) = re.findall(
        r"^## First command\n\n```sh\n(.*?)```", (RUNBOOKS / f"{alert}.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return str(command)


async def run_first_command(alert: str, *, gateway: str = "", metrics: str = "", prometheus: str = "") -> Said:
    """Run it; the variables are those that ``incident.md`` sets."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"set -o pipefail; {first_command(alert)}"),
        env={**os.environ, "GATEWAY": gateway, "METRICS": metrics, "PROMETHEUS": prometheus, "no_proxy": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())
