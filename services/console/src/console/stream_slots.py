"""Limits how many event streams a process holds open, by person, by tenant and altogether."""

# Invariant: a stream holds its slot from before its first byte until it has ended, however it ends. One
# person cannot take the slots of their colleagues, nor one tenant those of others:
#
#   ann holds 16: her next 429, bob's first opens   demo holds 64: demo's next 429, acme's first opens

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import TransientError
from shared.limits import Limit, record_hit
from shared.limits.streams import STREAMS_PER_PERSON, STREAMS_PER_PROCESS, STREAMS_PER_TENANT
from shared.web.person import Person
from shared.web.problems import Problem

_RETRY_AFTER_SECONDS = 30


class StreamSlots:
    """Counts the open streams of this process; `most` is how many there may be altogether."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[tuple[str, ...]] = Counter()
        """Streams by tenant and person, by tenant, and, under the empty name, altogether."""

    @contextmanager
    def take(self, person: Person) -> Iterator[None]:
        """Holds a slot during the block.

        Raises a 429 `Problem` when the person or the tenant has too many, and `TransientError` when the
        process is full.
        """
        by_person, by_tenant = (person.tenant_id, person.person_id), (person.tenant_id,)
        if self._taken[by_person] >= STREAMS_PER_PERSON.most:
            raise _refused(STREAMS_PER_PERSON, "you have")
        if self._taken[by_tenant] >= STREAMS_PER_TENANT.most:
            raise _refused(STREAMS_PER_TENANT, "your tenant has")
        if self._taken[()] >= self._most:
            record_hit(STREAMS_PER_PROCESS)
            raise TransientError(
                f"{self._most} event streams are open here, the most there may be: come back later",
                retry_after=_RETRY_AFTER_SECONDS,
            )
        names = (by_person, by_tenant, ())
        self._taken.update(names)
        try:
            yield
        finally:
            self._taken.subtract(names)
            # What counts nothing is dropped, so that not everybody who ever came is remembered.
            self._taken = +self._taken


def _refused(limit: Limit, who: str) -> Problem:
    record_hit(limit)
    return Problem(
        429,
        "Too many event streams",
        f"{who} {limit.most} event streams open here, the most there may be: close one, or come back later",
        retry_after=_RETRY_AFTER_SECONDS,
    )
