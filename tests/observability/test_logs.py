"""Logs: one line of JSON for each event, and no local variable in a traceback."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, structlog
from gateway.observability.logs import configure
configure(level="info", log_format={form!r})
log = structlog.get_logger("x")
log.debug("unheard")
log.info("stream.opened", view="abc", seconds=1.5)
logging.getLogger("library").warning("of a library: %s", 1)
def fail(token):
    raise ValueError("broken")
try:
    fail("hunter2")
except ValueError:
    log.exception("request.failed")
"""


def run(form: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(form=form)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_each_event_is_a_line_of_json() -> None:
    lines = [json.loads(line) for line in run("json")]
    assert [line["event"] for line in lines] == ["stream.opened", "of a library: 1", "request.failed"]
    assert lines[0]["seconds"] == 1.5
    assert all("timestamp" in line and "level" in line for line in lines)
    assert lines[2]["exception"][0]["exc_value"] == "broken"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variable(form: str) -> None:
    text = "\n".join(run(form))
    assert "broken" in text
    assert "hunter2" not in text
