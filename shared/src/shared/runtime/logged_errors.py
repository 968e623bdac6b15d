"""Makes a service degraded while errors of ours stand in its log: work that was set aside for one waits."""

# Invariant: whatever is logged as an error with its traceback is a bug, for what the world does to us is
# handled. The service says so until ten minutes have brought no other:
#
#   12:00 scope_set_aside   12:03 write_round_failed   → degraded until 12:13, "2 errors, the newest …"

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from structlog.typing import EventDict

_QUIET_AFTER = timedelta(minutes=10)
_MOST_COUNTED = 100


class LoggedErrors:
    """Counts errors as a processor of the log, and says how many there were lately."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._newest: deque[tuple[float, str]] = deque(maxlen=_MOST_COUNTED)

    def __call__(self, _logger: Any, method: str, event: EventDict) -> EventDict:
        """Counts the event, as `structlog` calls its processors, and hands it on as it is."""
        if method == "error" and event.get("exc_info"):
            self._newest.append((self._monotonic(), str(event.get("event"))))
        return event

    def degradation(self) -> str | None:
        """Returns how many errors there were, and the newest; None once it has been quiet for long enough."""
        quiet_before = self._monotonic() - _QUIET_AFTER.total_seconds()
        if not self._newest or self._newest[-1][0] < quiet_before:
            self._newest.clear()
            return None
        count, (_, newest) = len(self._newest), self._newest[-1]
        number = f"{count} or more" if count == _MOST_COUNTED else f"{count}"
        return f"errors that are ours: {number}, the newest is {newest}: the log has the traceback; report it"


LOGGED_ERRORS = LoggedErrors()
"""Of this process, whose log is one."""
