"""Logs: one line of JSON for each event, and no local variable in a traceback."""

import asyncio
import io
import json
import subprocess
import sys
from typing import Any, BinaryIO, cast

import pytest

from gateway.observability import logs
from gateway.observability.logs import Lines

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


class Unbuffered(io.RawIOBase):
    """What was written so far, in pieces; of each the system takes eight bytes at most."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data[:8]))
        return len(self.pieces[-1])


def open_lines() -> tuple[Lines, list[bytes]]:
    file = Unbuffered()
    return Lines(cast("BinaryIO", file)), file.pieces


def test_lines_that_come_together_are_written_at_once_and_a_warning_with_those_before_it() -> None:
    lines, pieces = open_lines()

    async def main() -> None:
        lines.info(b"a")
        lines.info(b"b")
        assert pieces == [b"1\n", b"2\n"]
        async with asyncio.timeout(10):
            while len(pieces) == 2:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0)
        assert pieces[2:] == [b"a\nb\n"]
        lines.info(b"c")
        lines.warning(b"d")
        assert pieces[3:] == [b"c\nd\n"]
        lines.info(b"e")
        await asyncio.to_thread(lines.info, b"f")
        assert pieces[4:] == [b"e\nf\n"]

    lines.info(b"1")
    lines.info(b"2")
    asyncio.run(main())
    lines.info(b"a longer line")
    assert pieces[5:] == [b"a longer", b" line\n"]


def test_a_loop_that_ended_before_its_lines_were_written_holds_up_none_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines, pieces = open_lines()
    monkeypatch.setattr(logs, "LINGER", 3_600.0)

    async def main(line: bytes) -> None:
        lines.info(line)

    asyncio.run(main(b"late"))
    assert pieces == []
    monkeypatch.undo()

    async def wait() -> None:
        lines.info(b"then")
        async with asyncio.timeout(10):
            while not pieces:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0)

    asyncio.run(wait())
    assert b"".join(pieces) == b"late\nthen\n"


def test_what_is_logged_at_the_very_end_is_written() -> None:
    script = """
import asyncio, structlog
from gateway.observability.logs import configure
async def main():
    structlog.get_logger("x").info("last")
    asyncio.get_running_loop().stop()
configure(level="info", log_format="json")
loop = asyncio.new_event_loop()
task = loop.create_task(main())
loop.run_forever()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "last" in done.stderr
