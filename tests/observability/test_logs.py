"""Logs: one line of JSON for each event, and no local variable in a traceback."""

import asyncio
import io
import json
import subprocess
import sys

import pytest

from gateway.observability.logs import LinesOfATurn

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


class Flushed(io.BytesIO):
    """What was flushed so far, in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def flush(self) -> None:
        self.pieces.append(self.getvalue())
        self.seek(0)
        self.truncate()


def log(lines: LinesOfATurn, *texts: bytes) -> None:
    for text in texts:
        lines.write(text)
        lines.flush()


def test_lines_of_one_turn_are_flushed_together_in_the_next_and_others_at_once() -> None:
    file = Flushed()
    lines = LinesOfATurn(file)

    async def main() -> None:
        log(lines, b"a", b"b")
        assert file.pieces == [b"1", b"2"]
        await asyncio.sleep(0)
        assert file.pieces == [b"1", b"2", b"ab"]
        log(lines, b"c")
        await asyncio.sleep(0)
        await asyncio.to_thread(log, lines, b"of a thread")
        log(lines, b"last")

    log(lines, b"1", b"2")
    asyncio.run(main())
    log(lines, b"3")
    assert file.pieces[:5] == [b"1", b"2", b"ab", b"c", b"of a thread"]
    assert b"".join(file.pieces[5:]) == b"last3"


def test_a_loop_that_ended_before_its_lines_were_flushed_holds_up_none_of_another() -> None:
    file = Flushed()
    lines = LinesOfATurn(file)
    loop = asyncio.new_event_loop()
    loop.call_soon(log, lines, b"unflushed")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    async def main() -> None:
        log(lines, b", flushed")
        await asyncio.sleep(0)
        assert b"".join(file.pieces) == b"unflushed, flushed"

    asyncio.run(main())
