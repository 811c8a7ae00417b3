"""The format of log lines; the code at each place decides what is logged.

Everything goes to stderr, in one form: our own lines and those of the libraries.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from io import StringIO
from typing import TextIO

import structlog

from perdure.cli.terminal import line, text
from perdure.settings import Settings

# Most values are ids, which nothing has to be looked at in; texts with one of the others are in
# quotes, so that a line can be taken apart.
_HARMLESS = re.compile("[!-~]*")
_QUOTED = re.compile("[ \\t=\\r\\n\"']")


def configure(settings: Settings) -> None:
    """Sets up logging for this process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # JSON escapes what a terminal would obey
    shared.append(
        structlog.processors.format_exc_info if settings.log_format == "json" else _harmless
    )
    structlog.configure(
        processors=[*shared, _renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    _adopt_library_lines(level, shared, _renderer(settings))


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    colourless = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
    if sys.stderr.isatty() and not colourless:
        return structlog.dev.ConsoleRenderer(colors=True, exception_formatter=_harmless_traceback)
    return structlog.dev.ConsoleRenderer(
        columns=plain_columns(), exception_formatter=_harmless_traceback
    )


def plain_columns() -> list[structlog.dev.Column]:
    """Returns the columns of a line without colours, as structlog's own write them, and at a third
    of their cost: each run that ends is a line.
    """
    return [
        structlog.dev.Column("", lambda key, value: f"{key}={_shown(value)}"),
        structlog.dev.Column("timestamp", lambda _, value: str(value)),
        structlog.dev.Column("level", lambda _, value: f"[{value!s:<9}]"),
        structlog.dev.Column("event", lambda _, value: f"{value!s:<30}"),
    ]


def _shown(value: object) -> str:
    return value if isinstance(value, str) and not _QUOTED.search(value) else repr(value)


def _harmless(_: object, __: str, event: structlog.typing.EventDict) -> Mapping[str, object]:
    """Makes texts of others, which come as values, harmless and keeps each on its line; a library's
    own words may take several.
    """
    for name, value in event.items():
        if isinstance(value, str) and not _HARMLESS.fullmatch(value):
            event[name] = text(value) if name == "event" else line(value)
    return event


def _harmless_traceback(to: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Prints a plain traceback: the prettier ones print local variables, which hold users'
    texts.
    """
    plain = StringIO()
    structlog.dev.plain_traceback(plain, error)
    to.write(text(plain.getvalue()))


def _adopt_library_lines(
    level: int,
    shared: list[structlog.typing.Processor],
    renderer: structlog.typing.Processor,
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # libraries speak up only when something is wrong
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
