"""Logs: one JSON object per line, each with the correlation id of the exchange it belongs to.

No line carries a document, a patient's identifier, a secret, or the text of an unexpected error (which may quote a
statement's parameters): such an error is told by its kind and the places in our code that it passed.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from feuillet.configuration import ConfigurationRefused
from feuillet.settings import LogLevel, LogSettings

_FRAMES: Final = 6


def set_up(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send every line, ours and the libraries', where the settings say. Processes started later do the same.

    With `stream`, they go there instead. Raises `ConfigurationRefused` when the file cannot be written.
    """
    stream = stream or _stream(settings.file)
    level = logging.getLevelNamesMapping()[settings.level.value.upper()]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _without_exception_text,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:2], _name_logger, _without_exception_text, shared[3]],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))


def set_up_for_command() -> None:
    """Send warnings to standard error, so that a command's own output stays clean."""
    set_up(LogSettings(level=LogLevel.WARNING, format="text"), sys.stderr)


def unfiltered() -> Any:
    """A logger whose lines are written whatever the level is."""
    return structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET))


def places(error: BaseException) -> list[str]:
    """Where in the code an error passed: file, line and function, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]]


def kind(error: BaseException) -> str:
    """The name of an error's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _stream(file: Path | None) -> TextIO:
    if file is None:
        return sys.stdout
    try:
        return file.open("a", encoding="utf-8", buffering=1)
    except OSError:
        raise ConfigurationRefused(["logs.file: expected the path of a file that can be written to"]) from None


def _name_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


def _without_exception_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    if given is None and record is not None:
        given = record.exc_info
    error = given[1] if isinstance(given, tuple) else given
    if record is not None:
        record.exc_info = record.exc_text = None
    if isinstance(error, BaseException):
        event["exception"], event["where"] = kind(error), places(error)
    return event
