"""Limits how many event streams a process holds open, by person, by tenant and altogether."""

# Invariant: a stream holds its slot from before its first byte until it has ended, however it ends. One
# person cannot take the slots of their colleagues, nor one tenant those of others:
#
#   ann holds 16: her next 429, bob's first opens   demo holds 64: demo's next 429, acme's first opens

from contextlib import AbstractContextManager
from dataclasses import replace

from shared.errors import TransientError
from shared.limits import Limit
from shared.limits.streams import STREAMS_PER_PERSON, STREAMS_PER_PROCESS, STREAMS_PER_TENANT
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.shares import Shares

_RETRY_AFTER_SECONDS = 30
_WHO = {STREAMS_PER_PERSON: "you have", STREAMS_PER_TENANT: "your tenant has"}


class StreamSlots:
    """Counts the open streams of this process; `most` is how many there may be altogether."""

    def __init__(self, most: int) -> None:
        self._of_process, self._shares = replace(STREAMS_PER_PROCESS, most=most), Shares()

    def take(self, person: Person) -> AbstractContextManager[None]:
        """Holds a slot during the block.

        Raises a 429 `Problem` when the person or the tenant has too many, and `TransientError` when the
        process is full.
        """
        slots = {
            (person.tenant_id, person.person_id): STREAMS_PER_PERSON,
            (person.tenant_id,): STREAMS_PER_TENANT,
            (): self._of_process,
        }
        return self._shares.hold(slots, _refusal)


def _refusal(limit: Limit) -> Exception:
    if limit not in _WHO:
        return TransientError(
            f"{limit.most} event streams are open here, the most there may be: come back later",
            retry_after=_RETRY_AFTER_SECONDS,
        )
    return Problem(
        429,
        "Too many event streams",
        f"{_WHO[limit]} {limit.most} event streams open here, the most there may be: "
        "close one, or come back later",
        retry_after=_RETRY_AFTER_SECONDS,
    )
