"""Slows down whoever guesses passwords, by the e-mail address that is tried."""

# Invariant: an attempt counts as failed from its beginning until it succeeds, so many attempts at once gain
# no more guesses than one after another. From the fifth failure on the wait doubles, up to a minute:
#   failures   1   2   3   4   5   6   7   8    9    10   11   12 …
#   wait (s)   0   0   0   0   1   2   4   8   16    32   60   60 …
# State is kept in memory only, for the 10,000 addresses tried last.

from collections import OrderedDict
from collections.abc import Callable

from shared.web.problems import Problem

_FREE_FAILURES = 4
_LONGEST_WAIT_SECONDS = 60.0
_MOST_ADDRESSES = 10_000


class SignInThrottle:
    """Counts failures by address; `monotonic` returns seconds, as `time.monotonic` does."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        # Failures and the time from which the next attempt is let through, oldest attempt first.
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def begin_attempt(self, email: str) -> None:
        """Raises a 429 Problem while the wait after the last failure is not over."""
        failures, next_attempt_at = self._failures.pop(email, (0, 0.0))
        now = self._monotonic()
        if now < next_attempt_at:
            # An attempt that is turned away is no failure, and does not prolong the wait.
            self._failures[email] = failures, next_attempt_at
            raise Problem(429, "Too many attempts", f"Try again in {next_attempt_at - now:.0f} seconds.")
        self._failures[email] = failures + 1, now + _wait_seconds(failures + 1)
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def record_success(self, email: str) -> None:
        self._failures.pop(email, None)


def _wait_seconds(failures: int) -> float:
    excess = failures - _FREE_FAILURES - 1
    # The exponent is bounded, so that no count of failures overflows a float.
    return min(2.0 ** min(excess, 10), _LONGEST_WAIT_SECONDS) if excess >= 0 else 0.0
