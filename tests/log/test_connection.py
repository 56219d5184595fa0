"""A conversation with Redis: answers belong to what was asked, whatever happened to what was asked before."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.exceptions

from gateway.log.connection import Conversation, connect
from tests.replicas.server import RedisServer


@pytest.fixture
async def conversation(server: RedisServer) -> AsyncIterator[Conversation]:
    client = connect(server.url, timeout=5.0)
    yield Conversation(client)
    await client.aclose()


async def test_commands_are_answered_in_their_order(conversation: Conversation) -> None:
    assert await conversation.ask(("SET", "a", b"\x00\xff"), ("GET", "a"), ("INCRBY", "n", 7)) == [
        b"OK",
        b"\x00\xff",
        7,
    ]


async def test_what_is_refused_leaves_no_answer_behind(conversation: Conversation) -> None:
    await conversation.ask(("SET", "text", "x"))
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
        await conversation.ask(("HGET", "text", "field"), ("GET", "text"))
    assert await conversation.ask(("SET", "text", "y"), ("GET", "text")) == [b"OK", b"y"]


async def test_who_is_cancelled_leaves_no_answer_behind(conversation: Conversation) -> None:
    await conversation.ask(("SET", "text", "x"))
    waiting = asyncio.create_task(conversation.ask(("BLPOP", "nothing", 0)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await conversation.ask(("GET", "text")) == [b"x"]


async def test_a_connection_that_ended_meanwhile_is_opened_anew(
    server: RedisServer, conversation: Conversation
) -> None:
    await conversation.ask(("SET", "text", "x"))
    async with server.client() as other:
        await other.client_kill_filter(_type="normal", skipme=True)
    while not await conversation._connection.can_read():  # noqa: ASYNC110 - nothing says when an end has come
        await asyncio.sleep(0)
    assert await conversation.ask(("GET", "text")) == [b"x"]


async def test_a_redis_that_is_away_is_an_error_and_then_it_is_back(
    server: RedisServer, conversation: Conversation
) -> None:
    await conversation.ask(("PING",))
    await server.stop()
    with pytest.raises((redis.exceptions.ConnectionError, OSError)):
        await conversation.ask(("PING",))
    await server.start()
    assert await conversation.ask(("PING",)) == [b"PONG"]
