"""Structured logs: one line of JSON through orjson for each event, or a readable line on a terminal.

One line when a stream opens, one when it closes, none for a delivery.
"""

import asyncio
import atexit
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Literal

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError

# Local variables may hold a token; a traceback that shows them would put it into the log.
_TRANSFORMER = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_TRACEBACKS: Any = structlog.processors.ExceptionRenderer(_TRANSFORMER)
LINGER = 0.02
"""Seconds for which a line waits for others."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(*, level: str, log_format: Literal["auto", "json", "console"]) -> None:
    """Set up logging for the process; with ``auto``, for people where standard error is a terminal."""
    readable = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
    ]
    renderer: list[Any]
    if readable:
        renderer = [_for_people()]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        renderer = [_TRACEBACKS, structlog.processors.JSONRenderer(serializer=_serialise)]
        lines = Lines(sys.stderr.buffer)
        atexit.register(lines.write_out)
        factory = lambda *_: lines  # noqa: E731 - all loggers are one
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _adopt_standard_logging(_LEVELS[level], shared, readable=readable)


class Lines:
    """Writes lines to a file: from a warning on at once, others with those that come within ``LINGER`` seconds.

    A thousand who come together are a thousand lines: to have the system write each costs as much as to make it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._writing = threading.Lock()
        self._due_in: asyncio.AbstractEventLoop | None = None

    def info(self, line: bytes) -> None:
        """Write a line soon; at once where no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.warning(line)
            return
        self._lines.append(line)
        if self._due_in is not loop:
            self._due_in = loop
            loop.call_later(LINGER, self.write_out)

    def warning(self, line: bytes) -> None:
        """Write a line now, behind those that wait."""
        self._lines.append(line)
        self.write_out()

    debug = info
    error = critical = exception = warning

    def write_out(self) -> None:
        """Write now what waits."""
        self._due_in = None
        with self._writing:
            count = len(self._lines)
            data = b"".join(line + b"\n" for line in self._lines[:count])
            # A thread may have added one meanwhile.
            del self._lines[:count]
            while data:
                # Unbuffered, the system may take a part.
                data = data[self._file.write(data) or len(data) :]
            self._file.flush()


def make_server_logger() -> logging.Logger:
    """Return the logger for aiohttp's server, which passes over requests that aren't HTTP.

    Anybody can send those. Each would be an error with a traceback, that quotes a header which may be a credential.
    """
    logger = logging.getLogger("gateway.server")
    logger.addFilter(_is_no_bad_request)
    return logger


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _for_people() -> Any:
    formatter = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=formatter)


def _stamp(_: object, __: str, event: Any) -> Any:
    """Say when it was, in a third of the time that formatting all of it anew takes."""
    microseconds = time.time_ns() // 1_000
    event["timestamp"] = f"{_write_second(microseconds // 1_000_000)}.{microseconds % 1_000_000:06d}Z"
    return event


@lru_cache(maxsize=2)
def _write_second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _serialise(event: Any, **_: object) -> bytes:
    return orjson.dumps(event, default=str)


def _serialise_text(event: Any, **_: object) -> str:
    return _serialise(event).decode()


def _adopt_standard_logging(level: int, shared: list[Any], *, readable: bool) -> None:
    """Bring what libraries log into the same form."""
    renderer: Any = _for_people() if readable else structlog.processors.JSONRenderer(serializer=_serialise_text)
    processors: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not readable:
        processors.append(_TRACEBACKS)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*processors, renderer])
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
