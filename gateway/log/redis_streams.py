"""The shared log on Redis: what is asked of it, and what it answers, in the log's own words.

One stream has a change in each entry, whose id is its offset; beside it stand the state, tombstones, and what binds
them together. A second, short stream carries what moves no cursor: beats of the lease, breaches, applications to look
at, a leader that is about to end.
Nothing is repeated here unasked, and nothing decided.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import redis
import redis.exceptions

from gateway.log import scripts
from gateway.log.connection import Command, Conversation, close, connect
from gateway.log.entries import (
    Entry,
    Keys,
    Renewal,
    decode_entry,
    decode_grave,
    decode_observed,
    encode_entry,
    encode_grave,
    encode_observed,
)
from gateway.log.lease import Claim
from gateway.log.replica import Numbered, Stored
from gateway.log.shared import (
    BrokenEpochError,
    FencedError,
    Loaded,
    Place,
    Read,
    SharedLogError,
    Signal,
    Taken,
)
from gateway.model.application import Observed, Tombstone

BLOCK = 1.0
"""Seconds for which a read waits for something new."""

TIMEOUT = 5.0
"""Seconds after which an answer that should come at once isn't waited for any longer."""

PAGE = 500
"""Entries that are read at once."""


class RedisStreams:
    """One Argo CD's log on a Redis."""

    def __init__(self, url: str, keys: Keys) -> None:
        self._keys = keys
        # A read waits longer than its block: without a bound, a connection that was cut silently would be waited on for
        # ever.
        self._reading = connect(url, timeout=BLOCK + TIMEOUT)
        self._writing = connect(url, timeout=TIMEOUT)
        self._listening = Conversation(self._reading)
        self._appending = Conversation(self._writing)
        self._scripts: dict[str, str] = {}

    async def close(self) -> None:
        """Let the connections go."""
        await close(self._reading)
        await close(self._writing)

    # Reading.

    async def load(self) -> Loaded:
        """Read everything. Raises SharedLogError, UnreadableError."""
        keys = self._keys
        async with _asking():
            async with self._reading.pipeline(transaction=True) as asked:
                asked.hgetall(keys.meta)
                asked.hgetall(keys.state)
                asked.hgetall(keys.graves)
                asked.time()
                asked.xrevrange(keys.log, count=1)
                meta, state, graves, time, last = await asked.execute()
            history: list[Numbered] = []
            if last:
                history = await self._history(_parse_id(last[0][0]))
        place = Place(*(_parse_id(last[0][0]) if last else (int(meta.get(b"top", 0)), 0)), int(meta.get(b"signal", 0)))
        stored = None
        if epoch := meta.get(b"epoch", b"").decode():
            top = int(meta[b"top"])
            held = {key.decode(): decode_observed(data) for key, data in state.items()}
            stored = Stored(
                epoch=epoch,
                top=top,
                begun_at=float(meta[b"begun_at"]),
                held=held,
                graves={key.decode(): decode_grave(data) for key, data in graves.items()},
                history=tuple(_end_of(history, epoch=epoch, top=top)),
            )
        said_at = float(meta.get(b"life_at", 0))
        return Loaded(
            stored=stored,
            claim=_claim(meta.get(b"holder"), meta.get(b"beats")),
            place=place,
            life=meta.get(b"life", b""),
            late=float(time[0]) + float(time[1]) / 1e6 - said_at,
        )

    async def _history(self, last: tuple[int, int]) -> list[Numbered]:
        found: list[Numbered] = []
        begin = "-"
        while True:
            page: Any = await self._reading.xrange(self._keys.log, min=begin, max=f"{last[0]}-{last[1]}", count=PAGE)
            for identity, fields in page:
                offset, step = _parse_id(identity)
                if step == 0:
                    found.append(_number(offset, fields))
            if len(page) < PAGE:
                return found
            offset, step = _parse_id(page[-1][0])
            begin = f"{offset}-{step + 1}"

    async def read(self, place: Place, *, block: float = BLOCK) -> Read:
        """Read what came behind a place, or wait for it, at most ``block`` seconds.

        Raises SharedLogError, UnreadableError.
        """
        keys = self._keys
        waiting = ("BLOCK", max(1, round(block * 1_000)), "STREAMS", keys.log, keys.signals)
        async with _asking():
            (epoch, holder, beats, numbered), found = await self._listening.ask(
                ("HMGET", keys.meta, "epoch", "holder", "beats", "signal"),
                ("XREAD", "COUNT", PAGE, *waiting, f"{place.offset}-{place.step}", f"{place.signal}-0"),
            )
        offset, step, signal = place
        # A Redis that has lost signals counts them anew.
        signal = min(signal, int(numbered or 0))
        entries: list[Numbered | Observed] = []
        signals: list[Signal] = []
        for name, items in found or ():
            for identity, listed in items:
                fields = dict(zip(listed[::2], listed[1::2], strict=True))
                if name == keys.signals.encode():
                    signal = _parse_id(identity)[0]
                    signals.append(Signal(kind=fields[b"k"].decode(), body=fields[b"b"]))
                else:
                    offset, step = _parse_id(identity)
                    entries.append(decode_observed(fields[b"a"]) if step else _number(offset, fields))
        return Read(
            epoch=(epoch or b"").decode(),
            claim=_claim(holder, beats),
            place=Place(offset, step, signal),
            entries=tuple(entries),
            signals=tuple(signals),
        )

    # Writing.

    async def take(self, seen: Claim, name: str) -> Taken:
        """Take the lease from a claim. Raises FencedError where it is another by now, SharedLogError."""
        answer = await self._run(scripts.TAKE, seen.holder, seen.beats, name)
        if answer[0] == b"refused":
            raise FencedError(_claim(answer[1], answer[2]))
        return Taken(claim=_claim(answer[1], answer[2]), epoch=answer[3].decode(), top=int(answer[4]))

    async def beat(self, holder: str, epoch: str, life: bytes) -> Claim:
        """Renew the lease, and say how upstream is. Raises FencedError, BrokenEpochError, SharedLogError."""
        answer = await self._run(scripts.BEAT, holder, epoch, life)
        if answer[0] == b"refused":
            raise FencedError(_claim(answer[1], answer[2]))
        if answer[0] == b"broken":
            raise BrokenEpochError
        return _claim(answer[1], answer[2])

    async def release(self, holder: str) -> None:
        """Give the lease back, and wake those who want it. Raises SharedLogError."""
        await self._run(scripts.RELEASE, holder)

    async def tell(self, kind: str, body: bytes) -> None:
        """Say something to all replicas. Raises SharedLogError."""
        await self._run(scripts.TELL, kind, body)

    async def begin(
        self,
        holder: str,
        epoch: str,
        *,
        base: int,
        at: float,
        held: Mapping[str, Observed],
        graves: Mapping[str, Tombstone],
    ) -> None:
        """Begin an epoch at an offset with a state. Raises FencedError, SharedLogError."""
        parts: list[bytes] = []
        for key, observed in held.items():
            parts += (key.encode(), encode_observed(observed))
        for key, grave in graves.items():
            parts += (key.encode(), encode_grave(grave))
        answer = await self._run(scripts.BEGIN, holder, epoch, base, repr(at), len(held), *parts)
        if answer[0] == b"fenced":
            raise FencedError(Claim())

    async def append(
        self,
        holder: str,
        epoch: str,
        *,
        top: int,
        batch: str,
        keep: int,
        entries: Sequence[Entry],
        renewals: Sequence[Renewal] = (),
    ) -> int:
        """Write changes behind an offset; return the new one. A ``batch`` that is there already isn't written twice.

        Entries below ``keep`` may go. Raises FencedError, BrokenEpochError, SharedLogError.
        """
        parts: list[bytes] = []
        for entry in entries:
            parts += encode_entry(entry)
        for renewal in renewals:
            key, shown = renewal.observed.document.key.encode(), b"1" if renewal.shown else b"0"
            parts += (key, encode_observed(renewal.observed), shown)
        arguments: Command = (holder, epoch, top, batch, keep, len(entries), *parts)
        answer = await self._run(scripts.APPEND, *arguments, often=True)
        match answer[0]:
            case b"fenced":
                raise FencedError(Claim())
            case b"epoch":
                raise BrokenEpochError
        return int(answer[1])

    async def _run(self, script: str, *arguments: str | bytes | int, often: bool = False) -> Any:
        async with _asking():
            if (sha := self._scripts.get(script)) is not None:
                with contextlib.suppress(redis.exceptions.NoScriptError):
                    return await self._call(sha, arguments, often=often)
            sha = self._scripts[script] = await self._writing.script_load(script)
            return await self._call(sha, arguments, often=often)

    async def _call(self, sha: str, arguments: Command, *, often: bool) -> Any:
        keys = tuple(self._keys)
        if not often:
            return await self._writing.evalsha(sha, len(keys), *keys, *arguments)
        [answer] = await self._appending.ask(("EVALSHA", sha, len(keys), *keys, *arguments))
        return answer


@contextlib.asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """Turn what may go wrong into SharedLogError, without a word of the URL."""
    try:
        yield
    except SharedLogError:
        raise
    except (redis.exceptions.TimeoutError, TimeoutError) as error:
        raise SharedLogError("timeout", "no answer in time") from error
    except redis.exceptions.OutOfMemoryError as error:
        what = "Redis has no memory left: raise maxmemory, or lower GATEWAY_LOG_BYTES"
        raise SharedLogError("memory", what) from error
    except redis.exceptions.AuthenticationError as error:
        raise SharedLogError("refused", "Redis refused the password") from error
    except redis.exceptions.ReadOnlyError as error:
        raise SharedLogError("read-only", "this Redis is a replica: name the master, or its Sentinels") from error
    except redis.exceptions.ResponseError as error:
        raise SharedLogError("answer", str(error)[:200]) from error
    except (redis.exceptions.RedisError, OSError) as error:
        raise SharedLogError("connection", type(error).__name__) from error


def _claim(holder: bytes | None, beats: bytes | None) -> Claim:
    return Claim(holder=(holder or b"").decode(), beats=int(beats or 0))


def _parse_id(identity: bytes) -> tuple[int, int]:
    offset, _, step = identity.partition(b"-")
    return int(offset), int(step)


def _number(offset: int, fields: Mapping[bytes, bytes]) -> Numbered:
    return Numbered(epoch=fields.get(b"n", b"").decode(), offset=offset, entry=decode_entry(fields))


def _end_of(history: Sequence[Numbered], *, epoch: str, top: int) -> list[Numbered]:
    """Return the end of a history that leads to the top without a gap."""
    end: list[Numbered] = []
    for numbered in reversed(history):
        if numbered.offset > top:
            continue
        if numbered.offset != top - len(end) or numbered.epoch != epoch:
            break
        end.append(numbered)
    return end[::-1]
