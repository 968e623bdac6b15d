"""Waits longer after each failure, and leaves alone for a while what has just failed."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

PAUSE = timedelta(minutes=1)
"""How long what failed is left alone: what stopped it may be mended by news, or by a new version."""


def backoff_seconds(failures: int, *, first: float, longest: float) -> float:
    """The pause before the next try, in seconds: `first`, doubled by each further failure, at most `longest`.

    With `first=0.5, longest=10`: 0.5, 1, 2, 4, 8, 10, 10 … after 1, 2, 3, 4, 5, 6, 7 … failures.
    """
    # The exponent is bounded, so that a far side that stays away for years does not overflow a float.
    return min(first * 2.0 ** min(max(failures - 1, 0), 32), longest)


class Backoff(Generic[K]):
    """Remembers which keys failed a moment ago, so that a bug in one of them does not hold up the others.

    State is kept in memory only: after a restart every key is tried at once.
    """

    def __init__(self, clock: Callable[[], datetime], pause: timedelta = PAUSE) -> None:
        self._clock, self._pause = clock, pause
        self._not_before: dict[K, datetime] = {}

    def ready(self, key: K) -> bool:
        """Whether the key may be tried now; a pause that is over is forgotten."""
        until = self._not_before.get(key)
        if until is not None and until > self._clock():
            return False
        self._not_before.pop(key, None)
        return True

    def failed(self, key: K) -> datetime:
        """Leaves the key alone from now on; returns until when."""
        until = self._not_before[key] = self._clock() + self._pause
        return until
