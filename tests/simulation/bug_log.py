"""What the services log while they are simulated: nothing is written, no bug is passed over."""

# A service survives what goes wrong in one round, and logs it. In a simulation no round may go wrong but for
# what the simulation does to it, and all of that is transient: an error that is logged with its traceback is
# a bug, of the product or of the simulation.

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog


class BugLog:
    """Takes every log line, and keeps the first that tells of a bug."""

    def __init__(self) -> None:
        self.first: str | None = None

    @contextmanager
    def taking_over(self) -> Iterator[None]:
        """Forgets what was, and takes over logging until the simulation is over."""
        self.first, before = None, structlog.get_config()
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
            processors=[self._look_at],
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**before)

    def _look_at(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        error = event.get("exc_info")
        if isinstance(error, BaseException) and self.first is None:
            self.first = f"{event['event']}: {error!r}"
        raise structlog.DropEvent


BUGS = BugLog()
