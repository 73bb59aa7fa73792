"""Structured logs: one JSON object a line, and no secret in any of them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# So much of an exception's way is told: the calls nearest to the fault.
_FRAMES = 12


def configure(level: str) -> None:
    """Send the logs of this process, and of the libraries it uses, to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put an exception's types and places in its place.

    Neither local variables nor messages are told: both may hold what a guest sent.
    """
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = [
            {"type": type(one).__name__, "at": _places(one)} for one in _chain(error)
        ]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what led to it, the first cause last."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Libraries append the repr of what failed, and with it its message.
    event["event"] = str(event["event"]).partition("\n")[0]
    return event
