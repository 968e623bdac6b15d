"""Counts what is held at once, by holder, so that nobody takes what is meant for others."""

# Invariant: no holder ever holds more than its limit, and what is held is given back however the block ends:
#
#   ("acme", "ann"): 2, ("acme",): 3    ann holds 2: her next is refused, bob's is not; then acme's are

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from shared.limits import Limit, record_hit

Holder = tuple[str, ...]
"""Names who holds something: a tenant, a person of it, an address; `()` is everybody together."""


class Shares:
    """What is held in this process."""

    def __init__(self) -> None:
        self._held: Counter[Holder] = Counter()

    @contextmanager
    def hold(self, limits: Mapping[Holder, Limit], refusal: Callable[[Limit], Exception]) -> Iterator[None]:
        """Holds one share of each holder during the block.

        Raises `refusal(limit)` for the first holder that has as many as its limit allows.
        """
        for holder, limit in limits.items():
            if self._held[holder] >= limit.most:
                record_hit(limit)
                raise refusal(limit)
        self._held.update(limits.keys())
        try:
            yield
        finally:
            self._held.subtract(limits.keys())
            for holder in limits:  # so that not everybody who ever came is remembered
                if not self._held[holder]:
                    del self._held[holder]
