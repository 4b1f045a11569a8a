"""One structured logger for scripts, notebooks and assets."""

import logging
import os
import sys
import time
from collections.abc import MutableMapping
from functools import partialmethod
from typing import Any

import structlog

from atoll.configuration import settings

COLOURS = {"debug": "36", "info": "32", "warning": "33", "error": "31", "critical": "31;1"}


class _Output:
    """Writes to the run's log while a step's code runs, from any of its threads, and to stderr at any other time."""

    def _write(self, level: str, text: str) -> None:
        handler = _run_handler()
        if handler is not None:
            handler.handle(logging.LogRecord("atoll", _number(level), __file__, 0, text, None, None))
            return
        label = f"{level:<8}"
        if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
            label = f"\x1b[{COLOURS[level]}m{label}\x1b[0m"
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {label} {text}\n")

    debug = partialmethod(_write, "debug")
    info = partialmethod(_write, "info")
    warning = partialmethod(_write, "warning")
    error = partialmethod(_write, "error")
    critical = partialmethod(_write, "critical")


def _run_handler() -> logging.Handler | None:
    """Find what Dagster hangs on its Python logger for as long as a step's code runs."""
    get_dagster_logger = getattr(sys.modules.get("dagster"), "get_dagster_logger", None)
    handlers = get_dagster_logger().handlers if get_dagster_logger else []
    return handlers[-1] if handlers else None


def _number(level: str) -> int:
    return int(getattr(logging, level.upper()))


def _drop_quiet(_: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if _number(level) < _number(settings().log_level):
        raise structlog.DropEvent
    return event


def _render(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    text, trace = str(event.pop("event", "")), event.pop("exception", None)
    line = " ".join([text, *(f"{name}={_quote(value)}" for name, value in event.items())]).replace("\n", "\\n")
    return line if trace is None else f"{line}\n{trace}"


def _quote(value: object) -> str:
    text = str(value)
    return repr(text) if text == "" or any(mark in text for mark in " \n\"'=") else text


logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
    _Output(),
    processors=[_drop_quiet, structlog.processors.format_exc_info, _render],
    wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    context_class=dict,
)
