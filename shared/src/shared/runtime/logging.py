"""Structured logs: one fact a line, for people on a terminal and as JSON elsewhere."""

import logging
import sys

import structlog

from shared.runtime.logged_errors import LOGGED_ERRORS

# They write a line for each call or message; ours have one canonical line each.
_NOISY_LOGGERS = ("aiokafka", "faststream", "httpx", "httpcore", "pymongo", "uvicorn.access")


def configure(service: str, level: str = "INFO") -> None:
    """Routes structlog and the standard library through one renderer, to stderr."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, LOGGED_ERRORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers()),
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _renderers() -> list[structlog.types.Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        # Not the pretty traceback: it prints local variables, and with them secrets.
        plain = structlog.dev.plain_traceback
        return [strip, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
