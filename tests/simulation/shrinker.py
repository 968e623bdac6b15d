"""Makes a failing history smaller: leaves out decisions as long as it fails the same way (delta debugging)."""

# Halves, quarters and so on are left out in turn, down to single decisions. Each candidate is a whole run of
# the simulation, so whatever is left does fail, and is what must be looked at:
#
#   1 2 3 4 5 6 7 8 fails   without 1-4: passes   without 5-8: fails   1 2 3 4 → without 1 2: fails   3 4 …

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrunk(
    decisions: Sequence[T], fails: Callable[[Sequence[T]], bool], *, within_seconds: float
) -> Sequence[T]:
    """Returns the fewest decisions found in the time that still fail."""
    until, left, size = time.monotonic() + within_seconds, list(decisions), max(1, len(decisions) // 2)
    while time.monotonic() < until:
        start, smaller = 0, False
        while start < len(left) and time.monotonic() < until:
            candidate = left[:start] + left[start + size :]
            if candidate and fails(candidate):
                left, smaller = candidate, True
            else:
                start += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2) if not smaller or size > 1 else 1
    return left
