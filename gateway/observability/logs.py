"""Structured logs: one line of JSON through orjson for each event, or a readable line on a terminal.

One line when a stream opens, one when it closes, none for a delivery.
"""

import asyncio
import logging
import sys
from typing import Any, BinaryIO, Literal, cast

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError

# Local variables may hold a token; a traceback that shows them would put it into the log.
_TRANSFORMER = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_TRACEBACKS: Any = structlog.processors.ExceptionRenderer(_TRANSFORMER)
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(*, level: str, log_format: Literal["auto", "json", "console"]) -> None:
    """Set up logging for the process; with ``auto``, for people where standard error is a terminal."""
    readable = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any]
    if readable:
        renderer = [_for_people()]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        renderer = [_TRACEBACKS, structlog.processors.JSONRenderer(serializer=_serialise)]
        factory = structlog.BytesLoggerFactory(cast("BinaryIO", LinesOfATurn(sys.stderr.buffer)))
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _adopt_standard_logging(_LEVELS[level], shared, readable=readable)


class LinesOfATurn:
    """A file whose lines are flushed together, once in a turn of the event loop; outside of one, each at once.

    A thousand who come at once are a thousand lines: to have the system write each costs as much as to make it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write
        self._flush = file.flush
        self._due_in: asyncio.AbstractEventLoop | None = None

    def flush(self) -> None:
        """Flush, at the latest in the event loop's next turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        if self._due_in is not loop:
            self._due_in = loop
            loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._due_in = None
        self._flush()


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
