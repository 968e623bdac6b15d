"""The time, as the services see it: a clock is passed in, so that a test can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

from shared.contracts.base import utc

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""


def utc_now() -> datetime:
    """Returns the present moment, cut to the milliseconds that the document store keeps."""
    return utc(datetime.now(UTC))
