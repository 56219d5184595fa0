"""Files of memory: only of what is asked for often, few of them, and none for longer than anybody asks."""

import asyncio
import os

import pytest

from gateway.web import memfiles
from gateway.web.memfiles import MOST, OFTEN, MemoryFiles

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no such files")


async def test_only_what_is_asked_for_often_gets_a_file_and_that_holds_the_same() -> None:
    files, data = MemoryFiles(), os.urandom(300_000)
    assert [files.find(data) for _ in range(OFTEN - 1)] == [None] * (OFTEN - 1)
    file = files.find(data)
    assert file is not None
    assert files.find(data) == file
    assert os.pread(file, 1 << 20, 0) == data
    files.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file)


async def test_equal_bytes_elsewhere_are_others() -> None:
    files, data = MemoryFiles(), b"a" * 1_000
    for _ in range(OFTEN):
        files.find(data)
    assert files.find(bytes(bytearray(data))) is None
    files.close()


async def test_few_are_known_and_whoever_was_asked_for_last_stays() -> None:
    files, many = MemoryFiles(), [bytes([number]) * 1_000 for number in range(MOST + 1)]
    for data in many[:-1]:
        for _ in range(OFTEN):
            files.find(data)
    assert len(files) == MOST
    kept = files.find(many[0])
    assert files.find(many[-1]) is None
    assert len(files) == MOST - 1
    assert files.find(many[0]) == kept is not None
    assert files.find(many[1]) is None
    files.close()
    assert len(files) == 0


async def test_what_nobody_asks_for_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memfiles, "LINGER", 0.05)
    files, data = MemoryFiles(), b"a" * 1_000
    for _ in range(OFTEN):
        files.find(data)
    async with asyncio.timeout(20):
        while len(files):  # noqa: ASYNC110 - there is nothing else to wait for
            await asyncio.sleep(0.01)
    assert files.find(data) is None
    files.close()


async def test_where_there_can_be_no_file_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> int:
        raise OSError("too many open files")

    monkeypatch.setattr(os, "memfd_create", refuse)
    files, data = MemoryFiles(), b"a" * 1_000
    assert [files.find(data) for _ in range(OFTEN + 1)] == [None] * (OFTEN + 1)
    monkeypatch.delattr(os, "memfd_create")
    assert [files.find(data[:-1]) for _ in range(OFTEN + 1)] == [None] * (OFTEN + 1)
    files.close()


async def test_a_file_that_cannot_be_filled_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = os.memfd_create

    def note(name: str) -> int:
        made.append(make(name))
        return made[-1]

    def refuse(_: int, __: object) -> int:
        raise OSError("no memory left")

    monkeypatch.setattr(os, "memfd_create", note)
    monkeypatch.setattr(os, "write", refuse)
    files, data = MemoryFiles(), b"a" * 1_000
    assert [files.find(data) for _ in range(OFTEN)] == [None] * OFTEN
    files.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(made[0])
