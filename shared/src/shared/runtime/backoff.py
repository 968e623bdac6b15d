"""Waits longer after each failure, and leaves alone for a while what has just failed."""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.runtime.clock import Clock

K = TypeVar("K", bound=Hashable)

PAUSE = timedelta(minutes=1)
"""How long a key that failed is left alone: later news, or a new version, may cure the cause."""

_MAX_DOUBLINGS = 32


def backoff_seconds(failures: int, *, first: float, longest: float) -> float:
    """Returns the seconds to pause before the next try: `first`, doubled by each failure, at most `longest`.

    With `first=0.5, longest=10`: 0.5, 1, 2, 4, 8, 10, 10 … after 1, 2, 3, 4, 5, 6, 7 … failures.
    """
    # The exponent is bounded: a far side that stays away for years must not overflow a float.
    return min(first * 2.0 ** min(max(failures - 1, 0), _MAX_DOUBLINGS), longest)


class Backoff(Generic[K]):
    """Remembers which keys failed a moment ago, so that a bug in one of them does not hold up the others.

    State is kept in memory only. After a restart every key may be tried at once.
    """

    def __init__(self, clock: Clock, pause: timedelta = PAUSE) -> None:
        self._clock, self._pause = clock, pause
        self._not_before: dict[K, datetime] = {}

    def ready(self, key: K) -> bool:
        """Tells whether the key may be tried now; forgets a pause that is over."""
        until = self._not_before.get(key)
        if until is not None and until > self._clock():
            return False
        self._not_before.pop(key, None)
        return True

    def failed(self, key: K) -> datetime:
        """Leaves the key alone from now on, and returns the moment at which it may be tried again."""
        until = self._not_before[key] = self._clock() + self._pause
        return until
