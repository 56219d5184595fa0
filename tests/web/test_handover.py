"""A stream's connection: what the system takes goes straight there, the rest waits in the transport, in order."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from gateway.hub.frame import Form
from gateway.hub.limits import SLICE
from gateway.web.handover import WRITE_BUFFER, OpenStream, OpenStreams, choose_slice
from gateway.web.memfiles import LARGE, OFTEN

LOOPS = ["asyncio", "uvloop"]
PIECE = bytes(range(256)) * 64


class World(NamedTuple):
    streams: OpenStreams
    stream: OpenStream
    peer: socket.socket


@asynccontextmanager
async def carried(form: Form = Form.CHUNKED) -> AsyncIterator[World]:
    """Carry a stream over a real connection whose other end the test holds."""
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 128 * 1024)
    peer.setblocking(False)
    streams = OpenStreams()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    stream = streams.carry(transport, form, paused=False)
    try:
        yield World(streams, stream, peer)
    finally:
        stream.abort()
        await streams.close(1.0)
        peer.close()


async def read(peer: socket.socket, size: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size and (part := await loop.sock_recv(peer, 1 << 16)):
        data += part
    return data


@pytest.fixture(params=LOOPS)
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    if request.param == "asyncio":
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=pytest.importorskip("uvloop").new_event_loop)


def test_what_nobody_reads_waits_in_order_until_enough_waits(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with carried() as (_, stream, peer):
            taken = 0
            while (offered := stream.offer(PIECE)) is True:
                taken += 1
            assert offered is False
            assert stream.writing_paused
            assert WRITE_BUFFER < stream.unsent() <= WRITE_BUFFER + len(PIECE)
            assert await read(peer, taken * len(PIECE)) == PIECE * taken
            async with asyncio.timeout(10):
                while stream.writing_paused or stream.unsent():  # noqa: ASYNC110 - there is nothing else to wait for
                    await asyncio.sleep(0)
            assert stream.offer(b"next") is True
            stream.write(b" and last")
            assert await read(peer, 13) == b"next and last"

    with runner:
        runner.run(main())


def test_a_loop_whose_transports_copy_is_left_little_and_others_copy_nothing(runner: asyncio.Runner) -> None:
    async def main() -> None:
        whole = PIECE * 512
        async with carried() as (_, stream, _):
            most = choose_slice(asyncio.get_running_loop())
            while not stream.unsent():
                stream.write(PIECE)
            tracemalloc.start()
            try:
                stream.write(memoryview(whole)[:most])
                held = tracemalloc.get_traced_memory()[0]
            finally:
                tracemalloc.stop()
            assert stream.unsent() >= min(most, len(whole))
            assert held < 2 * SLICE

    with runner:
        runner.run(main())


def test_bytes_behind_a_half_sent_frame_keep_their_place(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with carried() as (_, stream, peer):
            before = b""
            while not stream.unsent():
                stream.offer(PIECE)
                before += PIECE
            for number in range(10):
                assert stream.offer(b"%d" % number) is True
            stream.write(b"end")
            assert await read(peer, len(before) + 13) == before + b"0123456789end"

    with runner:
        runner.run(main())


def test_parts_are_taken_at_once_as_far_as_there_is_room_and_none_before_what_waits(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with carried() as (_, stream, peer):
            assert stream.take([memoryview(b"one, "), memoryview(b"two, ")]) == 10
            parts = [memoryview(PIECE)] * 1_000
            taken = stream.take(parts)
            assert 0 < taken < len(PIECE) * len(parts)
            stream.write(b"three")
            assert stream.unsent() == 5
            assert stream.take([memoryview(b"four")]) == 0
            expected = b"one, two, " + (PIECE * len(parts))[:taken] + b"three"
            assert await read(peer, len(expected)) == expected

    with runner:
        runner.run(main())


@pytest.mark.parametrize("large_at", [0, 1, 2])
def test_large_bytes_that_many_are_sent_go_from_a_file_and_keep_their_place(
    runner: asyncio.Runner, large_at: int
) -> None:
    async def main() -> None:
        parts = [b"one, ", b"two, "]
        parts.insert(large_at, PIECE * (LARGE // len(PIECE) + 1))
        whole, got = b"".join(parts), b""
        rounds, cut_short = 4 * OFTEN, 0
        async with carried() as (streams, stream, peer):
            for number in range(1, rounds + 1):
                taken = stream.take([memoryview(part) for part in parts])
                if taken < len(whole):
                    cut_short += 1
                    stream.write(memoryview(whole)[taken:])
                    got += await read(peer, number * len(whole) - len(got))
                    async with asyncio.timeout(10):
                        while stream.unsent():  # noqa: ASYNC110 - there is nothing else to wait for
                            await asyncio.sleep(0)
            assert len(streams.files) == 1
            assert 0 < cut_short < rounds
            got += await read(peer, rounds * len(whole) - len(got))
            assert got == whole * rounds

    with runner:
        runner.run(main())


@pytest.mark.parametrize("form", [Form.PLAIN, Form.CHUNKED])
def test_an_ended_stream_sends_all_that_waits_and_closes(runner: asyncio.Runner, form: Form) -> None:
    async def main() -> None:
        async with carried(form) as (streams, stream, peer):
            ended: list[str] = []
            stream.at_end(lambda: ended.append("first"))
            stream.at_end(lambda: ended.append("second"))
            big = PIECE * 64
            stream.write(big)
            stream.finish()
            expected = big + (b"" if form is Form.PLAIN else b"0\r\n\r\n")
            closing = asyncio.create_task(streams.close(10.0))
            assert await read(peer, len(expected) + 1) == expected
            await closing
            assert ended == ["first", "second"]
            assert len(streams) == 0
            stream.at_end(lambda: ended.append("at once"))
            assert ended[-1] == "at once"

    with runner:
        runner.run(main())


def test_a_stream_whose_client_left_takes_nothing_and_ends(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with carried() as (streams, stream, peer):
            gone = asyncio.Event()
            stream.at_end(gone.set)
            assert stream.offer(b"hello") is True
            peer.close()
            async with asyncio.timeout(10):
                await gone.wait()
            assert stream.offer(b"anybody?") is None
            stream.write(b"nobody")
            stream.finish()
            stream.abort()
            assert len(streams) == 0

    with runner:
        runner.run(main())


def test_who_takes_nothing_to_the_end_is_cut_off(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with carried() as (streams, stream, _):
            stream.write(PIECE * 64)
            stream.finish()
            await streams.close(0.05)
            assert len(streams) == 0

    with runner:
        runner.run(main())
