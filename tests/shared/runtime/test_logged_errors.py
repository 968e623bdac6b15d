import asyncio
import sys

import structlog
from clocks import MonotonicClock

from shared.errors import TransientError
from shared.runtime.logged_errors import LoggedErrors


def a_log(errors: LoggedErrors) -> structlog.typing.FilteringBoundLogger:
    wrapper = structlog.make_filtering_bound_logger(0)
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), [errors, structlog.processors.KeyValueRenderer()], wrapper
    )
    return log


def test_a_bug_that_was_logged_makes_the_service_degraded_until_it_has_been_quiet() -> None:
    clock = MonotonicClock()
    errors = LoggedErrors(monotonic=clock)
    log = a_log(errors)

    log.error("scope_set_aside", exc_info=ValueError("a bug"))
    clock.seconds += 300
    log.error("write_round_failed", exc_info=ValueError("another"))
    clock.seconds += 599

    sentence = errors.degradation() or ""
    assert "2" in sentence
    assert "write_round_failed" in sentence
    clock.seconds += 2
    assert errors.degradation() is None


def test_what_is_no_bug_degrades_nothing() -> None:
    errors = LoggedErrors()
    log = a_log(errors)

    log.error("message_dead_lettered", exc_info=None)
    log.warning("job_round_failed", exc_info=TransientError("the store is away"))

    assert errors.degradation() is None


async def test_the_log_of_a_service_counts_its_errors() -> None:
    program = """
import structlog
from shared.runtime import logging
from shared.runtime.logged_errors import LOGGED_ERRORS
logging.configure("billing")
structlog.get_logger().error("run_set_aside", exc_info=ValueError("a bug"))
print(LOGGED_ERRORS.degradation())
"""

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )

    assert "run_set_aside" in (await process.communicate())[0].decode()
